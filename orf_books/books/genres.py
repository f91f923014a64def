"""From subject headings to genres that people recognise.

Belongs here: cleaning headings and mapping them, by the rules here and the data of `genres.json`.
Does not belong here: where the headings came from, and keeping the raw ones for a later map.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

MOST_GENRES = 6


def _read_map() -> dict[str, Any]:
    text = files("orf_books.books").joinpath("genres.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


_MAP = _read_map()
GENRE_MAP_VERSION: str = _MAP["version"]
"""Changes with the data; books mapped by another version may have other genres."""


def genres_from_headings(headings: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Genres of a book, most certain first, from the headings of each source in priority order.

    A genre stands before another if an earlier source names it, or the same source and more
    headings do. What a novel is about is not its genre, and weak headings count only where there
    is nothing else. At most `MOST_GENRES`; none if no heading says anything.
    """
    sources = [[_read(str(heading)) for heading in source] for source in headings]
    is_fiction = any(reading.is_fiction for source in sources for reading in source)
    named = [[genre for reading in source for genre in reading.genres] for source in sources]
    named = [[g for g in genres if not (g.is_topic and is_fiction)] for genres in named]
    strong = [[genre.name for genre in genres if not genre.is_weak] for genres in named]
    return _ranked(strong if any(strong) else [[genre.name for genre in g] for g in named])


def _ranked(names_by_source: Sequence[Sequence[str]]) -> tuple[str, ...]:
    frequency = Counter(name for names in names_by_source for name in names)
    first_source: dict[str, int] = {}
    for place, names in enumerate(names_by_source):
        for name in names:
            first_source.setdefault(name, place)
    ranked = sorted(first_source, key=lambda name: (first_source[name], -frequency[name]))
    return tuple(ranked[:MOST_GENRES])


@dataclass(frozen=True, slots=True)
class _Genre:
    name: str
    is_topic: bool = False
    """Whether a heading on a subject implies it: `World War, 1939-1945`."""
    is_weak: bool = False


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one heading says, each genre once."""

    genres: tuple[_Genre, ...] = ()
    is_fiction: bool = False


@dataclass(frozen=True, slots=True)
class _Form:
    """A part of a heading that says what kind of book it is about the rest."""

    is_fiction: bool
    genre: str | None


@dataclass(frozen=True, slots=True)
class _GenreMap:
    noise: re.Pattern[str]
    person: re.Pattern[str]
    noise_headings: frozenset[str]
    forms: Mapping[str, _Form]
    nonfiction: frozenset[str]
    headings: Mapping[str, tuple[str, ...]]
    headings_in_fiction: Mapping[str, tuple[str, ...]]
    weak_headings: Mapping[str, tuple[str, ...]]
    keywords: tuple[tuple[str, str], ...]


_PARENTHESES = re.compile(r"\s*\([^()]*\)\s*$")
_DIVIDER = re.compile(r"\s+/\s+|\s*--\s*")


@cache
def _genre_map() -> _GenreMap:
    noise = _MAP["noise"]
    return _GenreMap(
        noise=re.compile("|".join(f"(?:{pattern})" for pattern in noise["patterns"])),
        person=re.compile(noise["person"]),
        noise_headings=frozenset(map(_match_key, noise["headings"])),
        forms={
            key: _Form(is_fiction=form["fiction"], genre=form["genre"])
            for key, form in _MAP["forms"].items()
        },
        nonfiction=frozenset(_MAP["nonfiction"]),
        headings=_by_heading(_MAP["headings"]),
        headings_in_fiction=_by_heading(_MAP["headings_in_fiction"]),
        weak_headings=_by_heading(_MAP["weak_headings"]),
        keywords=tuple((f" {words} ", genre) for words, genre in _MAP["keywords"]),
    )


def _by_heading(headings_by_genre: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    genres: dict[str, tuple[str, ...]] = {}
    for genre, headings in headings_by_genre.items():
        for heading in headings:
            genres[heading] = (*genres.get(heading, ()), genre)
    return genres


@lru_cache(maxsize=16384)
def _read(heading: str) -> _Reading:
    text = _clean(heading)
    if _is_noise(text):
        return _Reading()
    parts = _parts(text)
    forms = [form for part in parts if (form := _genre_map().forms.get(_match_key(part)))]
    is_fiction = any(form.is_fiction for form in forms)
    if whole := _genre_map().headings.get(_match_key(text)):
        return _Reading(tuple(map(_Genre, whole)), is_fiction)
    genres = [_Genre(form.genre) for form in forms if form.genre]
    for part in parts:
        genres += _genres_of_part(part, in_fiction=is_fiction)
    return _Reading(tuple(dict.fromkeys(genres)), is_fiction)


def _clean(heading: str) -> str:
    text = " ".join(unicodedata.normalize("NFKC", heading).split())
    return text.rstrip(".").rstrip()


def _is_noise(text: str) -> bool:
    return not text or bool(_genre_map().noise.search(text.casefold()))


def _is_person(text: str) -> bool:
    """`Orwell, George, 1903-1950`, but not `United States, History, Civil War, 1861-1865`."""
    if not _genre_map().person.search(text):
        return False
    return not any(_match_key(part) in _genre_map().headings for part in text.split(",")[1:])


def _parts(text: str) -> list[str]:
    """BISAC paths and LCSH strings divided; commas divide only where a form begins or ends it."""
    divided = _DIVIDER.split(text)
    if len(divided) > 1:
        return divided
    by_comma = text.split(", ")
    forms = _genre_map().forms
    if _match_key(by_comma[0]) in forms or _match_key(by_comma[-1]) in forms:
        return by_comma
    return [text]


def _genres_of_part(part: str, *, in_fiction: bool) -> list[_Genre]:
    if _is_noise(part) or _is_person(part):
        return []
    key = _match_key(_PARENTHESES.sub("", part))
    # `Science fiction, American`, `World War, 1939-1945`: the term before the comma is the genre.
    head = _match_key(part.partition(",")[0])
    if key in _genre_map().noise_headings or key in _genre_map().forms:
        return []
    if weak := _genre_map().weak_headings.get(key):
        return [_Genre(name, is_weak=True) for name in weak]
    exact = _mapped(key, in_fiction=in_fiction)
    names = exact or _mapped(head, in_fiction=in_fiction) or _by_keyword(key)
    nonfiction = _genre_map().nonfiction
    return [
        _Genre(name, is_topic=name in nonfiction and not exact)
        for name in names
        # `Music -- Fiction` is no book on music.
        if not (in_fiction and name in nonfiction)
    ]


def _mapped(term: str, *, in_fiction: bool) -> tuple[str, ...]:
    meant_in_fiction = _genre_map().headings_in_fiction.get(term) if in_fiction else None
    return meant_in_fiction or _genre_map().headings.get(term, ())


def _by_keyword(key: str) -> tuple[str, ...]:
    padded = f" {key} "
    return next(((genre,) for words, genre in _genre_map().keywords if words in padded), ())


def _match_key(text: str) -> str:
    """Lower case without accents and punctuation, `&` as `and`: what the map is written in."""
    apart = unicodedata.normalize("NFKD", text.replace("&", " and ")).casefold()
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return " ".join(re.findall(r"\w+", re.sub(r"['\u2019]", "", plain)))
