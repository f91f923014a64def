"""The page over all activities: `activities.html`.

Belongs here: what is said of many activities at once. Does not belong here: one activity's report
(`activity_page.py`), verdicts and figures themselves (`orf_books/activities`), storage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self
from urllib.parse import quote

from orf_books.activities.progress import Progress, Risk
from orf_books.activities.word_corrections import MeasuredFlags
from orf_books.failures import FailureCategory
from orf_books.object_keys import activity_page_key, progress_page_key
from orf_books.pages.parts import Overview, choices
from orf_books.pages.progress_page import RISK_NAMES, RISK_RULES
from orf_books.pages.templating import page_template

_STORIES_OFFERED = 20


class ActivityStatus(StrEnum):
    """How an activity stands."""

    RESCORED = "rescored"
    DRAFT = "draft"
    """Rescored, and to be reviewed by a person."""
    FAILED = "failed"


_STATUS_NAMES: Mapping[str, str] = {
    ActivityStatus.RESCORED: "Rescored",
    ActivityStatus.DRAFT: "Draft, needs review",
    ActivityStatus.FAILED: "Failed",
}


@dataclass(frozen=True, slots=True)
class ActivityDigest:
    """What the page says of one activity; figures are None where they are not known."""

    activity_id: str
    story_id: str
    """Empty where the record of the activity could not be read."""
    story: str
    """How it begins; empty likewise."""
    updated: datetime
    """When it was last worked on."""
    status: ActivityStatus
    attempted_words: int | None = None
    """0 where no word was read correctly, so that nobody can tell how far the child got."""
    correct_words: int | None = None
    wcpm: float | None = None
    changed_verdicts: int | None = None
    """None where the activity was never rescored."""
    failure: FailureCategory | None = None
    remedy: str = ""
    """What to do about the failure, as it says itself."""

    @property
    def accuracy(self) -> float | None:
        """Share of the attempted words that were read correctly."""
        if not self.attempted_words or self.correct_words is None:
            return None
        return self.correct_words / self.attempted_words

    @property
    def report_address(self) -> str | None:
        """Its report, if only of an earlier result, from the page; None where there is none."""
        has_report = self.changed_verdicts is not None
        return quote(activity_page_key(self.activity_id)) if has_report else None

    @property
    def status_name(self) -> str:
        """The status in words."""
        return _STATUS_NAMES[self.status]


@dataclass(frozen=True, slots=True)
class Totals:
    """All activities together."""

    activities: int
    failed: int
    to_review: int
    attempted_words: int
    correct_words: int
    changed_verdicts: int
    activities_with_changes: int

    @classmethod
    def of(cls, digests: Sequence[ActivityDigest]) -> Self:
        """Add up; what is not known counts nothing."""
        statuses = [digest.status for digest in digests]
        return cls(
            activities=len(digests),
            failed=statuses.count(ActivityStatus.FAILED),
            to_review=statuses.count(ActivityStatus.DRAFT),
            attempted_words=sum(digest.attempted_words or 0 for digest in digests),
            correct_words=sum(digest.correct_words or 0 for digest in digests),
            changed_verdicts=sum(digest.changed_verdicts or 0 for digest in digests),
            activities_with_changes=sum(bool(digest.changed_verdicts) for digest in digests),
        )

    @property
    def accuracy(self) -> float | None:
        """Share of all attempted words that were read correctly."""
        return self.correct_words / self.attempted_words if self.attempted_words else None


@dataclass(frozen=True, slots=True)
class RiskGroup:
    """The students of one risk, those with the lowest rate first."""

    name: str
    rule: str
    students: Sequence[Progress]


def render_activities_index_page(
    digests: Sequence[ActivityDigest],
    overviews: Sequence[Overview] = (),
    students: Sequence[Progress] = (),
    flags: MeasuredFlags | None = None,
) -> str:
    """Make the page: it lies in the storage root and links to the activities' reports.

    Args:
        digests: one for each activity, in any order; the page shows the latest first.
        overviews: pages over other things.
        students: those whose readings are known, in any order.
        flags: how often flags were right, by what people checked in this store.
    """
    stories = {digest.story_id: digest.story for digest in digests if digest.story_id}
    return page_template("activities.html.jinja").render(
        digests=sorted(digests, key=lambda digest: digest.updated, reverse=True),
        totals=Totals.of(digests),
        overviews=overviews,
        risk_groups=_risk_groups(students),
        flags=flags,
        progress_address=lambda student: quote(progress_page_key(student)),
        statuses=choices((digest.status for digest in digests), _STATUS_NAMES.__getitem__),
        stories=choices(
            (digest.story_id for digest in digests if digest.story_id), stories.__getitem__
        )[:_STORIES_OFFERED],
    )


def _risk_groups(students: Sequence[Progress]) -> Sequence[RiskGroup]:
    """The groups that have students, the highest risk first."""
    ranked = sorted(students, key=lambda student: (student.recent_wcpm or 0, student.student_id))
    return [
        RiskGroup(RISK_NAMES[risk], RISK_RULES[risk], of_risk)
        for risk in Risk
        if (of_risk := [student for student in ranked if student.risk is risk])
    ]
