"""Genres of books whose headings name none: from what else is known of the books of a library.

Belongs here: each kind of evidence, how far it is trusted, and the order of the kinds. Does not
belong here: reading headings (`genres.py`). `docs/genres.md` says how good each kind is.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orf_books.books.genres import Audience, audience_of, genres_of_shelf, is_of_fiction
from orf_books.books.series import series_volume
from orf_books.books.similarity import main_title, volume_words

FICTION, NONFICTION = "Fiction", "Nonfiction"
"""Genres of last resort: they say little, but more than nothing."""
_CHILDREN, _YOUNG_ADULT = "Children's", "Young Adult"
MOST_INFERRED = 3
LEAST_OTHER_WORKS = 2
"""One other book or series of an author proves nothing about this one."""


class Evidence(StrEnum):
    """What the genres of a book are known from, the most certain first."""

    SOURCE = "source"
    """Headings of Open Library or Google Books."""
    EDITIONS = "editions"
    """Other editions of the same work."""
    SHELVES = "shelves"
    """The reader's own shelves."""
    SERIES = "series"
    """Other volumes of the series."""
    AUTHOR = "author"
    """Other books of the author, where they agree."""
    LAST_RESORT = "last resort"
    """Only fiction or not, or for whom it is."""


@dataclass(frozen=True, slots=True)
class KnownBook:
    """What is known of a book of a library."""

    key: str
    title: str
    author: str
    shelves: tuple[str, ...]
    genres: tuple[str, ...]
    """From headings, most certain first."""
    is_fiction: bool | None
    audience: str | None


@dataclass(frozen=True, slots=True)
class Genres:
    """The genres of a book, and what they are known from."""

    names: tuple[str, ...]
    evidence: Evidence | None
    """None where nothing is known."""


class GenreEvidence:
    """What the books of a library say about each other.

    Args:
        books: all books of the library; each kind of evidence uses what sources say of the others.
    """

    def __init__(self, books: Iterable[KnownBook]) -> None:
        self._works: defaultdict[tuple[str, ...], list[KnownBook]] = defaultdict(list)
        self._series: defaultdict[tuple[str, str], list[KnownBook]] = defaultdict(list)
        self._authors: defaultdict[str, list[KnownBook]] = defaultdict(list)
        for book in books:
            if book.genres:
                author = _folded(book.author)
                self._works[_work_of(book)].append(book)
                self._authors[author].append(book)
                if series := series_of(book.title):
                    self._series[series, author].append(book)

    def genres_of(self, book: KnownBook) -> Genres:
        """The genres of a book by the most certain evidence that there is."""
        if book.genres:
            return Genres(book.genres, Evidence.SOURCE)
        for evidence in (Evidence.EDITIONS, Evidence.SHELVES, Evidence.SERIES, Evidence.AUTHOR):
            if names := self.inferred(book, evidence):
                return Genres(names, evidence)
        names = last_resort(book)
        return Genres(names, Evidence.LAST_RESORT if names else None)

    def inferred(self, book: KnownBook, evidence: Evidence) -> tuple[str, ...]:
        """What one kind of evidence says of a book, whatever the sources say of it."""
        author = _folded(book.author)
        match evidence:
            case Evidence.SHELVES:
                on_shelves = (name for shelf in book.shelves for name in genres_of_shelf(shelf))
                names = tuple(dict.fromkeys(on_shelves))
            case Evidence.EDITIONS:
                names = _shared(_others(self._works.get(_work_of(book), []), book))
            case Evidence.SERIES:
                volumes = self._series.get((series_of(book.title), author), [])
                names = _shared(_others(volumes, book))
            case Evidence.AUTHOR:
                names = _usual_genre(_others(self._authors.get(author, []), book))
            case _:
                return ()
        return tuple(name for name in names if _fits(name, book))[:MOST_INFERRED]


def last_resort(book: KnownBook) -> tuple[str, ...]:
    """Fiction or not, and for whom, where headings say no more."""
    audience = {Audience.CHILDREN: _CHILDREN, Audience.YOUNG_ADULT: _YOUNG_ADULT}
    young = audience.get(Audience(book.audience)) if book.audience else None
    kind = None if book.is_fiction is None else FICTION if book.is_fiction else NONFICTION
    return tuple(name for name in (young, kind) if name)


def series_of(title: str) -> str:
    """The series that a title of Goodreads names; empty where it names none."""
    volume = series_volume(title)
    return _folded(volume.series) if volume else ""


def _work_of(book: KnownBook) -> tuple[str, ...]:
    """What editions of one work have in common."""
    title = _folded(main_title(book.title))
    return (title, *volume_words(book.title), _folded(book.author))


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _others(books: Sequence[KnownBook], book: KnownBook) -> list[KnownBook]:
    return [other for other in books if other.key != book.key]


def _shared(books: Sequence[KnownBook]) -> tuple[str, ...]:
    """Genres that most of the books have, the most frequent first."""
    counts = Counter(name for book in books for name in book.genres[:MOST_INFERRED])
    names = [name for name, count in counts.items() if count > len(books) / 2]
    return tuple(sorted(names, key=lambda name: -counts[name]))


def _usual_genre(books: Sequence[KnownBook]) -> tuple[str, ...]:
    """The genre that all books of an author have, if they are more than one series.

    Only the most certain one, and none that says for whom they are: authors write for children and
    for adults.
    """
    works = {series_of(book.title) or book.title for book in books}
    if len(works) < LEAST_OTHER_WORKS:
        return ()
    shared = (
        name
        for name in books[0].genres[:MOST_INFERRED]
        if audience_of(name) is None
        and all(name in other.genres[:MOST_INFERRED] for other in books)
    )
    return tuple(shared)[:1]


def _fits(genre: str, book: KnownBook) -> bool:
    """Whether nothing in the headings of the book speaks against the genre."""
    kind = is_of_fiction(genre)
    return kind is None or book.is_fiction is None or kind is book.is_fiction
