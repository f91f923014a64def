"""What came of batches of all kinds, from their reports.

Belongs here: the question that `orf-books status` answers without an upload. Does not belong here:
single uploads (`upload_status.py`), printing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from orf_books.batches.report import BatchReport
from orf_books.records.activities import ActivityRecords
from orf_books.records.books import BookRecords
from orf_books.records.sessions import SessionRecords
from orf_books.resources.storage import ObjectStorage

NOT_PUBLISHED = "not_published"


@dataclass(frozen=True, slots=True)
class BatchFilter:
    """Which batches are asked for; None is any."""

    kind: str | None = None
    class_id: str | None = None
    status: str | None = None
    """As in reports, or `not_published`."""
    longer_than: float | None = None
    """Seconds."""
    error: str | None = None
    """A category or a code of failures."""

    def takes(self, batch: "Batch") -> bool:
        """Whether a batch is asked for."""
        statuses = {batch.status} | ({NOT_PUBLISHED} if batch.is_published is False else set())
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
    errors: Mapping[str, int]
    """By category and by code, how many items failed so."""
    classes: tuple[str, ...] = ()
    is_published: bool | None = None
    """None for batches of which nothing is published."""

    def as_document(self) -> dict[str, Any]:
        """For machines."""
        document = asdict(self) | {"started_at": self.started_at.isoformat(timespec="seconds")}
        is_published = document.pop("is_published")
        return document | {"published": {None: None, True: "yes", False: "no"}[is_published]}


def batches(storage: ObjectStorage, wanted: BatchFilter) -> list[Batch]:
    """The batches that are asked for, the latest first."""
    found = [
        *(_batch("books", report) for report in BookRecords(storage).reports()),
        *(_batch("activities", report) for report in ActivityRecords(storage).reports()),
        *_transcripts(storage),
    ]
    found.sort(key=lambda batch: batch.started_at, reverse=True)
    return [batch for batch in found if wanted.takes(batch)]


def _transcripts(storage: ObjectStorage) -> Iterator[Batch]:
    records = SessionRecords(storage)
    waiting = {
        publication.key for publication in records.publications() if not publication.is_published
    }
    runs = {row.run_id for row in records.latest(waiting).values()} if waiting else set()
    for report in records.reports():
        batch = _batch("transcripts", report)
        yield replace(
            batch,
            errors={**batch.errors, **report.failed_by_code},
            classes=report.classes,
            is_published=report.run_id not in runs,
        )


def _batch(kind: str, report: BatchReport) -> Batch:
    return Batch(
        kind,
        report.run_id,
        report.started_at,
        report.status,
        report.items,
        report.failed,
        round(report.seconds, 3),
        report.failed_by_category,
    )
