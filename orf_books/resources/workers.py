"""Where heavy work is carried out: processes of this machine, or a cluster of others.

Belongs here: the interface, and the processes of this machine. Does not belong here: the cluster
(`cluster.py`), what the work is: functions that any process can import, whose arguments and results
can be pickled.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context, parent_process
from types import TracebackType
from typing import ParamSpec, Protocol, Self, TypeVar

from orf_books.failures import FailureCategory, RetryLater

P = ParamSpec("P")
Result = TypeVar("Result")


class Workers(Protocol):
    """Carries out functions elsewhere than in this process, several at once."""

    @property
    def slots(self) -> int:
        """How many calls are carried out at once; it may change while they are."""
        ...

    async def run(
        self, work: Callable[P, Result], *arguments: P.args, **keywords: P.kwargs
    ) -> Result:
        """Carry out a function, and give what it gives or raise what it raises.

        Waits for a free worker. If the caller is cancelled, the call ends or is forgotten.

        Raises:
            RetryLater: the process died under this call (`crash`), or no worker can be reached
                (`unavailable`).
        """
        ...


class WorkerProcess:
    """A process that carries out one call at a time, so that it is known which call killed it.

    Starts with the first call and again after it ended. It ends with this process, however that
    ends.
    """

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._id: Future[int] | None = None

    def submit(
        self, work: Callable[P, Result], *arguments: P.args, **keywords: P.kwargs
    ) -> "Future[Result]":
        """Start a call; the future raises `BrokenExecutor` if the process dies under it."""
        if self._pool is None:
            self._pool = worker_pool(1)
            self._id = self._pool.submit(os.getpid)
        return self._pool.submit(work, *arguments, **keywords)

    def kill(self) -> None:
        """End the process, whatever it does."""
        if self._pool is not None and self._id is not None:
            if self._id.done() and not self._id.exception():
                with suppress(ProcessLookupError):
                    os.kill(self._id.result(), signal.SIGKILL)
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._id = None


class ProcessWorkers:
    """`Workers` in processes of this machine, which are started when they are needed.

    Use as `async with`, from one event loop.

    Args:
        processes: how many; by default one for each core.
    """

    def __init__(self, processes: int | None = None) -> None:
        self.slots = processes or os.cpu_count() or 1
        self._processes = [WorkerProcess() for _ in range(self.slots)]
        self._idle: asyncio.LifoQueue[WorkerProcess] = asyncio.LifoQueue()
        for process in self._processes:
            self._idle.put_nowait(process)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.kill()

    async def run(
        self, work: Callable[P, Result], *arguments: P.args, **keywords: P.kwargs
    ) -> Result:
        """As `Workers.run`; a call whose caller is cancelled ends with its process."""
        process = await self._idle.get()
        try:
            return await asyncio.wrap_future(process.submit(work, *arguments, **keywords))
        except BrokenExecutor:
            process.kill()
            raise RetryLater(
                "The process that worked on this item died.", FailureCategory.CRASH
            ) from None
        except asyncio.CancelledError:
            process.kill()
            raise
        finally:
            self._idle.put_nowait(process)


def worker_pool(processes: int) -> ProcessPoolExecutor:
    """A pool whose processes are not forked, as this one has threads, and do not outlive it.

    A pool of the standard library leaves its processes behind when its own process is killed: each
    waits for work in a queue whose other end it holds open itself.
    """
    return ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=end_with_parent
    )


def end_with_parent() -> None:
    """End this process as soon as the one that started it has ended; call it in the former."""
    threading.Thread(target=_wait_for_the_end, name="end with parent", daemon=True).start()


def _wait_for_the_end() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
