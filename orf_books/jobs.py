"""The jobs: which assets a run of each kind makes.

Belongs here: selections and the tags of their runs. Does not belong here: when jobs run
(`orf_books/sensors.py`).
"""

import dagster as dg

from orf_books.assets.book_records import TABLES
from orf_books.assets.books import ENRICHMENT_REPORT, library_entries
from orf_books.assets.dashboard import dashboard, library_dashboard
from orf_books.resources.dagster_resources import StorageResource
from orf_books.resources.tables import Tables

_DASHBOARDS = dg.AssetSelection.assets(library_dashboard, dashboard)
_RETRY_BY_BACKFILL = {"dagster/max_retries": "0"}
"""A run that Dagster retries from its failure repeats the check, not the failed items."""

ingest_books = dg.define_asset_job(
    "ingest_books",
    dg.AssetSelection.assets(library_entries, ENRICHMENT_REPORT) | _DASHBOARDS,
    tags=_RETRY_BY_BACKFILL,
    description="From uploads to dashboards, in one run. The sensor starts one per upload.",
)
retry_failed_books = dg.define_asset_job(
    "retry_failed_books",
    dg.AssetSelection.assets(ENRICHMENT_REPORT) | _DASHBOARDS,
    tags=_RETRY_BY_BACKFILL,
    description="One run over every book that failed or is missing, wherever it lies.",
)
refresh_dashboards = dg.define_asset_job(
    "refresh_dashboards",
    _DASHBOARDS.without_checks(),
    tags=_RETRY_BY_BACKFILL,
    description="Make the dashboards of the libraries that a backfill of books has changed.",
)


@dg.op(description="Compact the tables and delete files that nobody needs.")
def maintain(context: dg.OpExecutionContext, storage: StorageResource) -> None:
    """Keep reading fast and the store small."""
    tables = Tables(storage.open())
    for table in TABLES:
        if upkeep := tables.maintain(table):
            context.log.info(
                "%s: %s files became %s, %s deleted",
                upkeep.table,
                upkeep.files_before,
                upkeep.files_after,
                upkeep.files_deleted,
            )


@dg.job(description="Upkeep of the tables; runs every night.")
def maintain_tables() -> None:
    """Compact and vacuum every table."""
    maintain()


nightly_upkeep = dg.ScheduleDefinition(
    name="nightly_upkeep",
    job=maintain_tables,
    cron_schedule="0 3 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
