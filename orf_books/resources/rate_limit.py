"""How fast a service is asked, by one client or by all that share a ledger.

Belongs here: when the next request may leave, and when the last of many will have left. Does not
belong here: sending it (`http.py`), and
what processes share (`ledger.py`).
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import ceil
from typing import Protocol
from zoneinfo import ZoneInfo

from orf_books.failures import FailureCategory, RetryLater
from orf_books.resources.ledger import Ledger

_PACIFIC = ZoneInfo("America/Los_Angeles")


class RateLimit(Protocol):
    """Turns at one service. All times in seconds."""

    async def turn(self) -> None:
        """Wait for the next free turn."""
        ...

    async def hold(self, seconds: float) -> None:
        """Give no turn for so many seconds, because the service asked for a pause."""
        ...


class LocalRateLimit:
    """Evenly spaced turns of this client alone; None is no limit."""

    def __init__(self, requests_per_second: float | None = None) -> None:
        self._spacing = 1 / requests_per_second if requests_per_second else 0.0
        self._next_turn = 0.0

    async def turn(self) -> None:
        """Wait for the next free turn."""
        now = asyncio.get_running_loop().time()
        wait = max(0.0, self._next_turn - now)
        self._next_turn = now + wait + self._spacing
        if wait:
            await asyncio.sleep(wait)

    async def hold(self, seconds: float) -> None:
        """Give no turn for so many seconds."""
        until = asyncio.get_running_loop().time() + seconds
        self._next_turn = max(self._next_turn, until)


class SharedRateLimit:
    """Evenly spaced turns of everybody who uses the ledger.

    The ledger is a database, so it is used from threads: the event loop never waits for it.
    """

    def __init__(self, ledger: Ledger, service: str, requests_per_second: float) -> None:
        self._ledger = ledger
        self._service = service
        self._spacing = 1 / requests_per_second

    async def turn(self) -> None:
        """Wait for the next free turn."""
        wait = await asyncio.to_thread(self._ledger.take_turn, self._service, self._spacing)
        if wait:
            await asyncio.sleep(wait)

    async def hold(self, seconds: float) -> None:
        """Give no turn to anybody for so many seconds."""
        await asyncio.to_thread(self._ledger.hold, self._service, seconds)


class TurnIsTooFarAway(RetryLater):
    """A request that was not sent, because its turn would have come too late for this run."""

    def __init__(self, message: str) -> None:
        super().__init__(message, FailureCategory.RATE_LIMITED)


class SharedWindow:
    """At most so many requests within so many seconds, of everybody who uses the ledger.

    What the window allows may leave at once.

    Args:
        ledger: where the requests are counted.
        service: whose window it is.
        requests: that fit into a window.
        seconds: how long a window is.
        longest_wait: seconds that a turn may be away; None is as long as it takes.
    """

    def __init__(
        self,
        ledger: Ledger,
        service: str,
        requests: int,
        seconds: float,
        longest_wait: float | None = None,
    ) -> None:
        self._ledger = ledger
        self._window = service, requests, seconds
        self._longest_wait = longest_wait

    async def seconds_until_free(self) -> float:
        """How long a request that came now would wait; none waits longer than it may."""
        wait = await asyncio.to_thread(self._ledger.seconds_until_turn_in_window, *self._window)
        return wait if self._longest_wait is None or wait <= self._longest_wait else 0.0

    async def turn(self) -> None:
        """Wait for the next free turn.

        Raises:
            TurnIsTooFarAway: it would take longer than the longest wait.
        """
        wait = await asyncio.to_thread(
            self._ledger.take_turn_in_window, *self._window, self._longest_wait
        )
        if wait is None:
            raise TurnIsTooFarAway("The window of this service is full.")
        await asyncio.sleep(wait)

    async def hold(self, seconds: float) -> None:
        """Give no new turn to anybody for so long."""
        await asyncio.to_thread(self._ledger.hold, self._window[0], seconds)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a service takes: so many requests in a window of so many seconds, and in a day."""

    window_requests: int
    window_seconds: float
    requests_per_day: int

    def time_of_last(
        self, requests: int, now: datetime, *, free_in: float, left_today: int
    ) -> datetime | None:
        """When the last of so many requests leaves, at the latest, if nobody else sends any.

        Args:
            requests: how many are to leave.
            now: with a time zone.
            free_in: seconds until the next window.
            left_today: of the day's requests.

        Returns:
            A time in UTC; None where a day takes no request.
        """
        if requests <= left_today:
            return now.astimezone(UTC) + timedelta(seconds=free_in) + self._windows(requests)
        if self.requests_per_day < 1:
            return None
        days, requests_of_last_day = divmod(requests - left_today - 1, self.requests_per_day)
        day = now.astimezone(_PACIFIC).date() + timedelta(days=1 + days)
        midnight = datetime.combine(day, time(), _PACIFIC)
        return midnight.astimezone(UTC) + self._windows(requests_of_last_day + 1)

    def _windows(self, requests: int) -> timedelta:
        return timedelta(seconds=ceil(requests / self.window_requests) * self.window_seconds)


class DailyQuota:
    """A day's requests, shared by everybody who uses the ledger; a day begins in California."""

    def __init__(self, ledger: Ledger, service: str, requests_per_day: int) -> None:
        self._ledger = ledger
        self._service = service
        self._requests_per_day = requests_per_day

    async def spend(self) -> bool:
        """Spend one request; False where none is left until midnight Pacific time."""
        return await asyncio.to_thread(
            self._ledger.spend, self._service, self._today(), self._requests_per_day
        )

    async def left(self) -> int:
        """Requests left today."""
        spent = await asyncio.to_thread(self._ledger.spent, self._service, self._today())
        return max(0, self._requests_per_day - spent)

    async def exhaust(self) -> None:
        """Count today's quota as spent, because the service says so."""
        await asyncio.to_thread(
            self._ledger.exhaust, self._service, self._today(), self._requests_per_day
        )

    @staticmethod
    def _today() -> date:
        return datetime.now(_PACIFIC).date()
