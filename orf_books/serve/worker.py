"""Deals with uploads, where no daemon does.

Belongs here: which uploads wait, in which order they are dealt with, and what becomes of one whose
run ends before it has a dashboard. Does not belong here: running (`commands/serve.py`), HTTP.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from orf_books.failures import OrfBooksError, RetryLater
from orf_books.records.uploads import MOST_TRIES, UPLOADS_OF_A_RUN
from orf_books.serve.libraries import ServedLibraries

logger = logging.getLogger(__name__)

SECONDS_AFTER_FAILURE = 60.0
BROKE_OFF = "Making the dashboard failed. The operator's log says why; please try again later."


class Platform(Protocol):
    """What runs the platform. Calls may take minutes; one is under way at a time."""

    async def process(self, libraries: Sequence[str]) -> bool:
        """Make the dashboards of new uploads; False leaves them to the daemon, which runs."""
        ...

    async def fill_gaps(self) -> float | None:
        """Ask again what a source could not answer at once.

        Returns:
            Seconds until there is more to ask; None for nothing.
        """
        ...

    async def delete(self, library: str) -> Sequence[str]:
        """Delete a library from everywhere; keys of the objects that are gone.

        Raises:
            FixInput: there is no such library.
        """
        ...


class Worker:
    """Deals with one group of uploads after the other.

    Args:
        platform: what runs the platform.
        libraries: tells what became of an upload.
        retry_seconds: how long uploads wait that were left to a daemon, or found the store away.
    """

    def __init__(
        self, platform: Platform, libraries: ServedLibraries, retry_seconds: float
    ) -> None:
        self._platform, self._libraries = platform, libraries
        self._retry_seconds = retry_seconds
        self._waiting: dict[str, int] = {}
        """Tries so far, by library; the oldest first."""
        self._problems: dict[str, str] = {}
        self._wake, self._turn = asyncio.Event(), asyncio.Lock()

    @property
    def waiting(self) -> int:
        """How many uploads have no dashboard yet."""
        return len(self._waiting)

    def problem_of(self, library: str) -> str | None:
        """Why no dashboard comes of a library, if none comes."""
        return self._problems.get(library)

    def add(self, library: str) -> None:
        """Deal with a new upload as soon as its turn comes."""
        self._waiting[library] = 0
        self._wake.set()

    async def delete(self, library: str) -> Sequence[str]:
        """Delete a library; one that is being dealt with, afterwards."""
        self._waiting.pop(library, None)
        async with self._turn:
            self._waiting.pop(library, None)
            self._problems.pop(library, None)
            return await self._platform.delete(library)

    async def run(self) -> None:
        """Work until cancelled. What an earlier server left is taken up first."""
        for library in await self._left_by_earlier_server():
            self._waiting.setdefault(library, 0)
        while True:
            while group := self._next_group():
                async with self._turn:
                    is_left = not await self._process(group)
                if is_left:
                    self._wake.clear()
                    await self._wait(self._retry_seconds)
            await self._idle()

    async def _idle(self) -> None:
        """Fill gaps until an upload comes."""
        while not self._wake.is_set():
            try:
                async with self._turn:
                    seconds = await self._platform.fill_gaps()
            except Exception:
                logger.exception("Gaps could not be filled.")
                seconds = SECONDS_AFTER_FAILURE
            await self._wait(seconds)
        self._wake.clear()

    async def _left_by_earlier_server(self) -> list[str]:
        while True:
            try:
                return await asyncio.to_thread(self._libraries.unsettled)
            except OrfBooksError as error:
                logger.warning("Uploads wait: %s", error)
                await self._wait(self._retry_seconds)

    def _next_group(self) -> list[str]:
        """The uploads of the next run. One that broke a run is tried alone."""
        oldest = list(self._waiting)
        fresh = [library for library in oldest if not self._waiting[library]]
        return fresh[:UPLOADS_OF_A_RUN] or oldest[:1]

    async def _wait(self, seconds: float | None) -> None:
        """Until an upload comes, or this time is over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    async def _process(self, group: Sequence[str]) -> bool:
        """Whether it was dealt with; otherwise a daemon does, or the store is away."""
        try:
            is_done = await self._platform.process(group)
        except RetryLater as error:
            logger.warning("Uploads wait: %s", error)
            return False
        except Exception:
            logger.exception("A run of uploads failed.")
            is_done = True
        for library in group:
            if await self._is_settled(library):
                self._waiting.pop(library, None)
            elif is_done and library in self._waiting:
                self._count_try(library)
        return is_done

    async def _is_settled(self, library: str) -> bool:
        try:
            return await asyncio.to_thread(self._libraries.is_settled, library)
        except OrfBooksError as error:
            logger.warning("Upload %s waits: %s", library, error)
            return False

    def _count_try(self, library: str) -> None:
        tries = self._waiting.pop(library) + 1
        if tries < MOST_TRIES:
            self._waiting[library] = tries
        else:
            logger.error("No dashboard came of upload %s in %d runs.", library, tries)
            self._problems[library] = BROKE_OFF
