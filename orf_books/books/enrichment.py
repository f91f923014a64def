"""Enriching one book from several sources.

Belongs here: which source is asked when, how answers are merged, what counts as found.
Does not belong here: HTTP, storage, batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from orf_books.books.genres import GENRE_MAP_VERSION, read_headings
from orf_books.books.metadata import BookQuery, BookRecord, Match, SourceAnswer
from orf_books.failures import FailureCategory, FixConfiguration, RetryLater

CODE_VERSION = f"3.{GENRE_MAP_VERSION}"
"""Changes with whatever gives the same answers a different enriched book; raise the first number
with the rules here and in `similarity.py`, the second is the version of the map of genres."""

FOUND_IS_FRESH_FOR = timedelta(days=180)
"""Genres and covers of a book hardly change."""
NOT_FOUND_IS_FRESH_FOR = timedelta(days=14)
"""Sources learn of new books every week."""


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


class GapSource(BookSource, Protocol):
    """A source that fills the gaps another one leaves."""

    async def find(self, book: BookQuery, earlier: SourceAnswer | None = None) -> SourceAnswer:
        """Ask for one book.

        Args:
            book: the book.
            earlier: an answer with a note; only what it leaves open is asked.

        Raises:
            RetryLater: the service could not answer.
            FixConfiguration: the service refuses us until a setting changes.
        """
        ...

    def likely_knows(self, book: BookQuery) -> None:
        """Another source knows this book by its ISBN."""
        ...


@dataclass(frozen=True, slots=True)
class EnrichedBook:
    """What the platform knows of a book besides the reader's own rows."""

    key: str
    found: bool
    genres: tuple[str, ...]
    subjects: tuple[str, ...]
    """Headings of all sources as they came, so that a later map can be applied to them."""
    thumbnail_url: str | None
    small_thumbnail_url: str | None
    description: str | None
    is_fiction: bool | None
    """None where the headings do not say it."""
    audience: str | None
    """`children`, `young adult` or `adult`; None where the headings do not say it."""
    matched_by: str | None
    confidence: float | None
    answers: tuple[SourceAnswer, ...]
    """What was asked and what was answered, per source."""
    gap: str | None = None
    """Which source has not answered, and why; None where all that were needed did."""


async def enrich_book(
    book: BookQuery,
    first: BookSource,
    for_gaps: GapSource,
    kept: Sequence[SourceAnswer] = (),
) -> EnrichedBook:
    """Ask `first`; ask `for_gaps` only where `first` leaves the book unknown or without genres.

    What was answered earlier, and `kept`, is not asked again. Where one source cannot answer, the
    other's record is enough: of `first` any, of `for_gaps` one with genres; the answer of the one
    that failed notes why it is empty. With less than that the failure counts, for what looks like
    an unknown book may be an outage; but a quota that is spent is a gap until there is a new one.

    Raises:
        RetryLater, FixConfiguration: a source that was needed could not answer.
    """
    answer = next((a for a in kept if a.source == first.name and not a.is_gap), None)
    earlier = next((a for a in kept if a.source == for_gaps.name and a.is_gap), None)
    try:
        answer = answer or await first.find(book)
    except (RetryLater, FixConfiguration) as failure:
        return await _without_first(book, first, for_gaps, failure, earlier)
    if answer.record is not None and answer.record.match is Match.ISBN:
        for_gaps.likely_knows(book)
    if _has_genres(answer):
        return merge_answers(book, [answer])
    try:
        filling = await for_gaps.find(book, earlier)
    except (RetryLater, FixConfiguration) as failure:
        if answer.record is None and failure.category is not FailureCategory.QUOTA_EXHAUSTED:
            raise
        filling = _no_answer(for_gaps, failure, earlier)
    return merge_answers(book, [answer, filling])


def is_fresh(answered_at: datetime, now: datetime, *, found: bool) -> bool:
    """Whether the sources need not be asked again about a book."""
    return now - answered_at < (FOUND_IS_FRESH_FOR if found else NOT_FOUND_IS_FRESH_FOR)


async def _without_first(
    book: BookQuery,
    first: BookSource,
    for_gaps: GapSource,
    failure: RetryLater | FixConfiguration,
    earlier: SourceAnswer | None,
) -> EnrichedBook:
    try:
        answer = await for_gaps.find(book, earlier)
    except (RetryLater, FixConfiguration):
        raise failure from None
    if not _has_genres(answer):
        raise failure
    return merge_answers(book, [_no_answer(first, failure), answer])


def _no_answer(
    source: BookSource,
    failure: RetryLater | FixConfiguration,
    earlier: SourceAnswer | None = None,
) -> SourceAnswer:
    asked, record = (earlier.asked, earlier.record) if earlier else ((), None)
    return SourceAnswer(source.name, asked, record, note=f"no answer: {failure.category}")


def merge_answers(book: BookQuery, answers: Sequence[SourceAnswer]) -> EnrichedBook:
    """Merge the answers of sources, the better source first, into an enriched book."""
    records = _records(answers)
    classification = read_headings([record.subjects for record in records])
    with_cover = next((r for r in records if r.thumbnail_url or r.small_thumbnail_url), None)
    return EnrichedBook(
        key=book.key,
        found=bool(records),
        genres=classification.genres,
        subjects=tuple(dict.fromkeys(subject for r in records for subject in r.subjects)),
        thumbnail_url=with_cover.thumbnail_url if with_cover else None,
        small_thumbnail_url=with_cover.small_thumbnail_url if with_cover else None,
        description=next((r.description for r in records if r.description), None),
        is_fiction=classification.is_fiction,
        audience=classification.audience.value if classification.audience else None,
        matched_by=records[0].match.value if records else None,
        confidence=records[0].confidence if records else None,
        answers=tuple(answers),
        gap=next((f"{a.source}: {a.note}" for a in answers if a.is_gap), None),
    )


def _records(answers: Sequence[SourceAnswer]) -> list[BookRecord]:
    return [answer.record for answer in answers if answer.record is not None]


def _has_genres(answer: SourceAnswer) -> bool:
    return answer.record is not None and bool(read_headings([answer.record.subjects]).genres)
