"""Where the results of items are kept, as far as the driver needs to know.

Belongs here: the interfaces of a stored result and of a store. Does not belong here: Dagster, any
kind of item, how rows are kept.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from orf_books.batches.batch import ItemFailure
from orf_books.batches.report import BatchReport
from orf_books.resources.service_calls import ServiceCalls


class ItemRow(Protocol):
    """The stored result of an item, as far as the driver and Dagster need it."""

    @property
    def key(self) -> str:
        """The partition."""
        ...

    @property
    def fingerprint(self) -> str:
        """A digest of the input it was made from."""
        ...

    @property
    def code_version(self) -> str:
        """Of the code that made it."""
        ...

    @property
    def data_version(self) -> str:
        """Equal versions mean that nothing downstream changes."""
        ...

    @property
    def made_at(self) -> datetime:
        """When it was made."""
        ...


RowT = TypeVar("RowT", bound=ItemRow)
ResultT = TypeVar("ResultT", bound=ItemRow)
ReportT = TypeVar("ReportT", bound=BatchReport)


class StoredFailure(Protocol):
    """Why an item failed."""

    @property
    def category(self) -> str:
        """A `FailureCategory`."""
        ...

    @property
    def message(self) -> str:
        """What happened, and what to do."""
        ...


class ItemStore(ABC, Generic[RowT, ResultT, ReportT]):
    """Where the results of one kind of item are kept."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Tells items of this store from those of another that have the same key."""

    @abstractmethod
    def latest(self, keys: Collection[str]) -> Mapping[str, RowT]:
        """The latest result of each item that has one."""

    @abstractmethod
    def failed_since(self, results: Mapping[str, RowT], keys: Collection[str]) -> Collection[str]:
        """Items that failed and have no later result; `results` are their latest ones."""

    @abstractmethod
    def standing_failures(self, keys: Collection[str] | None = None) -> Mapping[str, StoredFailure]:
        """Why items failed that have no later result: these items, or all."""

    @abstractmethod
    def add_results(self, results: Sequence[ResultT]) -> Collection[RowT]:
        """Store results for good, and give them back as `latest` would."""

    def set_aside(self, results: Sequence[ResultT]) -> None:
        """Keep results that could not be stored, elsewhere; by default they are lost."""

    def take_up(self) -> None:
        """Store what was set aside before; called before results are looked up."""

    @abstractmethod
    def add_failures(self, failures: Iterable[ItemFailure], run_id: str) -> None:
        """Store why items failed."""

    @abstractmethod
    def add_report(self, report: ReportT) -> None:
        """Store the report of a batch."""

    def add_calls(self, calls: Iterable[ServiceCalls], run_id: str) -> None:
        """Store how services answered the requests of a run; by default it is forgotten."""

    def tidy(self) -> None:
        """Keep the store quick to read, where that is needed; called after each batch."""
