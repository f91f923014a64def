"""What the whole platform did, over all kinds of uploads, as its overview shows it.

Belongs here: collecting these figures from the tables of each kind. Does not belong here: the page
(`orf_books/pages/overview_page.py`), and the pages over one kind.

Tables of items may be long. So only keys and times are read of them, and reports of the last weeks.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from orf_books.object_keys import ACTIVITIES_PAGE, CLASSES_PAGE, LIBRARIES_PAGE, OVERVIEW_PAGE
from orf_books.pages.overview_page import (
    Batch,
    FailureGroup,
    KindOverview,
    Quota,
    RefusedUpload,
    render_overview_page,
)
from orf_books.records.activities import ActivityRecords
from orf_books.records.books import BookRecords
from orf_books.records.items import FailedItem, ItemRecords
from orf_books.records.overviews import overviews_beside
from orf_books.records.sessions import SessionRecords
from orf_books.resources.storage import ObjectStorage
from orf_books.resources.tables import Table, Tables

if TYPE_CHECKING:
    import polars as pl

REPORTED = timedelta(days=30)
"""How far back batches are shown and counted."""


_Records = ItemRecords[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of item, as people say it, and where it is recorded."""

    name: str
    """Also that of its set of partitions."""
    unit: str
    page: str
    records: type[_Records]


_KINDS = (
    _Kind("books", "book", LIBRARIES_PAGE, BookRecords),
    _Kind("activities", "activity", ACTIVITIES_PAGE, ActivityRecords),
    _Kind("sessions", "session", CLASSES_PAGE, SessionRecords),
)


@dataclass(frozen=True, slots=True)
class _MadeItem:
    """An item that has a result, and when it was made."""

    key: str
    made_at: datetime


def put_overview(
    storage: ObjectStorage, registered: Mapping[str, int], quotas: Sequence[Quota] = ()
) -> list[KindOverview]:
    """Collect what the platform did, and store the page about it.

    Args:
        storage: of the platform.
        registered: how many partitions each set has, by its name.
        quotas: of services that limit the requests of a day.

    Returns:
        What the page shows.
    """
    now = datetime.now(UTC)
    others = overviews_beside(storage, OVERVIEW_PAGE)
    pages = {overview.address for overview in others}
    collected = [
        _overview(kind, kind.records(storage), pages, registered.get(kind.name, 0), now)
        for kind in _KINDS
    ]
    page = render_overview_page(collected, quotas, others, now)
    storage.put(OVERVIEW_PAGE, page.encode())
    return collected


def _overview(
    kind: _Kind, records: _Records, pages: Collection[str], registered: int, now: datetime
) -> KindOverview:
    uploads = records.uploads()
    made = _made_items(records)
    ever_failed = _failures(records)
    made_at = _made_at(made, ever_failed)
    failures = {
        key: failure
        for key, failure in ever_failed.items()
        if key not in made_at or made_at[key] < failure.failed_at
    }
    refused = _refused(records, uploads)
    return KindOverview(
        name=kind.name.capitalize(),
        unit=kind.unit,
        page=kind.page if kind.page in pages else None,
        uploads=sum(upload.problem is None for upload in uploads),
        last_upload=max((upload.arrived_at for upload in uploads), default=None),
        refused=refused,
        items=len(made),
        last_result=made.select("made_at").max().item(),
        waiting=max(0, registered - len(made) - len(failures.keys() - made_at.keys())),
        failures=_grouped(failures.values()),
        batches=_batches(records, now),
    )


def _made_items(records: _Records) -> "pl.DataFrame":
    """When the latest result of each item was made."""
    digests = records.item_digests
    table = Table(digests.name, _MadeItem, digests.keys, "made_at", {"made_at": digests.latest_by})
    return Tables(records.storage).latest_frame(table)


def _made_at(made: "pl.DataFrame", keys: Collection[str]) -> dict[str, datetime]:
    """Of those of the keys that have a result."""
    import polars as pl

    return dict(made.filter(pl.col("key").is_in(list(keys))).select("key", "made_at").iter_rows())


def _failures(records: _Records) -> dict[str, FailedItem]:
    return {row.key: row for row in Tables(records.storage).latest(records.failed_items)}


def _grouped(failures: Iterable[FailedItem]) -> list[FailureGroup]:
    oldest_first = sorted(failures, key=lambda failure: failure.failed_at)
    latest = {failure.category: failure for failure in oldest_first}
    counts = Counter(failure.category for failure in oldest_first)
    return [
        FailureGroup(category, number, latest[category].message, latest[category].failed_at)
        for category, number in counts.most_common()
    ]


def _refused(records: _Records, uploads: Sequence[Any]) -> list[RefusedUpload]:
    """Uploads whose last version was refused, or given up after several tries; the latest first."""
    last = {upload.key: upload for upload in uploads}
    refused = [
        RefusedUpload(upload.key, upload.problem, upload.arrived_at)
        for upload in last.values()
        if upload.problem is not None
    ]
    refused += [
        RefusedUpload(upload.key, upload.problem, upload.abandoned_at)
        for upload in records.abandoned()
    ]
    return sorted(refused, key=lambda upload: upload.at, reverse=True)


def _batches(records: _Records, now: datetime) -> list[Batch]:
    import polars as pl

    recent = Tables(records.storage).latest(
        records.batch_reports, pl.col("started_at") > now - REPORTED
    )
    return [
        Batch(
            started_at=report.started_at,
            items=report.items,
            worked_on=report.items - report.reused,
            failed=report.failed,
            seconds=report.seconds,
            requests=max(getattr(report, "requests", {}).values(), default=0),
        )
        for report in sorted(recent, key=lambda report: report.started_at, reverse=True)
    ]
