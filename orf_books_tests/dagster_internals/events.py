"""Events of partitions, as storages are given them, and what is asked of a storage."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import dagster as dg
from dagster._core.definitions.events import (
    AssetMaterializationFailure,
    AssetMaterializationFailureReason,
    AssetMaterializationFailureType,
)
from dagster._core.events import (
    AssetFailedToMaterializeData,
    AssetMaterializationPlannedData,
    DagsterEvent,
    DagsterEventType,
    StepMaterializationData,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqlEventLogStorage

from orf_books_tests.conftest import wait_for
from orf_books_tests.dagster_internals.items import CODE_VERSION, DATA_VERSION, ITEM


def planned_event(run_id: str, key: str) -> EventLogEntry:
    return _entry(
        run_id,
        DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
        AssetMaterializationPlannedData(ITEM, partition=key),
    )


def materialized_event(run_id: str, key: str, asset: dg.AssetKey = ITEM) -> EventLogEntry:
    materialization = dg.AssetMaterialization(
        asset,
        partition=key,
        metadata={"title": f"Büchér {key}"},
        tags={CODE_VERSION: "7", DATA_VERSION: key},
    )
    return _entry(
        run_id, DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(materialization)
    )


def failed_event(run_id: str, key: str) -> EventLogEntry:
    failure = AssetMaterializationFailure(
        ITEM,
        AssetMaterializationFailureType.FAILED,
        AssetMaterializationFailureReason.FAILED_TO_MATERIALIZE,
        description=f"Why {key} failed",
        partition=key,
    )
    return _entry(
        run_id,
        DagsterEventType.ASSET_FAILED_TO_MATERIALIZE,
        AssetFailedToMaterializeData(failure),
    )


def log_line(run_id: str, text: str) -> EventLogEntry:
    return EventLogEntry(  # type: ignore[no-untyped-call]
        error_info=None, level=20, user_message=text, run_id=run_id, timestamp=_next_moment()
    )


def _entry(run_id: str, kind: DagsterEventType, data: Any) -> EventLogEntry:  # noqa: ANN401
    event = DagsterEvent(
        event_type_value=kind.value,
        job_name="make_items",
        step_key="batch",
        event_specific_data=data,
        message=kind.value,
    )
    return EventLogEntry(  # type: ignore[no-untyped-call]
        error_info=None,
        level=10,
        user_message="",
        run_id=run_id,
        timestamp=_next_moment(),
        job_name="make_items",
        step_key="batch",
        dagster_event=event,
    )


_moments = iter(range(10**9))


def _next_moment() -> float:
    return 1_750_000_000.0 + next(_moments) / 1000


def mixed_events() -> list[EventLogEntry]:
    """Two runs and two assets, planned and failed events after materializations too."""
    other = dg.AssetKey(["deep", "other"])
    return [
        planned_event("run-1", "a"),
        materialized_event("run-1", "a"),
        materialized_event("run-2", "b", other),
        materialized_event("run-2", "a"),
        planned_event("run-1", "c"),
        failed_event("run-1", "c"),
    ]


def in_one_batch(storage: SqlEventLogStorage, events: Sequence[EventLogEntry]) -> None:
    storage.store_event_batch(events)


def one_by_one(storage: SqlEventLogStorage, events: Sequence[EventLogEntry]) -> None:
    for event in events:
        storage.store_event(event)


def failures(result: dg.EventRecordsResult) -> list[str | None]:
    return [record.partition_key for record in result.records]


def answers(storage: SqlEventLogStorage) -> dict[str, Any]:
    kind = DagsterEventType.ASSET_MATERIALIZATION
    return {
        "run": storage.get_records_for_run("run-1").records,
        "asset": storage.get_asset_records([ITEM]),
        "assets": storage.get_asset_records(),
        "tags": storage.get_latest_tags_by_partition(ITEM, kind, [DATA_VERSION]),
        "latest": storage.get_latest_storage_id_by_partition(ITEM, kind),
        "materialized": storage.get_materialized_partitions(ITEM),
        "latest of asset": storage.get_latest_materialization_events([ITEM]),
        "dynamic": storage.get_dynamic_partitions("items"),
    }


def heard_while_writing(watching: SqlEventLogStorage, writing: SqlEventLogStorage) -> list[str]:
    """What somebody who watches a run hears while another process writes three lines of it."""
    heard: list[str] = []
    writing.store_event(log_line("run-1", "before"))

    def hear(event: EventLogEntry, _cursor: str) -> None:
        heard.append(event.user_message)

    watching.watch("run-1", None, hear)
    for text in ["first", "second"]:
        writing.store_event(log_line("run-1", text))
        wait_for(f"{text} line", partial(heard.count, text))
    watching.end_watch("run-1", hear)
    writing.dispose()
    return heard
