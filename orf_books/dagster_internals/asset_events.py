"""What our storages of Dagster events share: batches, events of failures, answers on partitions.

Belongs here: what the SQLite and the Postgres storage do alike. Does not belong here: connections
(`event_storage.py`, `postgres_storage.py`), which events there are (`partition_events.py`).
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cached_property
from operator import itemgetter
from typing import Any

import dagster as dg
import sqlalchemy
from dagster._core.events import DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqlEventLogStorage, SqlEventLogStorageTable
from dagster._core.storage.event_log.schema import DynamicPartitionsTable
from sqlalchemy.engine import Connection

_ASKED_SINGLY = 10_000
"""Of more partitions it is quicker to read the whole set."""
_PLAIN = {
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.ASSET_FAILED_TO_MATERIALIZE,
}


def are_plain_asset_events(events: Iterable[EventLogEntry]) -> bool:
    """Whether storing them changes nothing but the events and the row of their asset."""
    return all(event.dagster_event_type in _PLAIN for event in events)


class BatchedAssetEvents(SqlEventLogStorage):
    """Mixed into an SQL storage of Dagster's.

    Its batches of asset events cost one statement for each table. It also serves events of
    partitions that failed: Dagster defines them and its page shows them, but its open-source
    storages do not.
    """

    def _insert_asset_events(
        self,
        connection: Connection,
        events: Sequence[EventLogEntry],
        rows: Sequence[Mapping[str, Any]],
    ) -> Sequence[int]:
        """Insert plain asset events with all that belongs to them.

        Args:
            connection: in a transaction.
            events: what to insert.
            rows: the same, as `_event_to_row` gives them.

        Returns:
            the storage ids, in the order of the events.
        """
        statement = SqlEventLogStorageTable.insert().returning(
            SqlEventLogStorageTable.c.id, sort_by_parameter_order=True
        )
        ids: Sequence[int] = connection.execute(statement, rows).scalars().all()
        self._store_asset_event_tags(connection, events, ids)
        # An asset's own row keeps its latest event of each kind only.
        latest = {
            (event.get_dagster_event().asset_key, event.dagster_event_type): (event, storage_id)
            for event, storage_id in zip(events, ids, strict=True)
        }
        for event, storage_id in sorted(latest.values(), key=itemgetter(1)):
            self._store_asset_event(connection, event, storage_id)
        return ids

    @cached_property
    def _known_tables(self) -> set[str]:
        return set()

    def has_table(self, table_name: str) -> bool:
        """Whether the table is there; one that is there stays there."""
        if table_name not in self._known_tables and super().has_table(table_name):  # type: ignore[safe-super] # the storage it is mixed into has one
            self._known_tables.add(table_name)
        return table_name in self._known_tables

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """The keys of a set of partitions, in the order in which they were added.

        Dagster reads them whenever an asset depends on all partitions of another.
        """
        statement = (
            sqlalchemy.select(DynamicPartitionsTable.c.partition)
            .where(DynamicPartitionsTable.c.partitions_def_name == partitions_def_name)
            .order_by(DynamicPartitionsTable.c.id)
        )
        with self.index_connection() as connection:
            # SQLAlchemy's own rows would cost five times more.
            cursor = connection.execute(statement).cursor
            return [key for (key,) in cursor.fetchall()]

    def get_existing_dynamic_partitions(
        self, partitions_def_name: str, partition_keys: Sequence[str]
    ) -> Set[str]:
        """Those of the keys that are in a set of partitions.

        Dagster's own asks for 1,000 at a time, and its page for all of them.
        """
        if len(partition_keys) <= _ASKED_SINGLY:
            return super().get_existing_dynamic_partitions(partitions_def_name, partition_keys)
        return set(partition_keys).intersection(self.get_dynamic_partitions(partitions_def_name))

    def get_latest_asset_partition_materialization_attempts_without_materializations(
        self, asset_key: dg.AssetKey, after_storage_id: int | None = None
    ) -> Mapping[str, tuple[str, int]]:
        """Run and event of each partition that was planned and not materialized since.

        Dagster's own reads the latest events of all partitions, of which most are materialized.
        """
        of_kinds = self._latest_event_ids_by_partition_subquery(
            asset_key,
            [
                DagsterEventType.ASSET_MATERIALIZATION,
                DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
            ],
            after_cursor=after_storage_id,
        )
        latest = sqlalchemy.select(sqlalchemy.func.max(of_kinds.c.id)).group_by(
            of_kinds.c.partition
        )
        events = SqlEventLogStorageTable
        planned = sqlalchemy.select(events.c.partition, events.c.run_id, events.c.id).where(
            events.c.id.in_(latest),
            events.c.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value,
        )
        with self.index_connection() as connection:
            return {row.partition: (row.run_id, row.id) for row in connection.execute(planned)}

    @property
    def can_store_asset_failure_events(self) -> bool:
        """Tells Dagster to store events of partitions that failed."""
        return True

    def fetch_failed_materializations(
        self,
        records_filter: dg.AssetKey | dg.AssetRecordsFilter,
        limit: int,
        cursor: str | None = None,
        ascending: bool = False,  # noqa: FBT001, FBT002 - Dagster's signature
    ) -> dg.EventRecordsResult:
        """Events of an asset's partitions that failed, the latest first unless `ascending`."""
        if isinstance(records_filter, dg.AssetKey):
            records_filter = dg.AssetRecordsFilter(records_filter)
        events_filter = records_filter.to_event_records_filter(
            DagsterEventType.ASSET_FAILED_TO_MATERIALIZE, cursor, ascending
        )
        records: dg.EventRecordsResult = self._get_event_records_result(
            events_filter, limit, cursor, ascending
        )
        return records
