import multiprocessing
import os
import shutil
import socket
import stat
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import Timer
from typing import Any

import polars as pl
import pytest
from deltalake.exceptions import DeltaError
from moto.server import ThreadedMotoServer

from orf_books.failures import DamagedStore, FailureCategory, FixConfiguration, RetryLater
from orf_books.resources.storage import ObjectStorage, S3Options, StoreRetryPolicy
from orf_books.resources.tables import (
    DAMAGED,
    MOST_SMALL_FILES,
    Repair,
    Table,
    Tables,
    _table_errors,
)
from orf_books_tests.conftest import BUCKET

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
WRITERS, COMMITS, ROWS = 3, 2, 20


@dataclass(frozen=True, slots=True)
class Thing:
    key: str
    seen_at: datetime
    name: str | None = None
    count: int | None = None
    share: float | None = None
    is_new: bool | None = None
    day: date | None = None
    words: tuple[str, ...] = ()
    other_words: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ThingOfOldVersion:
    key: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class ThingOfNewVersion:
    key: str
    seen_at: datetime
    shelf: str = "unsorted"
    tags: tuple[str, ...] = ()
    note: str | None = None


THINGS = Table("things", Thing, ("key",), "seen_at")
OLD_THINGS = Table("things", ThingOfOldVersion, ("key",), "seen_at")
NEW_THINGS = Table("things", ThingOfNewVersion, ("key",), "seen_at")


@pytest.fixture
def tables(storage: ObjectStorage) -> Tables:
    return Tables(storage)


@pytest.fixture
def local(folder: ObjectStorage) -> Tables:
    return Tables(folder)


def things(*keys: str, at: datetime = NOON) -> list[Thing]:
    return [Thing(key, at) for key in keys]


def test_rows_come_back_as_they_were(tables: Tables) -> None:
    rows = [
        Thing(
            key="full",
            seen_at=NOON + timedelta(microseconds=123_456),
            name="Büchér 日本 📚\n\x00'\"",
            count=-(2**62),
            share=0.1,
            is_new=False,
            day=date(1, 1, 1),
            words=("a", "", "ü"),
            other_words=("b",),
        ),
        Thing(key="empty", seen_at=NOON, name="", words=(), other_words=()),
        Thing(key="none", seen_at=NOON),
    ]
    tables.append(THINGS, rows)

    assert sorted(tables.all_rows(THINGS), key=lambda row: row.key) == sorted(
        rows, key=lambda row: row.key
    )


def test_times_are_read_as_the_same_moment_in_utc(local: Tables) -> None:
    local_time = NOON.astimezone(datetime.strptime("+0530", "%z").tzinfo)
    local.append(THINGS, [Thing("a", local_time)])

    (row,) = local.all_rows(THINGS)
    assert row.seen_at == NOON
    assert row.seen_at.utcoffset() == timedelta(0)


def test_a_table_that_is_not_there_has_no_rows(tables: Tables) -> None:
    assert tables.all_rows(THINGS) == []
    assert tables.latest(THINGS) == []
    assert tables.maintain(THINGS) is None


def test_appending_no_rows_makes_no_table(local: Tables, folder: ObjectStorage) -> None:
    local.append(THINGS, [])
    assert list(folder.list("tables/")) == []


def test_the_latest_row_of_a_key_wins_whenever_it_was_appended(tables: Tables) -> None:
    later, earlier = NOON + timedelta(seconds=1), NOON - timedelta(seconds=1)
    tables.append(THINGS, [Thing("a", NOON), Thing("b", NOON)])
    tables.append(THINGS, [Thing("a", later, name="newer"), Thing("b", earlier, name="older")])

    assert {row.key: row.name for row in tables.latest(THINGS)} == {"a": "newer", "b": None}
    assert len(tables.all_rows(THINGS)) == 4


def test_the_log_tells_the_latest_moment(local: Tables) -> None:
    assert local.latest_moment(THINGS) is None
    for moment in (NOON + timedelta(microseconds=1500), NOON):
        local.append(THINGS, [Thing("a", moment)])
    assert local.latest_moment(THINGS) == NOON + timedelta(milliseconds=2)
    local.maintain(THINGS)
    assert local.latest_moment(THINGS) == NOON + timedelta(milliseconds=2)


def test_a_condition_selects_rows_before_the_latest_is_chosen(tables: Tables) -> None:
    tables.append(THINGS, [Thing("a", NOON, count=1), Thing("b", NOON, count=2)])
    tables.append(THINGS, [Thing("a", NOON + timedelta(1), count=3)])

    assert [row.count for row in tables.latest(THINGS, pl.col("key") == "a")] == [3]
    assert [row.count for row in tables.latest(THINGS, pl.col("count") < 2)] == [1]
    assert tables.all_rows(THINGS, pl.col("key").is_in(["c"])) == []


