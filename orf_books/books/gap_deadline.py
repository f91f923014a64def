"""How long the first dashboard waits for the source that fills gaps.

Belongs here: when the time of that source is over, and what is recorded of a book about which it
has not answered by then. Does not belong here: which source is asked about which book
(`enrichment.py`).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from orf_books.books.enrichment import BookSource, GapSource
from orf_books.books.metadata import NO_TIME, BookQuery, SourceAnswer


class TimeIsOver(Exception):
    """Nobody waits for the answer any more."""


class GapDeadline:
    """A time that begins when the first source has answered, and anew when it is asked again.

    Args:
        seconds: how long people wait for the second source alone.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._asked = 0
        self._limits: set[asyncio.Timeout] = set()
        self._begin()

    @contextmanager
    def first_is_asked(self) -> Iterator[None]:
        """The first source is asked for as long as the block lasts."""
        self._asked += 1
        self._end_at(None)
        try:
            yield
        finally:
            self._asked -= 1
            if not self._asked:
                self._begin()

    @asynccontextmanager
    async def limit(self) -> AsyncIterator[None]:
        """Run the block until the time is over.

        Raises:
            TimeIsOver: it took longer.
        """
        limit = asyncio.timeout_at(self._until)
        try:
            async with limit:
                self._limits.add(limit)
                yield
        except TimeoutError:
            if limit.expired():
                raise TimeIsOver from None
            raise
        finally:
            self._limits.discard(limit)

    def _begin(self) -> None:
        self._end_at(asyncio.get_running_loop().time() + self._seconds)

    def _end_at(self, until: float | None) -> None:
        self._until = until
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(until)


class AskedFirst:
    """The first source: while it is asked, the second has time.

    Args:
        source: the source.
        deadline: shared with the second source.
    """

    def __init__(self, source: BookSource, deadline: GapDeadline) -> None:
        self.name = source.name
        self._source, self._deadline = source, deadline

    async def find(self, book: BookQuery) -> SourceAnswer:
        """As the source itself."""
        with self._deadline.first_is_asked():
            return await self._source.find(book)


class AskedInTime:
    """The second source: what it does not answer in time is left to a later run.

    Args:
        source: the source.
        deadline: shared with the first source.
    """

    def __init__(self, source: GapSource, deadline: GapDeadline) -> None:
        self.name = source.name
        self.likely_knows = source.likely_knows
        self._source, self._deadline = source, deadline

    async def find(self, book: BookQuery, earlier: SourceAnswer | None = None) -> SourceAnswer:
        """As the source itself, or what it answered earlier with a note that it is to be asked."""
        try:
            async with self._deadline.limit():
                return await self._source.find(book, earlier)
        except TimeIsOver:
            asked, record = (earlier.asked, earlier.record) if earlier else ((), None)
            return SourceAnswer(self.name, asked, record, NO_TIME)
