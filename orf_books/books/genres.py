"""From subject headings to genres that people recognise.

Belongs here: cleaning headings and mapping them, by the rules here and the data of `genres.json`;
`docs/genres.md` describes both. Does not belong here: where the headings came from, and storing
them for a later map.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

MOST_GENRES = 6
MOST_TOPICS = 6
HEADINGS_BESIDE_A_STRAY = 4
"""Beside more headings than this, a single one for the young comes from an adapted edition."""


def _read_map() -> dict[str, Any]:
    text = files("orf_books.books").joinpath("genres.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


_MAP = _read_map()
GENRE_MAP_VERSION: str = _MAP["version"]
"""Changes with the data and the rules; books read by another version may have other genres."""
GENRES: tuple[str, ...] = tuple(_MAP["genres"])
"""The names of all genres."""


class Audience(StrEnum):
    """Whom a book is for."""

    CHILDREN = "children"
    YOUNG_ADULT = "young adult"
    ADULT = "adult"


class DropReason(StrEnum):
    """Why a heading gave the book no genre."""

    MACHINE_TAG = "machine tag"
    LIBRARY = "library note"
    LIST = "list or prize"
    FORMAT = "format or language"
    SCHOOL = "for schools"
    CRITICISM = "about literature"
    NAME = "person, character or place"
    PERIOD = "period or number"
    TOO_LITTLE = "says too little"
    MISLEADING = "sounds like a genre"
    NOT_IN_MAP = "not in the map"
    SUBJECT_OF_FICTION = "what a story is about"
    OTHER_KIND = "contradicts most headings"
    WEAK = "weaker than another heading"
    OTHER_AUDIENCE = "for another audience"
    CROWDED_OUT = "more genres than are shown"


_TOPICS = frozenset({DropReason.NOT_IN_MAP, DropReason.SUBJECT_OF_FICTION})


class DroppedHeading(NamedTuple):
    """A heading, as the source has it, that gave the book no genre."""

    heading: str
    reason: DropReason


@dataclass(frozen=True, slots=True)
class Classification:
    """What the headings of a book say about it."""

    genres: tuple[str, ...]
    """Most certain first."""
    broader: tuple[str, ...]
    """Genres that these belong to and that no heading names."""
    is_fiction: bool | None
    """None where headings do not say, as for most poems and plays, or contradict each other."""
    audience: Audience | None
    """None where the headings say nothing; adult is what is not said to be for the young."""
    dropped: tuple[DroppedHeading, ...]

    @property
    def topics(self) -> tuple[str, ...]:
        """What the book is about, in the words of the sources: neither noise nor genres."""
        topics = (heading for heading, reason in self.dropped if reason in _TOPICS)
        return tuple(dict.fromkeys(map(_topic, topics)))[:MOST_TOPICS]


def genres_from_headings(headings: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Genres of a book, most certain first, from the headings of each source in priority order."""
    return read_headings(headings).genres


def is_of_fiction(genre: str) -> bool | None:
    """Whether only stories have the genre, or none has; None where both may."""
    return _genre_map().is_fiction.get(genre)


def ancestors(genre: str) -> Iterator[str]:
    """The genres that a genre belongs to, the closest first."""
    while parent := _MAP["genres"][genre].get("parent"):
        yield parent
        genre = parent


def read_headings(headings: Iterable[Sequence[str]]) -> Classification:
    """Classify a book by the headings of each source, in priority order.

    A genre stands before another if an earlier source names it, or the same source and more
    headings do. What a novel is about is not its genre, and weak headings count only where there
    is nothing else. At most `MOST_GENRES`; none if no heading says anything.
    """
    readings = [
        _HeadingOfSource(place, str(heading), _read(str(heading)))
        for place, source in enumerate(headings)
        for heading in source
    ]
    is_fiction = _is_fiction(readings)
    audience = _audience(readings)
    reasons = _reasons_against(readings, is_fiction=is_fiction, audience=audience)
    genres = _ranked(readings, reasons.keys())
    above = dict.fromkeys(broader for genre in genres for broader in ancestors(genre))
    return Classification(
        genres=genres,
        broader=tuple(genre for genre in above if genre not in genres),
        is_fiction=is_fiction,
        audience=audience or (Audience.ADULT if genres else None),
        dropped=tuple(_dropped(readings, genres, reasons)),
    )


