from collections.abc import Iterable, Sequence
from dataclasses import replace
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
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.student_scores import LEAST_UTTERANCES, Tally, score
from orf_books.transcripts.usual import SHIPPED, UsualRate
from orf_books.transcripts.windows import Window, monday_of, windows_ending_with

MONDAY = date(2026, 11, 16)
EARLIER = MONDAY - timedelta(weeks=1)
WEEK, FOUR_WEEKS, TWELVE_WEEKS = windows_ending_with(MONDAY)
CLASS = "class-7"
UTTERANCES = 400
TOO_FEW = Tally(LEAST_UTTERANCES - 1, 1, 0.7)


def heard(found: int | None, utterances: int = UTTERANCES) -> Tally:
    """So many findings; None where too little was said."""
    return TOO_FEW if found is None else Tally(utterances, found, round(0.7 * found, 3))


def in_session(
    student: int, found: int | None, day: date = MONDAY, skill: Skill = Skill.EMPATHY
) -> StudentScore:
    return StudentScore(f"student-{student}", CLASS, day, skill, heard(found))


def in_sessions(found: Sequence[int | None], day: date = MONDAY) -> list[StudentScore]:
    """One session of each student, from the first on."""
    return [in_session(student, value, day) for student, value in enumerate(found)]


def value_of(tally: Tally, skill: Skill = Skill.EMPATHY) -> float:
    result = score(tally, SHIPPED.rates[skill])
    assert result is not None
    return result.value


def figures(scores: Iterable[StudentScore], window: Window = WEEK) -> dict[str, float | None]:
    return {
        row.metric_name: row.metric_value
        for row in class_aggregates(scores)
        if (row.window_start, row.window_end) == (window.start, window.end)
    }


def test_a_window_has_the_figures_of_its_students() -> None:
    values = [value_of(heard(found)) for found in (1, 2, 4, 8, 16)]
    together = score(Tally(6 * UTTERANCES, 31, 21.7), SHIPPED.rates[Skill.EMPATHY])
    assert together is not None

    assert figures(in_sessions([1, 2, 4, 8, 16, 0, None])) == {
        "avg_empathy": round(mean(values), 4),
        "sd_empathy": round(stdev(values), 4),
        "found_empathy": 31,
        "score_empathy": together.value,
        "low_empathy": together.low,
        "high_empathy": together.high,
        "n_students": 6,
        "coverage": 0.8571,
        "utterances": 6 * UTTERANCES,
        "evidence_count": 31,
    }


def test_nothing_found_is_counted_and_has_no_score() -> None:
    found = figures(in_sessions([0] * 6))

    assert (found["found_empathy"], found["utterances"]) == (0, 6 * UTTERANCES)
    assert not {"score_empathy", "low_empathy", "high_empathy"} & found.keys()


def test_a_student_counts_once_a_week_however_many_sessions_there_are() -> None:
    twice = [in_session(0, 0, MONDAY + timedelta(days=2)), *in_sessions([4] * 5)]
    of_first = value_of(heard(4, 2 * UTTERANCES))

    assert figures(twice)["avg_empathy"] == round(mean([of_first] + [value_of(heard(4))] * 4), 4)
    assert figures(twice)["n_students"] == 5


def test_a_longer_window_has_what_was_found_in_all_its_weeks() -> None:
    both = [*in_sessions([1] * 5, EARLIER), *in_sessions([3] * 6)]
    found = figures(both, FOUR_WEEKS)

    assert (found["found_empathy"], found["utterances"]) == (23, 11 * UTTERANCES)
    assert found["score_empathy"] == value_of(Tally(11 * UTTERANCES, 23, 16.1))
    assert (found["n_students"], found["evidence_count"]) == (6, 23)
    assert figures(both, TWELVE_WEEKS)["score_empathy"] == found["score_empathy"]


