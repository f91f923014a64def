"""Planned, materialized and failed events of single partitions.

Belongs here: telling Dagster about partitions one by one, from a step that works on many. Does not
belong here: how events are stored (`event_storage.py`, `postgres_storage.py`), which partitions
there are, and what their status is (`partition_status.py`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from logging import DEBUG
from time import time
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import (
    NULL_EVENT_POINTER,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
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
from dagster._core.execution.plan.execute_step import _get_input_provenance_data


@dataclass(frozen=True, slots=True)
class PartitionMaterialization:
    """A partition that succeeded."""

    partition: str
    metadata: Mapping[str, Any]
    """What the page shows of it: values, or `dg.MetadataValue`s."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Give `dagster/code_version` and `dagster/data_version`, or Dagster cannot tell whether the
    partition is stale."""


@dataclass(frozen=True, slots=True)
class PartitionFailure:
    """A partition that failed."""

    partition: str
    description: str
    """Why it failed and what to do, as the page's list of events shows it."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What else the page shows: values, or `dg.MetadataValue`s, such as links."""


class PartitionEvents:
    """Events of single partitions, reported by a step that works on many of them.

    Dagster has one outcome for a step. This reports one outcome for each partition, in batches:

        events = PartitionEvents(context, dg.AssetKey("items"))
        events.plan(["a", "b"])
        events.materialized([PartitionMaterialization("a", {"pages": 3})])
        events.failed([PartitionFailure("b", "The page is empty. Scan it again.")])
        raise dg.Failure("1 of 2 items failed.", allow_retries=False)

    Dagster counts a partition as failed when the run of its latest *planned* event failed and no
    materialization followed. So a step plans all its partitions, reports those that succeed, and
    lets its run fail: exactly the others turn red. The failed event adds the reason, which the
    page shows where the instance uses `PooledSqliteEventLogStorage` or `PooledPostgresStorage`;
    Dagster's own storages ignore it.

    Args:
        context: of the step.
        asset: the partitioned asset. If it is one of the step's own assets, selected or not, its
            materializations name the versions of its inputs, and so are in sync.
    """

    def __init__(self, context: dg.AssetExecutionContext, asset: dg.AssetKey) -> None:
        self._instance = context.instance
        self._run_id = context.run.run_id
        self._job_name = context.job_name
        self._step = context.op_execution_context.get_step_execution_context()
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

    def materialized(self, materializations: Iterable[PartitionMaterialization]) -> None:
        """Report partitions as materialized by this run."""
        self._store(
            self._event(
                DagsterEventType.ASSET_MATERIALIZATION,
                "Materialized value.",
                StepMaterializationData(
                    dg.AssetMaterialization(
                        self._asset,
                        partition=materialization.partition,
                        metadata=materialization.metadata,
                        tags={**self._input_versions, **materialization.tags},
                    )
                ),
            )
            for materialization in materializations
        )

    def failed(self, failures: Iterable[PartitionFailure]) -> None:
        """Report why partitions failed in this run; what turns them red is that the run fails."""
        self._store(
            self._event(
                DagsterEventType.ASSET_FAILED_TO_MATERIALIZE,
                f"Asset {self._asset.to_user_string()} failed to materialize",
                AssetFailedToMaterializeData(
                    AssetMaterializationFailure(
                        self._asset,
                        AssetMaterializationFailureType.FAILED,
                        AssetMaterializationFailureReason.FAILED_TO_MATERIALIZE,
                        partition=failure.partition,
                        description=failure.description,
                        metadata=failure.metadata,
                    )
                ),
            )
            for failure in failures
        )

    @cached_property
    def _input_versions(self) -> Mapping[str, str]:
        """Tags that name the versions of the inputs; without them a partition is stale at once."""
        if not self._step.job_def.asset_layer.has(self._asset):
            return {}
        tags = {}
        for key, version in _get_input_provenance_data(self._asset, self._step).items():
            pointer = version["storage_id"] or NULL_EVENT_POINTER
            tags[get_input_data_version_tag(key)] = version["data_version"].value
            tags[get_input_event_pointer_tag(key)] = str(pointer)
        return tags

    def _event(self, kind: DagsterEventType, message: str, data: Any) -> DagsterEvent:  # noqa: ANN401
        return DagsterEvent(
            event_type_value=kind.value,
            job_name=self._job_name,
            step_key=self._step.step.key,
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
