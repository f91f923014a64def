"""The document of figures that goes with a session."""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orf_books.transcripts.aggregate_document import ClassFigures, write_aggregates
from orf_books.transcripts.aggregates import StudentScore, class_aggregates, student_trends
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.student_scores import Tally, score
from orf_books.transcripts.usual import SHIPPED
from orf_books.transcripts.windows import windows_ending_with

CLASS = "class-7"
MONDAY = date(2026, 11, 16)
EARLIER, LATER = MONDAY - timedelta(weeks=1), MONDAY + timedelta(weeks=1)
SKILLS = (Skill.COLLABORATION, Skill.EMPATHY)


def heard(found: int | None) -> Tally:
    """So many findings; None where too little was said."""
    return Tally(2) if found is None else Tally(400, found, round(0.7 * found, 3))


def scores(found: Iterable[int | None], day: date = MONDAY) -> list[StudentScore]:
    """For each student, from the first on, as much found of every skill."""
    return [
        StudentScore(f"student-{number}", CLASS, day, skill, heard(each))
        for number, each in enumerate(found)
        for skill in SKILLS
    ]


def document(of: list[StudentScore], day: date = MONDAY) -> bytes:
    figures = ClassFigures(tuple(class_aggregates(of)), tuple(student_trends(of)))
    return write_aggregates(figures.by_window(), job_id="job-1", class_id=CLASS, day=day)


def windows(of: list[StudentScore], day: date = MONDAY) -> list[dict[str, Any]]:
    return list(json.loads(document(of, day))["windows"])


def test_it_says_which_session_it_goes_with() -> None:
    found = json.loads(document(scores([5] * 5)))
    del found["windows"]
    assert found.pop("usual")["source"] == "shipped"
    assert found == {"job_id": "job-1", "class_id": CLASS, "date": "2026-11-16"}


def test_it_has_the_windows_that_end_with_the_week_of_the_session() -> None:
    ends = [(one["window_start"], one["window_end"]) for one in windows(scores([5] * 5))]
    assert ends == [
        ("2026-11-16", "2026-11-22"),
        ("2026-10-26", "2026-11-22"),
        ("2026-08-31", "2026-11-22"),
    ]


def test_it_has_the_figures_of_the_class() -> None:
    of = [*scores([4] * 5, EARLIER), *scores([2, 4, 6, 8, 10, None])]
    week, *_ = windows(of)
    assert week["class"] == {
        row.metric_name: row.metric_value
        for row in class_aggregates(of)
        if row.window_start == MONDAY
    }
    assert week["class"]["found_empathy"] == 30
    assert (week["class"]["n_students"], week["class"]["utterances"]) == (5, 2000)
    assert week["suppressed"] == []


def test_figures_of_few_students_are_named_and_not_told() -> None:
    week, *_ = windows(scores([4] * 4))
    assert set(week["suppressed"]) == week["class"].keys()
    assert set(week["class"].values()) == {None}


def test_it_has_the_figures_of_each_student() -> None:
    week, *_ = windows([*scores([1], EARLIER), *scores([7, 0])])
    expected = score(heard(7), SHIPPED.rates[Skill.EMPATHY])
    before = score(heard(1), SHIPPED.rates[Skill.EMPATHY])
    assert expected is not None
    assert before is not None
    assert week["students"]["student-0"]["empathy"] == {
        "score": expected.value,
        "low": expected.low,
        "high": expected.high,
        "growth": expected.value - before.value,
        "is_growth_clear": expected.low > before.high,
        "confidence": expected.confidence,
        "session_count": 1,
        "evidence_count": 7,
        "utterances": 400,
    }
    assert week["students"]["student-1"]["empathy"] == {
        "score": None,
        "low": None,
        "high": None,
        "growth": None,
        "is_growth_clear": False,
        "confidence": None,
        "session_count": 0,
        "evidence_count": 0,
        "utterances": 400,
    }
    assert list(week["students"]) == ["student-0", "student-1"]


def test_a_window_without_figures_is_empty() -> None:
    assert windows(scores([4] * 5), LATER)[0] == {
        "window_start": "2026-11-23",
        "window_end": "2026-11-29",
        "class": {},
        "suppressed": [],
        "students": {},
    }


def _of_a_student(number: int, days: int, found: tuple[int | None, ...]) -> list[StudentScore]:
    day = MONDAY + timedelta(days=days)
    return [
        StudentScore(f"student-{number}", CLASS, day, skill, heard(each))
        for skill, each in zip(SKILLS, found, strict=True)
    ]


VALUES = st.none() | st.integers(0, 20)
SCORES = st.lists(
    st.builds(_of_a_student, st.integers(0, 7), st.integers(-14, 13), st.tuples(VALUES, VALUES)),
    max_size=15,
).map(lambda students: [score for student in students for score in student])


@given(SCORES, st.randoms(use_true_random=False))
def test_the_same_scores_give_the_same_bytes(scores: list[StudentScore], chance: Any) -> None:  # noqa: ANN401 - the class is hypothesis's own
    shuffled = list(scores)
    chance.shuffle(shuffled)
    assert document(shuffled) == document(scores)


@given(SCORES)
def test_what_is_said_later_changes_no_earlier_document(scores: list[StudentScore]) -> None:
    before = [score for score in scores if score.day < LATER]
    assert document(scores) == document(before)


@given(SCORES)
def test_it_has_all_figures_of_its_windows_and_no_other(scores: list[StudentScore]) -> None:
    rows = class_aggregates(scores)
    for window, shown in zip(windows_ending_with(MONDAY), windows(scores), strict=True):
        assert shown["class"] == {
            row.metric_name: row.metric_value
            for row in rows
            if (row.window_start, row.window_end) == (window.start, window.end)
        }
