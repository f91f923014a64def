"""What Dagster costs for each item of a batch that is a partition: declared, planned, logged.

Measured: a run that adds the partitions, plans them and reports them as materialized through
`PartitionEvents`, on `PooledSqliteEventLogStorage`; the seconds of the whole run, less those of a
run with a single item, and the bytes that its events take on disk.

Baseline: the same by Dagster's public means, a run of a partition range whose step calls
`context.log_event` for every partition, on the stock SQLite storage.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import dagster as dg
import typer

from benchmarks.measuring import (
    Measurement,
    end_cleanly_when_stopped,
    print_measurements,
    tell,
    temporary_folder,
)
from orf_books.batches.batch import CommitPolicy
from orf_books.batches.partitions import register
from orf_books.dagster_internals import PartitionEvents, PartitionMaterialization

BUDGET_MILLISECONDS = 1.0
STOCK_ITEMS = 1000
SIZES = (1000, 10_000)
LARGE = 100_000
ITEMS = dg.AssetKey("items")
METADATA: Mapping[str, Any] = {
    "found": True,
    "genres": "Science Fiction, Fantasy, Adventure",
    "matched_by": "isbn",
}
TAGS: Mapping[str, str] = {
    "dagster/code_version": "1",
    "dagster/data_version": "0123456789abcdef",
}
POOLED_STORAGE = """
telemetry: {enabled: false}
event_log_storage:
  module: orf_books.dagster_internals
  class: PooledSqliteEventLogStorage
  config: {}
"""
STOCK_STORAGE = """
telemetry: {enabled: false}
"""

items = dg.DynamicPartitionsDefinition(name="items")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run cost for each of its items."""

    milliseconds: float
    kilobytes: float


@dg.asset
def batch_of_items(context: dg.AssetExecutionContext) -> None:
    """Works on many partitions of another asset, as the platform does."""
    keys = _keys(int(context.run.tags["items"]))
    register(context.instance, items, keys)
    events = PartitionEvents(context, ITEMS)
    events.plan(keys)
    for start in range(0, len(keys), CommitPolicy().rows):
        events.materialized(
            PartitionMaterialization(key, METADATA, TAGS)
            for key in keys[start : start + CommitPolicy().rows]
        )


@dg.multi_asset(
    specs=[dg.AssetSpec(ITEMS, partitions_def=items, skippable=True)],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def stock_items(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
    """Logs each partition of its run's range, with public calls only."""
    for key in context.partition_keys:
        context.log_event(
            dg.AssetMaterialization(ITEMS, partition=key, metadata=METADATA, tags=TAGS)
        )
    # Yielding nothing keeps Dagster from logging all partitions once more.
    yield from ()


def main(
    repetitions: Annotated[int, typer.Option(help="Runs of each size.")] = 3,
    *,
    large: Annotated[bool, typer.Option("--large", help="Also 100,000 items.")] = False,
) -> None:
    """Measure, and print the table."""
    end_cleanly_when_stopped()
    stock = [_cost_of_stock(STOCK_ITEMS) for _ in range(repetitions)]
    sizes = (*SIZES, LARGE) if large else SIZES
    costs = {size: [_cost(size) for _ in range(repetitions)] for size in sizes}
    print_measurements(
        "Dagster's cost of an item: partition added, planned, materialized",
        [
            *(
                Measurement(
                    f"time of an item, {size:,} items in a run",
                    [cost.milliseconds for cost in costs[size]],
                    "ms",
                    BUDGET_MILLISECONDS,
                    median(cost.milliseconds for cost in stock),
                )
                for size in sizes
            ),
            *(
                Measurement(
                    f"disk of an item, {size:,} items in a run",
                    [cost.kilobytes for cost in costs[size]],
                    "kB",
                    baseline=median(cost.kilobytes for cost in stock),
                )
                for size in sizes
            ),
        ],
        [
            f"Baseline: a range run of {STOCK_ITEMS:,} partitions on the stock SQLite storage.",
        ],
    )


def _cost(size: int) -> Cost:
    with _home(POOLED_STORAGE) as home:
        cost = _cost_of_run(home, batch_of_items, {"items": "1"}, {"items": str(size)}, size)
    tell(f"{size:,} items: {cost.milliseconds:.2f} ms each.")
    return cost


def _cost_of_stock(size: int) -> Cost:
    keys = _keys(size)
    with _home(STOCK_STORAGE) as home:
        with dg.DagsterInstance.get() as instance:
            register(instance, items, keys)
        cost = _cost_of_run(home, stock_items, _range(keys[:1]), _range(keys), size)
    tell(f"Stock storage, {size:,} items: {cost.milliseconds:.2f} ms each.")
    return cost


def _cost_of_run(
    home: Path,
    asset: dg.AssetsDefinition,
    tags_of_one: Mapping[str, str],
    tags_of_all: Mapping[str, str],
    size: int,
) -> Cost:
    around = _seconds_of_run(asset, tags_of_one)
    before = _bytes_below(home)
    seconds = _seconds_of_run(asset, tags_of_all) - around
    cost = Cost(1000 * seconds / size, (_bytes_below(home) - before) / 1000 / size)
    with dg.DagsterInstance.get() as instance:
        found = len(instance.get_materialized_partitions(ITEMS))
    if found != size:
        raise RuntimeError(f"{found} of {size} partitions are materialized")
    return cost


def _range(keys: Sequence[str]) -> Mapping[str, str]:
    return {
        "dagster/asset_partition_range_start": keys[0],
        "dagster/asset_partition_range_end": keys[-1],
    }


def _seconds_of_run(asset: dg.AssetsDefinition, tags: Mapping[str, str]) -> float:
    # Closing the instance brings all that it wrote into its files, for them to be weighed.
    with dg.DagsterInstance.get() as instance:
        started = time.perf_counter()
        dg.materialize(
            [asset],
            instance=instance,
            tags=dict(tags),
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        return time.perf_counter() - started


@contextmanager
def _home(configuration: str) -> Iterator[Path]:
    """An empty Dagster home with this configuration."""
    before = os.environ.get("DAGSTER_HOME")
    with temporary_folder() as home:
        (home / "dagster.yaml").write_text(configuration)
        os.environ["DAGSTER_HOME"] = str(home)
        try:
            yield home
        finally:
            os.environ.pop("DAGSTER_HOME")
            if before is not None:
                os.environ["DAGSTER_HOME"] = before


def _keys(size: int) -> Sequence[str]:
    return [f"{number:09}" for number in range(size)]


def _bytes_below(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    typer.run(main)
