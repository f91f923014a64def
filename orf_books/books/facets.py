"""By what the books of a library are grouped and filtered: shelf, rating, genre, decade and so on.

Belongs here: which groups a book belongs to, and when it was read. Does not belong here: counting
groups (`figures.py`), how a page names them (`orf_books/pages`).
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache

from orf_books.books.exports.cells import READ
from orf_books.books.genre_evidence import Evidence
from orf_books.books.library import DashboardBook
from orf_books.books.series import series_volume


class Facet(StrEnum):
    """What books are grouped by. A book may belong to several groups of one facet, or to none."""

    SHELF = "shelf"
    """The exclusive shelf."""
    OWN_SHELF = "own-shelf"
    RATING = "rating"
    DIFFERENCE = "difference"
    """The reader's rating against everybody's."""
    GENRE = "genre"
    """Without genres of last resort."""
    AUTHOR = "author"
    SERIES = "series"
    DECADE = "decade"
    FORMAT = "format"
    LENGTH = "length"
    MARK = "mark"
    STATUS = "status"
    """How enrichment ended."""


class Mark(StrEnum):
    """What some books have and others do not."""

    READ_AGAIN = "read-again"
    UNFINISHED = "unfinished"
    REVIEW = "review"
    NOTE = "note"


class Format(StrEnum):
    """The kind of edition; exports have dozens of words for them."""

    PAPERBACK = "Paperback"
    HARDCOVER = "Hardcover"
    E_BOOK = "E-book"
    AUDIO = "Audiobook"
    OTHER = "Other"


class Difference(StrEnum):
    """How far the reader's rating is from everybody's average, in stars. Bounds are exclusive."""

    FAR_ABOVE = "More than 1 above"
    ABOVE = "½ to 1 above"
    SAME = "Within ½"
    BELOW = "½ to 1 below"
    FAR_BELOW = "More than 1 below"


_FORMAT_WORDS: Mapping[Format, tuple[str, ...]] = {
    Format.AUDIO: ("audio", "audible", "mp3", "cassette"),
    Format.E_BOOK: ("kindle", "ebook", "e-book", "nook", "epub", "digital"),
    Format.HARDCOVER: ("hard", "library binding", "cloth"),
    Format.PAPERBACK: ("paper", "soft", "pocket"),
}
_UNFINISHED = re.compile(
    r"\b(dnf|unfinished|abandon(ed)?|gave-up|gave-up-on|lost-interest)\b"
    r"|\b(did|could|do|will)(-not|n-?t)-finish\b|\bnot-finished\b"
)
_ERA, _CENTURY_BY_CENTURY = 1800, 1900
_WIDE, _NARROW = 1.0, 0.5


Groups = Mapping[Facet, tuple[str, ...]]
"""The groups that one book belongs to, by facet."""


def groups_of(book: DashboardBook) -> Groups:
    """Facets by which a book belongs to no group are there, and empty."""
    return {facet: tuple(dict.fromkeys(groups(book))) for facet, groups in _GROUPS.items()}


def readings_of(book: DashboardBook) -> tuple[str, ...]:
    """When a read book was finished: ISO days, months or years, the latest first.

    Readings without any date are not among them.
    """
    if book.reading_status != READ:
        return ()
    earlier = tuple(reversed(book.earlier_readings))
    if book.date_read is not None:
        return book.date_read.isoformat(), *earlier
    if book.reading_month_year is not None:
        return book.reading_month_year, *earlier
    return earlier if book.reading_year is None else (f"{book.reading_year:04d}", *earlier)


def times_read(book: DashboardBook) -> int:
    """How often a book was read, by the export's count or by its dates, whichever says more."""
    if book.reading_status != READ:
        return 0
    return max(1, book.original_read_count, len(readings_of(book)))


def difference_in_stars(book: DashboardBook) -> float | None:
    """The reader's rating minus everybody's average; None where one is missing."""
    if book.my_rating is None or not book.average_rating:
        return None
    return round(book.my_rating - book.average_rating, 2)


@lru_cache(maxsize=1024)
def _is_for_unfinished(shelf: str) -> bool:
    """By its words; readers have no common name for that shelf."""
    return bool(_UNFINISHED.search(re.sub(r"[\s_']+", "-", shelf.casefold())))


def _difference(book: DashboardBook) -> tuple[str, ...]:
    stars = difference_in_stars(book)
    if stars is None:
        return ()
    if abs(stars) <= _NARROW:
        return (Difference.SAME,)
    if stars > 0:
        return (Difference.FAR_ABOVE if stars > _WIDE else Difference.ABOVE,)
    return (Difference.FAR_BELOW if stars < -_WIDE else Difference.BELOW,)


def _decade(book: DashboardBook) -> tuple[str, ...]:
    """Decades, and before them what a library has only a few books of."""
    year = book.publication_year
    if year is None:
        return ()
    if year < _ERA:
        return ("Before 1800",)
    return ("19th century",) if year < _CENTURY_BY_CENTURY else (f"{year // 10 * 10}s",)


@lru_cache(maxsize=1024)
def _format_of(binding: str) -> Format | None:
    for kind, words in _FORMAT_WORDS.items():
        if any(word in binding.casefold() for word in words):
            return kind
    return None


def _format(book: DashboardBook) -> tuple[str, ...]:
    known = _format_of(book.binding) if book.binding else None
    if known is None and book.audio_hours is not None:
        return (Format.AUDIO,)
    return (known or Format.OTHER,) if book.binding else ()


def _series(book: DashboardBook) -> tuple[str, ...]:
    volume = series_volume(book.title)
    return (volume.series,) if volume else ()


def _marks(book: DashboardBook) -> tuple[str, ...]:
    marks = {
        Mark.READ_AGAIN: times_read(book) > 1,
        Mark.UNFINISHED: any(map(_is_for_unfinished, (book.reading_status, *book.bookshelves))),
        Mark.REVIEW: book.has_review,
        Mark.NOTE: bool(book.private_notes),
    }
    return tuple(mark for mark, is_set in marks.items() if is_set)


_GROUPS: Mapping[Facet, Callable[[DashboardBook], tuple[str, ...]]] = {
    Facet.SHELF: lambda book: (book.reading_status,),
    Facet.OWN_SHELF: lambda book: tuple(
        shelf for shelf in book.bookshelves if shelf != book.reading_status
    ),
    Facet.RATING: lambda book: () if book.my_rating is None else (f"{book.my_rating:g}",),
    Facet.DIFFERENCE: _difference,
    Facet.GENRE: lambda book: () if book.genre_evidence is Evidence.LAST_RESORT else book.genres,
    Facet.AUTHOR: lambda book: (book.author,),
    Facet.SERIES: _series,
    Facet.DECADE: _decade,
    Facet.FORMAT: _format,
    Facet.LENGTH: lambda book: () if book.page_category is None else (book.page_category,),
    Facet.MARK: _marks,
    Facet.STATUS: lambda book: (book.enrichment_status,),
}
