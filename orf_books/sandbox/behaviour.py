"""How the sandbox services behave: switches to set, and counts to read.

Belongs here: what can be switched while the services run, and what they count. Does not belong
here: what a switch does to an answer (`front_door.py`, and the module of each service).
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from enum import StrEnum
from threading import Lock
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter

GOOGLE_BOOKS_KEY = "sandbox-key"
"""The one API key that the Google Books of the sandbox takes, unless told otherwise."""
DEEPGRAM_KEY = "sandbox-deepgram-key"
ACTIVITY_API_KEY = "sandbox-activity-api-key"

_Detail = TypeVar("_Detail")


class Service(StrEnum):
    """The services of the sandbox."""

    OPEN_LIBRARY = "open_library"
    GOOGLE_BOOKS = "google_books"
    DEEPGRAM = "deepgram"
    KALDI = "kaldi"
    WAV2VEC = "wav2vec"
    ACTIVITY_API = "activity_api"
    SLACK = "slack"


class Fault(StrEnum):
    """What can happen to a request by chance."""

    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    GATEWAY_TIMEOUT = "gateway_timeout"
    GARBAGE = "garbage"
    CUT = "cut"
    SLOW = "slow"


@dataclass(slots=True)
class Troubles:
    """What can be wrong with any service."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    latency_seconds: float = 0.0
    """How long every answer takes."""
    down: bool = False
    """Whether every request is answered with a 503 page."""
    error: str | None = None
    """An error of the service's own, by the name that its module gives it, for every request."""
    retry_after: int | None = None
    """Seconds to name in `Retry-After` on every 429 and 503; the real services name none."""
    fault_rate: float = 0.0
    """Share of requests that meet a fault. The same request meets the same faults in the same
    order, whatever else is asked meanwhile."""
    faults: tuple[Fault, ...] = tuple(Fault)
    fault_seed: int = 0
    slow_seconds: float = 5.0
    """How long a request that meets `Fault.SLOW` takes on top."""


@dataclass(slots=True)
class Behaviour(Troubles):
    """All switches. Set them at any time, from any thread; the next request meets them.

    Troubles set here are those of every service, except for those that have their own.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    services: dict[Service, Troubles] = field(default_factory=dict)
    """Services with troubles of their own, which hold instead of the common ones."""
    broken_books: set[str] = field(default_factory=set)
    """Goodreads ids of books on which the services choke: every request that concerns one of them,
    alone or in a batch, by number, Goodreads id, key or title, is answered 500."""
    require_contact: bool = False
    """Whether Open Library refuses User-Agents of libraries and those without a contact."""
    enforce_limits: bool = False
    """Whether the published limits hold: Open Library 180 requests a minute, Google Books 1000 a
    day and 100 in 100 seconds, Deepgram 100 at once, Slack a message a second."""
    google_key: str = GOOGLE_BOOKS_KEY
    google_queries_per_day: int | None = None
    """Queries until the day's quota is gone; a day ends when the counts are cleared. None is no
    limit, or 1000 while limits are enforced."""
    google_queries_per_minute: int | None = None
    """None is no limit of this kind."""
    google_backend_failed_rate: float = 0.0
    """Share of Google Books requests that are answered 503 `backendFailed`."""
    google_unknown_location: bool = False
    """Whether Google Books refuses requests that name no `country`."""
    google_understands_or: bool = True
    """Whether `OR` in a query of Google Books joins alternatives, or is a word like others."""
    deepgram_concurrency: int | None = None
    """Recordings that Deepgram takes at once; None is no limit, or 100 while limits are
    enforced."""

    def of(self, service: Service) -> Troubles:
        """The troubles of one service."""
        return self.services.get(service, self)

    def as_json(self) -> dict[str, Any]:
        """The switches as JSON values."""
        return dict(_BEHAVIOUR.dump_python(self, mode="json"))

    def change(self, changes: dict[str, Any]) -> None:
        """Set the named switches to JSON values.

        Raises:
            pydantic.ValidationError: a name or a value is wrong; then nothing is changed.
        """
        checked = _BEHAVIOUR.validate_python(self.as_json() | changes)
        for switch in fields(self):
            if switch.name in changes:
                setattr(self, switch.name, getattr(checked, switch.name))


_BEHAVIOUR = TypeAdapter(Behaviour)


class Counts:
    """What the services were asked, and how they answered."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: Counter[tuple[Service, str]] = Counter()
        self._identifiers: Counter[tuple[Service, str]] = Counter()
        self._answers: Counter[tuple[Service, int]] = Counter()
        self._traces: Counter[tuple[Service, str]] = Counter()
        self._under_way: Counter[Service] = Counter()
        self._most_at_once: Counter[Service] = Counter()

    @contextmanager
    def under_way(self, service: Service) -> Iterator[None]:
        """Count one request for as long as the block lasts."""
        with self._lock:
            self._under_way[service] += 1
            most = max(self._most_at_once[service], self._under_way[service])
            self._most_at_once[service] = most
        try:
            yield
        finally:
            with self._lock:
                self._under_way[service] -= 1

    def at_once(self, service: Service) -> int:
        """Requests that are under way now."""
        return self._under_way[service]

    def most_at_once(self, service: Service) -> int:
        """The most requests that were under way at the same time."""
        return self._most_at_once[service]

    def asked(self, service: Service, endpoint: str, identifiers: int) -> None:
        """Count one request, and the books it asks for."""
        with self._lock:
            self._requests[service, endpoint] += 1
            self._identifiers[service, endpoint] += identifiers

    def traced(self, service: Service, trace: str) -> None:
        """Count one request that said which trace it is part of."""
        with self._lock:
            self._traces[service, trace] += 1

    def traces(self, service: Service) -> set[str]:
        """The `traceparent` headers of a service's requests so far."""
        return {trace for asked, trace in self._traces if asked is service}

    def answered(self, service: Service, status: int) -> None:
        """Count one answer."""
        with self._lock:
            self._answers[service, status] += 1

    def requests(self, service: Service | None = None, endpoint: str | None = None) -> int:
        """Requests so far: all, of one service, or of one of its endpoints."""
        return self._total(self._requests, service, endpoint)

    def identifiers(self, service: Service | None = None, endpoint: str | None = None) -> int:
        """Books asked for so far; a batch counts each of its books."""
        return self._total(self._identifiers, service, endpoint)

    def answers(self, service: Service | None = None, status: int | None = None) -> int:
        """Answers so far: all, of one service, or those with one status."""
        return self._total(self._answers, service, status)

    def clear(self) -> None:
        """Start again from nothing."""
        with self._lock:
            for counter in (self._requests, self._identifiers, self._traces):
                counter.clear()
            self._answers.clear()
            self._most_at_once.clear()

    def as_json(self) -> dict[str, dict[str, Any]]:
        """Per service: requests and identifiers by endpoint, answers by status, most at once."""
        with self._lock:
            return {
                service.value: {
                    "requests": _of(service, self._requests),
                    "identifiers": _of(service, self._identifiers),
                    "answers": _of(service, self._answers),
                    "most_at_once": self._most_at_once[service],
                }
                for service in Service
            }

    def _total(
        self,
        counter: Counter[tuple[Service, _Detail]],
        service: Service | None,
        detail: _Detail | None,
    ) -> int:
        with self._lock:
            return sum(
                count
                for (its_service, its_detail), count in counter.items()
                if service in (None, its_service) and detail in (None, its_detail)
            )


def _of(service: Service, counter: Counter[tuple[Service, _Detail]]) -> dict[str, int]:
    return {str(detail): count for (its, detail), count in counter.items() if its is service}
