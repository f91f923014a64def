"""Waiting until no run is at work on what is to be deleted.

Belongs here: which runs count, and how long to wait. Does not belong here: deleting
(`library_deletion.py`, `activity_deletion.py`, `student_deletion.py`).
"""

import time
from collections.abc import Collection
from datetime import datetime

import dagster as dg

from orf_books.failures import FailureCategory, RetryLater
from orf_books.jobs import maintain_tables

MOST_SECONDS = 60.0
"""To wait for runs at work."""
SECONDS_BETWEEN_LOOKS = 0.5
_CHOSEN_BY_HAND = "__ASSET_JOB"
"""What Dagster calls the job of backfills, and of assets materialized from the page."""
_AT_WORK = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def wait_for_runs(instance: dg.DagsterInstance, jobs: Collection[str], seconds: float) -> None:
    """Wait for runs of these jobs, which would store again what is deleted meanwhile.

    Raises:
        RetryLater: some are still at work.
    """
    until = time.monotonic() + seconds
    while at_work := _runs(instance, jobs, dg.RunsFilter(statuses=_AT_WORK)):
        if time.monotonic() > until:
            raise RetryLater(
                f"Run {at_work[0]} is at work on what is to be deleted: repeat the deletion when "
                "it has ended.",
                FailureCategory.UNAVAILABLE,
            )
        time.sleep(SECONDS_BETWEEN_LOOKS)


def ran_since(instance: dg.DagsterInstance, jobs: Collection[str], moment: datetime) -> bool:
    """Whether a run of these jobs was at work since then, even if it has ended."""
    return bool(_runs(instance, jobs, dg.RunsFilter(updated_after=moment)))


def _runs(instance: dg.DagsterInstance, jobs: Collection[str], which: dg.RunsFilter) -> list[str]:
    """Ids of runs of these jobs, and of those that write the same tables."""
    jobs = {*jobs, _CHOSEN_BY_HAND, maintain_tables.name}
    return [run.run_id for run in instance.get_runs(which) if run.job_name in jobs]
