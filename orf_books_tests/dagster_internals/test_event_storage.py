import multiprocessing
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import (
    DagsterEventType,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage

from orf_books.dagster_internals import (
    PartitionStatus,
    PooledSqliteEventLogStorage,
)
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
from orf_books_tests.dagster_internals.items import (
    DATA_VERSION,
    ITEM,
    run_batch,
    statuses,
)
from orf_books_tests.dagster_internals.killed_writer import written_until_killed

WRITTEN_AT = {"create_timestamp", "migration_completed"}
"""Columns that say when a row was written."""
SPAWN = multiprocessing.get_context("spawn")

MakeStorage = Callable[[str], SqliteEventLogStorage]


@pytest.fixture
def pooled(tmp_path: Path) -> Iterator[PooledSqliteEventLogStorage]:
    storage = PooledSqliteEventLogStorage(str(tmp_path / "events"))
    storage.OPEN_SHARDS = 4
    yield storage
    storage.dispose()


@pytest.mark.parametrize("write", [in_one_batch, one_by_one])
def test_the_files_hold_what_the_stock_storage_would_have_written(
    tmp_path: Path, write: Callable[[SqliteEventLogStorage, Sequence[EventLogEntry]], None]
) -> None:
    events = mixed_events()
    stock = SqliteEventLogStorage(str(tmp_path / "stock"))
    one_by_one(stock, events)
    pooled = PooledSqliteEventLogStorage(str(tmp_path / "pooled"))
    write(pooled, events)
    pooled.dispose()

    for shard in ["index", "run-1", "run-2"]:
        written = _content(tmp_path / "pooled" / f"{shard}.db")
        assert written == _content(tmp_path / "stock" / f"{shard}.db")
        assert written["event_logs"]


def test_batches_with_other_events_are_stored_in_their_order(
    pooled: PooledSqliteEventLogStorage,
) -> None:
    events = [log_line("run-1", "first"), *mixed_events(), log_line("run-1", "last")]
    pooled.store_event_batch(events)

    assert pooled.get_logs_for_run("run-1") == [one for one in events if one.run_id == "run-1"]
    assert answers(pooled)["materialized"] == {"a"}


def test_either_storage_reads_what_the_other_wrote(tmp_path: Path) -> None:
    base = str(tmp_path)
    stock, pooled = SqliteEventLogStorage(base), PooledSqliteEventLogStorage(base)
    pooled.store_event_batch(mixed_events())
    stock.store_event(materialized_event("run-1", "by stock"))
    pooled.add_dynamic_partitions("items", ["a"])
    stock.add_dynamic_partitions("items", ["b"])
    pooled.store_event(log_line("run-1", "by pooled"))

    assert answers(pooled) == answers(stock)
    assert answers(stock)["materialized"] == {"a", "by stock"}
    assert answers(stock)["dynamic"] == ["a", "b"]
    pooled.dispose()


def test_failures_are_found_by_asset_and_partition_and_page_by_page(
    pooled: PooledSqliteEventLogStorage,
) -> None:
    pooled.store_event_batch([failed_event("run-1", key) for key in "abc"])
    pooled.store_event(failed_event("run-2", "a"))
    pooled.store_event(materialized_event("run-2", "b"))

    assert failures(pooled.fetch_failed_materializations(ITEM, limit=10)) == ["a", "c", "b", "a"]
    of_a = dg.AssetRecordsFilter(ITEM, asset_partitions=["a"])
    assert failures(pooled.fetch_failed_materializations(of_a, limit=10)) == ["a", "a"]
    first = pooled.fetch_failed_materializations(ITEM, limit=3, ascending=True)
    assert (failures(first), first.has_more) == (["a", "b", "c"], True)
    rest = pooled.fetch_failed_materializations(ITEM, 3, first.cursor, ascending=True)
    assert (failures(rest), rest.has_more) == (["a"], False)


def test_failures_are_forgotten_with_their_run(pooled: PooledSqliteEventLogStorage) -> None:
    pooled.store_event_batch([failed_event("run-1", "a"), failed_event("run-2", "b")])
    pooled.delete_events("run-1")
    assert failures(pooled.fetch_failed_materializations(ITEM, limit=10)) == ["b"]


def _content(file: Path) -> dict[str, list[dict[str, Any]]]:
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        assets = connection.execute(
            "SELECT asset_key, last_materialization, last_run_id, asset_details, wipe_timestamp,"
            " last_materialization_timestamp, tags FROM asset_keys ORDER BY asset_key"
        )
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: [
                {column: row[column] for column in row.keys() if column not in WRITTEN_AT}  # noqa: SIM118
                for row in connection.execute(f'SELECT * FROM "{name}"')
            ]
            for (name,) in tables.fetchall()
            if name != "asset_keys"
        } | {"asset_keys": [dict(row) for row in assets.fetchall()]}


