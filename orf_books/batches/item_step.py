"""One step over many items, each with a partition of its own: what all kinds of items share.

Belongs here: planning, working in rounds, reporting partitions, failing. Does not belong here:
which items a step is about and what is done with one (`assets/books/step.py`,
`assets/activities/step.py`, `assets/transcripts/step.py`).
"""

import asyncio
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import dagster as dg

from orf_books import partitions
from orf_books.batches.batch import BatchOutcome, ItemFailure
from orf_books.batches.resource import BatchResource
from orf_books.batches.rounds import work_in_rounds
from orf_books.dagster_internals import (
    PartitionEvents,
    PartitionMaterialization,
    PartitionStatus,
    partition_statuses,
)
from orf_books.records.items import ItemRecords

OWNERS = ["team:data-engineering"]
SHOWN_FAILURES = 20

Metadata: TypeAlias = dict[str, dg.MetadataValue[Any]]


class ItemRow(Protocol):
    """The result of an item, as far as Dagster is told of it."""

    @property
    def key(self) -> str:
        """The partition."""
        ...

    @property
    def code_version(self) -> str:
        """Of the rules that made it."""
        ...

    @property
    def data_version(self) -> str:
        """An equal one means that nothing downstream changes."""
        ...


RowT = TypeVar("RowT", bound=ItemRow)
ResultT = TypeVar("ResultT", bound=ItemRow)

Report: TypeAlias = Callable[[Collection[RowT]], None]
"""To be given results as soon as they are stored."""


@dataclass(frozen=True, slots=True)
class ItemKind(Generic[RowT]):
    """What a step works on."""

    name: str
    """As people call several."""
    asset: dg.AssetKey
    partitions: dg.DynamicPartitionsDefinition
    metadata: Callable[[RowT], Metadata]
    """What the page shows of one."""

    def specs(  # noqa: PLR0913 - what assets are described by
        self,
        report: dg.AssetKey,
        deps: Sequence[dg.AssetsDefinition],
        *,
        group: str,
        kinds: set[str],
        code_version: str,
        description: str,
        report_description: str,
    ) -> list[dg.AssetSpec]:
        """The asset of the items, and that of the report over a batch."""
        items = dg.AssetSpec(
            self.asset,
            deps=deps,
            partitions_def=self.partitions,
            group_name=group,
            kinds=kinds,
            owners=OWNERS,
            code_version=code_version,
            skippable=True,
            description=f"{description} To mend failed ones: backfill the failed partitions.",
        )
        of_batch = dg.AssetSpec(
            report,
            deps=deps,
            group_name=group,
            kinds={"deltalake"},
            owners=OWNERS,
            code_version="1",
            skippable=True,
            description=report_description,
        )
        return [items, of_batch]


class ItemStep(Generic[RowT]):
    """One execution of a step over items of one kind."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        kind: ItemKind[RowT],
        records: ItemRecords[Any, Any],
        batch: BatchResource,
    ) -> None:
        self._context, self._kind, self._records, self._batch = context, kind, records, batch
        self._events = PartitionEvents(context, kind.asset)

    def settle_batch(
        self,
        to_do: Sequence[str],
        reused: Mapping[str, RowT],
        work: Callable[[Report[RowT]], Coroutine[Any, Any, BatchOutcome]],
    ) -> BatchOutcome:
        """Settle the items of a batch, each partition green as soon as its result is stored.

        Does not raise for items that fail: the report is needed downstream, where a blocking check
        fails the run, which turns exactly their partitions red.

        Args:
            to_do: keys of the items to work on.
            reused: results that stay as they are.
            work: works on the former.
        """
        partitions.register(self._context.instance, self._kind.partitions, [*to_do, *reused])
        not_green = self.unsettled(reused)
        self._events.plan([*to_do, *not_green])
        self._report(reused[key] for key in not_green)
        return self._outcome(work, self._report)

    def settle_chosen(
        self,
        reused: Mapping[str, RowT],
        work: Callable[[Report[RowT]], Coroutine[Any, Any, BatchOutcome]],
        unknown: Iterable[ItemFailure] = (),
    ) -> None:
        """Settle partitions that somebody chose.

        Raises:
            dg.Failure: some failed; the others are stored and reported as materialized.
        """
        done = list(reused.values())
        outcome = self._outcome(work, done.extend)
        failures = [*outcome.failures, *unknown]
        if failures:
            self._report(done)
            shown = "\n".join(map(str, failures[:SHOWN_FAILURES]))
            raise dg.Failure(
                f"{len(failures)} of {len(done) + len(failures)} {self._kind.name} failed:\n"
                f"{shown}",
                allow_retries=False,
            )
        for row in done:
            self._context.add_asset_metadata(self._kind.metadata(row), self._kind.asset, row.key)

    async def in_rounds(  # noqa: PLR0913 - four functions and the bounds they work in
        self,
        to_do: Sequence[str],
        work: Callable[[str], Awaitable[ResultT]],
        store: Callable[[Sequence[ResultT]], None],
        made_meanwhile: Callable[[Collection[str]], Mapping[str, RowT]],
        report: Callable[[Collection[Any]], None],
        *,
        concurrency: int,
        item_seconds: float,
    ) -> BatchOutcome:
        """Work on every item that no other run finishes first; arguments as of `work_in_rounds`.

        `report` is told of what is stored, and of what other runs made meanwhile.
        """

        def commit(rows: Sequence[ResultT]) -> None:
            store(rows)
            report(rows)

        def made(keys: Collection[str]) -> Collection[str]:
            rows = made_meanwhile(keys)
            report(list(rows.values()))
            return rows.keys()

        return await work_in_rounds(
            to_do,
            self._batch.claims(self._context, f"{self._records.storage.url} {self._kind.name}"),
            made,
            work,
            commit,
            concurrency=min(concurrency, self._batch.concurrency),
            item_seconds=item_seconds,
            progress=self._batch.watch(self._context, self._kind.name),
        )

    def unsettled(self, keys: Collection[str]) -> set[str]:
        """Partitions that Dagster does not show as materialized."""
        statuses = partition_statuses(
            self._context.instance, self._kind.asset, self._kind.partitions, list(keys)
        )
        return {key for key, status in statuses.items() if status != PartitionStatus.MATERIALIZED}

    def _outcome(
        self,
        work: Callable[[Report[RowT]], Coroutine[Any, Any, BatchOutcome]],
        report: Report[RowT],
    ) -> BatchOutcome:
        outcome = asyncio.run(work(report))
        self._records.add_failures(outcome.failures, self._context.run.run_id)
        for failure in outcome.failures[:SHOWN_FAILURES]:
            self._context.log.error("%s", failure)
        return outcome

    def _report(self, rows: Iterable[RowT]) -> None:
        self._events.materialized(map(self._materialization, rows))

    def _materialization(self, row: RowT) -> PartitionMaterialization:
        return PartitionMaterialization(
            row.key,
            self._kind.metadata(row),
            {"dagster/code_version": row.code_version, "dagster/data_version": row.data_version},
        )
