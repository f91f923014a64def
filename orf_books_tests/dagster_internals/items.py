"""A step over many partitions, of nobody's domain."""

from collections.abc import Sequence

import dagster as dg

from orf_books.dagster_internals import (
    PartitionEvents,
    PartitionMaterialization,
    PartitionStatus,
    partition_statuses,
)

ITEM = dg.AssetKey("item")
ITEMS = dg.DynamicPartitionsDefinition(name="items")
CODE_VERSION, DATA_VERSION = "dagster/code_version", "dagster/data_version"


class Batch(dg.Config):
    planned: list[str]
    good: list[str]


@dg.asset
def batch(context: dg.AssetExecutionContext, config: Batch) -> None:
    events = PartitionEvents(context, ITEM)
    events.plan(config.planned)
    events.materialized(
        PartitionMaterialization(
            key,
            metadata={"title": f"Title of {key}", "pages": 3},
            tags={CODE_VERSION: "7", DATA_VERSION: f"content of {key}"},
        )
        for key in config.good
    )
    if set(config.planned) - set(config.good):
        raise dg.Failure("Some failed.", allow_retries=False)


defs = dg.Definitions(
    assets=[dg.AssetSpec(ITEM, partitions_def=ITEMS), batch],
    jobs=[dg.define_asset_job("make_items", [batch])],
    executor=dg.in_process_executor,
)


def run_batch(instance: dg.DagsterInstance, planned: Sequence[str], good: Sequence[str]) -> str:
    instance.add_dynamic_partitions("items", list(planned))
    result = defs.resolve_job_def("make_items").execute_in_process(
        run_config=dg.RunConfig(ops={"batch": Batch(planned=list(planned), good=list(good))}),
        instance=instance,
        raise_on_error=False,
    )
    assert result.success is (set(planned) <= set(good))
    return result.run_id


def statuses(instance: dg.DagsterInstance, keys: str) -> dict[str, PartitionStatus]:
    return partition_statuses(instance, ITEM, ITEMS, list(keys))
