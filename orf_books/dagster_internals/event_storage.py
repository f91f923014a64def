"""Dagster's SQLite event storage, kept open and written in batches.

Belongs here: how events are stored and watched. Does not belong here: which events there are
(`partition_events.py`), Postgres (`postgres_storage.py`).
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import dagster as dg
import sqlalchemy
from dagster._config.config_schema import UserConfigSchema
from dagster._core.event_api import EventHandlerFn
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqlPollingEventWatcher
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Connection, Engine

from orf_books.dagster_internals.asset_events import BatchedAssetEvents, are_plain_asset_events


class PooledSqliteEventLogStorage(BatchedAssetEvents, SqliteEventLogStorage):
    """Dagster's SQLite event storage, with connections that are kept and batches that are one.

    The stock storage makes a new engine and a new connection for every event, and writes a batch
    event by event. Files and tables are the same, so either can read what the other wrote.
    """

    OPEN_SHARDS = 16
    """Run files kept open at once; the index file comes on top."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:  # noqa: ANN401
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._engines_lock = threading.Lock()
        self._watcher = SqlPollingEventWatcher(self)
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """One optional setting: the folder of the event files."""
        return {"base_dir": dg.Field(dg.StringSource, is_required=False)}

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Any,  # noqa: ANN401
    ) -> "PooledSqliteEventLogStorage":
        """Made from `dagster.yaml`; by default the files lie where the stock storage has them."""
        base_dir = config_value.get("base_dir")
        stock = Path(os.environ.get("DAGSTER_HOME", ""), "history", "runs")
        return cls(base_dir or str(stock), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._engines_lock:
            connection = self._engine(shard).connect()
            self._close_idle_shards()
        with connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.get(shard)
        if engine is None:
            engine = self._engines[shard] = self._new_engine(shard)
        self._engines.move_to_end(shard)
        return engine

    def _close_idle_shards(self) -> None:
        # One that another thread uses stays: its connection would come back to no engine.
        idle = [
            shard
            for shard, engine in self._engines.items()
            if shard != INDEX_SHARD_NAME and not _is_in_use(engine)
        ]
        excess = len(self._engines.keys() - {INDEX_SHARD_NAME}) - self.OPEN_SHARDS
        for shard in idle[: max(excess, 0)]:
            self._engines.pop(shard).dispose()

    def _new_engine(self, shard: str) -> Engine:
        engine = sqlalchemy.create_engine(
            self.conn_string_for_shard(shard),
            poolclass=sqlalchemy.QueuePool,
            pool_size=4,
            max_overflow=-1,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        # With a write-ahead log, NORMAL loses no committed event when a process dies; only a
        # power cut can take the last ones.
        sqlalchemy.event.listen(
            engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=NORMAL")
        )
        if shard != INDEX_SHARD_NAME:
            # A new file has a page for each of 24 tables and indexes, most of which stay empty.
            sqlalchemy.event.listen(
                engine, "connect", lambda raw, _: raw.execute("PRAGMA page_size=1024")
            )
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        return engine

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events in one transaction per file where all are of single assets.

        Other events have side effects of their own and go the stock way, one by one.
        """
        if not are_plain_asset_events(events):
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(event) for event in events]
        for run_id in dict.fromkeys(event.run_id for event in events):
            with self.run_connection(run_id) as connection:
                connection.execute(
                    SqlEventLogStorageTable.insert(),
                    [row for row in rows if row["run_id"] == run_id],
                )
        with self.index_transaction() as connection:
            self._insert_asset_events(connection, events, rows)

    def watch(self, run_id: str, cursor: str | None, callback: EventHandlerFn) -> None:
        """Call back for each new event of a run, whichever process stores it.

        The stock storage waits for the run's file to change, which kept connections seldom do to
        it; this one asks for new events.
        """
        self._watcher.watch_run(run_id, cursor, callback)

    def end_watch(self, run_id: str, handler: EventHandlerFn) -> None:
        """Do not call back any more."""
        self._watcher.unwatch_run(run_id, handler)

    def delete_events(self, run_id: str) -> None:
        """Forget a run's events, and the connections to its file."""
        super().delete_events(run_id)
        self._close(run_id)

    def delete_log(self, run_id: str) -> None:
        """Delete the file of a run, and leave what the index holds of it."""
        self._close(run_id)
        # A run whose log somebody looks at later has an empty one.
        self._initialized_dbs.discard(run_id)
        for ending in ("", "-wal", "-shm"):
            Path(f"{self.path_for_shard(run_id)}{ending}").unlink(missing_ok=True)

    def wipe(self) -> None:
        """Forget every event; the run files are deleted, so their connections end first."""
        self._close(*self._engines)
        super().wipe()

    def dispose(self) -> None:
        """End all connections."""
        self._watcher.close()
        self._close(*self._engines)
        super().dispose()

    def _close(self, *shards: str) -> None:
        with self._engines_lock:
            for shard in shards:
                if engine := self._engines.pop(shard, None):
                    engine.dispose()


def _is_in_use(engine: Engine) -> bool:
    return cast("sqlalchemy.QueuePool", engine.pool).checkedout() > 0
