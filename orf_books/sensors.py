"""The sensors: what starts runs by itself.

Belongs here: noticing new uploads, finished backfills and abandoned runs. Does not belong here:
what the runs do (`orf_books/jobs.py`), reading uploads (`orf_books/assets/books/assets.py`).

The sensors on uploads keep no position in a listing, which could forget a file that was moved in
with an old date. They compare what lies in the store with the receipts that runs leave in a table;
their cursors hold only what was requested and has no receipt yet.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg

from orf_books.assets.activities.step import RESCORED_ACTIVITIES
from orf_books.assets.books.assets import stored_uploads
from orf_books.assets.books.step import ENRICHED_BOOKS
from orf_books.assets.transcripts.step import SCORED_TRANSCRIPTS
from orf_books.assets.uploads import UploadsConfig
from orf_books.instance import fail_abandoned_runs
from orf_books.jobs import (
    ingest_activities,
    ingest_books,
    ingest_transcripts,
    refresh_activity_reports,
    refresh_classes,
    refresh_libraries,
)
from orf_books.object_keys import ACTIVITIES, EXPORTS, RAW
from orf_books.records.activities import ActivityRecords
from orf_books.records.books import BookRecords
from orf_books.records.raw_sessions import sessions_in
from orf_books.records.recordings import uploads_in
from orf_books.records.sessions import SessionRecords
from orf_books.records.uploads import Found, UploadRecords, Version, oldest_first
from orf_books.resources.dagster_resources import ActivityApiResource, StorageResource
from orf_books.resources.storage import ObjectStorage

TICK_SECONDS = 4.5
"""A tick waits for uploads this long: the daemon starts one every 5 s, so hardly a gap is left."""
SECONDS_BETWEEN_LISTINGS = 0.3
SECONDS_BETWEEN_S3_LISTINGS = 2.0
"""Every listing of a bucket costs money."""
CLAIM_LASTS = timedelta(minutes=2)
FIRST_PUBLISHING_PAUSE = timedelta(seconds=15)
LONGEST_PUBLISHING_PAUSE = timedelta(hours=1)
MOST_DOUBLINGS = 10

_dealt_with: dict[tuple[str, str], set[Version]] = {}
"""Receipts seen so far, by storage and prefix: they are final, so they need not be read again."""


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

    return _new_uploads(
        context,
        BookRecords(opened),
        EXPORTS,
        lambda: stored_uploads(opened),
        lambda new: [_request_of_one(upload) for upload in new],
    )


@dg.sensor(
    job=ingest_activities,
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Starts `ingest_activities` for complete recordings and lists below `activities/`; those "
        "that are noticed together share a run."
    ),
)
def new_activity_recordings(
    context: dg.SensorEvaluationContext,
    storage: StorageResource,
    activity_api: ActivityApiResource,
) -> dg.SensorResult:
    """Wait for uploads, and request one run for all that are there."""
    opened = storage.open()

    return _new_uploads(
        context,
        ActivityRecords(opened),
        ACTIVITIES,
        lambda: uploads_in(opened, needs_record=activity_api.url is None),
        partial(_request_of_all, "requested_activities"),
    )


@dg.sensor(
    job=ingest_transcripts,
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Starts `ingest_transcripts` for new or changed class sessions below `raw/`, and for all "
        "sessions of a class whose roster has changed; those noticed together share a run."
    ),
)
def new_class_transcripts(
    context: dg.SensorEvaluationContext, storage: StorageResource
) -> dg.SensorResult:
    """Wait for uploads, and request one run for all that are there."""
    opened = storage.open()

    return _new_uploads(
        context,
        SessionRecords(opened),
        RAW,
        lambda: sessions_in(opened),
        partial(_request_of_all, "requested_sessions"),
    )


def _new_uploads(
    context: dg.SensorEvaluationContext,
    records: UploadRecords[Any],
    below: str,
    present: Callable[[], Iterable[Found]],
    requests: Callable[[Sequence[Found]], list[dg.RunRequest]],
) -> dg.SensorResult:
    """Wait for uploads that have neither a receipt nor a request.

    Args:
        context: of the tick.
        records: of this kind of upload.
        below: the prefix that their keys share.
        present: what lies there now.
        requests: the runs for new uploads, oldest first.
    """
    requested = {(key, version) for key, version in json.loads(context.cursor or "[]")}
    dealt_with = _dealt_with.setdefault((records.storage.url, below), set())
    new: list[Found] = []
    for settled in _stable_uploads(records.storage, present):
        new, requested = uploads_to_request(
            settled, requested, _receipts(settled, dealt_with, records)
        )
        if new:
            break
    return dg.SensorResult(
        run_requests=requests(new) if new else [],
        skip_reason=None if new else "No new upload.",
        cursor=json.dumps(sorted(requested | {(upload.key, upload.version) for upload in new})),
    )


def uploads_to_request(
    present: Iterable[Found], requested: set[Version], receipts: set[Version]
) -> tuple[list[Found], set[Version]]:
    """What to start runs for, oldest first, and which earlier requests are still open."""
    still_open = requested - receipts
    new = [
        upload for upload in present if (upload.key, upload.version) not in receipts | still_open
    ]
    return oldest_first(new), still_open


def _stable_uploads(
    storage: ObjectStorage, present: Callable[[], Iterable[Found]]
) -> Iterator[list[Found]]:
    """Uploads that did not change between two listings: a file still being copied waits."""
    pause = SECONDS_BETWEEN_LISTINGS if storage.folder else SECONDS_BETWEEN_S3_LISTINGS
    until = time.monotonic() + TICK_SECONDS
    before = _by_version(present())
    while True:
        time.sleep(pause)
        now = _by_version(present())
        yield [upload for version, upload in now.items() if version in before]
        if time.monotonic() > until:
            return
        before = now


def _by_version(uploads: Iterable[Found]) -> dict[Version, Found]:
    return {(upload.key, upload.version): upload for upload in uploads}


def _receipts(
    present: Iterable[Found], dealt_with: set[Version], records: UploadRecords[Any]
) -> set[Version]:
    """Versions that need no run: dealt with, or claimed by a process that is dealing with them."""
    versions = {(upload.key, upload.version) for upload in present}
    if versions <= dealt_with:
        return dealt_with
    dealt_with |= records.receipts()
    claimed = records.claimed_since(datetime.now(UTC) - CLAIM_LASTS)
    return dealt_with | {(key, version) for key, version in versions if key in claimed}


def _request_of_one(upload: Found) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{upload.key}:{upload.version}",
        run_config=UploadsConfig.noticed_now([upload]).run_config("library_entries"),
        tags={"orf_books/upload": upload.key},
    )


def _request_of_all(step: str, uploads: Sequence[Found]) -> list[dg.RunRequest]:
    versions = repr([(upload.key, upload.version) for upload in uploads])
    return [
        dg.RunRequest(
            run_key=hashlib.sha256(versions.encode()).hexdigest(),
            run_config=UploadsConfig.noticed_now(uploads).run_config(step),
        )
    ]


@dg.sensor(
    jobs=[refresh_libraries, refresh_activity_reports, refresh_classes],
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Makes dashboards and reports anew after a backfill, or a run of chosen items.",
)
def refresh_after_backfill(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Request one refresh of each kind for all runs of chosen partitions that ended meanwhile."""
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
    requests = []
    for items, (job, op) in _REFRESHED_BY.items():
        mending = [
            record.dagster_run.run_id
            for record in ended
            if items in (record.dagster_run.asset_selection or ())
        ]
        config = {"ops": {op: {"config": {"after_runs": mending}}}} if op else {}
        if mending:
            requests.append(
                dg.RunRequest(run_key=mending[-1], run_config=config, job_name=job.name)
            )
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else "No run of chosen items has ended.",
        cursor=ended[-1].update_timestamp.isoformat(),
    )


