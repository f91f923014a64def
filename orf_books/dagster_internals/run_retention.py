"""Forgetting what Dagster keeps of runs that ended long ago.

Belongs here: what may go without a partition, an asset or a check looking different afterwards.
Does not belong here: how old runs have to be (`orf_books/settings.py`), and ticks, which Dagster
purges by itself (`retention` in `dagster.yaml`).

Dagster can only delete a run with all of its events. It takes the materializations along, and the
partitions are not green any more. What a partition's status rests on are its latest event of each
kind, and the outcome of the run that planned it last: these stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg
import sqlalchemy
from dagster._core.instance.utils import RUNLESS_RUN_ID
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from sqlalchemy import ColumnElement, Connection

from orf_books.dagster_internals.event_storage import PooledSqliteEventLogStorage
from orf_books.dagster_internals.partition_status import sql_storage

_RUNS_AT_ONCE = 500
_events, _tags, _checks = SqlEventLogStorageTable, AssetEventTagsTable, AssetCheckExecutionsTable


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was deleted."""

    logs: int
    """Runs that ended before the time: none of them has a log any more."""
    runs: int
    """Those of them that nothing refers to: they are gone themselves."""


def forget_runs(instance: dg.DagsterInstance, before: datetime) -> Forgotten:
    """Forget logs and superseded events of runs that ended before then, and runs without others.

    Asset events of no run, as for uploads, are forgotten likewise.
    """
    storage = sql_storage(instance)
    long_ago = dg.RunsFilter(statuses=list(FINISHED_STATUSES), updated_before=before)
    ended = instance.get_run_ids(long_ago)
    forgotten = 0
    for start in range(0, len(ended), _RUNS_AT_ONCE):
        runs = ended[start : start + _RUNS_AT_ONCE]
        with storage.index_connection() as connection:
            _delete_superseded(connection, _events.c.run_id.in_(runs), _checks.c.run_id.in_(runs))
            referred_to = _referred_to(connection, runs)
        for run_id in runs:
            _delete_log(instance, storage, run_id)
            if run_id not in referred_to:
                instance.run_storage.delete_run(run_id)
                forgotten += 1
    of_no_run = _events.c.run_id == RUNLESS_RUN_ID, _events.c.timestamp < before
    connections = [storage.index_connection()]
    if isinstance(storage, PooledSqliteEventLogStorage):
        connections.append(storage.run_connection(RUNLESS_RUN_ID))
    for each in connections:
        with each as connection:
            _delete_superseded(connection, sqlalchemy.and_(*of_no_run), sqlalchemy.false())
    return Forgotten(len(ended), forgotten)


def _delete_superseded(
    connection: Connection, events: ColumnElement[bool], checks: ColumnElement[bool]
) -> None:
    """Delete those of the events and of the results of checks that are not the latest."""
    newer, newer_check = _events.alias("newer"), _checks.alias("newer_check")
    is_superseded = sqlalchemy.exists().where(
        newer.c.asset_key == _events.c.asset_key,
        newer.c.dagster_event_type == _events.c.dagster_event_type,
        newer.c.partition.is_not_distinct_from(_events.c.partition),
        newer.c.id > _events.c.id,
    )
    may_go = sqlalchemy.or_(_events.c.asset_key.is_(None), is_superseded)
    going = sqlalchemy.select(_events.c.id).where(events, may_go)
    connection.execute(_tags.delete().where(_tags.c.event_id.in_(going)))
    connection.execute(_events.delete().where(events, may_go))
    is_checked_since = sqlalchemy.exists().where(
        newer_check.c.asset_key == _checks.c.asset_key,
        newer_check.c.check_name == _checks.c.check_name,
        newer_check.c.partition.is_not_distinct_from(_checks.c.partition),
        newer_check.c.id > _checks.c.id,
    )
    connection.execute(_checks.delete().where(checks, is_checked_since))


def _referred_to(connection: Connection, runs: Sequence[str]) -> set[str]:
    """The runs of which an event or the result of a check is left."""
    return {
        run_id
        for table in (_events, _checks)
        for run_id in connection.execute(
            sqlalchemy.select(table.c.run_id).where(table.c.run_id.in_(runs)).distinct()
        ).scalars()
    }


def _delete_log(instance: dg.DagsterInstance, storage: SqlEventLogStorage, run_id: str) -> None:
    """Delete what a run logged apart from events of assets, and what its steps printed."""
    if isinstance(storage, PooledSqliteEventLogStorage):
        storage.delete_log(run_id)
    instance.compute_log_manager.delete_logs(prefix=[run_id])