def test_old_rows_have_the_defaults_of_columns_that_came_later(local: Tables) -> None:
    local.append(OLD_THINGS, [ThingOfOldVersion("old", NOON)])
    expected = ThingOfNewVersion("old", NOON)
    assert local.all_rows(NEW_THINGS) == [expected]

    newer = ThingOfNewVersion("new", NOON, "fiction", ("a",), "b")
    local.append(NEW_THINGS, [newer])
    assert sorted(local.all_rows(NEW_THINGS), key=lambda row: row.key) == [newer, expected]


def test_an_older_version_ignores_columns_that_it_does_not_know(local: Tables) -> None:
    local.append(NEW_THINGS, [ThingOfNewVersion("new", NOON, "fiction")])
    local.append(OLD_THINGS, [ThingOfOldVersion("old", NOON)])

    assert {row.key for row in local.all_rows(OLD_THINGS)} == {"old", "new"}


def test_a_folder_with_an_odd_name_holds_tables_too(tmp_path: Path) -> None:
    tables = Tables(ObjectStorage((tmp_path / "Ann's büchér #1 + 2").as_uri()))
    tables.append(THINGS, things("a"))
    assert tables.all_rows(THINGS) == things("a")


def test_upkeep_makes_one_file_of_many_and_keeps_every_row(tables: Tables) -> None:
    for number in range(4):
        tables.append(THINGS, things("a", "b", at=NOON + timedelta(number)))
    before = Counter(tables.all_rows(THINGS))

    upkeep = tables.maintain(THINGS)

    assert upkeep is not None
    assert (upkeep.table, upkeep.files_before, upkeep.files_after) == ("things", 4, 1)
    assert upkeep.files_deleted == 0, "readers may still need the old files"
    assert Counter(tables.all_rows(THINGS)) == before
    tables.append(THINGS, things("c"))
    assert len(tables.all_rows(THINGS)) == 9


def test_a_table_needs_upkeep_after_very_many_commits_and_then_no_more(local: Tables) -> None:
    assert not local.has_many_small_files(THINGS)
    for number in range(MOST_SMALL_FILES):
        local.append(THINGS, things("a", at=NOON + timedelta(number)))
    assert not local.has_many_small_files(THINGS)
    local.append(THINGS, things("b"))
    assert local.has_many_small_files(THINGS)

    local.maintain(THINGS)

    assert not local.has_many_small_files(THINGS)
    assert len(local.all_rows(THINGS)) == MOST_SMALL_FILES + 1


def test_files_that_were_replaced_go_once_nobody_can_need_them(
    local: Tables, folder: ObjectStorage
) -> None:
    for number in range(4):
        local.append(THINGS, things("a", at=NOON + timedelta(number)))

    upkeep = local.maintain(THINGS, kept_hours=0)

    assert upkeep is not None
    assert upkeep.files_deleted == 4
    files = [stored.key for stored in folder.list("tables/") if stored.key.endswith(".parquet")]
    assert len([file for file in files if "_delta_log" not in file]) == 1
    assert len(local.all_rows(THINGS)) == 4


def test_frames_hold_the_rows_that_objects_would(tables: Tables) -> None:
    assert tables.latest_frame(THINGS).is_empty()
    tables.append(THINGS, things("a", "b"))
    tables.append(THINGS, things("a", at=NOON + timedelta(1)))

    assert sorted(tables.all_frame(THINGS)["key"]) == ["a", "a", "b"]
    assert sorted(tables.latest_frame(THINGS)["key"]) == ["a", "b"]
    assert tables.latest_frame(THINGS, pl.col("key") == "c").is_empty()


@pytest.mark.slow
def test_a_store_that_does_not_answer_may_answer_later(s3_server: S3Options) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    options = replace(s3_server, endpoint_url=f"http://127.0.0.1:{port}")
    tables = Tables(ObjectStorage("s3://bucket/prefix", options))

    with pytest.raises(RetryLater, match="'things'"):
        tables.append(THINGS, things("a"))
    with pytest.raises(RetryLater, match="'things'"):
        tables.all_rows(THINGS)
    with pytest.raises(RetryLater, match="'things'"):
        tables.maintain(THINGS)


@pytest.mark.parametrize("error", [DeltaError, OSError, pl.exceptions.ComputeError])
def test_a_store_that_is_away_while_a_file_is_read_is_no_damage(error: type[Exception]) -> None:
    said = "Failed to parse parquet: Parquet error: Generic S3 error: error sending request"
    with pytest.raises(RetryLater), _table_errors(THINGS):
        raise error(said)