def test_the_configuration_of_the_project_uses_it_in_the_stock_place(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        run_id = run_batch(instance, planned="a", good="a")
        assert isinstance(_storage_of(instance), PooledSqliteEventLogStorage)

    assert (home / "history" / "runs" / f"{run_id}.db").is_file()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    with dg.DagsterInstance.get() as stock:
        assert not isinstance(_storage_of(stock), PooledSqliteEventLogStorage)
        assert statuses(stock, "a") == {"a": PartitionStatus.MATERIALIZED}


def test_its_folder_can_be_chosen(home: Path, tmp_path: Path) -> None:
    configuration = home / "dagster.yaml"
    chosen = tmp_path / "elsewhere"
    configuration.write_text(
        configuration.read_text().replace("config: {}", f"config: {{base_dir: {chosen}}}")
    )
    with dg.DagsterInstance.get() as instance:
        run_id = run_batch(instance, planned="a", good="a")
    assert (chosen / f"{run_id}.db").is_file()


def _storage_of(instance: dg.DagsterInstance) -> object:
    storage = instance.event_log_storage
    # Configured one by one, the storages are wrapped.
    return getattr(storage, "event_log_storage", storage)


# Connections


def open_shards(folder: Path) -> list[str]:
    """Event files that this process has open, once for each connection."""
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("This system does not list open files.")
    found = []
    for descriptor in descriptors.iterdir():
        try:
            target = descriptor.readlink()
        except FileNotFoundError:
            continue
        if target.parent == folder and target.suffix == ".db":
            found.append(target.stem)
    return found


def test_many_runs_do_not_keep_many_files_open(
    pooled: PooledSqliteEventLogStorage, tmp_path: Path
) -> None:
    runs = [f"run-{number}" for number in range(2 * pooled.OPEN_SHARDS)]
    for _ in range(2):
        for run_id in runs:
            pooled.store_event(log_line(run_id, "text"))

    assert len(open_shards(tmp_path / "events")) <= pooled.OPEN_SHARDS + 1
    assert all(len(pooled.get_logs_for_run(run_id)) == 2 for run_id in runs)


def test_threads_on_many_runs_neither_disturb_each_other_nor_keep_files_open(
    pooled: PooledSqliteEventLogStorage, tmp_path: Path
) -> None:
    runs = [f"run-{number}" for number in range(2 * pooled.OPEN_SHARDS)]

    def write_and_read(thread: int) -> None:
        pooled.store_event_batch([materialized_event(run_id, f"{thread}") for run_id in runs])
        for run_id in runs:
            pooled.store_event(log_line(run_id, f"{thread}"))
            assert pooled.get_logs_for_run(run_id)
        pooled.add_dynamic_partitions("items", [f"{thread}"])
        assert f"{thread}" in pooled.get_materialized_partitions(ITEM)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write_and_read, range(8)))

    assert all(len(pooled.get_logs_for_run(run_id)) == 16 for run_id in runs)
    assert pooled.get_materialized_partitions(ITEM) == {str(thread) for thread in range(8)}
    assert sorted(pooled.get_dynamic_partitions("items")) == [str(thread) for thread in range(8)]
    assert len(set(open_shards(tmp_path / "events"))) <= pooled.OPEN_SHARDS + 1
    pooled.dispose()
    assert open_shards(tmp_path / "events") == []


def test_a_reader_does_not_wait_for_another_reader(pooled: PooledSqliteEventLogStorage) -> None:
    pooled.store_event_batch(mixed_events())
    answered = threading.Event()

    def read() -> None:
        pooled.get_asset_records([ITEM])
        answered.set()

    with pooled.index_connection():
        threading.Thread(target=read).start()
        assert answered.wait(10)


def test_after_dispose_nothing_is_open_and_the_storage_can_still_be_used(
    pooled: PooledSqliteEventLogStorage, tmp_path: Path
) -> None:
    pooled.store_event_batch(mixed_events())
    assert set(open_shards(tmp_path / "events")) == {"index", "run-1", "run-2"}
    pooled.dispose()

    assert open_shards(tmp_path / "events") == []
    assert pooled.get_logs_for_run("run-1")


