"""One execution of `enrich_books`: which books it is about, asking, storing, reporting.

Belongs here: what joins the batch, the records and the partitions of books. Does not belong here:
the assets themselves (`books.py`), how a book is enriched (`orf_books/books/enrichment.py`).
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import dagster as dg

from orf_books import partitions
from orf_books.batches.batch import (
    COMPLETE,
    COMPLETE_WITH_FAILURES,
    BatchOutcome,
    ItemFailure,
    success_rate,
)
from orf_books.batches.item_step import ItemKind, ItemStep, Metadata, Report
from orf_books.batches.resource import BatchResource
from orf_books.books.enrichment import (
    CODE_VERSION,
    BookSource,
    GapSource,
    enrich_book,
    merge_answers,
)
from orf_books.books.metadata import BookQuery
from orf_books.failures import FailureCategory
from orf_books.records.books import (
    ACCEPTED,
    BookRecords,
    EnrichedBookRow,
    EnrichmentReport,
    ExportUpload,
    LibraryRow,
    fingerprint,
    query_for,
)
from orf_books.resources.dagster_resources import GoogleBooksResource, OpenLibraryResource
from orf_books.resources.raw_answers import RawAnswer

ENRICHED_BOOKS = dg.AssetKey("enriched_books")
BOOK_SECONDS = 900.0
"""The longest that one book may take, waiting for its turn at the services included."""
TITLE_SECONDS = 12.0
"""An upload's batch asks Google Books for titles, one a second, no longer than this, so that people
have their dashboards; a retry asks the rest."""
_NEEDS_KEY = "google_books"
"""Gaps of this source cannot be filled while it is off."""


class EnrichConfig(dg.Config):
    """How a run enriches."""

    ask_again: bool = False
    """Ask the services even where an earlier answer still stands."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """The books that a step is about."""

    questions: dict[str, BookQuery]
    """By partition key, whatever is to be settled."""
    reused: dict[str, EnrichedBookRow]
    """Those that stay as they are."""
    remade: dict[str, EnrichedBookRow]
    """Those that present rules make anew from the answers of then, without a question."""
    with_gaps: dict[str, EnrichedBookRow]
    """Those of which only a source is asked that gave no answer then."""
    seen: dict[str, datetime]
    """When those that had an enrichment got it."""
    libraries: tuple[str, ...]
    """The libraries that hold them."""

    @property
    def to_enrich(self) -> list[str]:
        return [key for key in self.questions if key not in self.reused]


@dataclass(slots=True)
class _Found:
    """What became of books so far."""

    nowhere: int = 0
    with_gap: int = 0

    def count(self, rows: Iterable[EnrichedBookRow]) -> None:
        for row in rows:
            self.nowhere += not row.found
            self.with_gap += row.gap is not None


class EnrichmentStep:
    """One execution of `enrich_books`."""

    def __init__(  # noqa: PLR0913, PLR0917 - what the asset was given
        self,
        context: dg.AssetExecutionContext,
        config: EnrichConfig,
        records: BookRecords,
        open_library: OpenLibraryResource,
        google_books: GoogleBooksResource,
        batch: BatchResource,
    ) -> None:
        self._config, self._records = config, records
        self._open_library, self._google_books = open_library, google_books
        self._concurrency = batch.concurrency
        self._step = ItemStep(context, BOOKS, records, batch)
        self._run_id = context.run.run_id
        self._started_at = datetime.now(UTC)
        self._requests: dict[str, int] = {}
        self._raw_answers: list[RawAnswer] = []
        self._title_seconds: float | None = None

    def enrich_batch(self) -> EnrichmentReport:
        """Enrich all books of the run's uploads, or everything failed or missing.

        Does not raise for books that fail: the report is needed downstream, where a blocking
        check fails the run.
        """
        uploads = self._accepted_uploads()
        scope = self._scope_of_uploads(uploads) if uploads else self._scope_of_all_unsettled()
        self._title_seconds = TITLE_SECONDS if uploads else None
        found = _Found()
        found.count(scope.reused.values())

        async def work(report: Report[EnrichedBookRow]) -> BatchOutcome:
            def count(rows: Collection[EnrichedBookRow]) -> None:
                found.count(rows)
                report(rows)

            return await self._enrich(scope, count)

        outcome = self._step.settle_batch(scope.to_enrich, scope.reused, work)
        made = self._report_of(scope, uploads, outcome, found)
        self._records.add_report(made)
        return made

    def _report_of(
        self,
        scope: _Scope,
        uploads: Sequence[ExportUpload],
        outcome: BatchOutcome,
        found: _Found,
    ) -> EnrichmentReport:
        processed, failed = len(scope.questions), len(outcome.failures)
        return EnrichmentReport(
            job_id=self._run_id,
            status=COMPLETE_WITH_FAILURES if failed else COMPLETE,
            uploads=tuple(upload.key for upload in uploads),
            libraries=scope.libraries,
            books_processed=processed,
            successful_enrichments=processed - failed,
            failed_enrichments=failed,
            not_found=found.nowhere,
            reused=len(scope.reused) + len(scope.remade),
            failed_by_category=json.dumps(outcome.failed_by_category),
            success_rate=success_rate(processed - failed, processed),
            requests=json.dumps(self._requests),
            notes=self._google_books.notes,
            gaps=found.with_gap,
            started_at=self._started_at,
            processing_time_seconds=(datetime.now(UTC) - self._started_at).total_seconds(),
        )

    def enrich_chosen(self, keys: Sequence[str]) -> None:
        """Enrich the chosen partitions.

        Raises:
            dg.Failure: some failed; the others are stored and reported as materialized.
        """
        scope = self._scope_of(keys)
        unknown = map(_unknown_book, set(keys) - set(scope.questions))
        self._step.settle_chosen(scope.reused, partial(self._enrich, scope), unknown)

    async def _enrich(self, scope: _Scope, report: Report[EnrichedBookRow]) -> BatchOutcome:
        """Enrich what the scope leaves to do, each book in one run at a time."""

        def store(rows: Sequence[EnrichedBookRow]) -> None:
            self._keep_raw_answers()
            self._records.add_enrichments(rows)

        async with (
            self._open_library.open(keep=self._raw_answers.append) as first,
            self._google_books.open(
                title_seconds=self._title_seconds, keep=self._raw_answers.append
            ) as for_gaps,
        ):
            outcome = await self._step.in_rounds(
                scope.to_enrich,
                lambda key: self._enriched(key, scope, first, for_gaps),
                store,
                partial(self._made_meanwhile, scope),
                report,
                concurrency=self._concurrency,
                item_seconds=BOOK_SECONDS,
            )
            self._requests = {source.name: source.requests for source in (first, for_gaps)}
        self._keep_raw_answers()
        return outcome

    def _keep_raw_answers(self) -> None:
        answers = self._raw_answers[:]
        self._records.add_raw_answers(answers, self._run_id)
        del self._raw_answers[: len(answers)]

    async def _enriched(
        self, key: str, scope: _Scope, first: BookSource, for_gaps: GapSource
    ) -> EnrichedBookRow:
        question = scope.questions[key]
        if earlier := scope.remade.get(key):
            book = merge_answers(question, earlier.kept_answers())
        else:
            earlier = scope.with_gaps.get(key)
            kept = earlier.kept_answers() if earlier else ()
            book = await enrich_book(question, first, for_gaps, kept)
        answered_at = earlier.answered_at if earlier else datetime.now(UTC)
        return EnrichedBookRow.of(book, fingerprint(question), self._run_id, answered_at)

    def _made_meanwhile(self, scope: _Scope, keys: Collection[str]) -> dict[str, EnrichedBookRow]:
        """Books that other runs enriched since this step looked.

        Not by the clock: what was made before may have been stored only after.
        """
        return {
            key: row
            for key, row in self._records.enrichments(keys).items()
            if row.enriched_at != scope.seen.get(key)
            and row.fingerprint == fingerprint(scope.questions[key])
        }

    def _accepted_uploads(self) -> list[ExportUpload]:
        found = self._records.uploads_of_job(self._run_id)
        return [upload for upload in found if upload.status == ACCEPTED]

    def _scope_of_uploads(self, uploads: Sequence[ExportUpload]) -> _Scope:
        return self._scope(self._records.rows({upload.library for upload in uploads}))

    def _scope_of_all_unsettled(self) -> _Scope:
        """Books of any library that have no answer to their present question, or are not green.

        An answer by older code counts: what a new version makes stale, Dagster shows as such.
        """
        rows = self._records.rows()
        questions = _questions(rows)
        answered = self._answered(questions, self._records.enrichments(questions))
        has_gap = {
            key for key, row in answered.items() if can_be_filled(row.gap, self._google_books)
        }
        settled = answered.keys() - self._step.unsettled(questions) - has_gap
        return self._scope([row for row in rows if row.book_key not in settled])

    def _scope_of(self, keys: Sequence[str]) -> _Scope:
        return self._scope(self._records.rows(books=keys))

    def _scope(self, rows: Sequence[LibraryRow]) -> _Scope:
        questions = _questions(rows)
        enriched = self._records.enrichments(questions)
        now = datetime.now(UTC)
        answered = {
            key: row
            for key, row in self._answered(questions, enriched).items()
            if row.is_fresh(now) and not self._config.ask_again
        }
        with_gaps = {
            key: row for key, row in answered.items() if can_be_filled(row.gap, self._google_books)
        }
        whole = {key: row for key, row in answered.items() if key not in with_gaps}
        is_current = {key: row.code_version == CODE_VERSION for key, row in whole.items()}
        return _Scope(
            questions,
            reused={key: row for key, row in whole.items() if is_current[key]},
            remade={key: row for key, row in whole.items() if not is_current[key]},
            with_gaps=with_gaps,
            seen={key: row.enriched_at for key, row in enriched.items()},
            libraries=tuple(sorted({row.library for row in rows})),
        )

    def _answered(
        self, questions: dict[str, BookQuery], enriched: dict[str, EnrichedBookRow]
    ) -> dict[str, EnrichedBookRow]:
        """Books whose present question was answered, and did not fail since."""
        failed = self._records.standing_failures(questions)
        return {
            key: row
            for key, row in enriched.items()
            if row.fingerprint == fingerprint(questions[key]) and key not in failed
        }


def can_be_filled(gap: str | None, google_books: GoogleBooksResource) -> bool:
    """Whether a source that gave no answer about a book may give one now."""
    return gap is not None and (google_books.is_on or not gap.startswith(_NEEDS_KEY))


def _questions(rows: Iterable[LibraryRow]) -> dict[str, BookQuery]:
    """One question per book; where libraries differ, the export that arrived last decides."""
    return {row.book_key: query_for(row) for row in rows}


def _unknown_book(key: str) -> ItemFailure:
    return ItemFailure(
        key,
        FailureCategory.BAD_DATA,
        "No library holds this book any more: delete the partition, or upload an export with it.",
    )


def _book_metadata(row: EnrichedBookRow) -> Metadata:
    return {
        "found": dg.MetadataValue.bool(row.found),
        "genres": dg.MetadataValue.text(", ".join(row.genres)),
        "matched_by": dg.MetadataValue.text(row.matched_by or ""),
    }


BOOKS = ItemKind("books", ENRICHED_BOOKS, partitions.books, _book_metadata)
