"""The status of partitions, as Dagster's page shows it.

Belongs here: asking for the status of some partitions, or of all. Does not belong here: what
partitions are told about (`partition_events.py`).
"""

from collections.abc import Collection, Sequence
from enum import StrEnum

import dagster as dg
import sqlalchemy
from dagster._core.events import DagsterEventType
from dagster._core.storage.event_log import SqlEventLogStorage, SqlEventLogStorageTable
from dagster._core.storage.legacy_storage import LegacyEventLogStorage
from sqlalchemy import Select

_BETWEEN_KEYS = "\n"
"""No key holds it."""


class PartitionStatus(StrEnum):
    """What Dagster's page shows for a partition."""

    MATERIALIZED = "materialized"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    MISSING = "missing"


def partition_statuses(
    instance: dg.DagsterInstance,
    asset: dg.AssetKey,
    partitions: dg.PartitionsDefinition[str],
    keys: Sequence[str],
) -> dict[str, PartitionStatus]:
    """Dagster's own status of each of the given partitions of an asset."""
    statuses = instance.get_status_by_partition(asset, keys, partitions) or {}
    return {
        key: PartitionStatus(status.value.lower()) if status else PartitionStatus.MISSING
        for key, status in ((key, statuses.get(key)) for key in keys)
    }


def not_materialized(
    instance: dg.DagsterInstance,
    asset: dg.AssetKey,
    keys: Collection[str],
    asked_at_once: int = 10_000,
) -> set[str]:
    """Those of the partitions that were never materialized, or were planned again since.

    The latter are failed or in progress, or their run was canceled. `partition_statuses` tells
    these apart, but for it Dagster brings the statuses of the whole set up to date.

    Args:
        instance: where the events are.
        asset: the partitioned asset.
        keys: the partitions.
        asked_at_once: for more partitions than this, the whole set is read: databases limit the
            parameters of a statement, and the set is hardly larger.
    """
    if not keys:
        return set()
    storage = sql_storage(instance)
    statement = _materialized(storage, asset, keys if len(keys) <= asked_at_once else None)
    with storage.index_connection() as connection:
        (materialized,) = connection.execute(statement).one()
    return set(keys).difference((materialized or "").split(_BETWEEN_KEYS))


def _materialized(
    storage: SqlEventLogStorage, asset: dg.AssetKey, keys: Collection[str] | None
) -> Select[str | None]:
    """Partitions whose latest event is a materialization, as one text: rows cost ten times more."""
    events, planned = SqlEventLogStorageTable, SqlEventLogStorageTable.alias("planned")
    latest = (
        sqlalchemy.select(events.c.partition, sqlalchemy.func.max(events.c.id).label("id"))
        .where(
            events.c.asset_key == asset.to_string(),
            events.c.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION.value,
            events.c.partition.is_not(None),
            *([] if keys is None else [events.c.partition.in_(keys)]),
        )
        .group_by(events.c.partition)
    )
    # Events from before an asset was wiped do not count.
    details = storage._get_assets_details([asset])  # noqa: SLF001
    latest = storage._add_assets_wipe_filter_to_query(latest, details, [asset])  # noqa: SLF001
    materialized = latest.subquery("materialized")
    planned_since = sqlalchemy.exists().where(
        planned.c.asset_key == asset.to_string(),
        planned.c.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value,
        planned.c.partition == materialized.c.partition,
        planned.c.id > materialized.c.id,
    )
    joined = sqlalchemy.func.aggregate_strings(materialized.c.partition, _BETWEEN_KEYS)
    return sqlalchemy.select(joined).where(~planned_since)


def sql_storage(instance: dg.DagsterInstance) -> SqlEventLogStorage:
    """The storage of an instance's events.

    Raises:
        TypeError: it is no SQL database, as those of this package and Dagster's own are.
    """
    storage = instance.event_log_storage
    if isinstance(storage, LegacyEventLogStorage):
        # How an instance holds a storage of runs, events and schedules together.
        storage = storage._storage.event_log_storage  # noqa: SLF001
    if not isinstance(storage, SqlEventLogStorage):
        raise TypeError(f"{type(storage).__name__} keeps its events in no SQL database")
    return storage
