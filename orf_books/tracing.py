"""Which upload, run and item a line of a log or a request belongs to.

Belongs here: the id of a trace, what is under way now, and the header that tells our own services.
Does not belong here: how lines are written (`log_lines.py`).

The id is a digest of which versions of which uploads a run is about, so it can be worked out before
there is a run, and says nothing of what the uploads are called.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

TRACE_TAG = "orf_books/trace_id"
HEADER = "traceparent"
"""Of W3C Trace Context, https://www.w3.org/TR/trace-context/."""
_TRACE_DIGITS, _SPAN_DIGITS = 32, 16
"""Hexadecimal; as the standard has them."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What is under way."""

    trace_id: str
    run_id: str
    item: str | None = None
    """The key of its partition; None between items, and where several share a request."""

    @property
    def span_id(self) -> str:
        """Of this item in this run."""
        return _digest(f"{self.run_id} {self.item or ''}")[:_SPAN_DIGITS]

    @property
    def header(self) -> str:
        """The value of the header: version, trace, span, and that the trace is recorded."""
        return f"00-{self.trace_id}-{self.span_id}-01"


_now: ContextVar[Trace | None] = ContextVar("trace", default=None)


def trace_id_of_uploads(uploads: Iterable[tuple[str, str]]) -> str:
    """The trace of a run about these uploads.

    Args:
        uploads: key and version of each, in any order.
    """
    return _digest(repr(sorted(uploads)))[:_TRACE_DIGITS]


def trace_id_of_run(run_id: str, tags: Mapping[str, str]) -> str:
    """That of its uploads; a run that was started for no upload is a trace by itself."""
    return tags.get(TRACE_TAG) or run_id.replace("-", "")


def current_trace() -> Trace | None:
    """What is under way here; None outside of runs."""
    return _now.get()


def trace_header() -> dict[str, str]:
    """For requests to our own services; empty outside of runs."""
    trace = _now.get()
    return {HEADER: trace.header} if trace else {}


@contextmanager
def traced_run(run_id: str, tags: Mapping[str, str]) -> Iterator[None]:
    """The block is part of a run."""
    with _as(Trace(trace_id_of_run(run_id, tags), run_id)):
        yield


@contextmanager
def traced_item(item: str | None) -> Iterator[None]:
    """The block is about an item of the run that is under way, or about none in particular."""
    trace = _now.get()
    with _as(trace and replace(trace, item=item)):
        yield


@contextmanager
def _as(trace: Trace | None) -> Iterator[None]:
    token = _now.set(trace)
    try:
        yield
    finally:
        _now.reset(token)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
