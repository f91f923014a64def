"""What is asked about a book and what a source answers.

Belongs here: the question, the answer, and whether a number in an answer is the book's. Does not
belong here: titles and authors (`similarity.py`), how a service is asked, what genres are made of.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from orf_books.books.isbn import read_isbn10, read_isbn13, to_isbn10, to_isbn13


@dataclass(frozen=True, slots=True)
class BookQuery:
    """All that is known of a book before any source is asked; equal queries get equal answers."""

    key: str
    """The partition key."""
    goodreads_id: str | None
    title: str
    author: str
    isbn: str | None
    isbn13: str | None


class Match(StrEnum):
    """How a record was matched with the book."""

    ISBN = "isbn"
    GOODREADS_ID = "goodreads_id"
    TITLE_AUTHOR = "title_author"


@dataclass(frozen=True, slots=True)
class BookRecord:
    """What one source says of one book."""

    source_id: str
    """The source's own identifier, such as `/works/OL45804W` or a Google volume id."""
    title: str
    subjects: tuple[str, ...]
    """Headings as the source gives them, untouched."""
    thumbnail_url: str | None
    small_thumbnail_url: str | None
    description: str | None
    match: Match
    confidence: float
    """1.0 for identifiers; for titles and authors, the similarity from 0 to 1."""


NO_KEY = "no key: set ORF_BOOKS_GOOGLE_BOOKS_KEY"
NOT_YET = "not asked yet: no request was left in this window, the next run asks"
NO_TIME = "no answer yet: the dashboard did not wait for it, the next run asks"
"""Notes of sources that are to be asked in their turn."""


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """One source's answer about one book: a record, or the fact that it knows none.

    A source that could not answer raises instead: an outage is not an answer. With a note, the
    answer is how far the source was asked, and the record is what is known until it is asked on.
    """

    source: str
    asked: tuple[str, ...]
    """The questions put to the source, in order, such as `isbn:9780441013593`."""
    record: BookRecord | None
    note: str | None = None
    """Why the source is still to be asked, such as `no key`."""

    @property
    def is_gap(self) -> bool:
        """Whether the source is still to be asked."""
        return self.note is not None


def isbn_forms(book: BookQuery) -> tuple[str, ...]:
    """Every ISBN of the book in both forms, ISBN-13s first; empty where it has no valid one."""
    longer = {form: None for form in (read_isbn13(book.isbn13 or ""),) if form}
    if shorter := read_isbn10(book.isbn or ""):
        longer[to_isbn13(shorter)] = None
    return (*longer, *filter(None, map(to_isbn10, longer)))


def has_isbn_of(book: BookQuery, isbns: Iterable[str]) -> bool:
    """Whether one of a record's ISBNs, in either form, is one of the book's."""
    wanted = set(isbn_forms(book))
    return any(isbn.replace("-", "").strip().upper() in wanted for isbn in isbns)
