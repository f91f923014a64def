"""The document of figures that goes with a session."""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orf_books.transcripts.aggregate_document import ClassFigures, write_aggregates
from orf_books.transcripts.aggregates import StudentScore, class_aggregates, student_trends
from orf_books.transcripts.windows import windows_ending_with

CLASS = "class-7"
MONDAY = date(2026, 11, 16)
EARLIER, LATER = MONDAY - timedelta(weeks=1), MONDAY + timedelta(weeks=1)
SKILLS = ("collaboration", "empathy")


def scores(values: Iterable[float | None], day: date = MONDAY) -> list[StudentScore]:
    """For each student, from the first on, the same score in every skill."""
    return [
        StudentScore(f"student-{number}", CLASS, day, skill, value, 0.5, 2)
        for number, value in enumerate(values)
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
    assert found == {"job_id": "job-1", "class_id": CLASS, "date": "2026-11-16"}


def test_it_has_the_windows_that_end_with_the_week_of_the_session() -> None:
    ends = [(one["window_start"], one["window_end"]) for one in windows(scores([5] * 5))]
    assert ends == [
        ("2026-11-16", "2026-11-22"),
        ("2026-10-26", "2026-11-22"),
        ("2026-08-31", "2026-11-22"),
    ]


def test_it_has_the_figures_of_the_class() -> None:
    week, *_ = windows([*scores([4] * 5, EARLIER), *scores([2, 4, 6, 8, 10, None])])
    assert week["class"] == {
        **{f"avg_{skill}": 6.0 for skill in SKILLS},
        **{f"sd_{skill}": 3.1623 for skill in SKILLS},
        **{f"growth_{skill}": 2.0 for skill in SKILLS},
        "n_students": 5,
        "coverage": 0.8333,
        "evidence_count": 20,
    }
    assert week["suppressed"] == []


def test_figures_of_few_students_are_named_and_not_told() -> None:
    week, *_ = windows(scores([4] * 4))
    assert set(week["suppressed"]) == week["class"].keys()
    assert set(week["class"].values()) == {None}


def test_it_has_the_figures_of_each_student() -> None:
    week, *_ = windows([*scores([4], EARLIER), *scores([7, None])])
    of_one = {
        "average": 7.0,
        "growth": 3.0,
        "confidence": 0.5,
        "session_count": 1,
        "evidence_count": 2,
    }
    of_other = {
        "average": None,
        "growth": None,
        "confidence": None,
        "session_count": 0,
        "evidence_count": 0,
    }
    assert week["students"] == {
        "student-0": dict.fromkeys(SKILLS, of_one),
        "student-1": dict.fromkeys(SKILLS, of_other),
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


def _of_a_student(number: int, days: int, values: tuple[float | None, ...]) -> list[StudentScore]:
    day = MONDAY + timedelta(days=days)
    return [
        StudentScore(f"student-{number}", CLASS, day, skill, value, 0.5, 2)
        for skill, value in zip(SKILLS, values, strict=True)
    ]


VALUES = st.none() | st.integers(0, 1000).map(lambda hundredths: hundredths / 100)
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
