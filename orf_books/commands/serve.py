"""`orf-books serve`: the upload API over HTTP, and the process that runs the platform for it.

Belongs here: starting both, and what the other process does. Does not belong here: HTTP
(`orf_books/serve`), what jobs do.

Runs have a process of their own, which imports Dagster once and then runs one job after the other:
the server stays quick, and no upload but the first waits for the import.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self, TypeVar

import uvicorn

from orf_books.failures import FailureCategory, FixInput, OrfBooksError, RetryLater
from orf_books.resources.workers import worker_pool
from orf_books.serve.api import ServeOptions, build_app
from orf_books.serve.libraries import ServedLibraries
from orf_books.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

AnswerT = TypeVar("AnswerT")

DAEMON_LIVES = timedelta(seconds=75)
"""After its last heartbeat, of which it sends one every 30 s."""
SECONDS_TO_STOP = 2
SECONDS_WHEN_QUOTA_IS_SPENT = 3600.0
"""Until looking again whether the day of the quota is over."""
_SENSORS = "SENSOR"


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM."""
    # The server raises the signal again when it has ended; that must not skip what follows.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    platform = PlatformProcess(settings)
    options = ServeOptions(settings.serve_origins.split(","), settings.serve_uploads_per_minute)
    app = build_app(ServedLibraries(settings.open_storage()), platform, options)
    try:
        uvicorn.run(
            app,
            host=host,
            port=port,
            # Addresses hold ids, and whoever knows an id may see the library.
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=SECONDS_TO_STOP,
        )
    finally:
        platform.stop()


class PlatformProcess:
    """Runs the platform in another process, which starts with the first upload."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: ProcessPoolExecutor | None = None
        self._process: int | None = None

    async def process(self, libraries: Sequence[str]) -> bool:
        """Make the dashboards of new uploads; False leaves them to the daemon, which runs."""
        return await self._do(process_uploads, tuple(libraries))

    async def fill_gaps(self) -> float | None:
        """Ask Google Books what waits for its turn; seconds until there is more to ask."""
        if self._settings.google_books_key is None:
            return None
        return await self._do(fill_some_gaps)

    async def delete(self, library: str) -> Sequence[str]:
        """Delete a library from everywhere; keys of the objects that are gone."""
        return await self._do(delete_upload, library)

    async def _do(self, task: Callable[..., AnswerT], *arguments: object) -> AnswerT:
        loop = asyncio.get_running_loop()
        if self._pool is None:
            self._pool = worker_pool(1)
            self._process = await loop.run_in_executor(self._pool, _prepare)
        try:
            answer = await loop.run_in_executor(
                self._pool, _answer, task, self._settings, *arguments
            )
        except BrokenProcessPool:
            # It was killed, as when memory ran out; the next task starts another one.
            self.stop()
            raise
        if isinstance(answer, _Failure):
            raise answer.error()
        return answer

    def stop(self) -> None:
        """End the process; a run in it is cut off, and taken up by the next server."""
        if self._pool and self._process:
            with suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGTERM)
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._process = None


@dataclass(frozen=True, slots=True)
class _Failure:
    """A failure on its way between processes, which exceptions of several arguments do not make."""

    message: str
    is_input: bool
    retry: FailureCategory | None

    @classmethod
    def of(cls, error: OrfBooksError) -> Self:
        retry = error.category if isinstance(error, RetryLater) else None
        return cls(str(error), isinstance(error, FixInput), retry)

    def error(self) -> OrfBooksError:
        """The failure again."""
        if self.retry:
            return RetryLater(self.message, self.retry)
        return FixInput(self.message) if self.is_input else OrfBooksError(self.message)


# In the other process


def _prepare() -> int:
    """Get ready; the process's id."""
    # Ctrl-C reaches all processes of a terminal; the server ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(100_000, 50, 50)
    return os.getpid()


def _answer(
    task: Callable[..., AnswerT], settings: Settings, *arguments: object
) -> AnswerT | _Failure:
    try:
        return task(settings, *arguments)
    except OrfBooksError as error:
        return _Failure.of(error)


def process_uploads(settings: Settings, libraries: Sequence[str]) -> bool:
    """Run one batch over new uploads; False where a daemon runs, whose sensor sees to them."""
    from orf_books.assets.uploads import UploadsConfig
    from orf_books.batches.resource import BatchResource
    from orf_books.commands.local_runs import run_job
    from orf_books.instance import open_instance
    from orf_books.object_keys import export_key
    from orf_books.records.books import BookRecords

    with open_instance(settings) as instance:
        if has_daemon(instance):
            return False
    records = BookRecords(settings.open_storage())
    uploads = []
    for key in map(export_key, libraries):
        if records.storage.exists(key):
            records.claim(key)
            uploads.append(records.storage.head(key))
    if uploads:
        config = UploadsConfig.noticed_now(uploads).run_config("library_entries")
        batch = BatchResource(concurrency=settings.concurrency, ledger=settings.ledger)
        run_job(settings, "ingest_books", config, batch)
    return True


def fill_some_gaps(settings: Settings) -> float | None:
    """Ask what the window of Google Books allows now, unless a daemon does.

    Returns:
        Seconds until there is more to ask; None for nothing.
    """
    from orf_books.assets.books.step import books_in_turn
    from orf_books.batches.resource import BatchResource
    from orf_books.commands.local_runs import GAPS_ONLY, run_job
    from orf_books.definitions import google_books_of
    from orf_books.instance import open_instance
    from orf_books.records.books import BookRecords

    with open_instance(settings) as instance:
        if has_daemon(instance):
            return None
    if not books_in_turn(BookRecords(settings.open_storage())):
        return None
    seconds = google_books_of(settings).seconds_until_free()
    if seconds is None:
        return SECONDS_WHEN_QUOTA_IS_SPENT
    if seconds == 0:
        batch = BatchResource(concurrency=settings.concurrency, ledger=settings.ledger)
        run_job(settings, "fill_gaps", GAPS_ONLY, batch)
    return seconds


def delete_upload(settings: Settings, library: str) -> Sequence[str]:
    """Delete a library; keys of the objects that are gone."""
    from orf_books.commands.library_deletion import delete_library

    return delete_library(settings, library).objects


def has_daemon(instance: "dg.DagsterInstance") -> bool:
    """Whether a daemon evaluates sensors on this instance."""
    heartbeat = instance.get_daemon_heartbeats().get(_SENSORS)
    if heartbeat is None:
        return False
    return datetime.now(UTC).timestamp() - heartbeat.timestamp < DAEMON_LIVES.total_seconds()
