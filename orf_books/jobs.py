"""The jobs: which assets a run of each kind makes.

Belongs here: selections, the tags of their runs, and which job runs every night. Does not belong
here: what starts runs by day (`orf_books/sensors.py`).
"""

from datetime import UTC, datetime, timedelta

import dagster as dg

from orf_books.assets.activities.assets import requested_activities
from orf_books.assets.activities.pages import activity_reports
from orf_books.assets.activities.step import RESCORING_REPORT
from orf_books.assets.books.assets import library_entries
from orf_books.assets.books.pages import dashboard, library_dashboard
from orf_books.assets.books.step import ENRICHMENT_REPORT, can_be_filled
from orf_books.assets.transcripts.assets import requested_sessions
from orf_books.assets.transcripts.classes import CLASS_FIGURES, CLASS_PAGES, PUBLISHED_SCORES
from orf_books.assets.transcripts.step import SCORING_REPORT
from orf_books.batches.driver import RETRY_TAG
from orf_books.dagster_internals import forget_runs
from orf_books.records import activities as activity_records
from orf_books.records import books as book_records
from orf_books.records import sessions as session_records
from orf_books.records.books import BookRecords
from orf_books.records.sessions import SessionRecords
from orf_books.resources.dagster_resources import (
    GoogleBooksResource,
    StorageResource,
    UpkeepResource,
)
from orf_books.resources.tables import Tables

LONGEST_RUN = timedelta(days=1)
"""What is older does not belong to a run that is still at work."""

_DASHBOARDS = dg.AssetSelection.assets(library_dashboard, dashboard)
_CLASSES = dg.AssetSelection.assets(CLASS_FIGURES, PUBLISHED_SCORES, CLASS_PAGES)
_RETRY_BY_BACKFILL = {"dagster/max_retries": "0"}
"""A run that Dagster retries from its failure repeats the check, not the failed items."""
_RETRY_EVERYTHING = _RETRY_BY_BACKFILL | {RETRY_TAG: "everything"}

ingest_books = dg.define_asset_job(
    "ingest_books",
    dg.AssetSelection.assets(library_entries, ENRICHMENT_REPORT) | _DASHBOARDS,
    tags=_RETRY_BY_BACKFILL,
    description="From uploads to dashboards, in one run. The sensor starts one per upload.",
)
retry_failed_books = dg.define_asset_job(
    "retry_failed_books",
    dg.AssetSelection.assets(library_entries, ENRICHMENT_REPORT) | _DASHBOARDS,
    tags=_RETRY_EVERYTHING,
    description="One run over every upload not read yet, and every book that failed or is missing.",
)
fill_gaps = dg.define_asset_job(
    "fill_gaps",
    dg.AssetSelection.assets(ENRICHMENT_REPORT) | _DASHBOARDS,
    tags=_RETRY_EVERYTHING,
    config={"ops": {"enrich_books": {"config": {"gaps_only": True}}}},
    description=(
        "Ask Google Books what it was not asked yet, as far as its window allows at once, and "
        "refresh the dashboards. A sensor starts it until nothing is left to ask."
    ),
)
ingest_activities = dg.define_asset_job(
    "ingest_activities",
    dg.AssetSelection.assets(requested_activities, RESCORING_REPORT, activity_reports),
    tags=_RETRY_BY_BACKFILL,
    description="From recordings to reports, in one run. The sensor starts one for new uploads.",
)
retry_failed_activities = dg.define_asset_job(
    "retry_failed_activities",
    dg.AssetSelection.assets(requested_activities, RESCORING_REPORT, activity_reports),
    tags=_RETRY_EVERYTHING,
    description=(
        "One run over every upload not read yet, and every activity that failed or is missing."
    ),
)
refresh_activity_reports = dg.define_asset_job(
    "refresh_activity_reports",
    dg.AssetSelection.assets(activity_reports),
    tags=_RETRY_BY_BACKFILL,
    description="Make the reports of the activities that a backfill has rescored.",
)
ingest_transcripts = dg.define_asset_job(
    "ingest_transcripts",
    dg.AssetSelection.assets(requested_sessions, SCORING_REPORT) | _CLASSES,
    tags=_RETRY_BY_BACKFILL,
    description="From class sessions to pages and published tables, in one run.",
)
retry_failed_transcripts = dg.define_asset_job(
    "retry_failed_transcripts",
    dg.AssetSelection.assets(requested_sessions, SCORING_REPORT) | _CLASSES,
    tags=_RETRY_EVERYTHING,
    description=(
        "One run over every upload not read yet, every session that failed or is missing, and all "
        "scores not published yet."
    ),
)
refresh_classes = dg.define_asset_job(
    "refresh_classes",
    _CLASSES,
    tags=_RETRY_BY_BACKFILL,
    description=(
        "Publish what is not published yet, without scoring, and make figures and pages of classes "
        "that have changed."
    ),
)
refresh_libraries = dg.define_asset_job(
    "refresh_libraries",
    _DASHBOARDS,
    tags=_RETRY_BY_BACKFILL,
    description="Make the dashboards of the libraries that a backfill of books has changed.",
)


@dg.op(description="Compact the tables and delete files, objects and logs that nobody needs.")
def maintain(
    context: dg.OpExecutionContext, storage: StorageResource, upkeep: UpkeepResource
) -> None:
    """Keep reading fast, and the store and Dagster's history small."""
    opened = storage.open()
    tables = Tables(opened)
    for table in (*book_records.TABLES, *activity_records.TABLES, *session_records.TABLES):
        if done := tables.maintain(table):
            context.log.info(
                "%s: %s files became %s, %s deleted",
                done.table,
                done.files_before,
                done.files_after,
                done.files_deleted,
            )
    swept = SessionRecords(opened).sweep(datetime.now(UTC) - LONGEST_RUN)
    context.log.info("%s objects of sessions that nothing refers to were deleted", swept)
    forgotten = forget_runs(context.instance, datetime.now(UTC) - upkeep.runs_are_kept)
    context.log.info(
        "%s runs that ended long ago have no log any more, %s of them were deleted",
        forgotten.logs,
        forgotten.runs,
    )


@dg.job(description="Upkeep of tables, objects and Dagster's history; runs every night.")
def maintain_tables() -> None:
    """Compact and vacuum every table, and forget the logs of old runs."""
    maintain()


@dg.schedule(
    job=retry_failed_books,
    cron_schedule="30 0 * * *",
    # Where the day's quota of Google Books starts anew.
    execution_timezone="America/Los_Angeles",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Starts `retry_failed_books` where a source is still to be asked about a book.",
)
def nightly_filling(
    storage: StorageResource, google_books: GoogleBooksResource
) -> dg.RunRequest | dg.SkipReason:
    """Ask for what was left open: a key was missing, the quota spent, a source down or busy."""
    gaps = BookRecords(storage.open()).gaps()
    if any(can_be_filled(gap, google_books) for gap in gaps.values()):
        return dg.RunRequest()
    return dg.SkipReason("No gap can be filled.")


nightly_upkeep = dg.ScheduleDefinition(
    name="nightly_upkeep",
    job=maintain_tables,
    cron_schedule="0 3 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
