from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from orf_books.resources.storage import ObjectStorage
from orf_books.resources.table_deletion import delete_rows, list_holds, value_in
from orf_books.resources.tables import Table, Tables
from orf_books_tests.stored_text import objects_mentioning

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Reading:
    key: str
    words: str
    shelves: tuple[str, ...]
    at: datetime


readings = Table("readings", Reading, ("key",), "at")


def put(storage: ObjectStorage, *keys: str) -> None:
    """One commit for each."""
    for number, key in enumerate(keys):
        reading = Reading(key, f"words of {key}", (key, "all"), START + timedelta(days=number))
        Tables(storage).append(readings, [reading])


def left(storage: ObjectStorage) -> set[str]:
    return {reading.key for reading in Tables(storage).all_rows(readings)}


@pytest.mark.parametrize(
    "where",
    [
        value_in("key", ["secret", "another"]),
        list_holds("shelves", "secret"),
    ],
)
def test_deleted_rows_are_in_no_file_of_any_version(storage: ObjectStorage, where: str) -> None:
    put(storage, "a", "secret", "b")
    Tables(storage).maintain(readings)
    put(storage, "c")
    assert objects_mentioning(storage, "secret")
    assert delete_rows(storage, readings, where) == 1
    assert objects_mentioning(storage, "secret") == set()
    assert left(storage) == {"a", "b", "c"}


def test_checkpoints_of_before_are_gone_as_well(folder: ObjectStorage) -> None:
    put(folder, "secret", *map(str, range(21)))
    delete_rows(folder, readings, value_in("key", ["secret"]))
    assert objects_mentioning(folder, "secret") == set()
    assert len(left(folder)) == 21


def test_the_table_takes_rows_afterwards(storage: ObjectStorage) -> None:
    put(storage, "secret", "a")
    delete_rows(storage, readings, value_in("key", ["secret"]))
    put(storage, "b")
    assert left(storage) == {"a", "b"}
    assert Tables(storage).damage(readings) == ""


def test_a_deletion_can_be_repeated(storage: ObjectStorage) -> None:
    put(storage, "secret", "a")
    where = value_in("key", ["secret"])
    assert [delete_rows(storage, readings, where) for _ in range(2)] == [1, 0]
    assert left(storage) == {"a"}


def test_a_deletion_of_nothing_finishes_one_that_broke_off(folder: ObjectStorage) -> None:
    put(folder, "secret", "a")
    DeltaTable(folder.table_location("readings")[0]).delete("key = 'secret'")
    assert objects_mentioning(folder, "secret")
    assert delete_rows(folder, readings, value_in("key", [])) == 0
    assert objects_mentioning(folder, "secret") == set()


def test_a_file_that_a_writer_is_about_to_commit_stays(folder: ObjectStorage) -> None:
    put(folder, "secret")
    coming = "tables/readings/part-of-a-writer.parquet"
    folder.put(coming, b"PAR1")
    delete_rows(folder, readings, value_in("key", ["secret"]))
    assert folder.exists(coming)


def test_a_quote_in_a_value_is_part_of_it(folder: ObjectStorage) -> None:
    put(folder, "it's", "a")
    assert delete_rows(folder, readings, value_in("key", ["it's", "' OR true OR '"])) == 1
    assert left(folder) == {"a"}


def test_a_table_that_is_not_there_has_no_rows(folder: ObjectStorage, tmp_path: Path) -> None:
    assert delete_rows(folder, readings, value_in("key", ["secret"])) == 0
