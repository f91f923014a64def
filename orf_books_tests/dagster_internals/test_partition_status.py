import dagster as dg
import pytest
from dagster._core.storage.event_log import SqlEventLogStorage

from orf_books.dagster_internals import PartitionStatus, not_materialized, partition_statuses
from orf_books.dagster_internals.partition_status import sql_storage
from orf_books_tests.dagster_internals.items import ITEM, ITEMS, run_batch

ATTEMPTS = "get_latest_asset_partition_materialization_attempts_without_materializations"
ONE_BY_ONE, ALL_AT_ONCE = 1000, 0
"""How many partitions may be asked for singly."""


@pytest.mark.parametrize("asked_at_once", [ONE_BY_ONE, ALL_AT_ONCE])
def test_exactly_those_are_not_materialized_that_dagster_shows_otherwise(
    any_instance: dg.DagsterInstance, asked_at_once: int
) -> None:
    any_instance.add_dynamic_partitions("items", ["missing"])
    run_batch(any_instance, planned="abcd", good="ab")  # c and d fail
    run_batch(any_instance, planned="bc", good="c")  # b fails after all, c is mended
    keys = ["a", "b", "c", "d", "missing"]

    found = not_materialized(any_instance, ITEM, keys, asked_at_once)

    shown = partition_statuses(any_instance, ITEM, ITEMS, keys)
    assert found == {k for k in keys if shown[k] is not PartitionStatus.MATERIALIZED}
    assert found == {"b", "d", "missing"}


@pytest.mark.parametrize("asked_at_once", [ONE_BY_ONE, ALL_AT_ONCE])
def test_what_was_wiped_is_not_materialized(
    any_instance: dg.DagsterInstance, asked_at_once: int
) -> None:
    run_batch(any_instance, planned="ab", good="ab")
    any_instance.wipe_assets([ITEM])
    run_batch(any_instance, planned="b", good="b")

    assert not_materialized(any_instance, ITEM, ["a", "b"], asked_at_once) == {"a"}


def test_only_what_is_asked_for_is_answered(any_instance: dg.DagsterInstance) -> None:
    run_batch(any_instance, planned="ab", good="a")
    assert not_materialized(any_instance, ITEM, ["a"]) == set()
    assert not_materialized(any_instance, ITEM, []) == set()
    assert not_materialized(any_instance, dg.AssetKey("other"), ["a"]) == {"a"}


def test_keys_of_a_set_come_in_the_order_in_which_they_were_added(
    any_instance: dg.DagsterInstance,
) -> None:
    any_instance.add_dynamic_partitions("items", ["b", "a"])
    any_instance.add_dynamic_partitions("others", ["x"])
    any_instance.add_dynamic_partitions("items", ["c", "a"])
    assert any_instance.get_dynamic_partitions("items") == ["b", "a", "c"]
    assert any_instance.get_dynamic_partitions("none") == []


def test_attempts_without_a_materialization_are_those_that_dagster_finds(
    any_instance: dg.DagsterInstance,
) -> None:
    storage = sql_storage(any_instance)
    run_batch(any_instance, planned="xy", good="x")
    any_instance.wipe_assets([ITEM])
    run_batch(any_instance, planned="abcd", good="ab")
    middle = storage.get_maximum_record_id()
    run_batch(any_instance, planned="bce", good="c")

    for after, expected in ((None, {"b", "d", "e"}), (middle, {"b", "e"})):
        found = getattr(storage, ATTEMPTS)(ITEM, after)
        assert found == getattr(SqlEventLogStorage, ATTEMPTS)(storage, ITEM, after)
        assert set(found) == expected


def test_keys_of_a_set_are_found_among_many(any_instance: dg.DagsterInstance) -> None:
    keys = [f"item {number}" for number in range(10_001)]
    any_instance.add_dynamic_partitions("items", keys[:-1])
    any_instance.add_dynamic_partitions("others", keys)
    for asked in (keys, keys[-2:]):
        found = sql_storage(any_instance).get_existing_dynamic_partitions("items", asked)
        assert found == set(asked[:-1])