@lru_cache(maxsize=4096)
def genres_of_shelf(name: str) -> tuple[str, ...]:
    """The genres that a reader's own shelf names: `ya-fantasy` does, `history-class` does not.

    A shelf names genres only if there is hardly a word beside them in its name.
    """
    words = _match_key(re.sub(r"[-_]+", " ", name)).split()
    genres: list[str] = []
    while words:
        for end in range(len(words), 0, -1):
            phrase = " ".join(words[:end])
            named = _genre_map().shelves.get(phrase) or _genre_map().headings.get(phrase)
            if named or phrase in _genre_map().words_beside_genres_on_shelves:
                genres += named or ()
                words = words[end:]
                break
        else:
            return ()
    return tuple(dict.fromkeys(genres))


# One heading, by itself


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
    is_fiction: bool | None = None
    reason: DropReason = DropReason.NOT_IN_MAP
    """Why it has no genres, if it has none."""


@dataclass(frozen=True, slots=True)
class _Form:
    """A part of a heading that says what kind of book it is about the rest."""

    is_fiction: bool | None
    genre: str | None


@dataclass(frozen=True, slots=True)
class _Noise:
    reason: DropReason
    pattern: re.Pattern[str] | None
    headings: frozenset[str]


@dataclass(frozen=True, slots=True)
class _GenreMap:
    noise: tuple[_Noise, ...]
    person: re.Pattern[str]
    says_fiction: frozenset[str]
    says_nonfiction: frozenset[str]
    forms: Mapping[str, _Form]
    is_fiction: Mapping[str, bool]
    """The genres that only stories have, and those that none has."""
    headings: Mapping[str, tuple[str, ...]]
    headings_in_fiction: Mapping[str, tuple[str, ...]]
    weak_headings: Mapping[str, tuple[str, ...]]
    shelves: Mapping[str, tuple[str, ...]]
    words_beside_genres_on_shelves: frozenset[str]
    keywords: tuple[tuple[str, str], ...]


_PARENTHESES = re.compile(r"\s*\([^()]*\)\s*$")
_PATH = re.compile(r"\s+/\s+")
_SUBDIVISION = re.compile(r"\s*--\s*")


@cache
def _genre_map() -> _GenreMap:
    return _GenreMap(
        noise=tuple(_noise(entry) for entry in _MAP["noise"]),
        person=re.compile(_MAP["person"]),
        says_fiction=frozenset(_MAP["says_fiction"]),
        says_nonfiction=frozenset(_MAP["says_nonfiction"]),
        forms={
            key: _Form(is_fiction=form["fiction"], genre=form["genre"])
            for key, form in _MAP["forms"].items()
        },
        is_fiction={
            name: genre["kind"] == "fiction"
            for name, genre in _MAP["genres"].items()
            if "kind" in genre
        },
        headings=_by_heading(_MAP["headings"]),
        headings_in_fiction=_by_heading(_MAP["headings_in_fiction"]),
        weak_headings=_by_heading(_MAP["weak_headings"]),
        shelves=_by_heading(_MAP["shelves"]),
        words_beside_genres_on_shelves=frozenset(_MAP["words_beside_genres_on_shelves"]),
        keywords=tuple((f" {words} ", genre) for words, genre in _MAP["keywords"]),
    )