def test_a_missing_bucket_is_something_to_configure(s3_server: S3Options) -> None:
    tables = Tables(ObjectStorage("s3://no-such-bucket/prefix", s3_server))
    with pytest.raises(FixConfiguration, match=r"'things'.*bucket"):
        tables.append(THINGS, things("a"))


def test_a_lost_file_is_a_failure_and_not_fewer_rows(local: Tables, folder: ObjectStorage) -> None:
    local.append(THINGS, things("a"))
    assert folder.folder is not None
    for file in folder.folder.rglob("*.parquet"):
        file.unlink()

    with pytest.raises(DamagedStore, match="'things'"):
        local.all_rows(THINGS)


def _append_commits(storage: ObjectStorage, writer: int, start: Barrier) -> None:
    tables = Tables(storage)
    assert tables.all_rows(THINGS) == []
    start.wait()
    for commit in range(COMMITS):
        name = f"{writer}-{commit}"
        tables.append(THINGS, [Thing(f"{name}/{row}", NOON, name) for row in range(ROWS)])


def _rows_per_commit(tables: Tables) -> Counter[str | None]:
    return Counter(row.name for row in tables.all_rows(THINGS))


@pytest.mark.parametrize(
    "storage", ["folder", pytest.param("s3", marks=pytest.mark.slow)], indirect=True
)
@pytest.mark.slow
def test_processes_that_create_and_append_at_once_lose_nothing_and_readers_see_whole_commits(
    storage: ObjectStorage,
) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(WRITERS + 1)
    processes = [
        context.Process(target=_append_commits, args=(storage, writer, start))
        for writer in range(WRITERS)
    ]
    for process in processes:
        process.start()
    start.wait()
    tables = Tables(storage)
    while any(process.is_alive() for process in processes):
        assert set(_rows_per_commit(tables).values()) <= {ROWS}
        time.sleep(0.05)
    assert [process.exitcode for process in processes] == [0] * WRITERS
    assert _rows_per_commit(tables) == {
        f"{writer}-{commit}": ROWS for writer in range(WRITERS) for commit in range(COMMITS)
    }


def _log_of(folder: ObjectStorage) -> Path:
    assert folder.folder is not None
    return folder.folder / "tables" / "things" / "_delta_log"


def _files_of(folder: ObjectStorage) -> list[Path]:
    return sorted(_log_of(folder).parent.glob("*.parquet"))


def _no_first_commit(folder: ObjectStorage) -> None:
    min(_log_of(folder).glob("*.json")).unlink()


def _no_commits(folder: ObjectStorage) -> None:
    for commit in _log_of(folder).glob("*.json"):
        commit.unlink()


def _no_log(folder: ObjectStorage) -> None:
    shutil.rmtree(_log_of(folder))


def _garbage_in_the_log(folder: ObjectStorage) -> None:
    max(_log_of(folder).glob("*.json")).write_text("garbage")


def _a_cut_commit(folder: ObjectStorage) -> None:
    commit = min(_log_of(folder).glob("*.json"))
    commit.write_text(commit.read_text()[:100])


def _an_empty_commit(folder: ObjectStorage) -> None:
    os.truncate(max(_log_of(folder).glob("*.json")), 0)


def _a_garbled_checkpoint(folder: ObjectStorage) -> None:
    Tables(folder).maintain(THINGS)
    for checkpoint in _log_of(folder).glob("*.checkpoint.parquet"):
        checkpoint.write_bytes(b"x")


DAMAGED_LOGS = [
    _no_first_commit,
    _no_commits,
    _no_log,
    _garbage_in_the_log,
    _a_cut_commit,
    _an_empty_commit,
    _a_garbled_checkpoint,
]


def _a_lost_file(folder: ObjectStorage) -> None:
    _files_of(folder)[0].unlink()


def _an_empty_file(folder: ObjectStorage) -> None:
    os.truncate(_files_of(folder)[0], 0)


def _a_cut_file(folder: ObjectStorage) -> None:
    os.truncate(_files_of(folder)[0], 200)


def _garbage_in_a_file(folder: ObjectStorage) -> None:
    _files_of(folder)[0].write_bytes(b"garbage" * 100)


DAMAGED_FILES = [_a_lost_file, _an_empty_file, _a_cut_file, _garbage_in_a_file]


@pytest.mark.parametrize("damage", DAMAGED_LOGS + DAMAGED_FILES)
def test_damage_is_named_with_its_remedy_and_is_never_fewer_rows(
    local: Tables, folder: ObjectStorage, damage: Callable[[ObjectStorage], None]
) -> None:
    local.append(THINGS, things("a"))
    local.append(THINGS, things("b"))
    damage(folder)

    for read in (local.all_rows, local.latest):
        with pytest.raises(DamagedStore, match=r"'things' is damaged.*doctor") as caught:
            read(THINGS)
        assert caught.value.category is FailureCategory.BAD_DATA
    assert "'things' is damaged" in local.damage(THINGS)


