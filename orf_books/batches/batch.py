"""The batch: many items worked on at once, each on its own, and what came of it.

Give it keys, an async function from key to row, and a function that commits finished rows: it
bounds what is in flight, gives every item its time, commits while it goes on, and turns what goes
wrong with an item into a counted failure of that item alone. Does not belong here: Dagster, HTTP,
and what an item is.
"""

import asyncio
import logging
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from orf_books.failures import FailureCategory, OrfBooksError, RetryLater
from orf_books.tracing import traced_item

logger = logging.getLogger(__name__)

RowT = TypeVar("RowT")

_REMEDY = "Retry it later."


@dataclass(frozen=True, slots=True)
class CommitPolicy:
    """When finished rows are stored, and how long their store may be away. Times in seconds."""

    first_wait: float = 0.25
    """The first rows are stored soon, so that a killed process loses little that was paid for."""
    longest_wait: float = 2.0
    """The wait doubles up to this: many small commits make a table slow."""
    rows: int = 500
    """So many rows are stored at once, whatever the wait."""
    patience: float = 300.0
    """How long a store may be away before the batch is broken off; no item is begun meanwhile."""
    first_pause: float = 0.5
    """Before a store that was away is tried again; doubled every time."""
    longest_pause: float = 15.0


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """An item that failed, why, and what to do; the message is fit for a log."""

    key: str
    category: FailureCategory
    message: str
    code: str | None = None
    """What exactly is wrong, where that is told apart."""

    def __str__(self) -> str:
        return f"{self.key} ({self.category.value}): {self.message}"


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What came of the items that were worked on."""

    succeeded: int
    failures: tuple[ItemFailure, ...]
    seconds: float

    def __add__(self, other: "BatchOutcome") -> "BatchOutcome":
        return BatchOutcome(
            self.succeeded + other.succeeded,
            self.failures + other.failures,
            self.seconds + other.seconds,
        )

    @property
    def failed_by_category(self) -> dict[str, int]:
        """How many items failed for which reason, the most frequent first."""
        return dict(Counter(failure.category.value for failure in self.failures).most_common())


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is."""

    done: int
    failed: int
    total: int


async def work_on_items(  # noqa: PLR0913 - three functions and the bounds they work in
    keys: Sequence[str],
    work: Callable[[str], Awaitable[RowT]],
    commit: Callable[[Sequence[RowT]], None],
    *,
    concurrency: int,
    item_seconds: float,
    progress: Callable[[Progress], None] = lambda _: None,
    policy: CommitPolicy | None = None,
    set_aside: Callable[[Sequence[RowT]], None] = lambda _: None,
) -> BatchOutcome:
    """Work on every key; a failed item does not stop the others.

    Args:
        keys: the items.
        work: makes one item's row; raises `OrfBooksError` for failures it knows of.
        commit: stores rows for good; runs in a thread, never twice at once. While it raises
            `RetryLater`, the batch waits, as long as its policy says. What it raises otherwise
            ends the batch, because results that cannot be kept must not be paid for.
        concurrency: items worked on at once.
        item_seconds: an item that takes longer counts as timed out.
        progress: told after each item.
        policy: when rows are stored.
        set_aside: given the finished rows that could not be stored, when the batch is broken off.
    """
    batch = _Batch(work, commit, item_seconds, progress, len(keys), policy or CommitPolicy())
    started = time.monotonic()
    waiting = iter(keys)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(batch.commit_while_working())
            workers = [
                tasks.create_task(batch.work_through(waiting))
                for _ in range(min(concurrency, len(keys)))
            ]
            await asyncio.gather(*workers)
            batch.finished.set()
    except ExceptionGroup as group:
        if not_stored := batch.not_stored:
            set_aside(not_stored)
        raise group.exceptions[0] from None
    return BatchOutcome(batch.succeeded, tuple(batch.failures), time.monotonic() - started)


