from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.transcripts.aggregates import (
    SMALLEST_GROUP,
    ClassAggregate,
    StudentScore,
    class_aggregates,
    student_trends,
)
from orf_books.transcripts.windows import Window, monday_of, windows_ending_with

MONDAY = date(2026, 11, 16)
EARLIER = MONDAY - timedelta(weeks=1)
WEEK, FOUR_WEEKS, TWELVE_WEEKS = windows_ending_with(MONDAY)
CLASS = "class-7"


def score(
    student: int, value: float | None, day: date = MONDAY, skill: str = "empathy", evidence: int = 1
) -> StudentScore:
    return StudentScore(f"student-{student}", CLASS, day, skill, value, 0.5, evidence)


def scores(values: Sequence[float | None], day: date = MONDAY) -> list[StudentScore]:
    """One score for each student, from the first on."""
    return [score(student, value, day) for student, value in enumerate(values)]


def figures(scores: Iterable[StudentScore], window: Window = WEEK) -> dict[str, float | None]:
    return {
        row.metric_name: row.metric_value
        for row in class_aggregates(scores)
        if (row.window_start, row.window_end) == (window.start, window.end)
    }


def test_a_window_has_the_figures_of_its_students() -> None:
    assert figures(scores([2, 4, 6, 8, 10, None])) == {
        "avg_empathy": 6.0,
        "sd_empathy": 3.1623,
        "n_students": 5,
        "coverage": 0.8333,
        "evidence_count": 5,
    }


def test_a_student_counts_once_a_week_however_many_sessions_there_are() -> None:
    twice = [score(0, 10, MONDAY + timedelta(days=2)), *scores([0, 5, 5, 5, 5])]

    assert figures(twice)["avg_empathy"] == 5.0
    assert figures(twice)["n_students"] == 5


def test_a_longer_window_has_the_scores_of_all_its_weeks() -> None:
    both = [*scores([1, 2, 3, 4, 5], EARLIER), *scores([6, 7, 8, 9, 10, 10])]
    found = figures(both, FOUR_WEEKS)

    assert found["avg_empathy"] == pytest.approx(
        mean([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]), abs=1e-4
    )
    assert found["sd_empathy"] == pytest.approx(
        stdev([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]), abs=1e-4
    )
    assert (found["n_students"], found["evidence_count"]) == (6, 11)
    assert figures(both, TWELVE_WEEKS)["avg_empathy"] == found["avg_empathy"]


def test_growth_is_against_the_window_before() -> None:
    both = [*scores([4] * 5, EARLIER), *scores([6.5] * 5)]

    assert figures(both)["growth_empathy"] == 2.5
    assert "growth_empathy" not in figures(both, WEEK.previous)
    assert "growth_empathy" not in figures(both, FOUR_WEEKS)


def test_every_figure_of_fewer_than_five_students_is_suppressed() -> None:
    rows = class_aggregates([*scores([4] * 5, EARLIER), *scores([6] * 4 + [None] * 20)])
    of_week = [row for row in rows if row.window_start == WEEK.start]

    assert {row.metric_name for row in of_week} == {
        *("avg_empathy", "sd_empathy", "growth_empathy", "n_students", "coverage"),
        "evidence_count",
    }
    assert all(row.is_suppressed for row in of_week)


def test_a_skill_that_few_have_a_score_in_is_suppressed_by_itself() -> None:
    collaboration = [score(student, 5, skill="collaboration") for student in range(4)]
    found = figures([*scores([6] * 5), *collaboration])

    assert found["avg_collaboration"] is found["sd_collaboration"] is None
    assert (found["avg_empathy"], found["n_students"]) == (6.0, 5)


def test_growth_does_not_tell_the_average_of_a_suppressed_window() -> None:
    after_few = [*scores([6] * 4, EARLIER), *scores([6] * 5)]

    assert figures(after_few)["growth_empathy"] is None
    assert figures(after_few)["avg_empathy"] == 6.0


def test_a_student_heard_in_a_small_week_cannot_be_found_by_subtracting_windows() -> None:
    others = scores([6] * 5)
    alone = score(9, 1, EARLIER, evidence=7)

    assert figures([alone, *others], FOUR_WEEKS) == figures(others, FOUR_WEEKS)


