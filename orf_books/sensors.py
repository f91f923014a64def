"""The sensors: what starts runs by itself.

Belongs here: sensors on uploads, finished backfills, unpublished scores and abandoned runs. Does
not belong here: which uploads need a run (`upload_watch.py`), what the runs do (`jobs.py`).
"""

from datetime import UTC, datetime, timedelta

import dagster as dg

from orf_books.assets.activities.assets import ACTIVITY_RECORDINGS
from orf_books.assets.activities.step import RESCORED_ACTIVITIES
from orf_books.assets.books.assets import GOODREADS_EXPORTS, stored_uploads
from orf_books.assets.books.step import ENRICHED_BOOKS, books_in_turn
from orf_books.assets.transcripts.assets import CLASS_TRANSCRIPTS
from orf_books.assets.transcripts.step import SCORED_TRANSCRIPTS
from orf_books.instance import fail_abandoned_runs
from orf_books.jobs import (
    fill_gaps,
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
from orf_books.records.raw_sessions import SessionFound, sessions_in
from orf_books.records.recordings import ActivityUploadFound, uploads_in
from orf_books.records.sessions import SessionRecords
from orf_books.resources.dagster_resources import (
    ActivityApiResource,
    GoogleBooksResource,
    StorageResource,
)
from orf_books.resources.storage import ObjectStorage, StoredObject
from orf_books.upload_watch import UploadWatch

FIRST_PUBLISHING_PAUSE = timedelta(seconds=15)
LONGEST_PUBLISHING_PAUSE = timedelta(hours=1)
MOST_DOUBLINGS = 10


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
    context: dg.SensorEvaluationContext, storage: StorageResource
) -> dg.SensorResult:
    """Wait for uploads, and request runs for them."""
    return watch_exports(storage.open()).tick(context)


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
    """Wait for uploads, and request runs for them."""
    return watch_recordings(storage.open(), needs_record=activity_api.url is None).tick(context)


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
    """Wait for uploads, and request runs for them."""
    return watch_transcripts(storage.open()).tick(context)


def watch_exports(storage: ObjectStorage) -> UploadWatch[StoredObject]:
    """The watch on Goodreads exports."""
    return UploadWatch(
        BookRecords(storage),
        EXPORTS,
        lambda: stored_uploads(storage),
        GOODREADS_EXPORTS,
        "library_entries",
    )


def watch_recordings(
    storage: ObjectStorage, *, needs_record: bool
) -> UploadWatch[ActivityUploadFound]:
    """The watch on recordings and lists of activities."""
    return UploadWatch(
        ActivityRecords(storage),
        ACTIVITIES,
        lambda: uploads_in(storage, needs_record=needs_record),
        ACTIVITY_RECORDINGS,
        "requested_activities",
    )


def watch_transcripts(storage: ObjectStorage) -> UploadWatch[SessionFound]:
    """The watch on class sessions."""
    return UploadWatch(
        SessionRecords(storage),
        RAW,
        lambda: sessions_in(storage),
        CLASS_TRANSCRIPTS,
        "requested_sessions",
    )


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
    unpublished_scores,
    gaps_to_fill,
    abandoned_runs,
]