def test_growth_and_change_are_against_the_window_before() -> None:
    both = [*in_sessions([1] * 5, EARLIER), *in_sessions([8] * 5)]

    assert figures(both)["growth_empathy"] == value_of(heard(8)) - value_of(heard(1))
    change = value_of(Tally(5 * UTTERANCES, 40, 28.0)) - value_of(Tally(5 * UTTERANCES, 5, 3.5))
    assert figures(both)["change_empathy"] == change > 0
    for window in (WEEK.previous, FOUR_WEEKS):
        assert not {"growth_empathy", "change_empathy"} & figures(both, window).keys()


def test_every_figure_of_fewer_than_five_students_is_suppressed() -> None:
    few = in_sessions([6] * 4 + [None] * 20)
    rows = class_aggregates([*in_sessions([4] * 5, EARLIER), *few])
    of_week = [row for row in rows if row.window_start == WEEK.start]

    assert {row.metric_name for row in of_week} == {
        *("avg_empathy", "sd_empathy", "growth_empathy", "n_students", "coverage"),
        *("found_empathy", "score_empathy", "low_empathy", "high_empathy", "change_empathy"),
        *("utterances", "evidence_count"),
    }
    assert all(row.is_suppressed for row in of_week)


def test_an_average_of_few_scores_is_suppressed_by_itself() -> None:
    collaboration = [in_session(n, int(n < 4), skill=Skill.COLLABORATION) for n in range(5)]
    found = figures([*in_sessions([6] * 5), *collaboration])

    assert found["avg_collaboration"] is found["sd_collaboration"] is None
    assert (found["found_collaboration"], found["n_students"]) == (4, 5)
    assert found["avg_empathy"] == value_of(heard(6))


def test_growth_does_not_tell_the_figures_of_a_suppressed_window() -> None:
    after_few = [*in_sessions([6] * 4, EARLIER), *in_sessions([6] * 5)]

    assert figures(after_few)["growth_empathy"] is None
    assert figures(after_few)["change_empathy"] is None
    assert figures(after_few)["avg_empathy"] == value_of(heard(6))


def test_a_student_heard_in_a_small_week_cannot_be_found_by_subtracting_windows() -> None:
    others = in_sessions([6] * 5)
    alone = in_session(9, 7, EARLIER)

    assert figures([alone, *others], FOUR_WEEKS) == figures(others, FOUR_WEEKS)


def test_rows_of_an_earlier_version_count_as_heard_and_in_no_score() -> None:
    earlier = replace(in_session(9, 7), tally=None)
    found = figures([earlier, *in_sessions([6] * 5)])

    assert (found["n_students"], found["coverage"]) == (5, 0.8333)
    assert found["found_empathy"] == 30


def test_what_is_usual_decides_what_a_window_scores() -> None:
    common = replace(SHIPPED, rates={**SHIPPED.rates, Skill.EMPATHY: UsualRate(0.2, 2.0, 0.7)})
    metrics = {
        row.metric_name: row.metric_value for row in class_aggregates(in_sessions([6] * 5), common)
    }
    assert metrics["score_empathy"] is not None
    assert metrics["score_empathy"] < 5 < value_of(Tally(5 * UTTERANCES, 30, 21.0))


def test_classes_are_kept_apart() -> None:
    other = replace(in_session(9, 50), class_id="class-8")

    assert figures([*in_sessions([6] * 5), other])["found_empathy"] in (30, None)
    assert {row.class_id for row in class_aggregates([*in_sessions([6] * 5), other])} == {
        CLASS,
        "class-8",
    }


def test_nothing_comes_of_no_scores() -> None:
    assert class_aggregates([]) == []
    assert student_trends([]) == []


SCORES = st.lists(
    st.builds(
        in_session,
        st.integers(0, 8),
        st.none() | st.integers(0, 12),
        st.integers(0, 200).map(lambda days: MONDAY + timedelta(days=days)),
        st.sampled_from([Skill.EMPATHY, Skill.ADAPTABILITY]),
    ),
    max_size=150,
)


def small_weeks(scores: Sequence[StudentScore]) -> set[date]:
    """Weeks in which fewer than five students said enough."""
    said: dict[date, dict[tuple[str, Skill], int]] = {}
    for each in scores:
        of_week = said.setdefault(monday_of(each.day), {})
        key = each.student_id, each.skill
        of_week[key] = of_week.get(key, 0) + (each.tally.utterances if each.tally else 0)
    return {
        monday
        for monday, of_week in said.items()
        if len({student for (student, _), n in of_week.items() if n >= LEAST_UTTERANCES})
        < SMALLEST_GROUP
    }


