"""The assets of the books domain: uploads in, libraries and enriched books out.

Belongs here: fetching what an asset needs, calling the domain, storing, attaching metadata. Does
not belong here: rules about books (`orf_books/books`), tables (`book_records.py`), pages
(`dashboard.py`).
"""

import asyncio
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orf_books import partitions
from orf_books.assets.book_records import (
    ACCEPTED,
    COMPLETE,
    COMPLETE_WITH_FAILURES,
    REFUSED,
    BookRecords,
    EnrichedBookRow,
    EnrichmentReport,
    LibraryRow,
    Upload,
    fingerprint,
    query_for,
)
from orf_books.batches import BatchOutcome, ItemFailure, work_on_items
from orf_books.books.enrichment import CODE_VERSION, enrich_book
from orf_books.books.goodreads_csv import NotAGoodreadsExport, RefusedRow, parse_export
from orf_books.books.metadata import BookQuery
from orf_books.dagster_internals import (
    PartitionEvents,
    PartitionMaterialization,
    PartitionStatus,
    partition_statuses,
)
from orf_books.failures import FailureCategory
from orf_books.object_keys import UPLOADS, is_upload, library_of_upload
from orf_books.resources.batch import BatchResource
from orf_books.resources.book_services import GoogleBooksResource, OpenLibraryResource
from orf_books.resources.storage import StorageResource

GROUP = "books"
OWNERS = ["team:data-engineering"]
BOOK_SECONDS = 900.0
"""The longest that one book may take, waiting for its turn at the services included."""
GOODREADS_EXPORTS = dg.AssetKey("goodreads_exports")
ENRICHED_BOOKS = dg.AssetKey("enriched_books")
ENRICHMENT_REPORT = dg.AssetKey("enrichment_report")
EXPORT_IS_VALID = "export_is_valid"
SHOWN_FAILURES = 20

goodreads_exports = dg.AssetSpec(
    GOODREADS_EXPORTS,
    group_name=GROUP,
    kinds={"csv"},
    owners=OWNERS,
    description="Goodreads exports as readers upload them, `uploads/<library>/<name>.csv`.",
)


class UploadConfig(dg.Config):
    """One version of one uploaded object."""

    key: str
    version: str
    arrived_at: str
    """ISO 8601; of two exports of a library the later one counts."""


class IngestConfig(dg.Config):
    """Which uploads a run is about."""

    uploads: list[UploadConfig] = []
    """Empty, as from the page: every upload that was not dealt with yet."""


class EnrichConfig(dg.Config):
    """How a run enriches."""

    ask_again: bool = False
    """Ask the services even where an earlier answer still stands."""


@dg.asset(
    deps=[GOODREADS_EXPORTS],
    group_name=GROUP,
    kinds={"polars", "deltalake"},
    owners=OWNERS,
    code_version="1",
    description="What each library holds: the rows of its latest export.",
)
def library_entries(
    context: dg.AssetExecutionContext, config: IngestConfig, storage: StorageResource
) -> dg.MaterializeResult[None]:
    """Read the uploads; one that is no export is refused, and the next goes on."""
    records = BookRecords(storage.open())
    found = [
        _ingest(context, records, upload) for upload in config.uploads or new_uploads(records)
    ]
    refused = [upload for upload in found if upload.status == REFUSED]
    for upload in refused:
        context.log.error(f"{upload.key} was refused. {upload.problem}")
    if refused and len(refused) == len(found):
        raise dg.Failure(
            f"No upload could be used. {refused[0].key}: {refused[0].problem}",
            allow_retries=False,
        )
    return dg.MaterializeResult(
        metadata={
            "uploads": len(found),
            "refused_uploads": len(refused),
            "libraries": sorted({upload.library for upload in found}),
            "books": sum(upload.books for upload in found),
            "refused_rows": sum(len(json.loads(upload.refused_rows)) for upload in found),
            "preview": dg.MetadataValue.md(_uploads_preview(found)),
        }
    )


