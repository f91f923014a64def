"""Runs carried out by this process: the same jobs as the page's, on the same instance.

Belongs here: putting a file into the store and running a job over it. Does not belong here:
arguments and printing (`orf_books/cli.py`), what the jobs do.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg

from orf_books.assets.books.step import books_in_turn
from orf_books.assets.uploads import UploadConfig, UploadsConfig, trace_tag
from orf_books.batches.report import COMPLETE, COMPLETE_WITH_FAILURES, success_rate
from orf_books.batches.resource import BatchResource
from orf_books.batches.store import ReportT
from orf_books.commands.local_uploads import SessionFiles, put_activities, put_sessions
from orf_books.commands.overview import refresh_overview
from orf_books.definitions import build_defs, google_books_of
from orf_books.failures import FixInput, OrfBooksError
from orf_books.instance import forget_old_runs, open_instance, process_tag
from orf_books.leases import kept_lease
from orf_books.log_lines import write_json_lines
from orf_books.object_keys import (
    ACTIVITIES_PAGE,
    CLASSES_PAGE,
    class_folder,
    export_copy_key,
    export_key,
    library_data_key,
    library_page_key,
)
from orf_books.records.activities import ActivityRecords, RescoringReport
from orf_books.records.books import (
    BookRecords,
    EnrichmentReport,
    ExportUpload,
    LibraryRow,
)
from orf_books.records.items import FailedItem, ItemRecords
from orf_books.records.raw_sessions import sessions_in
from orf_books.records.recordings import upload_at
from orf_books.records.sessions import ScoringReport, SessionRecords, SessionRow
from orf_books.resources.ledger import Ledger
from orf_books.resources.storage import StoredObject
from orf_books.settings import Settings
from orf_books.tracing import traced_run

GAPS_ONLY = {"ops": {"enrich_books": {"config": {"gaps_only": True}}}}
_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


class RunBrokeError(OrfBooksError):
    """The run ended before it had a report; the page shows where and why."""


@dataclass(frozen=True, slots=True)
class BooksRun:
    """A batch of books that this process ran."""

    report: EnrichmentReport
    failures: tuple[FailedItem, ...]
    uploads: tuple[ExportUpload, ...]
    dashboards: dict[str, dict[str, str]]
    """Where the data and the page of each library are."""

    def as_document(self) -> dict[str, Any]:
        """For machines: the report's fields, and what belongs to them."""
        return self.report.document() | {
            "rows": sum(upload.rows for upload in self.uploads),
            "refused_rows": [
                row for upload in self.uploads for row in json.loads(upload.refused_rows)
            ],
            "duplicate_rows": [
                row for upload in self.uploads for row in json.loads(upload.duplicates)
            ],
            "unread_cells": [
                cell for upload in self.uploads for cell in json.loads(upload.unread_cells)
            ],
            "file_notes": [note for upload in self.uploads for note in upload.file_notes],
            "failures": [
                {"book": failure.key, "category": failure.category, "message": failure.message}
                for failure in self.failures
            ],
            "dashboards": self.dashboards,
        }


def ingest_export(
    settings: Settings, content: bytes, library: str, batch: BatchResource
) -> BooksRun:
    """Upload a Goodreads export and run its batch.

    Raises:
        FixInput: the file was refused, and copied aside with the reason.
        RunBrokeError: the run has no report.
    """
    records = BookRecords(settings.open_storage())
    upload, copy_key = _put(records, content, library), export_copy_key(library, uuid4().hex)
    # Another command may put another export of the library before this run reads its own.
    records.storage.put(copy_key, content)
    config = UploadConfig.noticed_now(upload).model_copy(update={"copy_key": copy_key})
    return _run_books(
        settings,
        records,
        "ingest_books",
        UploadsConfig(uploads=[config]).run_config("library_entries"),
        batch,
    )


def fill_gaps(
    settings: Settings,
    run: BooksRun,
    library: str,
    batch: BatchResource,
    tell: Callable[[str], None],
) -> BooksRun:
    """Ask what a library's books wait for at Google Books, window after window.

    Args:
        settings: of the platform.
        run: the batch that left the gaps.
        library: its name.
        batch: how runs are carried out.
        tell: told what is waited for.

    Returns:
        The batch with what the later runs made of it. Gaps remain where the day's quota is spent.

    Raises:
        RunBrokeError: a later run has no report.
    """
    records = BookRecords(settings.open_storage())
    google_books = google_books_of(settings)
    while waiting := len(_rows_of(records, library, books_in_turn(records))):
        seconds = google_books.seconds_until_free()
        if seconds is None:
            tell(f"{waiting} books wait for tomorrow's quota of Google Books.")
            break
        if seconds:
            tell(f"{waiting} books wait for Google Books: the next window is in {seconds:.0f} s.")
            time.sleep(seconds)
        _report_of(records, run_job(settings, "fill_gaps", GAPS_ONLY, batch))
    return _as_it_is_now(records, run, library)


