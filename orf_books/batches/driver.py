"""The way of an item through a step: which are wanted, which are to do, the work, the events.

Belongs here: one execution of a step over many items with a partition each, for any kind of item.
Does not belong here: what a kind of item is (`items.py`), the work itself, bounds and claims
(`batch.py`, `rounds.py`).
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic

import dagster as dg

from orf_books.batches.batch import BatchOutcome, ItemFailure
from orf_books.batches.check import NO_PARTITION_IS_FAILED, failed_partitions
from orf_books.batches.items import FinishedBatch, Item, ItemWork, Metadata, Wanted
from orf_books.batches.messages import Channel, finished_batch, stopped_batch
from orf_books.batches.partitions import register
from orf_books.batches.report import (
    COMPLETE,
    COMPLETE_WITH_FAILURES,
    FIGURES,
    BatchReport,
    success_rate,
)
from orf_books.batches.report_metadata import lines_of_failures, metadata_of_report
from orf_books.batches.resource import BatchResource
from orf_books.batches.rounds import work_in_rounds
from orf_books.batches.store import ItemStore, ReportT, ResultT, RowT
from orf_books.dagster_internals import (
    PartitionEvents,
    PartitionFailure,
    PartitionMaterialization,
    not_materialized,
)
from orf_books.failures import OrfBooksError, RetryLater
from orf_books.resources.service_calls import counted_calls

SHOWN_FAILURES = 20
RETRY_TAG = "orf_books/retry"
"""On runs of everything failed or missing, whatever else they do."""


@dataclass(frozen=True, slots=True)
class _Known(Generic[RowT]):
    """What is stored about items."""

    results: Mapping[str, RowT]
    failed: Collection[str]
    """Those that failed since their latest result, or have none."""


@dataclass(frozen=True, slots=True)
class _Plan(Generic[RowT]):
    """What is to do about the items of a step."""

    to_do: Mapping[str, Item[RowT]]
    reused: Mapping[str, RowT]
    """Results that stay as they are."""
    seen: Mapping[str, RowT]
    """Every result that was there when the plan was made."""
    had_failures: bool
    """Whether any of the items was failed then."""


class Driver(Generic[RowT, ResultT, ReportT]):
    """One execution of a step over items of one kind.

    A run that selects the partitioned asset works on the partitions that somebody chose. Any other
    run is a batch: over what its uploads ask for, or over everything failed or missing.

    Args:
        context: of the step.
        work: what differs between kinds of items.
        store: where results are kept.
        batch: how many items at once, and who is told of progress.
        channel: where people are told of batches.
    """

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        work: ItemWork[RowT, ResultT, ReportT],
        store: ItemStore[RowT, ResultT, ReportT],
        batch: BatchResource,
        channel: Channel | None = None,
    ) -> None:
        self._context, self._work, self._store, self._batch = context, work, store, batch
        self._channel = channel
        self._kind = work.kind
        self._run_id = context.run.run_id
        self._events = PartitionEvents(context, self._kind.asset)
        self._started_at = datetime.now(UTC)

    def run(self) -> Iterator[dg.MaterializeResult[None]]:
        """Work on the items; yields the result of the asset that the run selects.

        Raises:
            dg.Failure: chosen partitions failed; the others are stored and materialized.
        """
        if self._kind.asset in self._context.selected_asset_keys:
            self._run_chosen(self._context.partition_keys)
            yield dg.MaterializeResult(asset_key=self._kind.asset)
        else:
            report = self._run_batch()
            yield dg.MaterializeResult(
                asset_key=self._kind.report,
                metadata=metadata_of_report(report, self._metadata_of_last_batch()),
            )

    def _run_batch(self) -> ReportT:
        """Run a batch; each partition is materialized as soon as its result is stored.

        Items that fail do not raise: the report is needed downstream, where a blocking check fails
        the run, which turns exactly their partitions red.
        """
        try:
            is_retry = RETRY_TAG in self._context.run.tags
            self._store.take_up()
            wanted = self._work.wanted(None if is_retry else self._run_id)
            keys = self._unsettled(wanted) if wanted.uploads is None else wanted.keys
            plan = self._plan(keys, self._known(keys))
            register(self._context.instance, self._kind.partitions, keys)
            not_materialized = self._not_materialized(plan.reused)
            self._events.plan([*plan.to_do, *not_materialized])
            self._materialize(plan.reused[key] for key in not_materialized)
            rows = list(plan.reused.values())
            outcome = self._outcome(plan, rows, materialize=True)
            outcome += BatchOutcome(0, tuple(wanted.unusable), 0.0)
            summary = self._summary(plan, wanted, outcome)
            finished = FinishedBatch(keys, rows, outcome.failures)
            report = self._work.report(finished, summary)
            self._store.add_report(report)
            self._tidy()
        except Exception:
            self._tell(lambda run: stopped_batch(self._kind.name, run))
            raise
        self._work.finished(outcome)
        self._log_end(report)
        self._tell(lambda run: finished_batch(self._kind.name, run, outcome))
        return report

    def _log_end(self, report: BatchReport) -> None:
        figures = {
            "items": report.items,
            "failed": report.failed,
            "error_rate_percent": round(100 - report.success_rate, 1),
            "seconds": round(report.seconds, 3),
            **self._work.figures(),
        }
        self._context.log.info(
            "%s of %s %s failed",
            report.failed,
            report.items,
            self._kind.name,
            extra={FIGURES: figures},
        )

    def _metadata_of_last_batch(self) -> Mapping[str, object]:
        event = self._context.instance.get_latest_materialization_event(self._kind.report)
        return event.asset_materialization.metadata if event and event.asset_materialization else {}

    def _tidy(self) -> None:
        try:
            self._store.tidy()
        except RetryLater as error:
            self._context.log.warning("The store is left to a later run to tidy: %s", error)

    def _tell(self, message: Callable[[str], str]) -> None:
        """Tell people, by a message made from the name of the run.

        A chat that does not answer fails no batch.
        """
        if self._channel is None:
            return
        try:
            self._channel.tell(message(self._channel.name_of_run(self._run_id)))
        except OrfBooksError as failure:
            self._context.log.warning("Nobody was told of this batch: %s", failure)

    def _run_chosen(self, keys: Sequence[str]) -> None:
        self._store.take_up()
        plan = self._plan(keys, self._known(keys))
        rows = list(plan.reused.values())
        failures = self._outcome(plan, rows, materialize=False).failures
        if failures:
            self._materialize(rows)
            shown = "\n".join(map(str, failures[:SHOWN_FAILURES]))
            raise dg.Failure(
                f"{len(failures)} of {len(keys)} {self._kind.name} failed:\n{shown}",
                allow_retries=False,
            )
        for row in rows:
            self._context.add_asset_metadata(self._metadata(row), self._kind.asset, row.key)

    def _known(self, keys: Collection[str]) -> _Known[RowT]:
        results = self._store.latest(keys)
        return _Known(results, self._store.failed_since(results, keys))

    def _unsettled(self, wanted: Wanted) -> list[str]:
        """Items without a result that may stay, or that Dagster does not show as materialized."""
        settled = self._settled(wanted.keys) if wanted.settled is None else set(wanted.settled)
        settled -= self._not_materialized(settled)
        return [key for key in wanted.keys if key not in settled]

    def _settled(self, keys: Sequence[str]) -> set[str]:
        known = self._known(keys)
        settled = {key for key, row in known.results.items() if self._work.is_settled(row)}
        return settled - set(known.failed)

    def _plan(self, keys: Sequence[str], known: _Known[RowT]) -> _Plan[RowT]:
        fingerprints = self._work.fingerprints(keys)
        standing = {
            key: row
            for key in keys
            if (row := known.results.get(key))
            and key not in known.failed
            and row.fingerprint == fingerprints.get(key)
        }
        reused = {key: row for key, row in standing.items() if self._work.is_valid(row)}
        return _Plan(
            {
                key: Item(key, fingerprints.get(key), standing.get(key))
                for key in keys
                if key not in reused
            },
            reused,
            known.results,
            bool(known.failed),
        )

    def _outcome(self, plan: _Plan[RowT], rows: list[RowT], *, materialize: bool) -> BatchOutcome:
        """Do the work; `rows` grows by each result, and `materialize` reports it at once."""
        if not plan.to_do:
            return BatchOutcome(0, (), 0.0)

        def collect(new: Collection[RowT]) -> None:
            rows.extend(new)
            if materialize:
                self._materialize(new)

        with counted_calls() as calls:
            outcome = asyncio.run(self._work_on(plan, collect))
        self._store.add_calls(calls.values(), self._run_id)
        self._store.add_failures(outcome.failures, self._run_id)
        self._events.failed(map(self._failure, outcome.failures))
        # Where nothing failed or was failed, what else is failed is as it was.
        check = self._events.last_check(NO_PARTITION_IS_FAILED)
        if check is None or outcome.failures or plan.had_failures:
            check = failed_partitions(self._kind, self._store.standing_failures())
        self._events.checked(check)
        for line in lines_of_failures(outcome.failures)[:SHOWN_FAILURES]:
            self._context.log.error("%s", line)
        return outcome

    async def _work_on(
        self, plan: _Plan[RowT], collect: Callable[[Collection[RowT]], None]
    ) -> BatchOutcome:
        """Work on every item that no other run finishes first."""

        def commit(results: Sequence[ResultT]) -> None:
            self._work.keep()
            collect(self._store.add_results(results))

        def made_meanwhile(keys: Collection[str]) -> Collection[str]:
            made = self._made_meanwhile(plan, keys)
            collect(made.values())
            return made.keys()

        at_once = self._work.items_at_once or self._batch.concurrency
        try:
            async with self._work.open(list(plan.to_do.values())) as work:
                return await work_in_rounds(
                    list(plan.to_do),
                    self._batch.claims(self._context, f"{self._store.place} {self._kind.name}"),
                    made_meanwhile,
                    lambda key: work(plan.to_do[key]),
                    commit,
                    concurrency=min(at_once, self._batch.concurrency),
                    item_seconds=self._work.item_seconds,
                    progress=self._batch.watch(self._context, self._kind.name),
                    set_aside=self._store.set_aside,
                )
        finally:
            # Also what was paid for about items that failed.
            self._work.keep()

    def _made_meanwhile(self, plan: _Plan[RowT], keys: Collection[str]) -> dict[str, RowT]:
        """Results that other runs stored since the plan was made.

        Not by the clock: what was made before may have been stored only after.
        """
        return {
            key: row
            for key, row in self._store.latest(keys).items()
            if row.fingerprint == plan.to_do[key].fingerprint
            and (key not in plan.seen or row.made_at != plan.seen[key].made_at)
        }

    def _summary(self, plan: _Plan[RowT], wanted: Wanted, outcome: BatchOutcome) -> BatchReport:
        failed = len(outcome.failures)
        items = len(plan.reused) + len(plan.to_do) + len(wanted.unusable)
        return BatchReport(
            run_id=self._run_id,
            status=COMPLETE_WITH_FAILURES if failed else COMPLETE,
            uploads=tuple(wanted.uploads or ()),
            items=items,
            succeeded=items - failed,
            failed=failed,
            reused=len(plan.reused),
            failed_by_category=outcome.failed_by_category,
            success_rate=success_rate(items - failed, items),
            started_at=self._started_at,
            seconds=(datetime.now(UTC) - self._started_at).total_seconds(),
        )

    def _not_materialized(self, keys: Collection[str]) -> set[str]:
        """Partitions that Dagster does not show as materialized."""
        return not_materialized(self._context.instance, self._kind.asset, keys)

    def _metadata(self, row: RowT) -> Metadata:
        return self._kind.metadata(row) | self._work.describe(row.key)

    def _failure(self, failure: ItemFailure) -> PartitionFailure:
        """Why an item failed, as the page shows it beside the red partition."""
        why: Metadata = {"category": dg.MetadataValue.text(failure.category.value)}
        if failure.code:
            why["code"] = dg.MetadataValue.text(str(failure.code))
        description = self._work.describe(failure.key)
        return PartitionFailure(failure.key, failure.message, why | description)

    def _materialize(self, rows: Iterable[RowT]) -> None:
        self._events.materialized(
            PartitionMaterialization(
                row.key,
                self._metadata(row),
                {
                    "dagster/code_version": row.code_version,
                    "dagster/data_version": row.data_version,
                },
            )
            for row in rows
        )
