"""The page over everything that the platform does: `overview.html`.

Belongs here: what is said of all kinds of uploads beside each other, and the targets they are held
against. Does not belong here: collecting the figures (`orf_books/records/platform.py`), storage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from orf_books.failures import FailureCategory
from orf_books.pages.parts import Bar, Overview, bar_length
from orf_books.pages.templating import page_template

LEAST_SUCCESS_RATE = 99.0
"""Percent of the items that were worked on."""
LONGEST_SINCE_LAST_RESULT = timedelta(days=7)
"""As the freshness policies of the dashboards have it."""
MOST_REQUESTS_AN_ITEM = 0.1
"""To one service: books are looked up in groups."""
_BATCHES_SHOWN = 12
_UPLOADS_NAMED = 20

_CATEGORY_NAMES = {
    FailureCategory.TIMEOUT: "No answer in time",
    FailureCategory.UNAVAILABLE: "Service unavailable",
    FailureCategory.RATE_LIMITED: "Rate limited",
    FailureCategory.QUOTA_EXHAUSTED: "Quota exhausted",
    FailureCategory.NETWORK: "Network error",
    FailureCategory.BAD_RESPONSE: "Unusable answer",
    FailureCategory.BAD_DATA: "Unusable upload",
    FailureCategory.MISSING_AUDIO: "Missing audio",
    FailureCategory.CRASH: "Error in the platform",
}


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """The items that failed at last for the same reason."""

    category: str
    items: int
    latest_message: str
    """Of the item that failed last."""
    latest_at: datetime


@dataclass(frozen=True, slots=True)
class RefusedUpload:
    """An upload whose last version was not read."""

    key: str
    problem: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of one batch."""

    started_at: datetime
    items: int
    worked_on: int
    """Without those whose earlier result was still valid."""
    failed: int
    seconds: float
    requests: int
    """To the service that was asked most."""

    @property
    def items_a_second(self) -> float | None:
        """None where there was nothing to do."""
        return self.worked_on / self.seconds if self.worked_on and self.seconds else None


@dataclass(frozen=True, slots=True)
class KindOverview:
    """All uploads and items of one kind."""

    name: str
    unit: str
    """What one item is called."""
    page: str | None
    """Address of the page over them, where there is one."""
    uploads: int
    last_upload: datetime | None
    refused: Sequence[RefusedUpload]
    items: int
    """With a result, also where a later attempt failed."""
    last_result: datetime | None
    waiting: int
    """Items that were registered and have neither a result nor a failure."""
    failures: Sequence[FailureGroup]
    """The most frequent first."""
    batches: Sequence[Batch]
    """Of the last weeks, the latest first."""

    @property
    def failed(self) -> int:
        """Items that failed at last."""
        return sum(group.items for group in self.failures)

    @property
    def success_rate(self) -> float | None:
        """Percent of the items that recent batches worked on; None where there were none."""
        items = sum(batch.items for batch in self.batches)
        failed = sum(batch.failed for batch in self.batches)
        return 100 * (items - failed) / items if items else None

    @property
    def items_a_second(self) -> float | None:
        """The median of the recent batches that had something to do."""
        rates = [rate for batch in self.batches if (rate := batch.items_a_second) is not None]
        return median(rates) if rates else None

    @property
    def requests_an_item(self) -> float | None:
        """Requests to the service asked most, for each item worked on."""
        worked_on = sum(batch.worked_on for batch in self.batches)
        requests = sum(batch.requests for batch in self.batches)
        return requests / worked_on if worked_on and requests else None


@dataclass(frozen=True, slots=True)
class Quota:
    """What may be asked of a service in a day."""

    service: str
    spent: int
    a_day: int


@dataclass(frozen=True, slots=True)
class Target:
    """A figure against what it should be."""

    what: str
    measured: str
    target: str
    is_met: bool


def render_overview_page(
    kinds: Sequence[KindOverview],
    quotas: Sequence[Quota],
    overviews: Sequence[Overview],
    now: datetime,
) -> str:
    """Make the page: it lies in the storage root, beside the pages over each kind.

    Args:
        kinds: in the order in which they are shown.
        quotas: of services that limit the requests of a day.
        overviews: pages over other things.
        now: when the figures were collected.
    """
    return page_template("overview.html.jinja").render(
        kinds=kinds,
        quotas=quotas,
        overviews=overviews,
        now=now,
        targets={kind.name: targets_of(kind, now) for kind in kinds},
        bars={kind.name: _bars(kind.batches[:_BATCHES_SHOWN]) for kind in kinds},
        batches_shown=_BATCHES_SHOWN,
        uploads_named=_UPLOADS_NAMED,
        failed=sum(kind.failed for kind in kinds),
        refused=sum(len(kind.refused) for kind in kinds),
        category_name=category_name,
    )


def targets_of(kind: KindOverview, now: datetime) -> list[Target]:
    """The targets of a kind that has something to hold against them."""
    targets = []
    if kind.success_rate is not None:
        targets.append(
            Target(
                "Items that succeed",
                f"{kind.success_rate:.1f}%",
                f"at least {LEAST_SUCCESS_RATE:.0f}%",
                kind.success_rate >= LEAST_SUCCESS_RATE,
            )
        )
    if kind.last_result is not None:
        age = now - kind.last_result
        targets.append(
            Target(
                "Days since the last result",
                f"{age / timedelta(days=1):.1f}",
                f"at most {LONGEST_SINCE_LAST_RESULT.days}",
                age <= LONGEST_SINCE_LAST_RESULT,
            )
        )
    if kind.requests_an_item is not None:
        targets.append(
            Target(
                "Requests for each item",
                f"{kind.requests_an_item:.2f}",
                f"at most {MOST_REQUESTS_AN_ITEM}",
                kind.requests_an_item <= MOST_REQUESTS_AN_ITEM,
            )
        )
    return targets


def category_name(category: str) -> str:
    """Why items failed, as people say it."""
    return _CATEGORY_NAMES[FailureCategory(category)]


def _bars(batches: Sequence[Batch]) -> list[Bar]:
    """Items of each batch, the oldest first."""
    most = max((batch.items for batch in batches), default=0)
    return [
        Bar(
            f"{batch.started_at:%d %b}",
            batch.items,
            bar_length(batch.items, most),
            f"{batch.failed:,} failed" if batch.failed else "",
        )
        for batch in reversed(batches)
    ]
