"""Planned and finished events of single partitions, and their status.

Belongs here: telling Dagster about partitions one by one. Does not belong here: how events are
stored (`event_storage.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from logging import DEBUG
from time import time
from typing import Any

import dagster as dg
from dagster._core.events import (
    AssetMaterializationPlannedData,
    DagsterEvent,
    DagsterEventType,
    StepMaterializationData,
)
from dagster._core.events.log import EventLogEntry


class PartitionStatus(StrEnum):
    """What Dagster's page shows for a partition."""

    MATERIALIZED = "materialized"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    MISSING = "missing"


def partition_statuses(
    instance: dg.DagsterInstance,
    asset: dg.AssetKey,
    partitions: dg.PartitionsDefinition[str],
    keys: Sequence[str],
) -> dict[str, PartitionStatus]:
    """Dagster's own status of each of the given partitions of an asset."""
    found = instance.get_status_by_partition(asset, keys, partitions) or {}
    return {
        key: PartitionStatus(status.value.lower()) if status else PartitionStatus.MISSING
        for key, status in ((key, found.get(key)) for key in keys)
    }


@dataclass(frozen=True, slots=True)
class PartitionMaterialization:
    """One partition that is done, with what its page shows."""

    partition: str
    metadata: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)


class PartitionEvents:
    """Events of single partitions, reported by a step that works on many of them.

    A partition counts as failed when the run of its latest *planned* event failed and no
    materialization followed. So a step plans all its partitions, reports those that succeed, and
    lets its run fail: exactly the others turn red.
    """

    def __init__(self, context: dg.AssetExecutionContext, asset: dg.AssetKey) -> None:
        self._instance = context.instance
        self._run_id = context.run.run_id
        self._job_name = context.job_name
        self._step_key = context.op_execution_context.get_step_execution_context().step.key
        self._asset = asset

    def plan(self, partitions: Iterable[str]) -> None:
        """Declare that this run means to materialize the partitions."""
        self._store(
            self._event(
                DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
                f"{self._job_name} intends to materialize {self._asset.to_user_string()}",
                AssetMaterializationPlannedData(self._asset, partition=partition),
            )
            for partition in partitions
        )

    def materialized(self, done: Iterable[PartitionMaterialization]) -> None:
        """Report partitions as materialized by this run."""
        self._store(
            self._event(
                DagsterEventType.ASSET_MATERIALIZATION,
                "Materialized value.",
                StepMaterializationData(
                    dg.AssetMaterialization(
                        self._asset,
                        partition=one.partition,
                        metadata=one.metadata,
                        tags=one.tags,
                    )
                ),
            )
            for one in done
        )

    def _event(self, kind: DagsterEventType, message: str, data: Any) -> DagsterEvent:  # noqa: ANN401
        return DagsterEvent(
            event_type_value=kind.value,
            job_name=self._job_name,
            step_key=self._step_key,
            event_specific_data=data,
            message=message,
        )

    def _store(self, events: Iterable[DagsterEvent]) -> None:
        entries = [
            EventLogEntry(  # type: ignore[no-untyped-call]
                user_message="",
                level=DEBUG,
                job_name=event.job_name,
                run_id=self._run_id,
                error_info=None,
                timestamp=time(),
                step_key=event.step_key,
                dagster_event=event,
            )
            for event in events
        ]
        if entries:
            self._instance.event_log_storage.store_event_batch(entries)
