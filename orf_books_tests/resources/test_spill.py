import multiprocessing
import stat
from pathlib import Path

import pytest

from orf_books.failures import FailureCategory, FixConfiguration, RetryLater
from orf_books.resources.spill import Spill
from orf_books.resources.storage import ObjectStorage
from orf_books.resources.tables import RowT, Table, Tables
from orf_books_tests.resources.test_tables import NOON, THINGS, Thing, things

OTHERS = Table("other_things", Thing, ("key",), "seen_at")


class AwayTables(Tables):
    """Tables of a store that is away."""

    def append_frame(self, table: Table[RowT], frame: object) -> None:
        raise RetryLater("The object store did not answer.", FailureCategory.UNAVAILABLE)


@pytest.fixture
def spill(tmp_path: Path, folder: ObjectStorage) -> Spill:
    return Spill(folder.url, tmp_path / "spill")


@pytest.fixture
def tables(folder: ObjectStorage) -> Tables:
    return Tables(folder)


def test_the_next_run_stores_what_could_not_be_stored(
    spill: Spill, tables: Tables, tmp_path: Path, folder: ObjectStorage
) -> None:
    full = Thing("full", NOON, "Büchér", 1, 0.5, is_new=True, day=NOON.date(), words=("a", "b"))
    spill.keep(THINGS, [full])
    spill.keep(THINGS, things("b", "c"))
    spill.keep(OTHERS, things("d"))

    next_run = Spill(folder.url, tmp_path / "spill")
    assert next_run.take_up(tables, THINGS) == 3
    assert sorted(tables.all_rows(THINGS), key=lambda row: row.key) == [*things("b", "c"), full]
    assert tables.all_rows(OTHERS) == []
    assert next_run.take_up(tables, THINGS) == 0
    assert next_run.take_up(tables, OTHERS) == 1
    assert next_run.bytes_waiting() == 0


def test_rows_wait_for_their_own_store(spill: Spill, tables: Tables, tmp_path: Path) -> None:
    Spill("s3://another", tmp_path / "spill").keep(THINGS, things("a"))
    assert spill.take_up(tables, THINGS) == 0


def test_rows_go_on_waiting_while_the_store_is_away(
    spill: Spill, tables: Tables, folder: ObjectStorage
) -> None:
    spill.keep(THINGS, things("a"))
    with pytest.raises(RetryLater):
        spill.take_up(AwayTables(folder), THINGS)
    assert spill.take_up(tables, THINGS) == 1


def test_nothing_is_kept_of_no_rows(spill: Spill) -> None:
    assert spill.keep(THINGS, []) is None
    assert spill.bytes_waiting() == 0


def test_older_rows_are_stored_first(spill: Spill) -> None:
    files = [spill.keep(THINGS, things(str(number))) for number in range(12)]
    assert spill._files(THINGS) == files


def test_a_damaged_file_costs_only_itself(spill: Spill, tables: Tables) -> None:
    damaged = spill.keep(THINGS, things("a"))
    spill.keep(THINGS, things("b"))
    assert damaged is not None
    damaged.write_bytes(damaged.read_bytes()[:50])

    assert spill.take_up(tables, THINGS) == 1
    assert [row.key for row in tables.all_rows(THINGS)] == ["b"]
    assert damaged.with_suffix(".damaged").exists()


def test_a_half_written_file_is_none(spill: Spill, tables: Tables) -> None:
    file = spill.keep(THINGS, things("a"))
    assert file is not None
    file.rename(file.with_suffix(".part"))
    assert spill.take_up(tables, THINGS) == 0


def test_only_their_owner_may_read_what_waits(spill: Spill, tmp_path: Path) -> None:
    spill.keep(THINGS, things("a"))
    for path in (tmp_path / "spill").glob("*/**/*"):
        assert stat.S_IMODE(path.stat().st_mode) in {0o600, 0o700}, path
    (of_store,) = (tmp_path / "spill").iterdir()
    assert stat.S_IMODE(of_store.stat().st_mode) == 0o700


def test_what_waits_is_bounded_and_what_is_lost_is_said(
    tmp_path: Path, folder: ObjectStorage
) -> None:
    spill = Spill(folder.url, tmp_path / "spill", most_bytes=100)
    spill.keep(THINGS, things("a"))
    with pytest.raises(FixConfiguration, match="1 rows of 'things' are lost"):
        spill.keep(THINGS, things("b"))


def test_a_folder_that_cannot_be_is_named(tmp_path: Path, folder: ObjectStorage) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FixConfiguration, match=r"are lost.*file"):
        Spill(folder.url, tmp_path / "file").keep(THINGS, things("a"))


def _take_up(store: str, folder: Path) -> None:
    Spill(store, folder).take_up(Tables(ObjectStorage(store)), THINGS)


@pytest.mark.slow
def test_processes_store_nothing_twice(
    spill: Spill, tables: Tables, tmp_path: Path, folder: ObjectStorage
) -> None:
    for number in range(6):
        spill.keep(THINGS, things(str(number)))
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_take_up, args=(folder.url, tmp_path / "spill")) for _ in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert sorted(row.key for row in tables.all_rows(THINGS)) == sorted(map(str, range(6)))
