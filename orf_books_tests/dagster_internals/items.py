"""A step over many partitions, of nobody's domain."""

from collections.abc import Iterator, Sequence

import dagster as dg

from orf_books.dagster_internals import (
    PartitionEvents,
    PartitionFailure,
    PartitionMaterialization,
    PartitionStatus,
    partition_statuses,
)

ITEM = dg.AssetKey("item")
ITEMS = dg.DynamicPartitionsDefinition(name="items")
ITEMS_CODE = "7"
CODE_VERSION, DATA_VERSION = "dagster/code_version", "dagster/data_version"


class Batch(dg.Config):
    planned: list[str]
    good: list[str]


class Source(dg.Config):
    version: str = "a version"


@dg.asset
def source(config: Source) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(data_version=dg.DataVersion(config.version))


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            ITEM, partitions_def=ITEMS, deps=[source], skippable=True, code_version=ITEMS_CODE
        ),
        dg.AssetSpec("report", deps=[source], skippable=True),
    ],
    can_subset=True,
)
def batch(context: dg.AssetExecutionContext, config: Batch) -> Iterator[dg.MaterializeResult[None]]:
    events = PartitionEvents(context, ITEM)
    events.plan(config.planned)
    events.materialized(
        PartitionMaterialization(
            key,
            metadata={"title": f"Title of {key}", "pages": 3},
            tags={CODE_VERSION: ITEMS_CODE, DATA_VERSION: f"content of {key}"},
        )
        for key in config.good
    )
    bad = [key for key in config.planned if key not in config.good]
    events.failed(
        PartitionFailure(
            key,
            f"{key} has no pages. Scan it again.",
            {"category": "bad_data", "dashboard": dg.MetadataValue.url(f"https://localhost/{key}")},
        )
        for key in bad
    )
    if bad:
        raise dg.Failure("Some failed.", allow_retries=False)
    yield dg.MaterializeResult("report")


defs = dg.Definitions(
    assets=[source, batch],
    jobs=[
        dg.define_asset_job("make_items", dg.AssetSelection.assets("report")),
        dg.define_asset_job("make_source", [source]),
    ],
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


def make_source(instance: dg.DagsterInstance, version: str = "a version") -> None:
    defs.resolve_job_def("make_source").execute_in_process(
        run_config=dg.RunConfig(ops={"source": Source(version=version)}), instance=instance
    )


def statuses(instance: dg.DagsterInstance, keys: str) -> dict[str, PartitionStatus]:
    return partition_statuses(instance, ITEM, ITEMS, list(keys))
