"""What the store holds about items of any kind: which failed, and what came of batches.

Belongs here: failures that stand, reports of runs. Does not belong here: results of items and
uploads of one kind (`books.py`, `activities.py`, `sessions.py`).
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from orf_books.batches.batch import ItemFailure
from orf_books.records.uploads import NotedT, UploadRecords
from orf_books.resources.tables import Row, Table

if TYPE_CHECKING:
    import polars as pl


class BatchReport(Row, Protocol):
    """What came of a batch, of whatever kind its items are."""

    @property
    def job_id(self) -> str:
        """The Dagster run."""
        ...

    @property
    def status(self) -> str:
        """`complete`, or `complete_with_failures`."""
        ...

    @property
    def items(self) -> int:
        """Items that it was about."""
        ...

    @property
    def failed(self) -> int:
        """Of these, how many failed."""
        ...

    @property
    def failed_by_category(self) -> str:
        """JSON object of counts."""
        ...

    @property
    def started_at(self) -> datetime:
        """When it began."""
        ...

    @property
    def processing_time_seconds(self) -> float:
        """How long it took."""
        ...


ReportT = TypeVar("ReportT", bound=BatchReport)


@dataclass(frozen=True, slots=True)
class FailedItem:
    """An item that failed."""

    key: str
    category: str
    message: str
    job_id: str
    """The Dagster run in which it did."""
    failed_at: datetime
    code: str | None = None
    """What exactly is wrong with it, where its kind tells that apart."""


class ItemRecords(UploadRecords[NotedT], ABC, Generic[NotedT, ReportT]):
    """What the store holds about items of one kind."""

    failed_items: Table[FailedItem]
    batch_reports: Table[ReportT]

    @abstractmethod
    def made_at(self, keys: Collection[str]) -> Mapping[str, datetime]:
        """When each of the items that have a result got its latest."""

    def add_failures(self, failures: Iterable[ItemFailure], job_id: str) -> None:
        """Store why items failed."""
        now = datetime.now(UTC)
        self._tables.append(
            self.failed_items,
            [
                FailedItem(one.key, one.category.value, one.message, job_id, now, one.code)
                for one in failures
            ],
        )

    def failures_of_job(self, job_id: str) -> list[FailedItem]:
        """The items that failed in a run."""
        import polars as pl

        return self._tables.all_rows(self.failed_items, pl.col("job_id") == job_id)

    def standing_failures(self, keys: Collection[str] | None = None) -> dict[str, FailedItem]:
        """The latest failure of each item that has no later result."""
        where = None if keys is None else key_in(keys)
        failed = {row.key: row for row in self._tables.latest(self.failed_items, where)}
        made = self.made_at(failed) if failed else {}
        return {
            key: failure
            for key, failure in failed.items()
            if key not in made or made[key] < failure.failed_at
        }

    def add_report(self, report: ReportT) -> None:
        """Store a batch's report."""
        self._tables.append(self.batch_reports, [report])

    def reports(self, job_ids: Collection[str] | None = None) -> list[ReportT]:
        """The reports of those of the runs that got that far; None is all runs."""
        import polars as pl

        of_jobs = None if job_ids is None else pl.col("job_id").is_in(list(job_ids))
        return self._tables.latest(self.batch_reports, of_jobs)

    def report_of_job(self, job_id: str) -> ReportT | None:
        """The report of a run, if it got that far."""
        return next(iter(self.reports([job_id])), None)


def key_in(keys: Collection[str]) -> "pl.Expr":
    """Rows of these items."""
    import polars as pl

    return pl.col("key").is_in(list(keys))