def test_classes_are_kept_apart() -> None:
    other = StudentScore("student-9", "class-8", MONDAY, "empathy", 0.0, 0.5, 1)

    assert figures([*scores([6] * 5), other])["avg_empathy"] in (6.0, None)
    assert {row.class_id for row in class_aggregates([*scores([6] * 5), other])} == {
        CLASS,
        "class-8",
    }


def test_nothing_comes_of_no_scores() -> None:
    assert class_aggregates([]) == []
    assert student_trends([]) == []


SCORES = st.lists(
    st.builds(
        score,
        st.integers(0, 8),
        st.none() | st.integers(0, 1000).map(lambda hundredths: hundredths / 100),
        st.integers(0, 200).map(lambda days: MONDAY + timedelta(days=days)),
        st.sampled_from(["empathy", "adaptability"]),
        st.integers(0, 3),
    ),
    max_size=150,
)


def small_weeks(scores: Sequence[StudentScore]) -> set[date]:
    students: dict[date, set[str]] = {monday_of(each.day): set() for each in scores}
    for each in scores:
        if each.score is not None:
            students[monday_of(each.day)].add(each.student_id)
    return {monday for monday, found in students.items() if len(found) < SMALLEST_GROUP}


@given(SCORES, st.integers(1, 1000))
def test_no_figure_changes_with_what_was_said_in_small_weeks(
    scores: list[StudentScore], hundredths: int
) -> None:
    """What does not depend on something cannot tell it, in whatever way figures are combined."""
    small = small_weeks(scores)
    others = [
        StudentScore(
            each.student_id,
            each.class_id,
            each.day,
            each.skill,
            None if each.score is None else hundredths / 100,
            each.confidence,
            each.evidence_count + hundredths,
        )
        if monday_of(each.day) in small
        else each
        for each in scores
    ]

    assert class_aggregates(others) == class_aggregates(scores)


@given(SCORES)
def test_the_order_of_scores_changes_no_digit(scores: list[StudentScore]) -> None:
    backwards = scores[::-1]

    assert class_aggregates(backwards) == class_aggregates(scores)
    assert student_trends(backwards) == student_trends(scores)


@given(SCORES)
def test_a_window_is_suppressed_as_a_whole_or_tells_of_five_students(
    scores: list[StudentScore],
) -> None:
    windows: dict[tuple[date, date], list[ClassAggregate]] = {}
    for row in class_aggregates(scores):
        windows.setdefault((row.window_start, row.window_end), []).append(row)
    for rows in windows.values():
        (n_students,) = (row.metric_value for row in rows if row.metric_name == "n_students")
        if n_students is None:
            assert all(row.is_suppressed for row in rows)
        else:
            assert n_students >= SMALLEST_GROUP


def test_a_student_sees_their_own_figures_however_few_others_there_are() -> None:
    of_one = [
        score(1, 4.0, EARLIER, evidence=2),
        score(1, 5.0, MONDAY, evidence=1),
        score(1, 6.0, MONDAY + timedelta(days=1), evidence=3),
        score(1, None, MONDAY + timedelta(days=2), evidence=1),
    ]
    trends = {trend.window: trend for trend in student_trends(of_one)}
    week, four_weeks = trends[WEEK], trends[FOUR_WEEKS]

    assert (week.average, week.growth, week.confidence) == (5.5, 1.5, 0.5)
    assert (week.session_count, week.evidence_count) == (2, 4)
    assert (four_weeks.average, four_weeks.growth, four_weeks.session_count) == (5.0, None, 3)


def test_a_student_without_a_score_has_a_trend_without_an_average() -> None:
    (week, *_) = student_trends([score(1, None)])

    assert (week.average, week.confidence, week.session_count) == (None, None, 0)


def test_a_student_of_two_classes_has_trends_in_both() -> None:
    other = StudentScore("student-1", "class-8", MONDAY, "empathy", 9.0, 0.5, 1)
    found = {(trend.class_id, trend.average) for trend in student_trends([score(1, 3.0), other])}

    assert found == {(CLASS, 3.0), ("class-8", 9.0)}