def _noise(entry: Mapping[str, Any]) -> _Noise:
    pattern = "|".join(f"(?:{pattern})" for pattern in entry["patterns"])
    return _Noise(
        reason=DropReason(entry["reason"]),
        pattern=re.compile(pattern) if pattern else None,
        headings=frozenset(entry["headings"]),
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
    if reason := _noise_by_pattern(text):
        return _Reading(reason=reason)
    parts, is_path = _parts(text)
    forms = [form for part in parts if (form := _genre_map().forms.get(_match_key(part)))]
    is_fiction = _said_by(forms, text)
    if whole := _genre_map().headings.get(_match_key(text)):
        return _Reading(tuple(map(_Genre, whole)), is_fiction)
    genres = [_Genre(form.genre) for form in forms if form.genre]
    reasons = []
    for part in parts:
        found = _read_part(part, in_fiction=is_fiction is True)
        genres += found.genres
        reasons.append(found.reason)
        if found.genres and is_path:
            break  # What follows only tells which of them: `Thrillers / Psychological`.
    return _Reading(tuple(dict.fromkeys(genres)), is_fiction, _most_telling(reasons))


def _topic(heading: str) -> str:
    """A heading without the parts that only say that the book is a story."""
    parts = [
        part for part in _parts(_clean(heading))[0] if _match_key(part) not in _genre_map().forms
    ]
    return ", ".join(parts)


def _clean(heading: str) -> str:
    text = " ".join(unicodedata.normalize("NFKC", heading).split())
    return text.rstrip(".").rstrip()


def _noise_by_pattern(text: str) -> DropReason | None:
    if not text:
        return DropReason.TOO_LITTLE
    folded = text.casefold()
    noise = _genre_map().noise
    return next((n.reason for n in noise if n.pattern and n.pattern.search(folded)), None)


def _said_by(forms: Sequence[_Form], text: str) -> bool | None:
    said = {form.is_fiction for form in forms}
    if True in said or _match_key(text) in _genre_map().says_fiction:
        return True
    return False if False in said or _match_key(text) in _genre_map().says_nonfiction else None


def _is_person(text: str) -> bool:
    """`Orwell, George, 1903-1950`, but not `United States, History, Civil War, 1861-1865`."""
    if not _genre_map().person.search(text):
        return False
    return not any(_match_key(part) in _genre_map().headings for part in text.split(",")[1:])


def _parts(text: str) -> tuple[list[str], bool]:
    """The parts of a heading, and whether they are a path from the general to the particular.

    BISAC paths and LCSH strings are divided; commas divide only where a form begins or ends it.
    """
    path = _PATH.split(text)
    if len(path) > 1:
        return path, True
    subdivisions = _SUBDIVISION.split(text)
    if len(subdivisions) > 1:
        return subdivisions, False
    by_comma = text.split(", ")
    forms = _genre_map().forms
    if _match_key(by_comma[0]) in forms:
        return by_comma, True
    if _match_key(by_comma[-1]) in forms:
        return by_comma, False
    return [text], False


def _read_part(part: str, *, in_fiction: bool) -> _Reading:
    if reason := _noise_by_pattern(part):
        return _Reading(reason=reason)
    if _is_person(part):
        return _Reading(reason=DropReason.NAME)
    key = _match_key(_PARENTHESES.sub("", part))
    if reason := next((n.reason for n in _genre_map().noise if key in n.headings), None):
        return _Reading(reason=reason)
    if key in _genre_map().forms:
        return _Reading(reason=DropReason.TOO_LITTLE)
    if weak := _genre_map().weak_headings.get(key):
        return _Reading(tuple(_Genre(name, is_weak=True) for name in weak))
    # `Science fiction, American`, `World War, 1939-1945`: the term before the comma is the genre.
    head = _match_key(part.partition(",")[0])
    exact = _mapped(key, in_fiction=in_fiction)
    names = exact or _mapped(head, in_fiction=in_fiction) or _by_keyword(key)
    # `Music -- Fiction` is no book on music.
    kept = [name for name in names if not (in_fiction and _is_of_kind(name, is_fiction=False))]
    topics = (_Genre(n, is_topic=_is_of_kind(n, is_fiction=False) and not exact) for n in kept)
    is_subject = bool(names) and not kept
    reason = DropReason.SUBJECT_OF_FICTION if is_subject else DropReason.NOT_IN_MAP
    return _Reading(tuple(topics), reason=reason)


def _is_of_kind(genre: str, *, is_fiction: bool) -> bool:
    return _genre_map().is_fiction.get(genre) is is_fiction


def _most_telling(reasons: Sequence[DropReason]) -> DropReason:
    """A subject before an unknown term, and that before noise beside it."""
    for reason in (DropReason.SUBJECT_OF_FICTION, DropReason.NOT_IN_MAP):
        if reason in reasons:
            return reason
    return reasons[0]


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
    return " ".join(re.findall(r"[^\W_]+", re.sub(r"['\u2019]", "", plain)))


# All headings of a book, together


@dataclass(frozen=True, slots=True)
class _HeadingOfSource:
    source: int
    """Rank of its source, 0 is the first."""
    text: str
    reading: _Reading

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its genres."""
        return tuple(genre.name for genre in self.reading.genres)


def _is_fiction(headings: Iterable[_HeadingOfSource]) -> bool | None:
    votes = Counter(vote for heading in headings if (vote := _vote(heading.reading)) is not None)
    return None if votes[True] == votes[False] else votes[True] > votes[False]


def _vote(reading: _Reading) -> bool | None:
    if reading.is_fiction is not None:
        return reading.is_fiction
    kinds = {_genre_map().is_fiction.get(g.name) for g in reading.genres if not g.is_topic}
    return kinds.pop() if len(kinds) == 1 else None


def _audience(headings: Iterable[_HeadingOfSource]) -> Audience | None:
    """Young adult if any heading says so: libraries call all books for the young juvenile."""
    said = [audience for heading in headings for audience in _audiences(heading)]
    naming = sum(bool(heading.names) for heading in headings)
    if not said or (len(said) == 1 and naming > HEADINGS_BESIDE_A_STRAY):
        return None
    return Audience.YOUNG_ADULT if Audience.YOUNG_ADULT in said else Audience.CHILDREN


def _audiences(heading: _HeadingOfSource) -> list[Audience]:
    return [audience for name in heading.names if (audience := audience_of(name))]


def audience_of(genre: str) -> Audience | None:
    """Whom all books of a genre are for; None where it may be anyone."""
    audience = _MAP["genres"][genre].get("audience")
    return Audience(audience) if audience else None


def _reasons_against(
    headings: Iterable[_HeadingOfSource], *, is_fiction: bool | None, audience: Audience | None
) -> dict[_Genre, DropReason]:
    """The genres that headings name but the book as a whole does not have, and why."""
    named = dict.fromkeys(genre for heading in headings for genre in heading.reading.genres)
    against = {
        genre: reason
        for genre in named
        if (reason := _reason_against(genre, is_fiction=is_fiction, audience=audience))
    }
    strong = {genre.name for genre in named if genre not in against and not genre.is_weak}
    if strong:
        weak = [g for g in named if g.is_weak and g not in against and g.name not in strong]
        against |= dict.fromkeys(weak, DropReason.WEAK)
    return against


def _reason_against(
    genre: _Genre, *, is_fiction: bool | None, audience: Audience | None
) -> DropReason | None:
    if genre.is_topic and is_fiction:
        return DropReason.SUBJECT_OF_FICTION
    if is_fiction is not None and _is_of_kind(genre.name, is_fiction=not is_fiction):
        return DropReason.OTHER_KIND
    if audience_of(genre.name) not in (None, audience):
        return DropReason.OTHER_AUDIENCE
    return None


def _ranked(headings: Iterable[_HeadingOfSource], without: Iterable[_Genre]) -> tuple[str, ...]:
    left_out = frozenset(without)
    frequency: Counter[str] = Counter()
    first_source: dict[str, int] = {}
    for heading in headings:
        for genre in heading.reading.genres:
            if genre not in left_out:
                frequency[genre.name] += 1
                first_source.setdefault(genre.name, heading.source)
    ranked = sorted(first_source, key=lambda name: (first_source[name], -frequency[name]))
    return tuple(ranked[:MOST_GENRES])


def _dropped(
    headings: Iterable[_HeadingOfSource],
    shown: Sequence[str],
    reasons: Mapping[_Genre, DropReason],
) -> Iterator[DroppedHeading]:
    """Each heading that gave the book no genre, once."""
    for text, reading in {heading.text: heading.reading for heading in headings}.items():
        if not reading.genres:
            yield DroppedHeading(text, reading.reason)
        elif not any(genre.name in shown and genre not in reasons for genre in reading.genres):
            first = reasons.get(reading.genres[0], DropReason.CROWDED_OUT)
            yield DroppedHeading(text, first)
