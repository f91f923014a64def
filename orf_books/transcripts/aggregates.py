"""What the scores of many sessions come to: of a class for its teacher, of a student for their own.

Belongs here: the figures of a window, and which of them may be shown. Does not belong here: how a
session is scored (`scoring.py`), where figures are kept (`publication.py`).

The score of a window is no average of sessions' scores: what was heard and found in them is added
up and scored once. So sessions in which nothing was found count, too.

A class figure tells nothing of fewer than five students, not even to someone who subtracts the
figures of one window from those of another. Therefore a longer window is made up of its weeks that
may be shown by themselves; a week in which fewer students said enough counts in no figure at all.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean, stdev
from typing import TypeVar

from orf_books.transcripts.skills import Skill
from orf_books.transcripts.student_scores import LEAST_UTTERANCES, Score, Tally, score
from orf_books.transcripts.usual import SHIPPED, Usual
from orf_books.transcripts.windows import Window, monday_of, windows_ending_with

SMALLEST_GROUP = 5
"""Students that a class figure tells of at least."""

_DECIMALS = 4
_NOTHING = Tally()
_Key = TypeVar("_Key", bound=Hashable)
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class StudentScore:
    """One skill of one student in one session."""

    student_id: str
    class_id: str
    day: date
    skill: Skill
    tally: Tally | None
    """None in rows that an earlier version published: they do not say how much was heard. They
    count as heard, and in no score."""


@dataclass(frozen=True, slots=True)
class ClassAggregate:
    """One figure of a class over a window.

    - `n_students`: who said enough for a score; `coverage`: their share of those who were heard;
      `utterances`: what these students said that could show a skill;
      `evidence_count`: findings in it, of all skills.
    - `found_<skill>`: findings; `score_<skill>`, `low_<skill>` and `high_<skill>`: the score that
      they come to, as if one person had said it all, and its interval; `change_<skill>`: the score
      less that of the window before. Left out where nothing was found.
    - `avg_<skill>`, `sd_<skill>`: of the students' weekly scores; `growth_<skill>`: the average
      less that of the window before, left out where nobody was heard then.
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
    skill: Skill
    tally: Tally
    """What was heard and found in the window."""
    score: Score | None
    """Of the whole window; None where nothing was found or too little was said."""
    score_before: Score | None
    """Of the window before."""
    session_count: int
    """Sessions in which something was found."""

    @property
    def growth(self) -> float | None:
        """The score less that of the window before."""
        if self.score is None or self.score_before is None:
            return None
        return self.score.value - self.score_before.value

    @property
    def is_growth_clear(self) -> bool:
        """Whether the intervals of the two do not overlap."""
        now, before = self.score, self.score_before
        if now is None or before is None:
            return False
        return now.low > before.high or before.low > now.high

    @property
    def is_insufficient(self) -> bool:
        """Whether too little was said to tell."""
        return self.tally.utterances < LEAST_UTTERANCES


def class_aggregates(
    scores: Iterable[StudentScore], usual: Usual = SHIPPED
) -> list[ClassAggregate]:
    """The figures of every class over every window that ends with a week in which it was heard.

    Args:
        scores: all scores of the classes, of as many weeks as there are.
        usual: what scores are measured against.
    """
    by_class = _grouped((score.class_id, score) for score in scores)
    return [row for of_class in sorted(by_class.items()) for row in _of_class(*of_class, usual)]


def student_trends(scores: Iterable[StudentScore], usual: Usual = SHIPPED) -> list[StudentTrend]:
    """How each student did in each class, over every window that ends with a week they spoke in."""
    by_student = _grouped(((score.student_id, score.class_id), score) for score in scores)
    return [
        trend
        for of_student in sorted(by_student.items())
        for trend in _of_student(*of_student, usual)
    ]


@dataclass(frozen=True, slots=True)
class _Week:
    """One week of a class."""

    heard: frozenset[str]
    counted: frozenset[str]
    """Students who said enough for a score."""
    utterances: int
    tallies: Mapping[Skill, Tally]
    """Of all these students together."""
    values: Mapping[Skill, Sequence[float]]
    """Each student's score of the week; none of too few students."""