_REFRESHED_BY = {
    ENRICHED_BOOKS: (refresh_libraries, "library_dashboard"),
    RESCORED_ACTIVITIES: (refresh_activity_reports, "activity_reports"),
    SCORED_TRANSCRIPTS: (refresh_classes, None),
}
"""Items, the job that shows people what became of them, and its step that needs to know of which;
one that sees for itself needs not."""


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Fails runs of the command line whose process was killed; starts nothing.",
)
def abandoned_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Free what such runs hold: their partitions, and their place in the pool."""
    failed = fail_abandoned_runs(context.instance)
    return dg.SkipReason(f"Failed: {', '.join(failed)}." if failed else "No run is abandoned.")


@dg.sensor(
    job=refresh_classes,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts `refresh_classes` for scores that are not published yet; scores nothing.",
)
def unpublished_scores(
    context: dg.SensorEvaluationContext, storage: StorageResource
) -> dg.RunRequest | dg.SkipReason:
    """Try again to publish, at intervals that double up to an hour."""
    if context.instance.get_runs_count(_REFRESHING):
        return dg.SkipReason("A run is publishing.")
    records = SessionRecords(storage.open())
    waiting = [one for one in records.publications() if not one.is_published]
    if not waiting:
        return dg.SkipReason("No score waits for the database.")
    last = max(waiting, key=lambda one: one.tried_at)
    # After an outage of days, doubling would exceed what a duration can be.
    doublings = min(last.tries, MOST_DOUBLINGS)
    due = last.tried_at + min(FIRST_PUBLISHING_PAUSE * 2**doublings, LONGEST_PUBLISHING_PAUSE)
    if datetime.now(UTC) < due:
        return dg.SkipReason(f"{len(waiting)} sessions wait; the next try is at {due:%H:%M:%S}.")
    # A run that broke off before it noted its try is asked for again, an hour later.
    return dg.RunRequest(run_key=f"{last.tried_at.isoformat()} {datetime.now(UTC):%Y-%m-%d %H}")


_REFRESHING = dg.RunsFilter(
    job_name=refresh_classes.name,
    statuses=[
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
    ],
)

sensors = [
    new_goodreads_exports,
    new_activity_recordings,
    new_class_transcripts,
    refresh_after_backfill,
    unpublished_scores,
    abandoned_runs,
]
