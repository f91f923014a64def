import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest

from orf_books.batches.partitions import KEYS_AT_ONCE, register

books = dg.DynamicPartitionsDefinition(name="books")
CONFIGURATION = Path(__file__).parents[2] / "dagster.yaml"


def test_keys_are_registered_once_and_in_their_order(instance: dg.DagsterInstance) -> None:
    register(instance, books, ["b", "a", "b"])
    register(instance, books, ["a", "c"])
    register(instance, books, [])

    assert instance.get_dynamic_partitions("books") == ["b", "a", "c"]


def test_more_keys_than_one_statement_takes_are_registered(instance: dg.DagsterInstance) -> None:
    keys = [str(number) for number in range(KEYS_AT_ONCE + 1)]
    register(instance, books, keys)
    assert instance.get_dynamic_partitions("books") == keys


def test_runs_that_register_the_same_keys_at_once_do_not_disturb_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    shutil.copy(CONFIGURATION, tmp_path)
    keys = [str(number) for number in range(2000)]

    with dg.DagsterInstance.get() as instance, ThreadPoolExecutor(8) as runs:
        list(runs.map(lambda start: register(instance, books, keys[start:]), range(0, 800, 100)))
        assert sorted(instance.get_dynamic_partitions("books")) == sorted(keys)
