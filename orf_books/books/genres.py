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
    headings do. Weak headings, such as what a story is about, count where there is nothing else.
    At most `MOST_GENRES`; none if no heading says anything.
    """
    by_source = [[genre for text in source for genre in _genres(str(text))] for source in headings]
    strong = [[genre.name for genre in genres if not genre.is_weak] for genres in by_source]
    if not any(strong):
        strong = [[genre.name for genre in genres] for genres in by_source]
    frequency = Counter(name for names in strong for name in names)
    first_source: dict[str, int] = {}
    for place, names in enumerate(strong):
        for name in names:
            first_source.setdefault(name, place)
    ranked = sorted(first_source, key=lambda name: (first_source[name], -frequency[name]))
    return tuple(ranked[:MOST_GENRES])


@dataclass(frozen=True, slots=True)
class _Genre:
    name: str
    is_weak: bool = False


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
def _genres(heading: str) -> tuple[_Genre, ...]:
    """What one heading says, each genre once."""
    text = _clean(heading)
    if _is_noise(text):
        return ()
    whole = _genre_map().headings.get(_match_key(text))
    if whole:
        return tuple(map(_Genre, whole))
    parts = _parts(text)
    forms = [form for part in parts if (form := _genre_map().forms.get(_match_key(part)))]
    in_fiction = any(form.is_fiction for form in forms)
    genres = [_Genre(form.genre) for form in forms if form.genre]
    for part in parts:
        genres += _genres_of_part(part, in_fiction=in_fiction)
    return tuple(dict.fromkeys(genres))


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
    names = _mapped(key, head, in_fiction=in_fiction)
    if in_fiction:
        # `Music -- Fiction` is no book on music.
        names = tuple(name for name in names if name not in _genre_map().nonfiction)
    return list(map(_Genre, names))


def _mapped(key: str, head: str, *, in_fiction: bool) -> tuple[str, ...]:
    genre_map = _genre_map()
    for term in (key, head):
        if in_fiction and (names := genre_map.headings_in_fiction.get(term)):
            return names
        if names := genre_map.headings.get(term):
            return names
    padded = f" {key} "
    return next(((genre,) for words, genre in genre_map.keywords if words in padded), ())


def _match_key(text: str) -> str:
    """Lower case without accents and punctuation, `&` as `and`: what the map is written in."""
    apart = unicodedata.normalize("NFKD", text.replace("&", " and ")).casefold()
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return " ".join(re.findall(r"\w+", re.sub(r"['\u2019]", "", plain)))