def new_uploads(records: BookRecords) -> list[UploadConfig]:
    """Uploads in the store that no run has dealt with at their present version."""
    known = {(upload.key, upload.version) for upload in records.uploads()}
    new = [
        stored
        for stored in records.storage.list(UPLOADS)
        if is_upload(stored.key) and (stored.key, stored.version) not in known
    ]
    return [
        UploadConfig(
            key=stored.key, version=stored.version, arrived_at=datetime.now(UTC).isoformat()
        )
        for stored in sorted(new, key=lambda stored: (stored.last_modified, stored.key))
    ]


def _ingest(
    context: dg.AssetExecutionContext, records: BookRecords, config: UploadConfig
) -> Upload:
    upload = ingest(records, config, context.run_id)
    context.instance.report_runless_asset_event(
        dg.AssetMaterialization(
            GOODREADS_EXPORTS,
            description=upload.problem,
            metadata={
                "upload": upload.key,
                "library": upload.library,
                "status": upload.status,
                "rows": upload.rows,
            },
        )
    )
    context.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=GOODREADS_EXPORTS,
            check_name=EXPORT_IS_VALID,
            passed=upload.status == ACCEPTED,
            description=upload.problem,
            metadata={"upload": upload.key, "refused_rows": len(json.loads(upload.refused_rows))},
        )
    )
    return upload


def ingest(records: BookRecords, config: UploadConfig, job_id: str) -> Upload:
    """Read one upload and store what it holds, or refuse it."""
    arrived_at = datetime.fromisoformat(config.arrived_at)
    library = library_of_upload(config.key)
    content = records.storage.get(config.key)
    try:
        export = parse_export(content)
    except NotAGoodreadsExport as reason:
        refused = Upload(
            config.key, config.version, library, REFUSED, arrived_at, job_id, problem=str(reason)
        )
        records.refuse(refused, reason)
        return refused
    accepted = Upload(
        config.key,
        config.version,
        library,
        ACCEPTED,
        arrived_at,
        job_id,
        rows=export.rows,
        books=len(export.entries),
        refused_rows=_notes(export.refused),
        duplicates=_notes(export.duplicates),
    )
    records.accept(accepted, export)
    return accepted


