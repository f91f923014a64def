"""Runs carried out by this process: the same jobs as the page's, on the same instance.

Belongs here: putting a file into the store and running a job over it. Does not belong here:
arguments and printing (`orf_books/cli.py`), what the jobs do.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from orf_books.assets.activity_inputs import upload_at
from orf_books.assets.activity_records import ActivityRecords, RescoringReport
from orf_books.assets.book_records import (
    BookRecords,
    EnrichmentReport,
    Upload,
)
from orf_books.assets.item_records import FailedItem
from orf_books.assets.uploads import UploadsConfig
from orf_books.definitions import build_defs
from orf_books.failures import FixInput, OrfBooksError
from orf_books.instance import open_instance, process_tag
from orf_books.local_uploads import put_activities
from orf_books.object_keys import (
    ACTIVITIES_PAGE,
    library_data_key,
    library_page_key,
    upload_key,
)
from orf_books.resources.batch import BatchResource
from orf_books.resources.storage import StoredObject
from orf_books.settings import Settings

_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


class RunBrokeError(OrfBooksError):
    """The run ended before it had a report; the page shows where and why."""


@dataclass(frozen=True, slots=True)
class BooksRun:
    """A batch of books that this process ran."""

    report: EnrichmentReport
    failures: tuple[FailedItem, ...]
    uploads: tuple[Upload, ...]
    dashboards: dict[str, dict[str, str]]
    """Where the data and the page of each library are."""

    def as_document(self) -> dict[str, Any]:
        """For machines: the report's fields, and what belongs to them."""
        report = asdict(self.report)
        for name in ("failed_by_category", "requests"):
            report[name] = json.loads(report[name])
        return report | {
            "rows": sum(upload.rows for upload in self.uploads),
            "refused_rows": [
                row for upload in self.uploads for row in json.loads(upload.refused_rows)
            ],
            "duplicate_rows": [
                row for upload in self.uploads for row in json.loads(upload.duplicates)
            ],
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
    upload = _put(records, content, library)
    config = UploadsConfig.noticed_now([upload]).run_config("library_entries")
    return _run_books(settings, records, "ingest_books", config, batch)


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
        report = asdict(self.report)
        report["failed_by_category"] = json.loads(report["failed_by_category"])
        return report | {
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


def _run_activities(
    settings: Settings, job: str, config: dict[str, Any], batch: BatchResource
) -> ActivitiesRun:
    records = ActivityRecords(settings.open_storage())
    result = _executed(settings, job, config, batch)
    for upload in records.uploads_of_job(result.run_id):
        if upload.problem:
            raise FixInput(f"{upload.key}: {upload.problem}")
    report = records.report_of_job(result.run_id)
    if report is None or not (result.success or report.failed_rescorings):
        raise RunBrokeError(f"Run {result.run_id} broke off: {_why(result)}")
    return ActivitiesRun(
        report,
        tuple(records.failures_of_job(result.run_id)),
        records.storage.location(ACTIVITIES_PAGE),
    )


def _put(records: BookRecords, content: bytes, library: str) -> StoredObject:
    """Store the export under a claim."""
    key = upload_key(library)
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
    result = _executed(settings, job, config, batch)
    uploads = tuple(records.uploads_of_job(result.run_id))
    for upload in uploads:
        if upload.problem:
            raise FixInput(upload.problem)
    report = records.report_of_job(result.run_id)
    if report is None or not (result.success or report.failed_enrichments):
        raise RunBrokeError(f"Run {result.run_id} broke off: {_why(result)}")
    return BooksRun(
        report,
        tuple(records.failures_of_job(result.run_id)),
        uploads,
        {
            library: {
                "data": records.storage.location(library_data_key(library)),
                "page": records.storage.location(library_page_key(library)),
            }
            for library in report.libraries
        },
    )


def _executed(
    settings: Settings, job: str, config: dict[str, Any], batch: BatchResource
) -> dg.ExecuteInProcessResult:
    with open_instance(settings) as instance:
        return (
            build_defs(settings, batch=batch)
            .resolve_job_def(job)
            .execute_in_process(
                run_config=config | {"loggers": _QUIET},
                instance=instance,
                raise_on_error=False,
                tags=process_tag(),
            )
        )


def _why(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure and (error := event.step_failure_data.error):
            cause = error.cause or error
            return f"step {event.step_key}: {cause.message.strip()}"
    return "the page shows more."
