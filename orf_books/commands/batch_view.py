"""A batch as the command line shows it, and by what people look for one.

Belongs here: these classes, without anything that takes long to import. Does not belong here:
where batches come from (`batch_status.py`, `unreported_runs.py`), printing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from orf_books.batches.report import COMPLETE, COMPLETE_WITH_FAILURES


class BatchStatus(StrEnum):
    """What came of a batch."""

    COMPLETE = COMPLETE
    COMPLETE_WITH_FAILURES = COMPLETE_WITH_FAILURES
    NOT_PUBLISHED = "not_published"
    """Complete in either way, but its scores wait for the database."""
    RUNNING = "running"
    STOPPED = "stopped"
    """By Ctrl-C, or on the page."""
    BROKEN_OFF = "broken_off"
    """Its run failed before it had a report."""


@dataclass(frozen=True, slots=True)
class BatchFilter:
    """Which batches are asked for; None is any."""

    kind: str | None = None
    class_id: str | None = None
    status: BatchStatus | None = None
    longer_than: float | None = None
    """Seconds."""
    error: str | None = None
    """A category or a code of failures."""

    def takes(self, batch: "Batch") -> bool:
        """Whether a batch is asked for."""
        is_waiting = batch.is_published is False
        statuses = {batch.status} | ({BatchStatus.NOT_PUBLISHED} if is_waiting else set())
        return (
            self.kind in {None, batch.kind}
            and (self.class_id is None or self.class_id in batch.classes)
            and (self.status is None or self.status in statuses)
            and (self.longer_than is None or batch.seconds > self.longer_than)
            and (self.error is None or self.error in batch.errors)
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of one batch."""

    kind: str
    job_id: str
    started_at: datetime
    status: str
    items: int
    failed: int
    seconds: float
    errors: Mapping[str, int] = field(default_factory=dict)
    """By category and by code, how many items failed so."""
    classes: tuple[str, ...] = ()
    is_published: bool | None = None
    """None for batches of which nothing is published."""

    def as_document(self) -> dict[str, Any]:
        """For machines."""
        document = asdict(self) | {"started_at": self.started_at.isoformat(timespec="seconds")}
        is_published = document.pop("is_published")
        return document | {"published": {None: None, True: "yes", False: "no"}[is_published]}
