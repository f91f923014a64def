"""What came of batches of all kinds, from their reports.

Belongs here: the question that `orf-books status` answers without an upload. Does not belong here:
single uploads (`upload_status.py`), printing.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

from orf_books.batches.report import BatchReport
from orf_books.commands.batch_view import Batch, BatchFilter
from orf_books.records.activities import ActivityRecords
from orf_books.records.books import BookRecords
from orf_books.records.sessions import SessionRecords
from orf_books.resources.storage import ObjectStorage


def batches(
    storage: ObjectStorage,
    wanted: BatchFilter,
    unreported: Callable[[Collection[str]], Iterable[Batch]] = lambda _: (),
) -> list[Batch]:
    """The batches that are asked for, the latest first.

    Args:
        storage: with the reports.
        wanted: which.
        unreported: gives batches of runs that perhaps have no report, told those that have one.
    """
    reported = [
        *(_batch("books", report) for report in BookRecords(storage).reports()),
        *(_batch("activities", report) for report in ActivityRecords(storage).reports()),
        *_transcripts(storage),
    ]
    runs = {batch.job_id for batch in reported}
    found = [*reported, *(batch for batch in unreported(runs) if batch.job_id not in runs)]
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