def _as_it_is_now(records: BookRecords, run: BooksRun, library: str) -> BooksRun:
    """The batch of a library, counted by the latest results of its books."""
    keys = {row.book_key for row in _rows_of(records, library)}
    rows = records.latest(keys)
    failures = tuple(records.failed_since(rows, keys).values())
    succeeded = run.report.items - len(failures)
    report = replace(
        run.report,
        status=COMPLETE_WITH_FAILURES if failures else COMPLETE,
        succeeded=succeeded,
        failed=len(failures),
        failed_by_category=dict(Counter(failure.category for failure in failures)),
        success_rate=success_rate(succeeded, run.report.items),
        not_found=sum(not row.found for row in rows.values()),
        gaps=sum(row.gap is not None for row in rows.values()),
    )
    return replace(run, report=report, failures=failures)


def _rows_of(
    records: BookRecords, library: str, books: Collection[str] | None = None
) -> list[LibraryRow]:
    """What a library holds now of these books, or of all."""
    uploads = {name: upload for name, upload in records.libraries().items() if name == library}
    return records.rows(uploads, books) if uploads else []


def retry_books(settings: Settings, batch: BatchResource) -> BooksRun:
    """Run everything that failed or is missing.

    Raises:
        RunBrokeError: the run has no report.
    """
    return _run_books(
        settings, BookRecords(settings.open_storage()), "retry_failed_books", {}, batch
    )


@dataclass(frozen=True, slots=True)
class ActivitiesRun:
    """A batch of activities that this process ran."""

    report: RescoringReport
    failures: tuple[FailedItem, ...]
    page: str
    """Where the page over all activities is."""

    def as_document(self) -> dict[str, Any]:
        """For machines: the report's fields, and what belongs to them."""
        return self.report.document() | {
            "failures": [
                {"activity": failure.key, "category": failure.category, "message": failure.message}
                for failure in self.failures
            ],
            "page": self.page,
        }


def ingest_recordings(
    settings: Settings, paths: Sequence[Path], batch: BatchResource
) -> ActivitiesRun:
    """Upload recordings, or lists of activities, and run their batch.

    Raises:
        FixInput: a path holds neither, or a list cannot be read.
        RunBrokeError: the run has no report.
    """
    records = ActivityRecords(settings.open_storage())
    uploads = [
        upload_at(records.storage, key)
        for path in paths
        for key in put_activities(records.storage, path, records.claim)
    ]
    config = UploadsConfig.noticed_now(uploads).run_config("requested_activities")
    return _run_activities(settings, "ingest_activities", config, batch)


def retry_activities(settings: Settings, batch: BatchResource) -> ActivitiesRun:
    """Run everything that failed or is missing.

    Raises:
        RunBrokeError: the run has no report.
    """
    return _run_activities(settings, "retry_failed_activities", {}, batch)


@dataclass(frozen=True, slots=True)
class TranscriptsRun:
    """A batch of class sessions that this process ran."""

    report: ScoringReport
    failures: tuple[FailedItem, ...]
    sessions: tuple[SessionRow, ...]
    """Those of the batch that have scores."""
    unpublished: frozenset[str]
    """Sessions, of whatever batch, whose scores wait for the database."""
    problem: str | None
    """Why they do."""
    page: str
    """Where the page over all classes is."""

    @property
    def is_published(self) -> bool:
        """Whether all scores are: a run publishes whatever waits."""
        return not self.unpublished

    def as_document(self) -> dict[str, Any]:
        """For machines: the report's fields, and what belongs to them."""
        return self.report.document() | {
            "published": "yes" if self.is_published else "no",
            "publishing_problem": None if self.is_published else self.problem,
            "failures": [
                {
                    "session": failure.key,
                    "category": failure.category,
                    "code": failure.code,
                    "message": failure.message,
                }
                for failure in self.failures
            ],
            "sessions": [
                {
                    "session": row.key,
                    "job_id": row.job_id,
                    "normalized": row.normalized_key,
                    "scores": row.scores_key,
                    "aggregates": row.aggregates_key,
                    "utterances": row.utterances,
                    "students": row.students,
                    "evidence": row.evidence,
                    "warnings": json.loads(row.warnings_by_code),
                }
                for row in self.sessions
            ],
            "page": self.page,
        }


def ingest_sessions(
    settings: Settings, files: SessionFiles, batch: BatchResource
) -> TranscriptsRun:
    """Upload transcripts of a class and run their batch.

    Raises:
        FixInput: none is a transcript, or the class, the day or the roster cannot be used.
        RunBrokeError: the run has no report.
    """
    records = SessionRecords(settings.open_storage())
    keys = set(put_sessions(records.storage, files, records.claim))
    present = sessions_in(records.storage, class_folder(files.class_id))
    uploads = [found for found in present if found.raw_key in keys]
    config = UploadsConfig.noticed_now(uploads).run_config("requested_sessions")
    return run_transcripts(settings, "ingest_transcripts", config, batch)


