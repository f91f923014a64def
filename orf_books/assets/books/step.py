"""The work on books, for the driver of `enrich_books`: which books, the questions, the answers.

Belongs here: what joins the records of books and the services. Does not belong here: the way of an
item through a step (`orf_books/batches/driver.py`), how a book is enriched
(`orf_books/books/enrichment.py`), the assets themselves (`assets.py`).
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orf_books.batches.items import FinishedBatch, Item, ItemKind, ItemWork, Metadata, Wanted, Work
from orf_books.batches.report import BatchReport
from orf_books.books.enrichment import (
    CODE_VERSION,
    BookSource,
    GapSource,
    enrich_book,
    merge_answers,
)
from orf_books.books.gap_deadline import AskedFirst, AskedInTime, GapDeadline
from orf_books.books.metadata import NO_KEY, NO_TIME, NOT_YET, BookQuery
from orf_books.failures import FailureCategory, FixInput
from orf_books.records.books import (
    ACCEPTED,
    BookDigest,
    BookRecords,
    EnrichedBookRow,
    EnrichmentReport,
    LibraryRow,
    fingerprint,
    libraries_of,
)
from orf_books.resources.dagster_resources import GoogleBooksResource, OpenLibraryResource
from orf_books.resources.raw_answers import RawAnswer

ENRICHED_BOOKS = dg.AssetKey("enriched_books")
ENRICHMENT_REPORT = dg.AssetKey("enrichment_report")
LONGEST_WAIT = 3.0
"""Seconds that people wait for Google Books alone: for a turn, and for answers after those of Open
Library. Three requests one after the other fit in; later runs ask what is left."""
SHOWN_DASHBOARDS = 3
"""Of the libraries that hold a book."""
_NEEDS_KEY = "google_books"
"""Gaps of this source cannot be filled while it is off."""
_IN_TURN = (NOT_YET, NO_TIME, NO_KEY, FailureCategory.QUOTA_EXHAUSTED)


class EnrichConfig(dg.Config):
    """How a run enriches."""

    ask_again: bool = False
    """Ask the services even where an earlier answer is still valid."""
    gaps_only: bool = False
    """Only books that wait for their turn at a source, as far as it may be asked at once."""


def _metadata(book: BookDigest) -> Metadata:
    figures: dict[str, dg.MetadataValue[Any]] = {
        "found": dg.MetadataValue.bool(book.found),
        "genres": dg.MetadataValue.text(", ".join(book.genres)),
        "matched_by": dg.MetadataValue.text(book.matched_by or ""),
    }
    # A link, for Dagster's page would load a picture unasked, and tell its host who looks at what.
    if book.thumbnail_url and book.thumbnail_url.startswith("https://"):
        figures["cover"] = dg.MetadataValue.url(book.thumbnail_url)
    return figures


BOOKS = ItemKind(
    "books",
    ENRICHED_BOOKS,
    ENRICHMENT_REPORT,
    dg.DynamicPartitionsDefinition(name="books"),
    _metadata,
)


class BookEnrichment(ItemWork[BookDigest, EnrichedBookRow, EnrichmentReport]):
    """The work on books in one execution of `enrich_books`."""

    kind = BOOKS
    code_version = CODE_VERSION

    def __init__(  # noqa: PLR0913, PLR0917 - all that the work takes
        self,
        config: EnrichConfig,
        records: BookRecords,
        open_library: OpenLibraryResource,
        google_books: GoogleBooksResource,
        run_id: str,
        link_to: Callable[[str], str],
    ) -> None:
        self._config, self._records, self._run_id = config, records, run_id
        self._link_to = link_to
        self._open_library, self._google_books = open_library, google_books
        self._queries: dict[str, BookQuery] = {}
        self._held_by = defaultdict[str, set[str]](set)
        self._is_awaited = False
        self._requests = {"open_library": 0, "google_books": 0}
        self._raw_answers: list[RawAnswer] = []
        self._remade = 0

    def wanted(self, run_id: str | None) -> Wanted:
        """The books of the libraries that the run's uploads changed, or of all libraries."""
        uploads = self._records.uploads()
        ours = [upload for upload in uploads if upload.run_id == run_id]
        accepted = [upload for upload in ours if upload.status == ACCEPTED]
        libraries = libraries_of(uploads)
        if self._config.gaps_only:
            self._take(self._records.rows(libraries, books_in_turn(self._records)))
            return Wanted(list(self._queries))
        if accepted:
            self._is_awaited = True
            changed = {upload.library for upload in accepted}
            self._take(self._records.rows({name: libraries[name] for name in changed}))
            return Wanted(list(self._queries), [upload.key for upload in accepted])
        questions = self._records.held_books(libraries)
        settled = self._records.settled(
            questions, lambda gap: can_be_filled(gap, self._google_books)
        )
        return Wanted(list(questions), settled=settled)

    def fingerprints(self, keys: Collection[str]) -> Mapping[str, str]:
        """Digests of the questions about books that a library holds."""
        if unknown := [key for key in keys if key not in self._queries]:
            self._take(self._records.rows(books=unknown))
        return {key: fingerprint(self._queries[key]) for key in keys if key in self._queries}

    def is_settled(self, row: BookDigest) -> bool:
        """An answer by older code counts: what a new version makes stale, Dagster shows as such."""
        return super().is_settled(row) and not self._has_gap_to_fill(row)

    def is_valid(self, row: BookDigest) -> bool:
        """Recent, complete as far as sources are on, and made by the present code."""
        return super().is_valid(row) and self._may_build_on(row) and not self._has_gap_to_fill(row)

    @asynccontextmanager
    async def open(
        self, items: Sequence[Item[BookDigest]]
    ) -> AsyncIterator[Work[BookDigest, EnrichedBookRow]]:
        """Open the clients of the services, and load the answers that can be built on."""
        built_on = [item.key for item in items if item.earlier and self._may_build_on(item.earlier)]
        earlier = self._records.with_answers(built_on) if built_on else {}
        keep = self._raw_answers.append
        longest_wait = LONGEST_WAIT if self._is_awaited or self._config.gaps_only else None
        async with (
            self._open_library.open(keep=keep) as open_library,
            self._google_books.open(longest_wait=longest_wait, keep=keep) as google_books,
        ):
            first: BookSource = open_library
            for_gaps: GapSource = google_books
            if self._is_awaited:
                deadline = GapDeadline(LONGEST_WAIT)
                first, for_gaps = AskedFirst(first, deadline), AskedInTime(for_gaps, deadline)

            async def enrich(item: Item[BookDigest]) -> EnrichedBookRow:
                question = self._queries.get(item.key)
                if question is None:
                    raise FixInput(
                        "No library holds this book any more: delete the partition, or upload an "
                        "export with it."
                    )
                row = earlier.get(item.key)
                kept = row.kept_answers() if row else ()
                if row and not self._has_gap_to_fill(row):
                    self._remade += 1
                    book = merge_answers(question, kept)
                else:
                    book = await enrich_book(question, first, for_gaps, kept)
                answered_at = row.answered_at if row else datetime.now(UTC)
                return EnrichedBookRow.of(book, fingerprint(question), self._run_id, answered_at)

            yield enrich
            sources = open_library, google_books
            self._requests = {source.name: source.requests for source in sources}

    def describe(self, key: str) -> Metadata:
        """Title, author, and where the dashboards of its libraries are."""
        if (question := self._queries.get(key)) is None:
            return {}
        where = map(self._link_to, sorted(self._held_by[key])[:SHOWN_DASHBOARDS])
        return {
            "title": dg.MetadataValue.text(question.title),
            "author": dg.MetadataValue.text(question.author),
            "dashboards": dg.MetadataValue.md("\n".join(where)),
        }

    def figures(self) -> Mapping[str, float]:
        """How much of the day's quota of Google Books is used."""
        if not self._google_books.is_on:
            return {}
        return {"quota_used_percent": self._google_books.quota_used_percent()}

    def keep(self) -> None:
        """Store the answers of the services as they came."""
        answers = self._raw_answers[:]
        self._records.add_raw_answers(answers, self._run_id)
        del self._raw_answers[: len(answers)]

    def report(self, batch: FinishedBatch[BookDigest], report: BatchReport) -> EnrichmentReport:
        """Books made anew from kept answers count as reused: nobody was asked."""
        common = report.common() | {
            "reused": report.reused + self._remade,
            "notes": self._google_books.notes,
        }
        return EnrichmentReport(
            **common,
            libraries=tuple(sorted({name for key in batch.keys for name in self._held_by[key]})),
            not_found=sum(not row.found for row in batch.rows),
            requests=self._requests,
            gaps=sum(row.gap is not None for row in batch.rows),
        )

    def _take(self, rows: Sequence[LibraryRow]) -> None:
        """One question per book; where libraries differ, the export that arrived last decides."""
        for row in rows:
            self._queries[row.book_key] = row.query
            self._held_by[row.book_key].add(row.library)

    def _may_build_on(self, row: BookDigest) -> bool:
        return row.is_fresh(datetime.now(UTC)) and not self._config.ask_again

    def _has_gap_to_fill(self, row: BookDigest) -> bool:
        return can_be_filled(row.gap, self._google_books)


def books_in_turn(records: BookRecords) -> set[str]:
    """Books about which a source could not be asked yet: it is asked in their turn.

    Not those of which it was asked in vain, or that failed since: with them there is no hurry.
    """
    waiting = {key for key, gap in records.gaps().items() if gap.endswith(_IN_TURN)}
    return waiting - records.standing_failures(waiting).keys()


def can_be_filled(gap: str | None, google_books: GoogleBooksResource) -> bool:
    """Whether a source that gave no answer about a book may give one now."""
    return gap is not None and (google_books.is_on or not gap.startswith(_NEEDS_KEY))