def _of_class(
    class_id: str, scores: Sequence[StudentScore], usual: Usual
) -> Iterator[ClassAggregate]:
    skills = sorted({score.skill for score in scores})
    weeks = {monday: _week(of_week, usual) for monday, of_week in _by_week(scores).items()}
    for window in _windows(weeks):
        figures = _figures(_within(window, weeks), skills, usual)
        if weeks_before := _within(window.previous, weeks):
            before = _figures(weeks_before, skills, usual)
            for skill in skills:
                figures[f"growth_{skill}"] = _change(f"avg_{skill}", before, figures)
                if f"score_{skill}" in before.keys() & figures.keys():
                    figures[f"change_{skill}"] = _change(f"score_{skill}", before, figures)
        for metric, value in figures.items():
            yield ClassAggregate(class_id, window.start, window.end, metric, value)


def _week(scores: Sequence[StudentScore], usual: Usual) -> _Week:
    by_student = _grouped(((score.student_id, score.skill), score) for score in scores)
    tallies = {key: _added_up(of_student) for key, of_student in by_student.items()}
    counted = {key: tally for key, tally in tallies.items() if tally.utterances >= LEAST_UTTERANCES}
    values: dict[Skill, list[float]] = defaultdict(list)
    together: dict[Skill, Tally] = {}
    for (_, skill), tally in sorted(counted.items()):
        together[skill] = together.get(skill, _NOTHING) + tally
        if found := score(tally, usual.rates[skill]):
            values[skill].append(found.value)
    return _Week(
        heard=frozenset(student for student, _ in tallies),
        counted=frozenset(student for student, _ in counted),
        # Whatever can show one skill can show all.
        utterances=max((tally.utterances for tally in together.values()), default=0),
        tallies=together,
        values={
            skill: of_skill for skill, of_skill in values.items() if len(of_skill) >= SMALLEST_GROUP
        },
    )


def _figures(
    weeks: Iterable[_Week], skills: Iterable[Skill], usual: Usual
) -> dict[str, float | None]:
    shown = [week for week in weeks if len(week.counted) >= SMALLEST_GROUP]
    tallies = {
        skill: sum((week.tallies.get(skill, _NOTHING) for week in shown), _NOTHING)
        for skill in skills
    }
    counted = len({student for week in shown for student in week.counted})
    heard = len({student for week in shown for student in week.heard})
    figures: dict[str, float | None] = {
        "n_students": counted or None,
        "coverage": round(counted / heard, _DECIMALS) if shown else None,
        "utterances": sum(week.utterances for week in shown) if shown else None,
        "evidence_count": sum(tally.found for tally in tallies.values()) if shown else None,
    }
    for skill, tally in tallies.items():
        figures[f"found_{skill}"] = tally.found if shown else None
        if not shown:
            figures |= dict.fromkeys((f"score_{skill}", f"low_{skill}", f"high_{skill}"))
        elif found := score(tally, usual.rates[skill]):
            figures[f"score_{skill}"] = found.value
            figures[f"low_{skill}"], figures[f"high_{skill}"] = found.low, found.high
        values = [value for week in shown for value in week.values.get(skill, ())]
        # `fmean` and `stdev` add up exactly: the order in which scores are read changes no digit.
        figures[f"avg_{skill}"] = round(fmean(values), _DECIMALS) if values else None
        figures[f"sd_{skill}"] = round(stdev(values), _DECIMALS) if values else None
    return figures


def _of_student(
    student: tuple[str, str], scores: Sequence[StudentScore], usual: Usual
) -> Iterator[StudentTrend]:
    windows = _windows(_by_week(scores))
    by_skill = _grouped((score.skill, score) for score in scores)
    for skill, of_skill in sorted(by_skill.items()):
        weeks = _by_week(of_skill)
        for window in windows:
            now, before = (
                [score for week in _within(each, weeks) for score in week]
                for each in (window, window.previous)
            )
            tally = _added_up(now)
            yield StudentTrend(
                *student,
                window,
                skill,
                tally=tally,
                score=score(tally, usual.rates[skill]),
                score_before=score(_added_up(before), usual.rates[skill]),
                session_count=sum(bool(score.tally and score.tally.found) for score in now),
            )


def _added_up(scores: Iterable[StudentScore]) -> Tally:
    # In an order of their own: sums of fractions depend on it.
    tallies = sorted(
        (score.tally for score in scores if score.tally),
        key=lambda tally: (tally.utterances, tally.found, tally.weight),
    )
    return sum(tallies, _NOTHING)


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


def _change(
    metric: str, before: Mapping[str, float | None], now: Mapping[str, float | None]
) -> float | None:
    then, later = before[metric], now[metric]
    return None if then is None or later is None else round(later - then, _DECIMALS)