def test_deleting_a_run_forgets_its_events_and_closes_its_file(
    pooled: PooledSqliteEventLogStorage, tmp_path: Path
) -> None:
    pooled.store_event_batch(mixed_events())
    pooled.delete_events("run-1")

    assert "run-1" not in open_shards(tmp_path / "events")
    assert pooled.get_logs_for_run("run-1") == []
    assert len(pooled.get_logs_for_run("run-2")) == 2
    assert pooled.get_materialized_partitions(ITEM) == {"a"}, "run-2 made it too"


def test_wiping_forgets_everything_and_the_storage_can_still_be_used(
    pooled: PooledSqliteEventLogStorage, tmp_path: Path
) -> None:
    pooled.store_event_batch(mixed_events())
    pooled.wipe()

    assert set(open_shards(tmp_path / "events")) <= {"index"}
    assert not list((tmp_path / "events").glob("run-*"))
    assert pooled.get_asset_records() == []
    one_by_one(pooled, mixed_events())
    assert len(pooled.get_logs_for_run("run-1")) == 4


# Several processes

ROUNDS, BATCH = 5, 20


def _write(base: str, make: MakeStorage, writer: int, start: Barrier) -> None:
    storage = make(base)
    start.wait()
    for round_ in range(ROUNDS):
        keys = [f"{writer}/{round_}/{number}" for number in range(BATCH)]
        storage.store_event_batch([materialized_event("shared", key) for key in keys])
        storage.store_event(log_line(f"own-{writer}", f"{round_}"))
        storage.add_dynamic_partitions("items", keys)
    storage.dispose()


@pytest.mark.slow
@pytest.mark.parametrize("writers", [2, 4])
def test_processes_that_write_at_once_lose_nothing_while_others_read(
    tmp_path: Path, writers: int
) -> None:
    base = str(tmp_path)
    start = SPAWN.Barrier(writers + 1)
    kinds: list[MakeStorage] = [PooledSqliteEventLogStorage] * (writers - 1)
    processes = [
        SPAWN.Process(target=_write, args=(base, make, writer, start))
        for writer, make in enumerate([*kinds, SqliteEventLogStorage])
    ]
    for process in processes:
        process.start()
    start.wait()
    reader, seen = PooledSqliteEventLogStorage(base), 0
    while any(process.is_alive() for process in processes):
        found = len(reader.get_materialized_partitions(ITEM))
        assert found >= seen
        seen = found
        time.sleep(0.02)
    assert [process.exitcode for process in processes] == [0] * writers

    keys = {
        f"{writer}/{round_}/{number}"
        for writer in range(writers)
        for round_ in range(ROUNDS)
        for number in range(BATCH)
    }
    stock = SqliteEventLogStorage(base)
    assert stock.get_materialized_partitions(ITEM) == keys
    assert set(stock.get_dynamic_partitions("items")) == keys
    tags = stock.get_latest_tags_by_partition(
        ITEM, DagsterEventType.ASSET_MATERIALIZATION, [DATA_VERSION]
    )
    assert {key: found[DATA_VERSION] for key, found in tags.items()} == {key: key for key in keys}
    assert len(stock.get_logs_for_run("shared")) == len(keys)
    assert [len(stock.get_logs_for_run(f"own-{writer}")) for writer in range(writers)] == [
        ROUNDS
    ] * writers
    reader.dispose()
    _assert_sound(tmp_path)


@pytest.mark.slow
def test_a_killed_writer_loses_nothing_that_it_stored(tmp_path: Path) -> None:
    stored = written_until_killed(PooledSqliteEventLogStorage, str(tmp_path), least=50)

    survivor = PooledSqliteEventLogStorage(str(tmp_path))
    expected = {f"{number}/{i}" for number in range(stored + 1) for i in range(5)}
    assert expected <= survivor.get_materialized_partitions(ITEM)
    assert len(survivor.get_logs_for_run("run-1")) >= len(expected) + stored + 1
    survivor.store_event_batch(mixed_events())
    survivor.dispose()
    _assert_sound(tmp_path)


def _assert_sound(folder: Path) -> None:
    for file in folder.glob("*.db"):
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("writer", [PooledSqliteEventLogStorage, SqliteEventLogStorage])
def test_who_watches_a_run_hears_of_its_events_soon(
    pooled: PooledSqliteEventLogStorage, tmp_path: Path, writer: MakeStorage
) -> None:
    other = writer(str(tmp_path / "events"))
    assert heard_while_writing(pooled, other) == ["before", "first", "second"]
