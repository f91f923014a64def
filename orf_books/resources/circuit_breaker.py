"""When a service is not asked for a while: it is down, or it refuses us.

Belongs here: deciding, for everything that is asked of a service, whether it is down. Does not
belong here: retries of one request (`http.py`), and finding the question that breaks a group
(`grouped_lookup.py`).
"""

import time
from collections.abc import Callable

from orf_books.failures import FailureCategory, OrfBooksError, RetryLater

FAILURES_THAT_OPEN = 20
"""Attempts in a row. Fewer may be a few questions that break the service, each asked again."""
OPEN_SECONDS = 10.0


class CircuitBreaker:
    """Lets requests pass until so many in a row got no answer that the service must be down.

    While it is open nothing is asked, except for one request every `open_seconds` that tries
    whether the service is back.
    """

    def __init__(
        self,
        service: str,
        *,
        failures_that_open: int = FAILURES_THAT_OPEN,
        open_seconds: float = OPEN_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._failures_that_open = failures_that_open
        self._open_seconds = open_seconds
        self._now = now
        self._failures_in_a_row = 0
        self._next_trial = 0.0
        self._refusal: OrfBooksError | None = None

    @property
    def is_open(self) -> bool:
        """Whether the service is considered down."""
        return self._failures_in_a_row >= self._failures_that_open

    def check(self) -> None:
        """Call before a request.

        Raises:
            RetryLater: the service is considered down.
            OrfBooksError: whatever was given to `stop`.
        """
        if self._refusal is not None:
            raise self._refusal.with_traceback(None)
        if not self.is_open:
            return
        if self._now() < self._next_trial:
            raise ServiceIsDown(
                f"{self._service} was not asked: it has failed {self._failures_in_a_row} times in "
                "a row.",
                FailureCategory.UNAVAILABLE,
            )
        self._next_trial = self._now() + self._open_seconds

    def answered(self) -> None:
        """The service answered, if only with an error: it is up."""
        self._failures_in_a_row = 0

    def failed(self) -> None:
        """A request got no answer."""
        self._failures_in_a_row += 1
        if self.is_open:
            self._next_trial = self._now() + self._open_seconds

    def stop(self, refusal: OrfBooksError) -> None:
        """Let nothing pass any more: every request would be refused like this."""
        self._refusal = refusal


class ServiceIsDown(RetryLater):
    """A request was not sent, because too many before it had failed."""
