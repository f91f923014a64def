"""Asset checks: what must hold before somebody relies on a result.

Belongs here: the checks and the figures they hold results against. Does not belong here: how a
result is made.
"""

from collections.abc import Callable
from typing import Any

import dagster as dg

from orf_books.assets.activities.assets import (
    ACTIVITY_RECORDINGS,
    RECORDINGS_ARE_USABLE,
    usability_of_recordings,
)
from orf_books.assets.activities.pages import activity_reports
from orf_books.assets.activities.step import ACTIVITIES
from orf_books.assets.books.assets import (
    EXPORT_IS_VALID,
    GOODREADS_EXPORTS,
    validity_of_exports,
)
from orf_books.assets.books.pages import dashboard
from orf_books.assets.books.step import BOOKS, ENRICHMENT_REPORT
from orf_books.assets.transcripts.assets import (
    CLASS_TRANSCRIPTS,
    TRANSCRIPTS_ARE_USABLE,
    usability_of_sessions,
)
from orf_books.assets.transcripts.classes import CLASS_PAGES, PUBLISHED_SCORES
from orf_books.assets.transcripts.step import SCORING_REPORT, SESSIONS
from orf_books.assets.uploads import every_upload_is_read, result_of
from orf_books.batches.check import every_item_succeeded, no_partition_is_failed
from orf_books.batches.store import ReportT
from orf_books.jobs import retry_failed_activities, retry_failed_books, retry_failed_transcripts
from orf_books.records.activities import ActivityRecords
from orf_books.records.books import BookRecords
from orf_books.records.evidence import resolve_stored
from orf_books.records.items import FailedItem, ItemRecords
from orf_books.records.sessions import SessionRecords
from orf_books.resources.dagster_resources import StorageResource
from orf_books.resources.storage import ObjectStorage

LEAST_SUCCESS_RATE = 95.0
"""Percent of a batch's books."""
_LOOKS_AT_ALL = (
    "Each run that reads uploads looks at all of them, and lists those that were refused: a "
    "warning while others are good."
)


@dg.asset_check(
    asset=GOODREADS_EXPORTS,
    name=EXPORT_IS_VALID,
    description=f"The last version of every upload is the export of a library. {_LOOKS_AT_ALL}",
)
def export_is_valid(storage: StorageResource) -> dg.AssetCheckResult:
    """Fail when an upload lies refused."""
    return result_of(validity_of_exports(BookRecords(storage.open())))


@dg.asset_check(
    asset=ACTIVITY_RECORDINGS,
    name=RECORDINGS_ARE_USABLE,
    description=f"The last version of every upload is a recording or list of ids. {_LOOKS_AT_ALL}",
)
def recordings_are_usable(storage: StorageResource) -> dg.AssetCheckResult:
    """Fail when an upload lies refused."""
    return result_of(usability_of_recordings(ActivityRecords(storage.open())))


def _report_of(
    records: Callable[[ObjectStorage], ItemRecords[Any, Any, Any, ReportT]],
) -> Callable[[dg.AssetCheckExecutionContext], ReportT | None]:
    """How a check finds the report of its run."""

    def report_of_run(context: dg.AssetCheckExecutionContext) -> ReportT | None:
        storage: StorageResource = context.resources.storage
        return records(storage.open()).report_of_run(context.run.run_id)

    return report_of_run


def _standing_in(
    records: Callable[[ObjectStorage], ItemRecords[Any, Any, Any, Any]],
) -> Callable[[dg.AssetCheckExecutionContext], dict[str, FailedItem]]:
    """How a check finds the items that are failed."""

    def standing(context: dg.AssetCheckExecutionContext) -> dict[str, FailedItem]:
        storage: StorageResource = context.resources.storage
        return records(storage.open()).standing_failures()

    return standing


@dg.asset_check(
    asset=ENRICHMENT_REPORT,
    description=f"At least {LEAST_SUCCESS_RATE:g} % of the batch's books succeeded.",
)
def success_rate_is_high(
    context: dg.AssetCheckExecutionContext, storage: StorageResource
) -> dg.AssetCheckResult:
    """Warn when more items fail than a few broken records explain: a source is probably down."""
    report = BookRecords(storage.open()).report_of_run(context.run.run_id)
    rate = report.success_rate if report else 100.0
    return dg.AssetCheckResult(
        passed=rate >= LEAST_SUCCESS_RATE,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"success_rate": rate},
    )


@dg.asset_check(
    asset=CLASS_TRANSCRIPTS,
    name=TRANSCRIPTS_ARE_USABLE,
    description=f"The last version of every raw file is a session. {_LOOKS_AT_ALL}",
)
def transcripts_are_usable(storage: StorageResource) -> dg.AssetCheckResult:
    """Fail when a raw file lies refused."""
    return result_of(usability_of_sessions(SessionRecords(storage.open())))


@dg.asset_check(
    asset=SCORING_REPORT,
    blocking=True,
    description="All evidence of the batch stands in the raw files where its scores say.",
)
def evidence_resolves(
    context: dg.AssetCheckExecutionContext, storage: StorageResource
) -> dg.AssetCheckResult:
    """Look evidence up from what is stored, before anything is made of it."""
    records = SessionRecords(storage.open())
    report = records.report_of_run(context.run.run_id)
    rows = records.latest(report.uploads).values() if report else []
    found = resolve_stored(records.storage, [r for r in rows if r.run_id == context.run.run_id])
    return dg.AssetCheckResult(
        passed=found.is_complete,
        description=f"{found.resolved} of {found.evidence} resolve.",
        metadata={"evidence": found.evidence, "resolved": found.resolved},
    )


@dg.asset_check(
    asset=PUBLISHED_SCORES,
    description="All scores are published. Those that are not, the next run publishes.",
)
def all_scores_are_published(storage: StorageResource) -> dg.AssetCheckResult:
    """Warn when scores wait for the database."""
    classes = SessionRecords(storage.open()).classes().values()
    waiting = sum(len(of_class.unpublished) for of_class in classes)
    return dg.AssetCheckResult(
        passed=not waiting,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{waiting} sessions wait for the database." if waiting else None,
        metadata={"unpublished_sessions": waiting},
    )


checks = [
    export_is_valid,
    no_partition_is_failed(BOOKS, _standing_in(BookRecords), resources={"storage"}),
    no_partition_is_failed(ACTIVITIES, _standing_in(ActivityRecords), resources={"storage"}),
    no_partition_is_failed(SESSIONS, _standing_in(SessionRecords), resources={"storage"}),
    every_upload_is_read(GOODREADS_EXPORTS, BookRecords),
    every_upload_is_read(ACTIVITY_RECORDINGS, ActivityRecords),
    every_upload_is_read(CLASS_TRANSCRIPTS, SessionRecords),
    every_item_succeeded(
        BOOKS,
        dashboard,
        _report_of(BookRecords),
        _standing_in(BookRecords),
        retry_failed_books.name,
        resources={"storage"},
    ),
    success_rate_is_high,
    every_item_succeeded(
        ACTIVITIES,
        activity_reports,
        _report_of(ActivityRecords),
        _standing_in(ActivityRecords),
        retry_failed_activities.name,
        resources={"storage"},
        name="every_activity_succeeded",
    ),
    recordings_are_usable,
    transcripts_are_usable,
    evidence_resolves,
    all_scores_are_published,
    every_item_succeeded(
        SESSIONS,
        CLASS_PAGES,
        _report_of(SessionRecords),
        _standing_in(SessionRecords),
        retry_failed_transcripts.name,
        resources={"storage"},
        name="every_session_succeeded",
    ),
]