class _Batch(Generic[RowT]):
    """One batch under way."""

    def __init__(  # noqa: PLR0913, PLR0917 - two functions and the bounds they work in
        self,
        work: Callable[[str], Awaitable[RowT]],
        commit: Callable[[Sequence[RowT]], None],
        item_seconds: float,
        progress: Callable[[Progress], None],
        total: int,
        policy: CommitPolicy,
    ) -> None:
        self.succeeded = 0
        self.failures: list[ItemFailure] = []
        self.finished = asyncio.Event()
        self._uncommitted: list[RowT] = []
        self._in_commit: Sequence[RowT] = ()
        self._many_uncommitted = asyncio.Event()
        self._store_answers = asyncio.Event()
        self._store_answers.set()
        self._policy = policy
        self._work, self._commit, self._progress = work, commit, progress
        self._item_seconds, self._total = item_seconds, total

    @property
    def not_stored(self) -> list[RowT]:
        """Finished rows that lie in memory only."""
        return [*self._in_commit, *self._uncommitted]

    async def work_through(self, waiting: Iterable[str]) -> None:
        """Take keys from the common iterator until none is left."""
        for key in waiting:
            await self._store_answers.wait()
            try:
                row = await self._one(key)
            except RetryLater as error:
                self._failed(key, error.category, f"{error} {_REMEDY}", error.code)
            except OrfBooksError as error:
                self._failed(key, error.category, str(error), error.code)
            except TimeoutError:
                took = f"Item {key} took longer than {self._item_seconds:g} s."
                self._failed(key, FailureCategory.TIMEOUT, f"{took} {_REMEDY}")
            except Exception as error:  # noqa: BLE001 - a defect is this item's alone
                # Not the text of the error: it may hold what people wrote.
                place = "".join(traceback.format_tb(error.__traceback__))
                logger.error("Item %s met a defect, %s:\n%s", key, type(error).__name__, place)  # noqa: TRY400
                self._failed(key, FailureCategory.CRASH, _described(key, error))
            else:
                self._succeeded(row)
            self._progress(Progress(self.succeeded, len(self.failures), self._total))

    async def _one(self, key: str) -> RowT:
        with traced_item(key):
            async with asyncio.timeout(self._item_seconds):
                return await self._work(key)

    def _succeeded(self, row: RowT) -> None:
        self.succeeded += 1
        self._uncommitted.append(row)
        if len(self._uncommitted) >= self._policy.rows:
            self._many_uncommitted.set()

    def _failed(
        self, key: str, category: FailureCategory, message: str, code: str | None = None
    ) -> None:
        self.failures.append(ItemFailure(key, category, message, code))

    async def commit_while_working(self) -> None:
        """Commit whenever rows are many or old, and what is left at the end."""
        wait = self._policy.first_wait
        while not self.finished.is_set():
            await self._next_commit_is_due(wait)
            if self._uncommitted:
                wait = min(2 * wait, self._policy.longest_wait)
            await self._commit_rows()
        await self._commit_rows()

    async def _next_commit_is_due(self, wait: float) -> None:
        reasons = [
            asyncio.ensure_future(event.wait()) for event in (self.finished, self._many_uncommitted)
        ]
        try:
            await asyncio.wait(reasons, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for reason in reasons:
                reason.cancel()

    async def _commit_rows(self) -> None:
        self._in_commit, self._uncommitted = self._uncommitted, []
        self._many_uncommitted.clear()
        if self._in_commit:
            await self._store(self._in_commit)
            self._in_commit = ()

    async def _store(self, rows: Sequence[RowT]) -> None:
        """Store rows, and wait for a store that is away."""
        pause, until = self._policy.first_pause, time.monotonic() + self._policy.patience
        while True:
            try:
                await asyncio.to_thread(self._commit, rows)
            except RetryLater as error:
                if time.monotonic() + pause > until:
                    raise
                self._store_answers.clear()
                logger.warning("%s Work waits for the store.", error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, self._policy.longest_pause)
            else:
                self._store_answers.set()
                return


def _described(key: str, error: Exception) -> str:
    """A defect by its class only: its text may hold what people wrote."""
    return f"Item {key} met a defect ({type(error).__name__}); the log of the run has the place."
