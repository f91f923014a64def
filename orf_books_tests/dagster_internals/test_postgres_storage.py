import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster_postgres import PostgresEventLogStorage

from orf_books.dagster_internals import PartitionStatus
from orf_books.dagster_internals.postgres_storage import (
    PooledPostgresEventLogStorage,
    with_dagsters_driver,
)
from orf_books_tests.conftest import wait_for
from orf_books_tests.dagster_internals.events import (
    answers,
    failed_event,
    failures,
    heard_while_writing,
    in_one_batch,
    log_line,
    materialized_event,
    mixed_events,
    one_by_one,
)
from orf_books_tests.dagster_internals.items import ITEM, run_batch, statuses
from orf_books_tests.dagster_internals.killed_writer import written_until_killed
from orf_books_tests.postgres import PostgresServer

pytestmark = pytest.mark.slow

SPAWN = multiprocessing.get_context("spawn")
TABLES = {
    "event_logs": "id",
    "asset_event_tags": "id",
    "asset_keys": "asset_key",
    "dynamic_partitions": "id",
}
"""What is compared, and in which order."""


@pytest.fixture
def pooled(postgres_url: str) -> Iterator[PooledPostgresEventLogStorage]:
    storage = PooledPostgresEventLogStorage(postgres_url)
    yield storage
    storage.dispose()


@pytest.mark.parametrize("write", [in_one_batch, one_by_one])
def test_the_tables_hold_what_the_stock_storage_would_have_written(
    pooled: PooledPostgresEventLogStorage,
    postgres_server: PostgresServer,
    tmp_path: Path,
    write: Callable[[SqlEventLogStorage, Sequence[EventLogEntry]], None],
) -> None:
    events = mixed_events()
    stock_url = postgres_server.create_database(f"{tmp_path.name}_stock")
    stock = PostgresEventLogStorage(with_dagsters_driver(stock_url))
    one_by_one(stock, events)
    write(pooled, events)

    written = _content(pooled.postgres_url)
    assert written == _content(stock.postgres_url)
    assert len(written["event_logs"]) == len(events)


def test_batches_with_other_events_are_stored_in_their_order(
    pooled: PooledPostgresEventLogStorage,
) -> None:
    events = [log_line("run-1", "first"), *mixed_events(), log_line("run-1", "last")]
    pooled.store_event_batch(events)

    assert pooled.get_logs_for_run("run-1") == [
        event for event in events if event.run_id == "run-1"
    ]
    assert answers(pooled)["materialized"] == {"a"}


def test_either_storage_reads_what_the_other_wrote(pooled: PooledPostgresEventLogStorage) -> None:
    stock = PostgresEventLogStorage(pooled.postgres_url)
    pooled.store_event_batch(mixed_events())
    stock.store_event(materialized_event("run-1", "by stock"))
    pooled.add_dynamic_partitions("items", ["a"])
    stock.add_dynamic_partitions("items", ["b"])
    pooled.store_event(log_line("run-1", "by pooled"))

    assert answers(pooled) == answers(stock)
    assert answers(stock)["materialized"] == {"a", "by stock"}
    assert answers(stock)["dynamic"] == ["a", "b"]


def test_failures_are_found_by_asset_and_partition_and_forgotten_with_their_run(
    pooled: PooledPostgresEventLogStorage,
) -> None:
    pooled.store_event_batch([failed_event("run-1", key) for key in "abc"])
    pooled.store_event(failed_event("run-2", "a"))
    pooled.store_event(materialized_event("run-2", "b"))

    assert failures(pooled.fetch_failed_materializations(ITEM, limit=10)) == ["a", "c", "b", "a"]
    of_a = dg.AssetRecordsFilter(ITEM, asset_partitions=["a"])
    assert failures(pooled.fetch_failed_materializations(of_a, limit=10)) == ["a", "a"]
    pooled.delete_events("run-1")
    assert failures(pooled.fetch_failed_materializations(ITEM, limit=10)) == ["a"]


def _content(url: str) -> dict[str, list[dict[str, Any]]]:
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        content = {
            table: [
                dict(row)
                for row in connection.execute(
                    sqlalchemy.text(f"SELECT * FROM {table} ORDER BY {order}")
                ).mappings()
            ]
            for table, order in TABLES.items()
        }
    engine.dispose()
    for row in content["asset_keys"]:
        # When the row was written, and how often.
        del row["create_timestamp"], row["id"]
    return content


# Addresses