@given(SCORES, st.integers(1, 40))
def test_no_figure_changes_with_what_was_said_in_small_weeks(
    scores: list[StudentScore], more: int
) -> None:
    """What does not depend on something cannot tell it, in whatever way figures are combined."""
    small = small_weeks(scores)
    others = [
        replace(each, tally=each.tally + Tally(7 * more, more, 0.5 * more))
        if monday_of(each.day) in small and each.tally and each.tally != TOO_FEW
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
        in_session(1, 1, EARLIER),
        in_session(1, 5, MONDAY),
        in_session(1, 0, MONDAY + timedelta(days=1)),
        in_session(1, None, MONDAY + timedelta(days=2)),
    ]
    trends = {trend.window: trend for trend in student_trends(of_one)}
    week, four_weeks = trends[WEEK], trends[FOUR_WEEKS]
    assert week.score is not None
    assert four_weeks.score is not None

    assert week.tally == heard(5) + heard(0) + TOO_FEW
    assert week.score.value == value_of(week.tally)
    assert week.growth == week.score.value - value_of(heard(1))
    assert (week.session_count, week.is_growth_clear) == (2, False)
    assert four_weeks.tally == week.tally + heard(1)
    assert (four_weeks.growth, four_weeks.session_count) == (None, 3)


def test_sessions_in_which_nothing_was_found_lower_the_score_of_a_window() -> None:
    silent = [in_session(1, 0, MONDAY + timedelta(days=day)) for day in range(1, 5)]
    alone, with_silence = (
        student_trends(of_one)[-1].score
        for of_one in ([in_session(1, 4)], [in_session(1, 4), *silent])
    )
    assert alone is not None
    assert with_silence is not None
    assert with_silence.value < alone.value


def test_growth_is_clear_only_where_the_intervals_are_apart() -> None:
    def growth(before: int, now: int) -> bool:
        scores = [in_session(1, before, EARLIER), in_session(1, now)]
        return {trend.window: trend for trend in student_trends(scores)}[WEEK].is_growth_clear

    assert growth(1, 40)
    assert not growth(3, 4)


def test_intervals_that_touch_and_scores_without_another_before_tell_of_no_growth() -> None:
    scores = [in_session(1, 1, EARLIER), in_session(1, 40)]
    week = {trend.window: trend for trend in student_trends(scores)}[WEEK]
    assert week.score is not None
    assert week.score_before is not None
    touching = replace(week, score_before=replace(week.score_before, high=week.score.low))
    falling = replace(week, score=week.score_before, score_before=week.score)
    assert (week.is_growth_clear, falling.is_growth_clear) == (True, True)
    assert not touching.is_growth_clear
    assert not replace(
        falling, score=touching.score_before, score_before=week.score
    ).is_growth_clear
    for one_missing in (replace(week, score=None), replace(week, score_before=None)):
        assert (one_missing.is_growth_clear, one_missing.growth) == (False, None)


def test_three_utterances_are_enough_to_tell() -> None:
    (week, *_) = student_trends([in_session(1, 3)])
    assert not replace(week, tally=Tally(LEAST_UTTERANCES)).is_insufficient
    assert replace(week, tally=TOO_FEW).is_insufficient


@pytest.mark.parametrize(("found", "is_insufficient"), [(None, True), (0, False)])
def test_a_student_without_a_score_has_a_trend_that_says_why(
    found: int | None, *, is_insufficient: bool
) -> None:
    (week, *_) = student_trends([in_session(1, found)])

    assert (week.score, week.growth, week.is_insufficient) == (None, None, is_insufficient)


def test_a_student_of_two_classes_has_trends_in_both() -> None:
    other = replace(in_session(1, 9), class_id="class-8")
    found = {
        (trend.class_id, trend.tally.found) for trend in student_trends([in_session(1, 3), other])
    }

    assert found == {(CLASS, 3), ("class-8", 9)}
