"""What Dagster costs for each item of a batch that is a partition: declared, planned, logged.

Measured: a run that adds the partitions, plans them and reports them as materialized through
`PartitionEvents`, on `PooledSqliteEventLogStorage` and on `PooledPostgresStorage` (a server on this
machine); the seconds of the whole run, less those of a run with a single item, the CPU seconds of
this process likewise, and the bytes that its events take on disk.

Baseline: the same by Dagster's public means, a run of a partition range whose step calls
`context.log_event` for every partition, on the stock storage of the same kind.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import dagster as dg
import pytest
import sqlalchemy
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
from orf_books_tests.postgres import PostgresServer, running_postgres

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
STORAGES = {
    "SQLite": """
event_log_storage:
  module: orf_books.dagster_internals
  class: PooledSqliteEventLogStorage
  config: {}
""",
    "Postgres": """
storage:
  custom:
    module: orf_books.dagster_internals.postgres_storage
    class: PooledPostgresStorage
    config: {postgres_url: {env: DAGSTER_POSTGRES_URL}}
""",
}
STOCK_STORAGES = {
    "SQLite": "",
    "Postgres": """
storage:
  postgres: {postgres_url: {env: DAGSTER_POSTGRES_URL}}
""",
}
STOCK_DRIVER = "postgresql+psycopg2"
"""The stock storage fails with the driver that SQLAlchemy picks for `postgresql://`."""

items = dg.DynamicPartitionsDefinition(name="items")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run cost for each of its items."""

    milliseconds: float
    cpu_milliseconds: float
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
    """Measure, and print the tables."""
    end_cleanly_when_stopped()
    sizes = (*SIZES, LARGE) if large else SIZES
    with running_postgres() as server:
        for kind in STORAGES:
            _measure(kind, sizes, repetitions, server)


def _measure(kind: str, sizes: Sequence[int], repetitions: int, server: PostgresServer) -> None:
    stock = [_cost_of_stock(kind, STOCK_ITEMS, server) for _ in range(repetitions)]
    costs = {size: [_cost(kind, size, server) for _ in range(repetitions)] for size in sizes}

    def measurements(
        what: str, figure: Callable[[Cost], float], unit: str, budget: float | None = None
    ) -> list[Measurement]:
        baseline = median(map(figure, stock))
        return [
            Measurement(
                f"{what} of an item, {size:,} items in a run",
                list(map(figure, costs[size])),
                unit,
                budget,
                baseline,
            )
            for size in sizes
        ]

    print_measurements(
        f"Dagster's cost of an item on {kind}: partition added, planned, materialized",
        [
            *measurements("time", lambda cost: cost.milliseconds, "ms", BUDGET_MILLISECONDS),
            *measurements("CPU", lambda cost: cost.cpu_milliseconds, "ms"),
            *measurements("disk", lambda cost: cost.kilobytes, "kB"),
        ],
        [
            f"Baseline: a range run of {STOCK_ITEMS:,} partitions on Dagster's {kind} storage.",
        ],
    )


def _cost(kind: str, size: int, server: PostgresServer) -> Cost:
    with _home(STORAGES[kind], server, "postgresql") as home:
        cost = _cost_of_run(home, batch_of_items, {"items": "1"}, {"items": str(size)}, size)
    tell(f"{kind}, {size:,} items: {cost.milliseconds:.2f} ms each.")
    return cost


def _cost_of_stock(kind: str, size: int, server: PostgresServer) -> Cost:
    keys = _keys(size)
    with _home(STOCK_STORAGES[kind], server, STOCK_DRIVER) as home:
        with dg.DagsterInstance.get() as instance:
            register(instance, items, keys)
        cost = _cost_of_run(home, stock_items, _range(keys[:1]), _range(keys), size)
    tell(f"Stock {kind}, {size:,} items: {cost.milliseconds:.2f} ms each.")
    return cost


def _cost_of_run(
    home: "_Home",
    asset: dg.AssetsDefinition,
    tags_of_one: Mapping[str, str],
    tags_of_all: Mapping[str, str],
    size: int,
) -> Cost:
    around = _seconds_of_run(asset, tags_of_one)
    before = home.size()
    seconds = _seconds_of_run(asset, tags_of_all)
    cost = Cost(
        1000 * (seconds[0] - around[0]) / size,
        1000 * (seconds[1] - around[1]) / size,
        (home.size() - before) / 1000 / size,
    )
    with dg.DagsterInstance.get() as instance:
        materialized = len(instance.get_materialized_partitions(ITEMS))
    if materialized != size:
        raise RuntimeError(f"{materialized} of {size} partitions are materialized")
    return cost


def _range(keys: Sequence[str]) -> Mapping[str, str]:
    return {
        "dagster/asset_partition_range_start": keys[0],
        "dagster/asset_partition_range_end": keys[-1],
    }


def _seconds_of_run(asset: dg.AssetsDefinition, tags: Mapping[str, str]) -> tuple[float, float]:
    """Seconds by the clock, and of CPU."""
    # Closing the instance brings all that it wrote into its files, for them to be weighed.
    with dg.DagsterInstance.get() as instance:
        started, cpu_before = time.perf_counter(), time.process_time()
        dg.materialize(
            [asset],
            instance=instance,
            tags=dict(tags),
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        return time.perf_counter() - started, time.process_time() - cpu_before


@dataclass(frozen=True, slots=True)
class _Home:
    """An empty Dagster home, and an empty database for configurations that use one."""

    folder: Path
    database_url: str

    def size(self) -> int:
        """Bytes that both take."""
        files = sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())
        engine = sqlalchemy.create_engine(self.database_url)
        with engine.connect() as connection:
            database = connection.scalar(
                sqlalchemy.text("SELECT pg_database_size(current_database())")
            )
        engine.dispose()
        return files + int(database)


@contextmanager
def _home(configuration: str, server: PostgresServer, driver: str) -> Iterator[_Home]:
    with temporary_folder() as folder, pytest.MonkeyPatch.context() as environment:
        (folder / "dagster.yaml").write_text("telemetry: {enabled: false}" + configuration)
        url = server.create_database(folder.name)
        environment.setenv("DAGSTER_HOME", str(folder))
        environment.setenv(
            "DAGSTER_POSTGRES_URL",
            sqlalchemy.make_url(url).set(drivername=driver).render_as_string(hide_password=False),
        )
        yield _Home(folder, url)


def _keys(size: int) -> Sequence[str]:
    return [f"{number:09}" for number in range(size)]


if __name__ == "__main__":
    typer.run(main)