@pytest.mark.parametrize("damage", DAMAGED_LOGS)
def test_nothing_is_appended_to_a_table_with_a_damaged_log(
    local: Tables, folder: ObjectStorage, damage: Callable[[ObjectStorage], None]
) -> None:
    local.append(THINGS, things("a"))
    local.append(THINGS, things("b"))
    damage(folder)
    with pytest.raises(DamagedStore):
        local.append(THINGS, things("c"))


@pytest.mark.parametrize("damage", DAMAGED_LOGS)
def test_repair_writes_a_damaged_log_anew_and_loses_no_row(
    local: Tables, folder: ObjectStorage, damage: Callable[[ObjectStorage], None]
) -> None:
    for key in "abc":
        local.append(THINGS, things(key))
    damage(folder)

    repair = local.repair(THINGS)

    assert (repair.lost_files, repair.remedy) == ((), "")
    assert "'things' is damaged" in repair.damage
    assert Counter(local.all_rows(THINGS)) == Counter(things("a", "b", "c"))
    local.append(THINGS, things("d"))
    assert len(local.all_rows(THINGS)) == 4
    assert local.repair(THINGS) == Repair("things", "")


@pytest.mark.parametrize("damage", DAMAGED_FILES)
def test_repair_gives_up_only_the_files_that_cannot_be_read(
    local: Tables, folder: ObjectStorage, damage: Callable[[ObjectStorage], None]
) -> None:
    local.append(OLD_THINGS, [ThingOfOldVersion(key, NOON) for key in "a"])
    local.append(NEW_THINGS, [ThingOfNewVersion(key, NOON, "fiction") for key in "bc"])
    before = {row.key for row in local.all_rows(NEW_THINGS)}
    damage(folder)

    repair = local.repair(NEW_THINGS)

    left = {row.key for row in local.all_rows(NEW_THINGS)}
    assert left in ({"a"}, {"b", "c"})
    assert left < before
    assert len(repair.lost_files) == 1
    assert "orf-books retry" in repair.remedy
    assert folder.exists(DAMAGED + repair.lost_files[0]) is (damage is not _a_lost_file)


class KilledTables(Tables):
    """Tables of a process that is killed as it writes."""

    def _write(self, table: Table[Any], frame: pl.DataFrame) -> None:
        raise KeyboardInterrupt


def test_a_repair_that_was_interrupted_can_be_repeated(
    local: Tables, folder: ObjectStorage
) -> None:
    local.append(THINGS, things("a", "b"))
    _no_first_commit(folder)
    with pytest.raises(KeyboardInterrupt):
        KilledTables(folder).repair(THINGS)

    assert Tables(folder).repair(THINGS).damage
    assert Counter(local.all_rows(THINGS)) == Counter(things("a", "b"))


def test_a_table_of_which_nothing_can_be_read_begins_anew(
    local: Tables, folder: ObjectStorage
) -> None:
    local.append(THINGS, things("a"))
    _garbage_in_a_file(folder)
    assert len(local.repair(THINGS).lost_files) == 1
    assert local.all_rows(THINGS) == []
    local.append(THINGS, things("b"))
    assert local.all_rows(THINGS) == things("b")


def test_what_a_killed_run_left_of_its_first_append_is_no_damage(
    local: Tables, folder: ObjectStorage
) -> None:
    local.append(THINGS, things("a"))
    _no_log(folder)
    folder.delete("tables/things/_created")
    next_run = Tables(folder)

    assert next_run.all_rows(THINGS) == []
    next_run.append(THINGS, things("b"))
    assert next_run.all_rows(THINGS) == things("b")


def test_tables_are_for_their_owner_only(local: Tables, folder: ObjectStorage) -> None:
    local.append(THINGS, things("a"))
    assert folder.folder is not None
    assert stat.S_IMODE((folder.folder / "tables").stat().st_mode) == 0o700


@pytest.mark.slow
def test_a_commit_waits_for_a_store_that_comes_back_and_is_made_once(
    s3_server: S3Options,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    options = replace(s3_server, endpoint_url=f"http://127.0.0.1:{port}")
    tables = Tables(ObjectStorage(f"s3://{BUCKET}/away", options))
    # All servers of this process have the same buckets.
    store = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    came_back = Timer(1.5, store.start)
    came_back.start()
    try:
        StoreRetryPolicy(patience=60).persist(lambda: tables.append(THINGS, things("a")))
        assert not came_back.is_alive()
        assert tables.all_rows(THINGS) == things("a")
    finally:
        came_back.join()
        store.stop()
