"""What the scores of many sessions come to: of a class for its teacher, of a student for their own.

Belongs here: the figures of a window, and which of them may be shown. Does not belong here: how a
session is scored (`scoring.py`), where figures are kept (`publication.py`).

A class figure tells nothing of fewer than five students, not even to someone who subtracts the
figures of one window from those of another. Therefore a longer window is made up of its weeks that
may be shown by themselves; a week in which fewer students were scored counts in no figure at all.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean, stdev
from typing import TypeVar

from orf_books.transcripts.windows import Window, monday_of, windows_ending_with

SMALLEST_GROUP = 5
"""Students that a class figure tells of at least."""

_DECIMALS = 4
_Key = TypeVar("_Key", bound=Hashable)
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class StudentScore:
    """One skill of one student in one session."""

    student_id: str
    class_id: str
    day: date
    skill: str
    score: float | None
    """From 0 to 10; None where the student said too little to tell."""
    confidence: float
    """From 0 to 1."""
    evidence_count: int


@dataclass(frozen=True, slots=True)
class ClassAggregate:
    """One figure of a class over a window.

    `avg_<skill>` and `sd_<skill>` are of the students' weekly scores, `growth_<skill>` is the
    average less that of the window before, `n_students` counts who was scored, `coverage` is their
    share of those who were heard, `evidence_count` counts what their scores rest on.
    """

    class_id: str
    window_start: date
    window_end: date
    metric_name: str
    metric_value: float | None
    """None where it would tell of fewer than five students."""

    @property
    def is_suppressed(self) -> bool:
        """Whether there is a figure that may not be shown."""
        return self.metric_value is None


@dataclass(frozen=True, slots=True)
class StudentTrend:
    """One skill of one student over a window, for those who may see this student's records."""

    student_id: str
    class_id: str
    window: Window
    skill: str
    average: float | None
    """Of the sessions' scores; None where no session has one."""
    growth: float | None
    """The average less that of the window before."""
    confidence: float | None
    """Average of the confidence in these scores."""
    session_count: int
    """Sessions with a score."""
    evidence_count: int
    """What these scores rest on."""


def class_aggregates(scores: Iterable[StudentScore]) -> list[ClassAggregate]:
    """The figures of every class over every window that ends with a week in which it was heard.

    Growth is left out where nobody was heard in the window before.

    Args:
        scores: all scores of the classes, of as many weeks as there are.
    """
    by_class = _grouped((score.class_id, score) for score in scores)
    return [row for of_class in sorted(by_class.items()) for row in _of_class(*of_class)]


def student_trends(scores: Iterable[StudentScore]) -> list[StudentTrend]:
    """How each student did in each class, over every window that ends with a week they spoke in."""
    by_student = _grouped(((score.student_id, score.class_id), score) for score in scores)
    return [
        trend for of_student in sorted(by_student.items()) for trend in _of_student(*of_student)
    ]


@dataclass(frozen=True, slots=True)
class _Week:
    """One week of a class."""

    heard: frozenset[str]
    scored: frozenset[str]
    evidence_count: int
    values: Mapping[str, Sequence[float]]
    """By skill: each student's average over the sessions of the week; none of too few students."""


def _of_class(class_id: str, scores: Sequence[StudentScore]) -> Iterator[ClassAggregate]:
    skills = sorted({score.skill for score in scores})
    weeks = {monday: _week(of_week) for monday, of_week in _by_week(scores).items()}
    for window in _windows(weeks):
        figures = _figures(_within(window, weeks), skills)
        if weeks_before := _within(window.previous, weeks):
            before = _figures(weeks_before, skills)
            for skill in skills:
                figures[f"growth_{skill}"] = _growth(
                    figures[f"avg_{skill}"], before[f"avg_{skill}"]
                )
        for metric, value in figures.items():
            yield ClassAggregate(class_id, window.start, window.end, metric, value)


def _week(scores: Sequence[StudentScore]) -> _Week:
    by_skill: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for score in scores:
        if score.score is not None:
            by_skill[score.skill][score.student_id].append(score.score)
    return _Week(
        heard=frozenset(score.student_id for score in scores),
        scored=frozenset(student for students in by_skill.values() for student in students),
        evidence_count=sum(score.evidence_count for score in _scored(scores)),
        values={
            skill: [fmean(of_student) for of_student in students.values()]
            for skill, students in by_skill.items()
            if len(students) >= SMALLEST_GROUP
        },
    )


def _figures(weeks: Iterable[_Week], skills: Iterable[str]) -> dict[str, float | None]:
    shown = [week for week in weeks if len(week.scored) >= SMALLEST_GROUP]
    scored = len({student for week in shown for student in week.scored})
    heard = len({student for week in shown for student in week.heard})
    figures: dict[str, float | None] = {
        "n_students": scored or None,
        "coverage": round(scored / heard, _DECIMALS) if shown else None,
        "evidence_count": sum(week.evidence_count for week in shown) if shown else None,
    }
    for skill in skills:
        values = [value for week in shown for value in week.values.get(skill, ())]
        figures[f"avg_{skill}"] = _average(values)
        figures[f"sd_{skill}"] = round(stdev(values), _DECIMALS) if values else None
    return figures


def _of_student(student: tuple[str, str], scores: Sequence[StudentScore]) -> Iterator[StudentTrend]:
    windows = _windows(_by_week(scores))
    by_skill = _grouped((score.skill, score) for score in scores)
    for skill, of_skill in sorted(by_skill.items()):
        weeks = _by_week(_scored(of_skill))
        for window in windows:
            now, before = (
                [score for week in _within(each, weeks) for score in week]
                for each in (window, window.previous)
            )
            average = _average_score(now)
            yield StudentTrend(
                *student,
                window,
                skill,
                average=average,
                growth=_growth(average, _average_score(before)),
                confidence=_average([score.confidence for score in now]),
                session_count=len(now),
                evidence_count=sum(score.evidence_count for score in now),
            )


def _scored(scores: Iterable[StudentScore]) -> list[StudentScore]:
    return [score for score in scores if score.score is not None]


def _by_week(scores: Iterable[StudentScore]) -> dict[date, list[StudentScore]]:
    return _grouped((monday_of(score.day), score) for score in scores)


def _windows(mondays: Iterable[date]) -> list[Window]:
    return sorted({window for monday in mondays for window in windows_ending_with(monday)})


def _within(window: Window, weeks: Mapping[date, _Item]) -> list[_Item]:
    return [weeks[monday] for monday in window.mondays if monday in weeks]


def _grouped(pairs: Iterable[tuple[_Key, _Item]]) -> dict[_Key, list[_Item]]:
    groups: dict[_Key, list[_Item]] = defaultdict(list)
    for key, item in pairs:
        groups[key].append(item)
    return groups


def _average_score(scores: Iterable[StudentScore]) -> float | None:
    return _average([score.score for score in scores if score.score is not None])


def _average(values: Sequence[float]) -> float | None:
    # `fmean` and `stdev` add up exactly: the order in which scores are read changes no digit.
    return round(fmean(values), _DECIMALS) if values else None


def _growth(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else round(now - before, _DECIMALS)
