"""How many requests a service lets through.

Belongs here: the two ways of limiting that the services use. Does not belong here: which limit
holds where, and how a refusal looks.
"""

from collections import deque
from time import monotonic


class Window:
    """At most so many requests within so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._admitted: deque[float] = deque()

    def admits(self, limit: int) -> bool:
        """Whether one more request fits now; if so it is taken into account."""
        now = monotonic()
        while self._admitted and self._admitted[0] <= now - self._seconds:
            self._admitted.popleft()
        if len(self._admitted) >= limit:
            return False
        self._admitted.append(now)
        return True


class LeakyBucket:
    """A steady rate with a burst: the first of the excess go through, the next ones wait.

    This is how nginx limits with `burst` and `delay`.
    """

    def __init__(self, per_minute: int, burst: int, undelayed: int) -> None:
        self._per_second = per_minute / 60
        self._burst = burst
        self._undelayed = undelayed
        self._excess = 0.0
        self._seen_at = monotonic()

    def seconds_to_wait(self) -> float | None:
        """How long one more request has to wait, None when it is refused."""
        now = monotonic()
        leaked = (now - self._seen_at) * self._per_second
        excess = max(0.0, self._excess - leaked)
        self._seen_at = now
        if excess > self._burst:
            self._excess = excess
            return None
        self._excess = excess + 1
        return max(0.0, excess - self._undelayed) / self._per_second
