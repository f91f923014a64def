"""The educators' page of one class: its figures, its students, its sessions.

Belongs here: what the page says, in which order and in which words. Does not belong here: figures
and which of them may be shown (`orf_books/transcripts/aggregates.py`), one student's page
(`student_page.py`), storage. No student is quoted, and nobody is named but by the reader's own
browser, from a roster file that is opened in the page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import PurePosixPath
from urllib.parse import quote

from orf_books.failures import FailureCategory
from orf_books.object_keys import class_page_key, student_page_key
from orf_books.pages.class_parts import (
    SameSessions,
    days_of_several_sessions,
    latest_trends,
    windows_by_sessions,
)
from orf_books.pages.parts import choices
from orf_books.pages.templating import page_template
from orf_books.transcripts.aggregates import SMALLEST_GROUP, ClassAggregate, StudentTrend
from orf_books.transcripts.corrections import MeasuredPrecision
from orf_books.transcripts.measured_tiers import is_measured
from orf_books.transcripts.problems import ErrorCode, WarningCode
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.usual import SHIPPED, Usual
from orf_books.transcripts.windows import Window


class Heat(StrEnum):
    """How a student's score stands to what is usual, as the table of students is shaded."""

    CLEARLY_MORE = "more clear"
    """Shown more often than usual: nine times in ten that is no accident."""
    MORE = "more"
    LESS = "less"
    CLEARLY_LESS = "less clear"


class SessionStatus(StrEnum):
    """What came of a session."""

    SCORED = "scored"
    NOT_PUBLISHED = "not_published"
    """Scored, but the tables do not have it."""
    REFUSED = "refused"
    """It cannot be used as it was handed in."""
    FAILED = "failed"


AS_USUAL = 5.0
"""The score of a student who shows a skill as often as is usual."""
_STATUS_NAMES: Mapping[SessionStatus, str] = {
    SessionStatus.SCORED: "Scored",
    SessionStatus.NOT_PUBLISHED: "Scored, not published",
    SessionStatus.REFUSED: "Refused",
    SessionStatus.FAILED: "Failed",
}
_REMEDIES: Mapping[SessionStatus, str] = {
    SessionStatus.SCORED: "",
    SessionStatus.NOT_PUBLISHED: "Its scores are kept. Publish it again; nothing is scored again.",
    SessionStatus.REFUSED: "Correct the file or the roster, and upload it again.",
    SessionStatus.FAILED: "Run it again; if it fails again, look at its log.",
}
_SCORING_NAMES: Mapping[str, str] = {"yes": "With a score", "no": "Without any score"}


@dataclass(frozen=True, slots=True)
class StudentLine:
    """What the page says of one student."""

    student_id: str
    sessions: int
    """In which they were heard, as in the other two counts: of all time."""
    utterances: int
    words: int
    trends: Sequence[StudentTrend] = ()
    """Their trends in this class; of these the page shows the latest longest window."""


@dataclass(frozen=True, slots=True)
class SessionLine:
    """What the page says of one session; counts are None where nobody could count."""

    session_id: str
    """Tells sessions of one day from each other; it says nothing about people."""
    day: date
    status: SessionStatus
    utterances: int | None = None
    students: int | None = None
    words: int | None = None
    without_consent: int | None = None
    """Utterances that were left out, since whoever spoke has not consented or may not have."""
    warnings: Mapping[WarningCode, int] | None = None
    """How many lines have each."""
    seconds: float | None = None
    """How long the run took."""
    reason: FailureCategory | ErrorCode | None = None
    """Why it was refused, or what failed."""
    remedy: str = field(default="", repr=False)
    """What to do about it, as the failure says itself."""

    @property
    def status_name(self) -> str:
        """The status in words."""
        return _STATUS_NAMES[self.status]

    @property
    def is_unusable(self) -> bool:
        """Whether it has no scores."""
        return self.status in (SessionStatus.REFUSED, SessionStatus.FAILED)

    @property
    def advice(self) -> str:
        """What to do; empty where there is nothing to do."""
        return self.remedy or _REMEDIES[self.status]