@dg.multi_asset(
    name="enrich_books",
    specs=[
        dg.AssetSpec(
            ENRICHED_BOOKS,
            deps=[library_entries],
            partitions_def=partitions.books,
            group_name=GROUP,
            kinds={"http", "deltalake"},
            owners=OWNERS,
            code_version=CODE_VERSION,
            skippable=True,
            description=(
                "Genres, covers and descriptions, one partition per book, from Open Library and "
                "Google Books. To mend failed ones: backfill the failed partitions."
            ),
        ),
        dg.AssetSpec(
            ENRICHMENT_REPORT,
            deps=[library_entries],
            group_name=GROUP,
            kinds={"deltalake"},
            owners=OWNERS,
            code_version="1",
            skippable=True,
            description=(
                "What came of a batch: over an upload's books, or, materialized by hand, over "
                "everything failed or missing."
            ),
        ),
    ],
    can_subset=True,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def enrich_books(  # noqa: PLR0913 - Dagster hands resources over as parameters
    context: dg.AssetExecutionContext,
    config: EnrichConfig,
    storage: StorageResource,
    open_library: OpenLibraryResource,
    google_books: GoogleBooksResource,
    batch: BatchResource,
) -> Iterator[dg.MaterializeResult[None]]:
    """Enrich chosen partitions, or as a batch all that an upload brought."""
    records = BookRecords(storage.open())
    step = _EnrichmentStep(context, config, records, open_library, google_books, batch)
    if ENRICHED_BOOKS in context.selected_asset_keys:
        step.enrich_chosen(context.partition_keys)
        yield dg.MaterializeResult(asset_key=ENRICHED_BOOKS)
    else:
        report = step.enrich_batch()
        yield dg.MaterializeResult(asset_key=ENRICHMENT_REPORT, metadata=_report_metadata(report))


@dataclass(frozen=True, slots=True)
class _Scope:
    """The books that a step is about."""

    questions: dict[str, BookQuery]
    """By partition key, whatever is to be settled."""
    reused: dict[str, EnrichedBookRow]
    """Those whose last answer still stands."""

    @property
    def to_ask(self) -> list[str]:
        return [key for key in self.questions if key not in self.reused]


class _EnrichmentStep:
    """One execution of `enrich_books`."""

    def __init__(  # noqa: PLR0913 - what the asset was given
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
        scope = self._scope_of_uploads(uploads) if uploads else self._scope_of_everything_unsettled()
        partitions.register(self._context.instance, partitions.books, list(scope.questions))
        unsettled = self._unsettled(scope.reused)
        self._events.plan([*scope.to_ask, *unsettled])
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
            job_id=self._context.run_id,
            status=COMPLETE_WITH_FAILURES if outcome.failures else COMPLETE,
            uploads=tuple(upload.key for upload in uploads),
            libraries=tuple(upload.library for upload in uploads),
            books_processed=processed,
            successful_enrichments=processed - len(outcome.failures),
            failed_enrichments=len(outcome.failures),
            not_found=not_found,
            reused=len(scope.reused),
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
            raise dg.Failure(
                f"{len(failures)} of {len(keys)} books failed, among them: "
                + " ".join(failure.message for failure in failures[:SHOWN_FAILURES]),
                allow_retries=False,
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
                    book = await enrich_book(question, first, for_gaps)
                    return EnrichedBookRow.of(book, fingerprint(question), self._context.run_id)

                outcome = await work_on_items(
                    scope.to_ask,
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
        self._records.add_failures(outcome.failures, prints, self._context.run_id)
        for failure in outcome.failures[:SHOWN_FAILURES]:
            self._context.log.error(failure.message)
        return outcome

    def _accepted_uploads(self) -> list[Upload]:
        found = self._records.uploads_of_job(self._context.run_id)
        return [upload for upload in found if upload.status == ACCEPTED]

    def _scope_of_uploads(self, uploads: Sequence[Upload]) -> _Scope:
        libraries = {upload.library for upload in uploads}
        return self._scope(_questions(self._records.rows(libraries)))

    def _scope_of_everything_unsettled(self) -> _Scope:
        """Books of any library that have no answer to their present question, or are not green.

        An answer by older code counts: what a new version makes stale, Dagster shows as such.
        """
        questions = _questions(self._records.rows())
        answered = self._answered(questions)
        unsettled = self._unsettled(questions) | (questions.keys() - answered.keys())
        return self._scope({key: questions[key] for key in questions if key in unsettled})

    def _scope_of(self, keys: Sequence[str]) -> _Scope:
        questions = _questions(self._records.rows())
        return self._scope({key: questions[key] for key in keys if key in questions})

    def _scope(self, questions: dict[str, BookQuery]) -> _Scope:
        current = {
            key: row
            for key, row in self._answered(questions).items()
            if row.code_version == CODE_VERSION
        }
        return _Scope(questions, {} if self._config.ask_again else current)

    def _answered(self, questions: dict[str, BookQuery]) -> dict[str, EnrichedBookRow]:
        return {
            key: row
            for key, row in self._records.enrichments(questions).items()
            if row.fingerprint == fingerprint(questions[key])
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
        f"Book {key}: no library holds it any more. Delete the partition, or upload an export "
        "that holds the book.",
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


def _report_metadata(report: EnrichmentReport) -> dict[str, dg.MetadataValue[Any]]:
    counts = ("books_processed", "successful_enrichments", "failed_enrichments", "not_found", "reused")
    return {name: dg.MetadataValue.int(getattr(report, name)) for name in counts} | {
        "status": dg.MetadataValue.text(report.status),
        "success_rate": dg.MetadataValue.float(report.success_rate),
        "processing_time_seconds": dg.MetadataValue.float(report.processing_time_seconds),
        "failed_by_category": dg.MetadataValue.json(json.loads(report.failed_by_category)),
        "requests": dg.MetadataValue.json(json.loads(report.requests)),
        "notes": dg.MetadataValue.json(list(report.notes)),
    }


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 100.0


def _notes(rows: Iterable[RefusedRow]) -> str:
    return json.dumps([asdict(row) for row in rows])


def _uploads_preview(uploads: Iterable[Upload]) -> str:
    lines = [
        f"| {upload.key} | {upload.library} | {upload.status} | {upload.rows} | {upload.books} |"
        for upload in uploads
    ]
    return "\n".join(["| upload | library | status | rows | books |", "|---|---|---|--:|--:|", *lines])
