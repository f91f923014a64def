"""What an item is to the driver of a step: its kind, and the work on it.

Belongs here: what a kind of item supplies. Does not belong here: what the driver does with it
(`driver.py`), where results are kept (`store.py`), any kind of item.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias

import dagster as dg

from orf_books.batches.batch import BatchOutcome, ItemFailure
from orf_books.batches.report import BatchReport
from orf_books.batches.store import ReportT, ResultT, RowT

Metadata: TypeAlias = dict[str, dg.MetadataValue[Any]]


@dataclass(frozen=True, slots=True)
class ItemKind(Generic[RowT]):
    """A kind of item, as Dagster sees it."""

    name: str
    """The plural, as people say it."""
    asset: dg.AssetKey
    """The partitioned asset; each item is a partition."""
    report: dg.AssetKey
    """The unpartitioned asset that stands for a whole batch."""
    partitions: dg.DynamicPartitionsDefinition
    metadata: Callable[[RowT], Metadata]
    """What Dagster's page shows of one partition."""

    def specs(
        self,
        deps: Sequence[dg.AssetsDefinition],
        *,
        description: str,
        report_description: str,
        code_version: str,
        metadata: Mapping[str, Any] | None = None,
        **attributes: Any,  # noqa: ANN401 - of `dg.AssetSpec`, for both assets
    ) -> list[dg.AssetSpec]:
        """The specs of both assets, for one `dg.multi_asset` with `can_subset=True`.

        `metadata` is of the items alone, as are `description` and `code_version`.
        """
        return [
            dg.AssetSpec(
                self.asset,
                deps=deps,
                partitions_def=self.partitions,
                code_version=code_version,
                skippable=True,
                metadata=metadata,
                description=f"{description} To fix failed ones, backfill the failed partitions.",
                **attributes,
            ),
            dg.AssetSpec(
                self.report,
                deps=deps,
                code_version="1",
                skippable=True,
                description=report_description,
                **attributes,
            ),
        ]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The items that a batch is about."""

    keys: Sequence[str]
    uploads: Sequence[str] | None = None
    """What asks for them; None for a retry: of all known items, those that are not settled."""
    unusable: Sequence[ItemFailure] = ()
    """Items that were asked for and cannot even have a partition."""
    settled: Collection[str] | None = None
    """Of a retry's items, those whose results may stay, where the kind knows them all at once; None
    where each result has to be looked at, see `ItemWork.is_settled`."""


@dataclass(frozen=True, slots=True)
class Item(Generic[RowT]):
    """One item to work on."""

    key: str
    fingerprint: str | None
    """A digest of its input as it is now; None where there is no input any more."""
    earlier: RowT | None
    """The stored result of the same input, where there is one that did not fail since."""


@dataclass(frozen=True, slots=True)
class FinishedBatch(Generic[RowT]):
    """A batch that came to its end."""

    keys: Sequence[str]
    rows: Sequence[RowT]
    """The results of the items that succeeded."""
    failures: Sequence[ItemFailure]


Work: TypeAlias = Callable[[Item[RowT]], Awaitable[ResultT]]


class ItemWork(ABC, Generic[RowT, ResultT, ReportT]):
    """What differs between kinds of items: an instance serves one execution of a step."""

    kind: ItemKind[RowT]
    code_version: str
    """Of the code that makes results."""
    item_seconds: float = 900.0
    """The longest that one item may take."""
    items_at_once: int | None = None
    """At most; None is as many as the batch resource allows."""

    @abstractmethod
    def wanted(self, run_id: str | None) -> Wanted:
        """The items that a run was started for; all that are known where nothing started it.

        Args:
            run_id: the run; None for a retry of everything.
        """

    @abstractmethod
    def fingerprints(self, keys: Collection[str]) -> Mapping[str, str]:
        """A digest of what the result of each item depends on; without those that are gone."""

    @abstractmethod
    def open(self, items: Sequence[Item[RowT]]) -> AbstractAsyncContextManager[Work[RowT, ResultT]]:
        """Open what the work on these items needs, and give the function that works on one.

        The function raises `OrfBooksError` for failures that it knows of.
        """

    @abstractmethod
    def report(self, batch: FinishedBatch[RowT], report: BatchReport) -> ReportT:
        """The report of a batch: the counts that every batch has, and what this kind adds."""

    def describe(self, key: str) -> Metadata:  # noqa: ARG002
        """By what a person recognises an item, whatever came of it, for Dagster's page."""
        return {}

    def keep(self) -> None:
        """Store what was paid for besides results; called before results are, and at the end."""

    def is_settled(self, row: RowT) -> bool:
        """Whether a retry of everything may leave this result alone."""
        return self.fingerprints([row.key]).get(row.key) == row.fingerprint

    def is_valid(self, row: RowT) -> bool:
        """Whether a result of the present input can be reused as it is."""
        return row.code_version == self.code_version

    def figures(self) -> Mapping[str, float]:
        """What else the last line in the log of a batch tells, by name."""
        return {}

    def finished(self, outcome: BatchOutcome) -> None:
        """Called after a batch came to its end."""
