"""The educators' page of one student: scores over time, and the evidence for them.

Belongs here: what the page says, in which order and in which words. Does not belong here: scores
and evidence themselves (`orf_books/transcripts`), taking names out of quotes
(`orf_books/transcripts/redaction.py`), storage. The student is not named but by the reader's own
browser, from a roster file that is opened in the page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import PurePosixPath
from urllib.parse import quote

from orf_books.object_keys import class_page_key
from orf_books.pages.class_parts import (
    SameSessions,
    days_of_several_sessions,
    latest_trends,
    windows_by_sessions,
)
from orf_books.pages.templating import page_template
from orf_books.transcripts.aggregates import StudentTrend
from orf_books.transcripts.firing import Tier
from orf_books.transcripts.measured_tiers import is_measured
from orf_books.transcripts.quotes import Quote
from orf_books.transcripts.scored_session import Judged, SkillScore
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.usual import SHIPPED, Usual

_TIER_NAMES: Mapping[Tier, str] = {
    Tier.STRONG: "strong",
    Tier.MODERATE: "possible",
    Tier.CUE_ONLY: "only a cue",
}
_HIGHEST_SCORE = 10


@dataclass(frozen=True, slots=True)
class SessionScores:
    """What the page says of a student in one session."""

    session_id: str
    """Tells sessions of one day from each other; it says nothing about people."""
    day: date
    utterances: int
    words: int
    skills: Mapping[Skill, SkillScore] = field(repr=False)
    model_version: str
    """Of the detector."""


@dataclass(frozen=True, slots=True)
class ShownEvidence:
    """Words that show a skill."""

    skill: Skill
    tier: Tier
    session_id: str
    day: date
    line_number: int
    """Physical line of the raw file, from 1."""
    place: str
    """Of the utterance, for corrections: `<line>:<n>`."""
    quote: Quote = field(repr=False)
    rationale: str = field(repr=False)
    judged: Judged | None = None
    """What an educator said of it."""


@dataclass(frozen=True, slots=True)
class StudentReport:
    """What the page of a student is made of."""

    class_id: str
    student_id: str
    made_at: datetime
    sessions: Sequence[SessionScores] = ()
    """Those in which the student was heard, in any order."""
    trends: Sequence[StudentTrend] = ()
    """Over any windows; the page shows those that end last."""
    evidence: Sequence[ShownEvidence] = field(default=(), repr=False)
    """In any order."""
    usual: Usual = SHIPPED
    """What scores are measured against."""


@dataclass(frozen=True, slots=True)
class Point:
    """One score in a chart."""

    x: float
    """As a percentage of the chart's width."""
    y: float | None
    """As a percentage of its height, from above; None where there is no score."""
    highest: float | None
    """Where its interval ends above."""
    lowest: float | None


@dataclass(frozen=True, slots=True)
class ShownSkill:
    """One skill of the student in the words of the page."""

    skill: Skill
    points: Sequence[Point]
    trends: Sequence[tuple[SameSessions, StudentTrend]]
    """The shortest window first."""
    evidence: Mapping[str, Sequence[ShownEvidence]]
    """By how sure it is, the surest first; of each the latest first."""

    is_insufficient: bool
    """Whether the student said too little in every session."""

    @property
    def has_scores(self) -> bool:
        """Whether there is anything to draw."""
        return any(point.y is not None for point in self.points)

    @property
    def evidence_count(self) -> int:
        """How many findings there are, however sure."""
        return sum(map(len, self.evidence.values()))


def render_student_page(report: StudentReport) -> str:
    """Make the page: one HTML file that needs nothing else.

    It lies where `student_page_key` says, and links to the page of the class.
    """
    sessions = sorted(report.sessions, key=lambda session: (session.day, session.session_id))
    trends = latest_trends(report.trends)
    windows = windows_by_sessions(trends, {session.day for session in sessions})
    return page_template("student.html.jinja").render(
        report=report,
        class_address=quote(PurePosixPath(class_page_key(report.class_id)).name),
        sessions=sessions,
        ambiguous_days=days_of_several_sessions(session.day for session in sessions),
        skills=list(
            _shown_skills(sessions, [(same, trends[same.window]) for same in windows], report)
        ),
        windows=windows,
        versions=len({session.model_version for session in sessions}),
    )


def _shown_skills(
    sessions: Sequence[SessionScores],
    trends: Sequence[tuple[SameSessions, Mapping[str, StudentTrend]]],
    report: StudentReport,
) -> Iterator[ShownSkill]:
    for skill in Skill:
        found = sorted(
            (
                evidence
                for evidence in report.evidence
                if evidence.skill is skill
                # What an educator says holds, however well the detector hears the skill.
                and (is_measured(skill) or evidence.judged)
            ),
            key=lambda evidence: (
                -evidence.day.toordinal(),
                evidence.session_id,
                evidence.line_number,
            ),
        )
        yield ShownSkill(
            skill,
            points=[
                _point(at, len(sessions), session.skills[skill])
                for at, session in enumerate(sessions)
            ],
            trends=[(same, by_skill[skill]) for same, by_skill in trends if skill in by_skill],
            evidence={
                name: [evidence for evidence in found if evidence.tier is tier]
                for tier, name in _TIER_NAMES.items()
            },
            is_insufficient=all(session.skills[skill].is_insufficient for session in sessions),
        )


def _point(at: int, sessions: int, skill: SkillScore) -> Point:
    """Sessions stand at equal distances, each in the middle of its own."""
    return Point(
        round(100 * (at + 0.5) / sessions, 2),
        _height(skill.score),
        highest=_height(skill.high),
        lowest=_height(skill.low),
    )


def _height(score: float | None) -> float | None:
    return None if score is None else round(100 * (1 - score / _HIGHEST_SCORE), 1)
