"""The sensors: what starts runs by itself.

Belongs here: noticing new uploads, finished backfills and abandoned runs. Does not belong here:
what the runs do (`orf_books/jobs.py`), reading uploads (`orf_books/assets/books.py`).

The sensor on uploads keeps no position in a listing, which could forget a file that was moved in
with an old date. It compares what lies in the store with the receipts that runs leave in the
`uploads` table; its cursor holds only what was requested and has no receipt yet.
"""

import json
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from orf_books.assets.book_enrichment import ENRICHED_BOOKS
from orf_books.assets.book_records import BookRecords
from orf_books.assets.books import UploadConfig, oldest_first, stored_uploads
from orf_books.instance import fail_abandoned_runs
from orf_books.jobs import ingest_books, refresh_dashboards
from orf_books.resources.dagster_resources import StorageResource
from orf_books.resources.storage import ObjectStorage, StoredObject

TICK_SECONDS = 4.5
"""A tick waits for uploads this long: the daemon starts one every 5 s, so hardly a gap is left."""
SECONDS_BETWEEN_LISTINGS = 0.3
SECONDS_BETWEEN_S3_LISTINGS = 2.0
"""Every listing of a bucket costs money."""
CLAIM_LASTS = timedelta(minutes=2)

Version = tuple[str, str]
"""Key and version of an object."""

_dealt_with: dict[str, set[Version]] = {}
"""Receipts seen so far, by storage: they are final, so they need not be read again."""


@dg.sensor(
    job=ingest_books,
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts `ingest_books` for every new or changed file below `uploads/`.",
)
def new_goodreads_exports(
    context: dg.SensorEvaluationContext, storage: StorageResource
) -> dg.SensorResult:
    """Wait for uploads, and request one run for each."""
    opened = storage.open()
    requested = {(key, version) for key, version in json.loads(context.cursor or "[]")}
    new: list[StoredObject] = []
    for settled in _settled_uploads(opened):
        new, requested = uploads_to_request(settled, requested, _receipts(opened, settled))
        if new:
            break
    return dg.SensorResult(
        run_requests=[_request(upload) for upload in new],
        skip_reason=None if new else "No new upload.",
        cursor=json.dumps(sorted(requested | {(upload.key, upload.version) for upload in new})),
    )


def uploads_to_request(
    present: Iterable[StoredObject], requested: set[Version], receipts: set[Version]
) -> tuple[list[StoredObject], set[Version]]:
    """What to start runs for, oldest first, and which earlier requests are still open."""
    still_open = requested - receipts
    new = [
        upload for upload in present if (upload.key, upload.version) not in receipts | still_open
    ]
    return oldest_first(new), still_open


def _settled_uploads(storage: ObjectStorage) -> Iterator[list[StoredObject]]:
    """Uploads that did not change between two listings: a file still being copied waits."""
    pause = SECONDS_BETWEEN_LISTINGS if storage.folder else SECONDS_BETWEEN_S3_LISTINGS
    until = time.monotonic() + TICK_SECONDS
    before = _uploads(storage)
    while True:
        time.sleep(pause)
        present = _uploads(storage)
        yield [upload for version, upload in present.items() if version in before]
        if time.monotonic() > until:
            return
        before = present


def _uploads(storage: ObjectStorage) -> dict[Version, StoredObject]:
    return {(stored.key, stored.version): stored for stored in stored_uploads(storage)}


def _receipts(storage: ObjectStorage, present: Iterable[StoredObject]) -> set[Version]:
    """Versions that need no run: dealt with, or claimed by a process that is dealing with them."""
    dealt_with = _dealt_with.setdefault(storage.url, set())
    versions = {(stored.key, stored.version) for stored in present}
    if versions <= dealt_with:
        return dealt_with
    records = BookRecords(storage)
    dealt_with |= {(upload.key, upload.version) for upload in records.uploads()}
    claimed = records.claimed_since(datetime.now(UTC) - CLAIM_LASTS)
    return dealt_with | {(key, version) for key, version in versions if key in claimed}


def _request(upload: StoredObject) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{upload.key}:{upload.version}",
        run_config=UploadConfig.noticed_now(upload.key, upload.version).run_config(),
        tags={"orf_books/upload": upload.key},
    )


@dg.sensor(
    job=refresh_dashboards,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts `refresh_dashboards` after books were materialized by hand or backfill.",
)
def mended_books(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Request one refresh for all runs of chosen partitions that ended since the last tick."""
    if context.cursor is None:
        context.update_cursor(datetime.now(UTC).isoformat())
        return dg.SkipReason("Runs that ended before now are not looked at.")
    ended = context.instance.get_run_records(
        dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE],
            updated_after=datetime.fromisoformat(context.cursor),
        ),
        order_by="update_timestamp",
        ascending=True,
    )
    if not ended:
        return dg.SkipReason("No run has ended.")
    mending = [
        record.dagster_run.run_id
        for record in ended
        if ENRICHED_BOOKS in (record.dagster_run.asset_selection or ())
    ]
    config = {"ops": {"library_dashboard": {"config": {"after_runs": mending}}}}
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=mending[-1], run_config=config)] if mending else [],
        skip_reason=None if mending else "No run of chosen books has ended.",
        cursor=ended[-1].update_timestamp.isoformat(),
    )


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Fails runs of the command line whose process was killed; starts nothing.",
)
def abandoned_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Free what such runs hold: their partitions, and their place in the pool."""
    failed = fail_abandoned_runs(context.instance)
    return dg.SkipReason(f"Failed: {', '.join(failed)}." if failed else "No run is abandoned.")


sensors = [new_goodreads_exports, mended_books, abandoned_runs]
