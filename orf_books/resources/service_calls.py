"""How services answered: how many requests, how long they took, and how many came too fast.

Belongs here: counting while a batch goes on. Does not belong here: requests (`http.py`), where
counts are kept and shown (`records/items.py`, `commands/metrics.py`).
"""

import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

BOUNDS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Seconds, by which requests are sorted; a class more is for what takes longer."""


@dataclass(slots=True)
class ServiceCalls:
    """Requests to one service."""

    service: str
    """As people call it."""
    by_duration: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    """How many requests took so long: up to each of `BOUNDS`, and longer."""
    seconds: float = 0.0
    """All requests together."""
    rate_limited: int = 0
    """Requests that the service refused because there were too many."""
    unanswered: int = 0

    @property
    def requests(self) -> int:
        """Every attempt counted."""
        return sum(self.by_duration)


_counted: ContextVar[dict[str, ServiceCalls] | None] = ContextVar("service_calls", default=None)


@contextmanager
def counted_calls() -> Iterator[dict[str, ServiceCalls]]:
    """Count the requests made in the block and in its tasks, by service."""
    calls: dict[str, ServiceCalls] = {}
    token = _counted.set(calls)
    try:
        yield calls
    finally:
        _counted.reset(token)


@contextmanager
def timed_request(service: str) -> Iterator[None]:
    """Count the request made in the block, if somebody counts."""
    calls = _calls_of(service)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        calls.unanswered += 1
        raise
    finally:
        seconds = time.monotonic() - started
        calls.seconds += seconds
        calls.by_duration[bisect_left(BOUNDS, seconds)] += 1


def count_rate_limited(service: str) -> None:
    """Count an answer that says we ask too often."""
    _calls_of(service).rate_limited += 1


def _calls_of(service: str) -> ServiceCalls:
    calls = _counted.get()
    # Where nobody counts, what is counted is forgotten.
    return (
        ServiceCalls(service) if calls is None else calls.setdefault(service, ServiceCalls(service))
    )
