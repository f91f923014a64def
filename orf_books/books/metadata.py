"""What is asked about a book and what a source answers.

Belongs here: the question, the answer, and the rules that decide whether an answer is about the
book that was asked for. Does not belong here: how a service is asked, what genres are made of.
"""

from dataclasses import dataclass
from enum import StrEnum


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
    """How an answer was tied to the question."""

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


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """One source's answer about one book: a record, or the fact that it knows none.

    A source that could not answer raises instead: an outage is not an answer.
    """

    source: str
    asked: tuple[str, ...]
    """The questions put to the source, in order, such as `isbn:9780441013593`."""
    record: BookRecord | None
    note: str | None = None
    """Why a source was not asked, such as `no key`."""
