"""What the store holds about items of any kind: which failed, and what came of batches.

Belongs here: failures that stand, reports of runs. Does not belong here: results of items and
uploads of one kind (`books.py`, `activities.py`, `sessions.py`).
"""

from abc import ABC
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic

from orf_books.batches.batch import ItemFailure
from orf_books.batches.store import ItemStore, ReportT, ResultT, RowT
from orf_books.records.uploads import NotedT, UploadRecords
from orf_books.resources.service_calls import ServiceCalls
from orf_books.resources.spill import Spill
from orf_books.resources.storage import StoreRetryPolicy
from orf_books.resources.tables import Table

if TYPE_CHECKING:
    import polars as pl


RUN_ID = {"run_id": "job_id"}
"""The column of a Dagster run has the name that JSON has for it."""


@dataclass(frozen=True, slots=True)
class FailedItem:
    """An item that failed."""

    key: str
    category: str
    message: str
    run_id: str
    """The Dagster run in which it did."""
    failed_at: datetime
    code: str | None = None
    """What exactly is wrong with it, where its kind tells that apart."""


@dataclass(frozen=True, slots=True)
class FailureTime:
    """When an item failed, and nothing else of it."""

    key: str
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class ServiceCallsRow:
    """How one service answered the requests of a run; see `ServiceCalls`."""

    run_id: str
    service: str
    by_duration: Mapping[str, int]
    """By the number of the class."""
    seconds: float
    rate_limited: int
    unanswered: int
    ended_at: datetime


service_calls = Table("service_calls", ServiceCallsRow, ("run_id", "service"), "ended_at", RUN_ID)
"""Of items of every kind."""


class ItemRecords(
    UploadRecords[NotedT],
    ItemStore[RowT, ResultT, ReportT],
    ABC,
    Generic[NotedT, RowT, ResultT, ReportT],
):
    """What the store holds about items of one kind."""

    item_results: Table[Any]
    item_digests: Table[Any]
    """The same rows without what only few questions need."""
    failed_items: Table[FailedItem]
    batch_reports: Table[ReportT]
    all_tables: Sequence[Table[Any]]

    @property
    def place(self) -> str:
        """Tells items of this store from those of another."""
        return self.storage.url

    def set_aside(self, results: Sequence[ResultT]) -> None:
        """Keep results on this machine that the store did not take."""
        Spill(self.storage.url).keep(self.item_results, results)

    def take_up(self) -> None:
        """Store what this machine kept for the store."""
        Spill(self.storage.url).take_up(self._tables, self.item_results)

    def latest(self, keys: Collection[str] | None = None) -> dict[str, RowT]:
        """The latest result of each of these items that has one, or of every item."""
        where = None if keys is None else key_in(keys)
        return {row.key: row for row in self._tables.latest(self.item_digests, where)}

    @property
    def _ordered_tables(self) -> tuple[Table[Any], ...]:
        return self.noted_uploads, self.item_digests, self.failed_items

    # Failures

    def add_failures(self, failures: Iterable[ItemFailure], run_id: str) -> None:
        """Store why items failed."""
        now = datetime.now(UTC)
        rows = [
            FailedItem(
                failure.key, failure.category.value, failure.message, run_id, now, failure.code
            )
            for failure in failures
        ]
        dated = self.dated(self.failed_items, rows)
        StoreRetryPolicy().persist(lambda: self._tables.append(self.failed_items, dated))

    def failures_of_run(self, run_id: str) -> list[FailedItem]:
        """The items that failed in a run."""
        import polars as pl

        return self._tables.all_rows(self.failed_items, pl.col("run_id") == run_id)

    def standing_failures(self, keys: Collection[str] | None = None) -> dict[str, FailedItem]:
        """The latest failure of each item that has no later result."""
        failures = self._latest_failures(keys)
        return _after(failures, self.latest(failures) if failures else {})

    def failed_since(
        self, results: Mapping[str, RowT], keys: Collection[str] | None = None
    ) -> dict[str, FailedItem]:
        """Likewise, where the latest results of these items, or of all, are at hand."""
        return _after(self._latest_failures(keys), results)

    def _latest_failures(self, keys: Collection[str] | None) -> dict[str, FailedItem]:
        where = None if keys is None else key_in(keys)
        return {row.key: row for row in self._tables.latest(self.failed_items, where)}

    # Reports

    def add_report(self, report: ReportT) -> None:
        """Store a batch's report."""
        StoreRetryPolicy().persist(lambda: self._tables.append(self.batch_reports, [report]))

    def add_calls(self, calls: Iterable[ServiceCalls], run_id: str) -> None:
        """Store how services answered the requests of a run."""
        now = datetime.now(UTC)
        rows = [
            ServiceCallsRow(
                run_id,
                of_service.service,
                {str(place): count for place, count in enumerate(of_service.by_duration) if count},
                of_service.seconds,
                of_service.rate_limited,
                of_service.unanswered,
                now,
            )
            for of_service in calls
        ]
        StoreRetryPolicy().persist(lambda: self._tables.append(service_calls, rows))

    def calls(self) -> dict[str, ServiceCalls]:
        """How services answered the requests of all runs, by service."""
        calls: dict[str, ServiceCalls] = {}
        for row in self._tables.all_rows(service_calls):
            of_service = calls.setdefault(row.service, ServiceCalls(row.service))
            of_service.seconds += row.seconds
            of_service.rate_limited += row.rate_limited
            of_service.unanswered += row.unanswered
            for place, count in row.by_duration.items():
                of_service.by_duration[int(place)] += count
        return calls

    def reports(self, run_ids: Collection[str] | None = None) -> list[ReportT]:
        """The reports of those of the runs that got that far; None is all runs."""
        import polars as pl

        of_runs = None if run_ids is None else pl.col("run_id").is_in(list(run_ids))
        return self._tables.latest(self.batch_reports, of_runs)

    def report_of_run(self, run_id: str) -> ReportT | None:
        """The report of a run, if it got that far."""
        return next(iter(self.reports([run_id])), None)

    def tidy(self) -> None:
        """Compact tables that many runs have written to; the nightly job compacts them all."""
        for table in self.all_tables:
            if self._tables.has_many_small_files(table):
                self._tables.maintain(table)


def _after(
    failures: Mapping[str, FailedItem], results: Mapping[str, RowT]
) -> dict[str, FailedItem]:
    return {
        key: failure
        for key, failure in failures.items()
        if key not in results or results[key].made_at < failure.failed_at
    }


def key_in(keys: Collection[str]) -> "pl.Expr":
    """Rows of these items."""
    import polars as pl

    return pl.col("key").is_in(list(keys))