def retry_transcripts(settings: Settings, batch: BatchResource) -> TranscriptsRun:
    """Run everything that failed or is missing, and publish what is not published yet.

    Raises:
        RunBrokeError: the run has no report.
    """
    return run_transcripts(settings, "retry_failed_transcripts", {}, batch)


def run_transcripts(
    settings: Settings, job: str, config: dict[str, Any], batch: BatchResource
) -> TranscriptsRun:
    """Run a job over sessions.

    Raises:
        RunBrokeError: the run has no report.
    """
    records = SessionRecords(settings.open_storage())
    result = run_job(settings, job, config, batch)
    report = _report_of(records, result)
    failures = records.failures_of_run(result.run_id)
    failed = {failure.key for failure in failures}
    rows = records.latest(report.uploads).values()
    waiting = [
        publication for publication in records.publications() if not publication.is_published
    ]
    return TranscriptsRun(
        report,
        tuple(failures),
        tuple(row for row in rows if row.key not in failed),
        frozenset(publication.key for publication in waiting),
        next((publication.problem for publication in waiting), None),
        records.storage.location(CLASSES_PAGE),
    )


def _run_activities(
    settings: Settings, job: str, config: dict[str, Any], batch: BatchResource
) -> ActivitiesRun:
    records = ActivityRecords(settings.open_storage())
    result = run_job(settings, job, config, batch)
    for upload in records.uploads_of_run(result.run_id):
        if upload.problem:
            raise FixInput(f"{upload.key}: {upload.problem}")
    report = _report_of(records, result)
    return ActivitiesRun(
        report,
        tuple(records.failures_of_run(result.run_id)),
        records.storage.location(ACTIVITIES_PAGE),
    )


def _put(records: BookRecords, content: bytes, library: str) -> StoredObject:
    """Store the export under a claim."""
    key = export_key(library)
    records.claim(key)
    records.storage.put(key, content)
    return records.storage.head(key)


def _run_books(
    settings: Settings,
    records: BookRecords,
    job: str,
    config: dict[str, Any],
    batch: BatchResource,
) -> BooksRun:
    result = run_job(settings, job, config, batch)
    uploads = tuple(records.uploads_of_run(result.run_id))
    for upload in uploads:
        if upload.problem:
            raise FixInput(upload.problem)
    report = _report_of(records, result)
    return BooksRun(
        report,
        tuple(records.failures_of_run(result.run_id)),
        uploads,
        {
            library: {
                "data": records.storage.location(library_data_key(library)),
                "page": records.storage.location(library_page_key(library)),
            }
            for library in report.libraries
        },
    )


def run_job(
    settings: Settings, job: str, config: dict[str, Any], batch: BatchResource
) -> dg.ExecuteInProcessResult:
    """Run a job here, on the instance that the page shows too; one that fails does not raise.

    Raises:
        KeyboardInterrupt: somebody pressed Ctrl-C; the run is shown as canceled.
    """
    run_id, tags = str(uuid4()), process_tag() | trace_tag(config)
    is_logged = settings.log_format == "json"
    if is_logged:
        write_json_lines()
    with (
        open_instance(settings) as instance,
        kept_lease(Ledger(settings.ledger), run_id),
        traced_run(run_id, tags),
    ):
        result = (
            build_defs(settings, batch=batch)
            .resolve_job_def(job)
            .execute_in_process(
                run_config=config if is_logged else config | {"loggers": _QUIET},
                instance=instance,
                raise_on_error=False,
                run_id=run_id,
                tags=tags,
            )
        )
        if any(map(_is_interruption, result.all_events)):
            # Dagster takes it for a failure of the step.
            instance.report_run_canceled(result.dagster_run, "Stopped by Ctrl-C.")
            raise KeyboardInterrupt
        forget_old_runs(instance, settings)
        refresh_overview(settings, instance)
    return result


def _is_interruption(event: dg.DagsterEvent) -> bool:
    error = event.step_failure_data.error if event.is_step_failure else None
    return error is not None and error.cls_name == dg.DagsterExecutionInterruptedError.__name__


def _report_of(
    records: ItemRecords[Any, Any, Any, ReportT], result: dg.ExecuteInProcessResult
) -> ReportT:
    report = records.report_of_run(result.run_id)
    if report is None or not (result.success or report.failed):
        raise RunBrokeError(f"Run {result.run_id} broke off: {_why(result)}")
    return report


def _why(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure and (error := event.step_failure_data.error):
            cause = error.cause or error
            return f"step {event.step_key}: {cause.message.strip()}"
    return "the page shows more."