@dataclass(frozen=True, slots=True)
class ClassReport:
    """What the page of a class is made of."""

    class_id: str
    made_at: datetime
    aggregates: Sequence[ClassAggregate] = ()
    """Over any windows; the page shows those that end last."""
    students: Sequence[StudentLine] = ()
    """Everybody who was heard, in any order."""
    sessions: Sequence[SessionLine] = ()
    """In any order."""
    usual: Usual = SHIPPED
    """What scores are measured against."""
    precision: Mapping[Skill, MeasuredPrecision] = field(default_factory=dict)
    """Of findings in this store, as educators judged them."""


@dataclass(frozen=True, slots=True)
class ShownSkill:
    """One skill of a class over a window."""

    skill: Skill
    found: float
    score: float | None
    """None where nothing was found, as `low` and `high`."""
    low: float | None
    high: float | None
    change: float | None
    """Against the window before; None where nothing was found in one of them."""


@dataclass(frozen=True, slots=True)
class ShownWindow:
    """A class over a window; all is None where fewer than five students were scored."""

    same: SameSessions
    students: float | None
    """Who said enough for a score."""
    coverage: float | None
    """Their share of those who were heard."""
    utterances: float | None
    """Of these students."""
    skills: Sequence[ShownSkill]


@dataclass(frozen=True, slots=True)
class ShownStudent:
    """A student in the words of the page."""

    line: StudentLine
    address: str
    """Of their page."""
    trends: Mapping[str, StudentTrend]
    """By skill."""

    @property
    def is_scored(self) -> bool:
        """Whether there is any score."""
        return any(trend.score for trend in self.trends.values())


def heat_of(trend: StudentTrend) -> Heat | None:
    """None where there is no score to shade, or one that is as usual."""
    score = trend.score
    if score is None or not is_measured(trend.skill) or score.value == AS_USUAL:
        return None
    if score.value > AS_USUAL:
        return Heat.CLEARLY_MORE if score.low > AS_USUAL else Heat.MORE
    return Heat.CLEARLY_LESS if score.high < AS_USUAL else Heat.LESS


def render_class_page(report: ClassReport) -> str:
    """Make the page: one HTML file that needs nothing else.

    It lies where `class_page_key` says, and links to the pages of its students, which lie where
    `student_page_key` says.
    """
    students = [_shown_student(report.class_id, line) for line in report.students]
    return page_template("class.html.jinja").render(
        report=report,
        skills=list(Skill),
        heat_of=heat_of,
        smallest_group=SMALLEST_GROUP,
        windows=list(_shown_windows(report)),
        students=sorted(students, key=lambda shown: shown.line.student_id),
        scorings=choices(
            ("yes" if shown.is_scored else "no" for shown in students), _SCORING_NAMES.__getitem__
        ),
        sessions=sorted(
            report.sessions, key=lambda session: (session.day, session.session_id), reverse=True
        ),
        ambiguous_days=days_of_several_sessions(session.day for session in report.sessions),
        unusable=sum(session.is_unusable for session in report.sessions),
        unpublished=sum(
            session.status is SessionStatus.NOT_PUBLISHED for session in report.sessions
        ),
    )


def _shown_windows(report: ClassReport) -> Iterator[ShownWindow]:
    """The windows that end last, the shortest first."""
    figures: dict[Window, dict[str, float | None]] = {}
    for row in report.aggregates:
        window = Window(row.window_start, row.window_end)
        figures.setdefault(window, {})[row.metric_name] = row.metric_value
    end = max((window.end for window in figures), default=None)
    latest = [window for window in figures if window.end == end]
    days = {session.day for session in report.sessions if session.utterances is not None}
    for same in windows_by_sessions(latest, days):
        of_window = figures[same.window]
        yield ShownWindow(
            same,
            students=of_window["n_students"],
            coverage=of_window["coverage"],
            utterances=of_window["utterances"],
            skills=[
                ShownSkill(
                    skill,
                    found,
                    score=of_window.get(f"score_{skill}"),
                    low=of_window.get(f"low_{skill}"),
                    high=of_window.get(f"high_{skill}"),
                    change=of_window.get(f"change_{skill}"),
                )
                for skill in Skill
                if (found := of_window.get(f"found_{skill}")) is not None
            ],
        )


def _shown_student(class_id: str, line: StudentLine) -> ShownStudent:
    *_, longest = ({}, *latest_trends(line.trends).values())
    key = PurePosixPath(student_page_key(class_id, line.student_id))
    return ShownStudent(
        line,
        address=quote(str(key.relative_to(PurePosixPath(class_page_key(class_id)).parent))),
        trends=longest,
    )
