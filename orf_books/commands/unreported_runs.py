"""Batches whose runs have no report: those at work, and those that ended too soon.

Belongs here: what Dagster knows of such runs. Does not belong here: batches that have a report
(`batch_status.py`), ending runs (`orf_books/instance.py`).

Importing Dagster costs a second of CPU, and mostly there is nothing to ask it. Where it keeps runs
in a file, a glance at that file tells.
"""

import re
import sqlite3
from collections.abc import Collection
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

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


_ANOTHER_STORAGE = re.compile(r"^(run_)?storage\s*:", re.MULTILINE)
"""In `dagster.yaml`: then runs are not in the file below its home."""


def unreported_batches(settings: Settings, reported: Collection[str] = ()) -> list[Batch]:
    """The latest runs of batches that are at work, were stopped, or failed.

    Args:
        settings: where Dagster's home is.
        reported: runs that have a report, and need not be asked about; some may be in the answer.
    """
    if _all_are_reported(settings.dagster_home, reported):
        return []
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


def _all_are_reported(home: Path, reported: Collection[str]) -> bool:
    """Whether that is sure without asking Dagster."""
    runs, configuration = home / "history" / "runs.db", home / "dagster.yaml"
    if not configuration.exists():
        return True
    try:
        if not runs.exists() or _ANOTHER_STORAGE.search(configuration.read_text("utf-8")):
            return False
        with closing(sqlite3.connect(f"{runs.as_uri()}?mode=ro", uri=True)) as opened:
            found = opened.execute(
                "SELECT run_id, pipeline_name FROM runs WHERE status <> 'SUCCESS'"
                " ORDER BY id DESC LIMIT ?",
                (LATEST_RUNS,),
            )
            left = {run_id for run_id, job in found if job in KINDS_OF_JOBS}
    except (OSError, sqlite3.Error):
        return False
    return left <= set(reported)
