"""Answers of services as they came, to be kept whole.

Belongs here: what is noted with an answer. Does not belong here: asking (`http.py`), reading what
an answer means, where answers are kept.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A whole answer of a service."""

    service: str
    request: str
    """Path and query, without keys."""
    body: str
    answered_at: datetime
