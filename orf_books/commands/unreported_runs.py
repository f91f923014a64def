"""Batches whose runs have no report: those at work, and those that ended too soon.

Belongs here: what Dagster knows of such runs. Does not belong here: batches that have a report
(`batch_status.py`), ending runs (`orf_books/instance.py`).
"""

from datetime import UTC, datetime

from orf_books.commands.batch_view import Batch, BatchStatus
from orf_books.settings import Settings

LATEST_RUNS = 200
"""Older ones are not looked at."""
KINDS_OF_JOBS = {
    "ingest_books": "books",
    "retry_failed_books": "books",
    "fill_gaps": "books",
    "ingest_activities": "activities",
    "retry_failed_activities": "activities",
    "ingest_transcripts": "transcripts",
    "retry_failed_transcripts": "transcripts",
}


def unreported_batches(settings: Settings) -> list[Batch]:
    """The latest runs of batches that are at work, were stopped, or failed; some have a report."""
    import dagster as dg

    from orf_books.instance import existing_instance

    states = {
        dg.DagsterRunStatus.NOT_STARTED: BatchStatus.RUNNING,
        dg.DagsterRunStatus.QUEUED: BatchStatus.RUNNING,
        dg.DagsterRunStatus.STARTING: BatchStatus.RUNNING,
        dg.DagsterRunStatus.STARTED: BatchStatus.RUNNING,
        dg.DagsterRunStatus.CANCELING: BatchStatus.STOPPED,
        dg.DagsterRunStatus.CANCELED: BatchStatus.STOPPED,
        dg.DagsterRunStatus.FAILURE: BatchStatus.BROKEN_OFF,
    }
    with existing_instance(settings) as instance:
        if instance is None:
            return []
        found = instance.get_run_records(dg.RunsFilter(statuses=list(states)), limit=LATEST_RUNS)
    batches = []
    for record in found:
        run = record.dagster_run
        if kind := KINDS_OF_JOBS.get(run.job_name):
            ended = record.end_time or datetime.now(UTC).timestamp()
            seconds = round(ended - record.create_timestamp.timestamp(), 3)
            state = states[run.status]
            batches.append(Batch(kind, run.run_id, record.create_timestamp, state, 0, 0, seconds))
    return batches
