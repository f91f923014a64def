from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from orf_books.dagster_internals import (
    Forgotten,
    PartitionStatus,
    forget_runs,
    not_materialized,
    partition_statuses,
)
from orf_books_tests.dagster_internals.items import ITEM, ITEMS, run_batch

GREEN, MENDED, RED, RED_AGAIN, UNTOUCHED = KEYS = ("a", "b", "c", "d", "e")


def forget_everything(instance: dg.DagsterInstance) -> Forgotten:
    return forget_runs(instance, datetime.now(UTC) + timedelta(minutes=1))


def shown(instance: dg.DagsterInstance, *, anew: bool) -> dict[str, PartitionStatus]:
    """As Dagster remembers the statuses, or works them out from events and runs."""
    if anew:
        instance.event_log_storage.wipe_asset_cached_status(ITEM)
    return partition_statuses(instance, ITEM, ITEMS, KEYS)


def test_what_partitions_are_green_or_red_by_stays(any_instance: dg.DagsterInstance) -> None:
    any_instance.add_dynamic_partitions("items", [UNTOUCHED])
    run_batch(any_instance, planned=[GREEN, MENDED, RED, RED_AGAIN], good=[GREEN, RED_AGAIN])
    run_batch(any_instance, planned=[MENDED], good=[MENDED])
    run_batch(any_instance, planned=[RED_AGAIN], good=[])
    before = shown(any_instance, anew=True)

    assert forget_everything(any_instance).logs == 3

    assert before == {
        GREEN: PartitionStatus.MATERIALIZED,
        MENDED: PartitionStatus.MATERIALIZED,
        RED: PartitionStatus.FAILED,
        RED_AGAIN: PartitionStatus.FAILED,
        UNTOUCHED: PartitionStatus.MISSING,
    }
    assert shown(any_instance, anew=False) == before
    assert shown(any_instance, anew=True) == before
    assert not_materialized(any_instance, ITEM, KEYS) == {RED, RED_AGAIN, UNTOUCHED}
    latest = any_instance.get_latest_materialization_event(ITEM)
    assert latest is not None
    assert latest.asset_materialization is not None
    assert latest.asset_materialization.partition == MENDED

    run_batch(any_instance, planned=[RED], good=[RED])
    assert shown(any_instance, anew=False) == before | {RED: PartitionStatus.MATERIALIZED}


def test_a_run_that_nothing_refers_to_is_deleted_and_the_others_lose_their_logs(
    any_instance: dg.DagsterInstance,
) -> None:
    superseded = run_batch(any_instance, planned=["a"], good=["a"])
    latest = run_batch(any_instance, planned=["a"], good=["a"])

    assert forget_everything(any_instance) == Forgotten(logs=2, runs=1)

    assert any_instance.get_run_by_id(superseded) is None
    assert any_instance.get_run_by_id(latest) is not None
    assert forget_everything(any_instance) == Forgotten(logs=1, runs=0)


def test_runs_that_ended_later_keep_everything(any_instance: dg.DagsterInstance) -> None:
    run_id = run_batch(any_instance, planned=["a"], good=["a"])
    logged = len(any_instance.all_logs(run_id))

    assert forget_runs(any_instance, datetime.now(UTC) - timedelta(1)) == Forgotten(0, 0)

    assert len(any_instance.all_logs(run_id)) == logged


def test_events_of_uploads_are_forgotten_but_for_the_latest(
    any_instance: dg.DagsterInstance,
) -> None:
    upload = dg.AssetKey("upload")
    for size in (1, 2, 3):
        any_instance.report_runless_asset_event(
            dg.AssetMaterialization(upload, metadata={"size": size})
        )

    forget_everything(any_instance)

    (record,) = any_instance.fetch_materializations(upload, limit=9).records
    assert record.asset_materialization is not None
    assert record.asset_materialization.metadata["size"] == dg.MetadataValue.int(3)


def test_no_file_of_a_forgotten_log_stays(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        run_id = run_batch(instance, planned=["a"], good=["a"])
        assert any(run_id in str(file) for file in home.rglob("*"))

        forget_everything(instance)

    assert not any(run_id in str(file) for file in home.rglob("*"))