@pytest.mark.parametrize(
    "scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"]
)
def test_an_instance_works_however_its_address_is_written(
    home_on_postgres: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    url = os.environ["DAGSTER_POSTGRES_URL"]
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", url.replace("postgresql", scheme, 1))
    with dg.DagsterInstance.get() as instance:
        run_id = run_batch(instance, planned="ab", good="a")
        instance.optimize_for_webserver(statement_timeout=5000, pool_recycle=60, max_overflow=5)

        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status is dg.DagsterRunStatus.FAILURE
        assert statuses(instance, "ab") == {
            "a": PartitionStatus.MATERIALIZED,
            "b": PartitionStatus.FAILED,
        }


def test_passwords_with_special_characters_stay_as_they_are() -> None:
    url = "postgresql://dagster:p%40ss%2Fword@localhost:5433/events?sslmode=require"
    assert with_dagsters_driver(url) == url.replace("postgresql", "postgresql+psycopg2")


def test_other_processes_are_told_of_the_same_storage(home_on_postgres: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        reference = instance.get_ref()
    with dg.DagsterInstance.from_ref(reference) as there:
        assert isinstance(there.event_log_storage, PooledPostgresEventLogStorage)


# Connections


def connections(pooled: PooledPostgresEventLogStorage) -> set[int]:
    """Processes of the server that serve the storage's database, but for the one that asks."""
    engine = sqlalchemy.create_engine(pooled.postgres_url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        return set(
            connection.execute(
                sqlalchemy.text(
                    "SELECT pid FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    " AND backend_type = 'client backend'"
                )
            ).scalars()
        )


def test_connections_are_kept_but_not_many(pooled: PooledPostgresEventLogStorage) -> None:
    one_by_one(pooled, mixed_events())
    kept = connections(pooled)
    one_by_one(pooled, mixed_events())
    assert connections(pooled) == kept

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(pooled.get_logs_for_run, ["run-1"] * 40))
    assert len(connections(pooled)) <= pooled.KEPT_CONNECTIONS


def test_after_dispose_no_connection_is_open_and_the_storage_can_still_be_used(
    pooled: PooledPostgresEventLogStorage,
) -> None:
    one_by_one(pooled, mixed_events())
    assert connections(pooled)
    pooled.dispose()

    # The server's process ends a moment after its client.
    wait_for("end of the connections", lambda: not connections(pooled))
    assert pooled.get_logs_for_run("run-1")


def test_serving_the_page_leaves_no_connection_behind(
    pooled: PooledPostgresEventLogStorage,
) -> None:
    one_by_one(pooled, mixed_events())
    pooled.optimize_for_webserver(statement_timeout=5000, pool_recycle=60, max_overflow=5)

    # The server takes a moment to notice.
    wait_for("end of the connections", lambda: not connections(pooled))
    assert pooled.get_logs_for_run("run-1")


def test_a_server_that_was_killed_and_started_again_is_used_on(
    pooled: PooledPostgresEventLogStorage, postgres_server: PostgresServer
) -> None:
    pooled.store_event_batch(mixed_events())
    postgres_server.kill()
    postgres_server.start()
    pooled.store_event_batch([materialized_event("run-1", "after")])
    assert pooled.get_materialized_partitions(ITEM) == {"a", "after"}


# Several writers


def test_who_has_seen_an_event_finds_no_earlier_one_later(
    pooled: PooledPostgresEventLogStorage,
) -> None:
    """Dagster keeps statuses up to the latest event that it saw, and looks only for later ones."""
    writing = threading.Event()
    writing.set()

    def write(number: int) -> None:
        storage = PooledPostgresEventLogStorage(pooled.postgres_url)
        while writing.is_set():
            keys = [f"{number}/{key}" for key in range(200 if number % 2 else 1)]
            storage.store_event_batch([materialized_event(f"run-{number}", key) for key in keys])
        storage.dispose()

    count_below = sqlalchemy.text("SELECT count(*) FROM event_logs WHERE id <= :latest")
    seen: list[tuple[int, int]] = []
    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write, number) for number in range(4)]
        try:
            with pooled.index_connection() as connection:
                for _ in range(100):
                    latest, count = connection.execute(
                        sqlalchemy.text("SELECT coalesce(max(id), 0), count(*) FROM event_logs")
                    ).one()
                    seen.append((latest, count))
                    time.sleep(0.01)
        finally:
            writing.clear()
        for writer in writers:
            writer.result()

    with pooled.index_connection() as connection:
        for latest, count in seen:
            later = connection.execute(count_below, {"latest": latest}).scalar_one()
            assert later == count, f"{later - count} events up to {latest} came later"
    assert len({latest for latest, _ in seen}) > 5, "the reader watched while others wrote"


@pytest.mark.slow
def test_a_killed_writer_loses_nothing_that_it_stored_and_blocks_nobody(
    pooled: PooledPostgresEventLogStorage,
) -> None:
    stored = written_until_killed(PooledPostgresEventLogStorage, pooled.postgres_url, least=20)

    expected = {f"{number}/{i}" for number in range(stored + 1) for i in range(5)}
    assert expected <= pooled.get_materialized_partitions(ITEM)
    assert len(pooled.get_logs_for_run("run-1")) >= len(expected) + stored + 1
    pooled.store_event_batch(mixed_events())


@pytest.mark.parametrize("writer", [PooledPostgresEventLogStorage, PostgresEventLogStorage])
def test_who_watches_a_run_hears_of_its_events(
    pooled: PooledPostgresEventLogStorage, writer: type[PostgresEventLogStorage]
) -> None:
    other = writer(pooled.postgres_url)
    assert heard_while_writing(pooled, other) == ["before", "first", "second"]
