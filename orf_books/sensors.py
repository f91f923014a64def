"""The sensors: what starts runs by itself.

Belongs here: sensors on uploads, finished backfills, unpublished scores, abandoned runs and dead
letters. Does not belong here: which uploads need a run (`upload_watch.py`, `queue_watch.py`), what
the runs do (`jobs.py`).
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from orf_books.assets.activities.assets import ACTIVITY_RECORDINGS
from orf_books.assets.activities.step import RESCORED_ACTIVITIES
from orf_books.assets.books.assets import GOODREADS_EXPORTS, stored_uploads
from orf_books.assets.books.step import ENRICHED_BOOKS, books_in_turn
from orf_books.assets.transcripts.assets import CLASS_TRANSCRIPTS
from orf_books.assets.transcripts.step import SCORED_TRANSCRIPTS
from orf_books.batches.resource import BatchResource
from orf_books.failures import FixInput
from orf_books.instance import fail_abandoned_runs, fail_lapsed_runs
from orf_books.jobs import (
    fill_gaps,
    ingest_activities,
    ingest_books,
    ingest_transcripts,
    refresh_activity_reports,
    refresh_classes,
    refresh_libraries,
    retry_failed_activities,
    retry_failed_books,
    retry_failed_transcripts,
)
from orf_books.object_keys import (
    ACTIVITIES,
    EXPORTS,
    RAW,
    activity_of_folder,
    is_activity_list,
    is_export,
)
from orf_books.queue_watch import Places, QueueWatch
from orf_books.records.activities import ActivityRecords
from orf_books.records.books import BookRecords
from orf_books.records.raw_sessions import SessionFound, sessions_in
from orf_books.records.recordings import ActivityUploadFound, upload_at, uploads_in
from orf_books.records.sessions import SessionRecords
from orf_books.records.uploads import Found, UploadRecords
from orf_books.resources.dagster_resources import (
    ActivityApiResource,
    GoogleBooksResource,
    StorageResource,
    UploadQueueResource,
)
from orf_books.resources.ledger import Ledger
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage, StoredObject
from orf_books.resources.upload_inbox import UploadInbox
from orf_books.upload_watch import UploadWatch

FIRST_PUBLISHING_PAUSE = timedelta(seconds=15)
LONGEST_PUBLISHING_PAUSE = timedelta(hours=1)
MOST_DOUBLINGS = 10

_BatchRecords = BookRecords | ActivityRecords | SessionRecords


@dg.sensor(
    job=ingest_books,
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Starts `ingest_books` for new or changed files below `uploads/`; those that are noticed "
        "together share a run."
    ),
)
def new_goodreads_exports(
    context: dg.SensorEvaluationContext,
    storage: StorageResource,
    upload_queue: UploadQueueResource,
) -> dg.SensorResult:
    """Wait for uploads, and request runs for them."""
    return watch_exports(storage.open(), upload_queue.inbox()).tick(context)


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
    upload_queue: UploadQueueResource,
) -> dg.SensorResult:
    """Wait for uploads, and request runs for them."""
    needs_record = activity_api.url is None
    inbox = upload_queue.inbox()
    return watch_recordings(storage.open(), inbox, needs_record=needs_record).tick(context)


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
    context: dg.SensorEvaluationContext,
    storage: StorageResource,
    upload_queue: UploadQueueResource,
) -> dg.SensorResult:
    """Wait for uploads, and request runs for them."""
    return watch_transcripts(storage.open(), upload_queue.inbox()).tick(context)


def watch_exports(
    storage: ObjectStorage, inbox: UploadInbox | None = None
) -> UploadWatch[StoredObject]:
    """The watch on Goodreads exports; by messages, where there is an inbox for them."""
    places = Places(
        EXPORTS,
        lambda: stored_uploads(storage),
        lambda key: key if is_export(key) else None,
        lambda key: _object_at(storage, key),
    )
    return _watch(BookRecords(storage), places, GOODREADS_EXPORTS, "library_entries", inbox)


def watch_recordings(
    storage: ObjectStorage, inbox: UploadInbox | None = None, *, needs_record: bool
) -> UploadWatch[ActivityUploadFound]:
    """The watch on recordings and lists of activities."""

    def at(place: str) -> list[ActivityUploadFound]:
        if is_activity_list(place):
            return [upload_at(storage, place)] if storage.exists(place) else []
        return uploads_in(storage, needs_record=needs_record, below=place)

    places = Places(
        ACTIVITIES,
        lambda: uploads_in(storage, needs_record=needs_record),
        _activity_upload_of,
        at,
    )
    first_step = "requested_activities"
    return _watch(ActivityRecords(storage), places, ACTIVITY_RECORDINGS, first_step, inbox)


def _activity_upload_of(key: str) -> str | None:
    """The folder or list that an object belongs to."""
    if is_activity_list(key):
        return key
    return f"{ACTIVITIES}{key.split('/')[1]}/" if activity_of_folder(key) is not None else None


def watch_transcripts(
    storage: ObjectStorage, inbox: UploadInbox | None = None
) -> UploadWatch[SessionFound]:
    """The watch on class sessions, of which each depends on the roster of its class too."""
    places = Places(
        RAW,
        lambda: sessions_in(storage),
        _class_folder_of,
        lambda folder: sessions_in(storage, folder),
    )
    return _watch(SessionRecords(storage), places, CLASS_TRANSCRIPTS, "requested_sessions", inbox)


def _class_folder_of(key: str) -> str:
    """The folder of the class that an object belongs to: a roster is about all of its sessions."""
    class_id, _, rest = key.removeprefix(RAW).partition("/")
    return f"{RAW}{class_id}/" if rest else RAW


def _watch(
    records: UploadRecords[Any],
    places: Places[Found],
    asset: dg.AssetKey,
    step: str,
    inbox: UploadInbox | None,
) -> UploadWatch[Found]:
    if inbox is None:
        return UploadWatch(records, places.below, places.everywhere, asset, step)
    return QueueWatch(records, places, asset, step, inbox)


def _object_at(storage: ObjectStorage, key: str) -> list[StoredObject]:
    try:
        return [storage.head(key)]
    except ObjectNotFoundError:
        return []


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
    ended = _runs_ended_since(context, dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)
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
    jobs=[retry_failed_books, retry_failed_activities, retry_failed_transcripts],
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts one retry after a run that broke off once it had read its uploads.",
)
def unfinished_batches(
    context: dg.SensorEvaluationContext, storage: StorageResource
) -> dg.SensorResult | dg.SkipReason:
    """Request one retry of each kind for all runs that failed meanwhile without a report.

    Uploads that such a run has read have a receipt, so no other sensor requests them again. A retry
    that breaks off too is left to people.
    """
    if context.cursor is None:
        context.update_cursor(datetime.now(UTC).isoformat())
        return dg.SkipReason("Runs that failed before now are not looked at.")
    failed = _runs_ended_since(context, dg.DagsterRunStatus.FAILURE)
    requests = []
    for job, (retry, records_of) in _RETRIED_BY.items():
        records = records_of(storage.open())
        unfinished = [
            record.dagster_run.run_id
            for record in failed
            if record.dagster_run.job_name == job
            and _has_unsettled_items(records, record.dagster_run.run_id)
        ]
        if unfinished:
            requests.append(dg.RunRequest(run_key=unfinished[-1], job_name=retry))
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else "No run broke off with uploads read.",
        cursor=failed[-1].update_timestamp.isoformat() if failed else context.cursor,
    )


def _has_unsettled_items(records: _BatchRecords, run_id: str) -> bool:
    """Whether a run read an upload and ended before it had settled all that the upload asks for."""
    if records.report_of_run(run_id) is not None:
        return False
    return any(upload.problem is None for upload in records.uploads_of_run(run_id))


_RETRIED_BY: dict[str, tuple[str, Callable[[ObjectStorage], _BatchRecords]]] = {
    ingest_books.name: (retry_failed_books.name, BookRecords),
    ingest_activities.name: (retry_failed_activities.name, ActivityRecords),
    ingest_transcripts.name: (retry_failed_transcripts.name, SessionRecords),
}
"""By the job that reads uploads, the job that settles what is left, and the records of its kind."""


@dg.sensor(
    minimum_interval_seconds=20,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Fails runs whose process or machine is gone; starts nothing.",
)
def abandoned_runs(context: dg.SensorEvaluationContext, batch: BatchResource) -> dg.SkipReason:
    """Free what such runs hold: their partitions, and their place in the pool."""
    failed = [
        *fail_abandoned_runs(context.instance),
        *fail_lapsed_runs(context.instance, Ledger(batch.ledger)),
    ]
    return dg.SkipReason(f"Failed: {', '.join(failed)}." if failed else "No run is abandoned.")


@dg.sensor(
    job=fill_gaps,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Starts `fill_gaps` while a source is still to be asked about books, as soon as its window "
        "and its quota allow."
    ),
)
def gaps_to_fill(
    context: dg.SensorEvaluationContext,
    storage: StorageResource,
    google_books: GoogleBooksResource,
) -> dg.RunRequest | dg.SkipReason:
    """Fill gaps behind the first dashboards, without anybody asking."""
    if context.instance.get_runs_count(_under_way(fill_gaps.name)):
        return dg.SkipReason("A run is filling gaps.")
    records = BookRecords(storage.open())
    version = records.version_of_books() if google_books.is_on else context.cursor
    if context.cursor == version:
        return dg.SkipReason("No book waits for Google Books.")
    waiting = len(books_in_turn(records))
    if not waiting:
        context.update_cursor(str(version))
        return dg.SkipReason("No book waits for Google Books.")
    wait = google_books.seconds_until_free()
    if wait == 0.0:
        return dg.RunRequest()
    until = "tomorrow's quota" if wait is None else f"the next window, in {wait:.0f} s"
    return dg.SkipReason(f"{waiting} books wait for Google Books: {until}.")


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
    if context.instance.get_runs_count(_under_way(refresh_classes.name)):
        return dg.SkipReason("A run is publishing.")
    records = SessionRecords(storage.open())
    waiting = [
        publication for publication in records.publications() if not publication.is_published
    ]
    if not waiting:
        return dg.SkipReason("No score waits for the database.")
    last = max(waiting, key=lambda publication: publication.tried_at)
    # After an outage of days, doubling would exceed what a duration can be.
    doublings = min(last.tries, MOST_DOUBLINGS)
    due = last.tried_at + min(FIRST_PUBLISHING_PAUSE * 2**doublings, LONGEST_PUBLISHING_PAUSE)
    if datetime.now(UTC) < due:
        return dg.SkipReason(f"{len(waiting)} sessions wait; the next try is at {due:%H:%M:%S}.")
    # A run that broke off before it noted its try is asked for again, an hour later.
    return dg.RunRequest(run_key=f"{last.tried_at.isoformat()} {datetime.now(UTC):%Y-%m-%d %H}")


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Fails while messages lie in the dead-letter queue of uploads; starts nothing.",
)
def dead_letters(upload_queue: UploadQueueResource) -> dg.SkipReason:
    """Show in red what nobody could deal with."""
    inbox = upload_queue.inbox()
    if inbox is None:
        return dg.SkipReason("Uploads are found by listing, not reported by a queue.")
    count = inbox.queue.dead_letters()
    if count is None:
        return dg.SkipReason("The upload queue has no dead-letter queue: give it one.")
    if count:
        raise FixInput(
            f"{count} messages are in the dead-letter queue of uploads. The runbook says what to "
            "do: docs/runbook.md, DeadLettersAlarm."
        )
    return dg.SkipReason("The dead-letter queue is empty.")


def _runs_ended_since(
    context: dg.SensorEvaluationContext, *statuses: dg.DagsterRunStatus
) -> Sequence[dg.RunRecord]:
    """Runs of these statuses that ended after the moment in the cursor, in this order."""
    return context.instance.get_run_records(
        dg.RunsFilter(
            statuses=list(statuses), updated_after=datetime.fromisoformat(str(context.cursor))
        ),
        order_by="update_timestamp",
        ascending=True,
    )


def _under_way(job: str) -> dg.RunsFilter:
    """Runs of a job that have not ended."""
    return dg.RunsFilter(
        job_name=job,
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
    unfinished_batches,
    unpublished_scores,
    gaps_to_fill,
    abandoned_runs,
    dead_letters,
]
