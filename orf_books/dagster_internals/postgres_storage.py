"""Dagster's Postgres storage, with connections that are kept and batches that are one.

Belongs here: what Dagster keeps in Postgres, and how. Does not belong here: SQLite
(`event_storage.py`), which events there are (`partition_events.py`). Needs the extra `postgres`;
nothing imports this module but a `dagster.yaml` that names it:

    storage:
      custom:
        module: orf_books.dagster_internals.postgres_storage
        class: PooledPostgresStorage
        config: {postgres_url: {env: DAGSTER_POSTGRES_URL}}
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy
from dagster._core.events.log import EventLogEntry
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from dagster_postgres.utils import (
    create_pg_engine,
    get_token_provider_from_config,
    pg_url_from_config,
)

from orf_books.dagster_internals.asset_events import BatchedAssetEvents, are_plain_asset_events

_DRIVER = "postgresql+psycopg2"
_LOCK_NUMBER = 0x0F_B0_0C
"""Of the advisory lock under which asset events are written; any number that nobody else takes."""


class PooledPostgresEventLogStorage(BatchedAssetEvents, PostgresEventLogStorage):
    """Dagster's Postgres event storage, with connections that are kept and batches that are one.

    The stock storage connects anew for every event, and writes most batches event by event. The
    tables are the same, so either can read what the other wrote.
    """

    KEPT_CONNECTIONS = 2
    """Idle connections that a process keeps; more are opened for a while when they are needed."""

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,  # noqa: FBT001, FBT002 - Dagster's signature
        inst_data: ConfigurableClassData | None = None,
        token_provider: Any = None,  # noqa: ANN401
    ) -> None:
        super().__init__(
            with_dagsters_driver(postgres_url), should_autocreate_tables, inst_data, token_provider
        )
        self._engine = create_pg_engine(
            self.postgres_url,
            token_provider,
            isolation_level="AUTOCOMMIT",
            pool_size=self.KEPT_CONNECTIONS,
            max_overflow=-1,
            # The server may have been restarted, or another have taken its place.
            pool_pre_ping=True,
        )

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PooledPostgresEventLogStorage":
        """Made from `dagster.yaml`, with the settings of the stock storage."""
        return cls(
            pg_url_from_config(config_value),
            config_value.get("should_autocreate_tables", True),
            inst_data,
            get_token_provider_from_config(config_value),
        )

    def optimize_for_webserver(
        self, statement_timeout: int, pool_recycle: int, max_overflow: int
    ) -> None:
        """Limit how long a query of the page may take."""
        self._engine.dispose()
        super().optimize_for_webserver(statement_timeout, pool_recycle, max_overflow)

    def store_event(self, event: EventLogEntry) -> None:
        """Store one event."""
        if are_plain_asset_events([event]):
            self.store_event_batch([event])
        else:
            super().store_event(event)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events in one transaction where all are of single assets.

        Other events have side effects of their own and go the stock way, one by one.
        """
        if not are_plain_asset_events(events):
            for event in events:
                self.store_event(event)
            return
        rows = [self._event_to_row(event) for event in events]
        with self.index_transaction() as connection:
            # Who has seen an event never looks for one with a lower number. Without turns, a batch
            # that commits after a later one would stay unseen: its partitions, missing.
            connection.execute(
                sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(_LOCK_NUMBER))
            )
            self._insert_asset_events(connection, events, rows)

    def dispose(self) -> None:
        """End all connections."""
        super().dispose()
        self._engine.dispose()


class PooledPostgresStorage(DagsterPostgresStorage):
    """Runs, events and schedules in Postgres, the events by `PooledPostgresEventLogStorage`.

    Settings are those of Dagster's own `storage: postgres:`. A `postgresql://` URL works as it
    stands, whichever drivers are installed.
    """

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,  # noqa: FBT001, FBT002 - Dagster's signature
        inst_data: ConfigurableClassData | None = None,
        token_provider: Any = None,  # noqa: ANN401
    ) -> None:
        super().__init__(
            with_dagsters_driver(postgres_url), should_autocreate_tables, inst_data, token_provider
        )
        self._event_log_storage = PooledPostgresEventLogStorage(
            self.postgres_url, should_autocreate_tables, token_provider=token_provider
        )

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Any,  # noqa: ANN401
    ) -> "PooledPostgresStorage":
        """Made from `dagster.yaml`."""
        return cls(
            pg_url_from_config(config_value),
            config_value.get("should_autocreate_tables", True),
            inst_data,
            get_token_provider_from_config(config_value),
        )


def with_dagsters_driver(url: str) -> str:
    """The URL with the driver that dagster-postgres is written for and brings along.

    SQLAlchemy 2.1 takes psycopg 3 for `postgresql://`. Dagster's SQL is then a syntax error
    (`NOTIFY` with a parameter), and its statement timeout closes the connection.
    """
    return sqlalchemy.make_url(url).set(drivername=_DRIVER).render_as_string(hide_password=False)
