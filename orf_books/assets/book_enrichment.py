"""One execution of `enrich_books`: which books it is about, asking, storing, reporting.

Belongs here: what joins the batch, the records and the partitions of books. Does not belong here:
the assets themselves (`books.py`), how a book is enriched (`orf_books/books/enrichment.py`).
"""

import asyncio
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orf_books import partitions
from orf_books.assets.book_records import (
    ACCEPTED,
    COMPLETE,
    COMPLETE_WITH_FAILURES,
    BookRecords,
    EnrichedBookRow,
    EnrichmentReport,
    LibraryRow,
    Upload,
    fingerprint,
    query_for,
)
from orf_books.batches import BatchOutcome, ItemFailure, work_on_items
from orf_books.books.enrichment import CODE_VERSION, enrich_book, is_fresh, merge_answers
from orf_books.books.metadata import BookQuery
from orf_books.dagster_internals import (
    PartitionEvents,
    PartitionMaterialization,
    PartitionStatus,
    partition_statuses,
)
from orf_books.failures import FailureCategory
from orf_books.resources.batch import BatchResource
from orf_books.resources.dagster_resources import GoogleBooksResource, OpenLibraryResource

ENRICHED_BOOKS = dg.AssetKey("enriched_books")
BOOK_SECONDS = 900.0
"""The longest that one book may take, waiting for its turn at the services included."""
SHOWN_FAILURES = 20


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
    libraries: tuple[str, ...]
    """The libraries that hold them."""

    @property
    def to_enrich(self) -> list[str]:
        return [key for key in self.questions if key not in self.reused]


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
        self._context, self._config, self._records = context, config, records
        self._open_library, self._google_books, self._batch = open_library, google_books, batch
        self._events = PartitionEvents(context, ENRICHED_BOOKS)
        self._requests: dict[str, int] = {}

    def enrich_batch(self) -> EnrichmentReport:
        """Enrich all books of the run's uploads, or everything failed or missing.

        Does not raise for books that fail: the report is needed downstream, where a blocking
        check fails the run.
        """
        started_at = datetime.now(UTC)
        uploads = self._accepted_uploads()
        scope = self._scope_of_uploads(uploads) if uploads else self._scope_of_all_unsettled()
        partitions.register(self._context.instance, partitions.books, list(scope.questions))
        unsettled = self._unsettled(scope.reused)
        self._events.plan([*scope.to_enrich, *unsettled])
        self._events.materialized(_materialization(scope.reused[key]) for key in unsettled)
        not_found = sum(not row.found for row in scope.reused.values())

        def commit(rows: Sequence[EnrichedBookRow]) -> None:
            nonlocal not_found
            not_found += sum(not row.found for row in rows)
            self._records.add_enrichments(rows)
            self._events.materialized(map(_materialization, rows))

        outcome = self._ask(scope, commit)
        processed = len(scope.questions)
        report = EnrichmentReport(
            job_id=self._context.run.run_id,
            status=COMPLETE_WITH_FAILURES if outcome.failures else COMPLETE,
            uploads=tuple(upload.key for upload in uploads),
            libraries=scope.libraries,
            books_processed=processed,
            successful_enrichments=processed - len(outcome.failures),
            failed_enrichments=len(outcome.failures),
            not_found=not_found,
            reused=len(scope.reused) + len(scope.remade),
            failed_by_category=json.dumps(outcome.failed_by_category),
            success_rate=_percent(processed - len(outcome.failures), processed),
            requests=json.dumps(self._requests),
            notes=self._google_books.notes,
            started_at=started_at,
            processing_time_seconds=(datetime.now(UTC) - started_at).total_seconds(),
        )
        self._records.add_report(report)
        return report

    def enrich_chosen(self, keys: Sequence[str]) -> None:
        """Enrich the chosen partitions.

        Raises:
            dg.Failure: some failed; the others are stored and reported as materialized.
        """
        scope = self._scope_of(keys)
        done = list(scope.reused.values())

        def commit(rows: Sequence[EnrichedBookRow]) -> None:
            self._records.add_enrichments(rows)
            done.extend(rows)

        outcome = self._ask(scope, commit)
        failures = [*outcome.failures, *map(_unknown_book, set(keys) - set(scope.questions))]
        if failures:
            self._events.materialized(map(_materialization, done))
            shown = "\n".join(map(str, failures[:SHOWN_FAILURES]))
            raise dg.Failure(
                f"{len(failures)} of {len(keys)} books failed:\n{shown}", allow_retries=False
            )
        for row in done:
            self._context.add_asset_metadata(_book_metadata(row), ENRICHED_BOOKS, row.key)

    def _ask(
        self, scope: _Scope, commit: Callable[[Sequence[EnrichedBookRow]], None]
    ) -> BatchOutcome:
        async def ask_services() -> BatchOutcome:
            async with self._open_library.open() as first, self._google_books.open() as for_gaps:

                async def enrich(key: str) -> EnrichedBookRow:
                    question = scope.questions[key]
                    earlier = scope.remade.get(key)
                    if earlier:
                        book = merge_answers(question, earlier.kept_answers())
                    else:
                        book = await enrich_book(question, first, for_gaps)
                    return EnrichedBookRow.of(
                        book,
                        fingerprint(question),
                        self._context.run.run_id,
                        answered_at=earlier.answered_at if earlier else datetime.now(UTC),
                    )

                outcome = await work_on_items(
                    scope.to_enrich,
                    enrich,
                    commit,
                    concurrency=self._batch.concurrency,
                    item_seconds=BOOK_SECONDS,
                    progress=self._batch.watch(self._context, "books"),
                )
                self._requests = {source.name: source.requests for source in (first, for_gaps)}
                return outcome

        outcome = asyncio.run(ask_services())
        prints = {key: fingerprint(question) for key, question in scope.questions.items()}
        self._records.add_failures(outcome.failures, prints, self._context.run.run_id)
        for failure in outcome.failures[:SHOWN_FAILURES]:
            self._context.log.error("%s", failure)
        return outcome

    def _accepted_uploads(self) -> list[Upload]:
        found = self._records.uploads_of_job(self._context.run.run_id)
        return [upload for upload in found if upload.status == ACCEPTED]

    def _scope_of_uploads(self, uploads: Sequence[Upload]) -> _Scope:
        return self._scope(self._records.rows({upload.library for upload in uploads}))

    def _scope_of_all_unsettled(self) -> _Scope:
        """Books of any library that have no answer to their present question, or are not green.

        An answer by older code counts: what a new version makes stale, Dagster shows as such.
        """
        rows = self._records.rows()
        questions = _questions(rows)
        settled = self._answered(questions).keys() - self._unsettled(questions)
        return self._scope([row for row in rows if row.book_key not in settled])

    def _scope_of(self, keys: Sequence[str]) -> _Scope:
        return self._scope(self._records.rows(books=keys))

    def _scope(self, rows: Sequence[LibraryRow]) -> _Scope:
        questions = _questions(rows)
        answered = {} if self._config.ask_again else self._answered(questions)
        is_current = {key: row.code_version == CODE_VERSION for key, row in answered.items()}
        return _Scope(
            questions,
            reused={key: row for key, row in answered.items() if is_current[key]},
            remade={key: row for key, row in answered.items() if not is_current[key]},
            libraries=tuple(sorted({row.library for row in rows})),
        )

    def _answered(self, questions: dict[str, BookQuery]) -> dict[str, EnrichedBookRow]:
        """Books whose present question was answered not long ago, and did not fail since."""
        failed = self._records.standing_failures(questions)
        now = datetime.now(UTC)
        return {
            key: row
            for key, row in self._records.enrichments(questions).items()
            if row.fingerprint == fingerprint(questions[key])
            and key not in failed
            and row.answered_at is not None
            and is_fresh(row.book(), row.answered_at, now)
        }

    def _unsettled(self, keys: Collection[str]) -> set[str]:
        """Partitions that Dagster does not show as materialized."""
        statuses = partition_statuses(
            self._context.instance, ENRICHED_BOOKS, partitions.books, list(keys)
        )
        return {key for key, status in statuses.items() if status != PartitionStatus.MATERIALIZED}


def _questions(rows: Iterable[LibraryRow]) -> dict[str, BookQuery]:
    """One question per book; where libraries differ, the export that arrived last decides."""
    return {row.book_key: query_for(row) for row in rows}


def _unknown_book(key: str) -> ItemFailure:
    return ItemFailure(
        key,
        FailureCategory.BAD_DATA,
        "No library holds this book any more: delete the partition, or upload an export with it.",
    )


def _materialization(row: EnrichedBookRow) -> PartitionMaterialization:
    return PartitionMaterialization(
        row.key,
        _book_metadata(row),
        {"dagster/code_version": row.code_version, "dagster/data_version": row.data_version},
    )


def _book_metadata(row: EnrichedBookRow) -> dict[str, dg.MetadataValue[Any]]:
    return {
        "found": dg.MetadataValue.bool(row.found),
        "genres": dg.MetadataValue.text(", ".join(row.genres)),
        "matched_by": dg.MetadataValue.text(row.matched_by or ""),
    }


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 100.0
