"""Enriching one book from several sources.

Belongs here: which source is asked when, how answers are merged, what counts as found.
Does not belong here: HTTP, storage, batches.
"""

from dataclasses import dataclass
from typing import Protocol

from orf_books.books.metadata import BookQuery, SourceAnswer

CODE_VERSION = "1"
"""Raised with every change that gives the same answers a different enriched book."""


class BookSource(Protocol):
    """A service that may know a book."""

    name: str

    async def find(self, book: BookQuery) -> SourceAnswer:
        """Ask for one book.

        Raises:
            RetryLater: the service could not answer.
            FixConfiguration: the service refuses us until a setting changes.
        """
        ...


@dataclass(frozen=True, slots=True)
class EnrichedBook:
    """What the platform knows of a book besides the reader's own rows."""

    key: str
    found: bool
    genres: tuple[str, ...]
    subjects: tuple[str, ...]
    """Raw headings of all sources, for a later map of genres."""
    thumbnail_url: str | None
    small_thumbnail_url: str | None
    description: str | None
    matched_by: str | None
    confidence: float | None
    answers: tuple[SourceAnswer, ...]
    """What was asked and what was answered, per source."""


async def enrich_book(book: BookQuery, first: BookSource, for_gaps: BookSource) -> EnrichedBook:
    """Ask `first`; ask `for_gaps` only where `first` leaves the book unknown or without genres.

    Raises:
        RetryLater, FixConfiguration: a source that was needed could not answer.
    """
    raise NotImplementedError
