import json
from collections import Counter
from datetime import date, timedelta

import pytest

from orf_books.sandbox.class_sessions import FIRST_DAY, SKILLS, invented_class, invented_session

DAY = date(2026, 3, 2)


@pytest.mark.parametrize("transcript_format", ["txt", "csv", "jsonl"])
def test_a_session_is_the_same_each_time(transcript_format: str) -> None:
    one, other = (
        invented_session(invented_class("5B"), DAY, 50).write(transcript_format) for _ in range(2)
    )
    assert one == other


def test_classes_seeds_and_days_differ() -> None:
    sessions = {
        invented_session(invented_class(class_id, seed=seed), day, 20).turns
        for class_id, seed, day in [
            ("5B", 0, DAY),
            ("5C", 0, DAY),
            ("5B", 1, DAY),
            ("5B", 0, DAY + timedelta(days=7)),
        ]
    }
    assert len(sessions) == 4


def test_a_class_day_has_a_thousand_utterances_of_thirty_students() -> None:
    session = invented_session(invented_class("5B"), DAY)
    assert len(session.turns) == 1000
    assert len({turn.student_id for turn in session.turns if turn.student_id}) == 30
    times = [turn.timestamp for turn in session.turns]
    assert times == sorted(times)
    assert len(set(times)) == 1000
    assert {turn.skill for turn in session.turns} == {None, *SKILLS}


@pytest.mark.parametrize("students", [1, 40, 1200])
def test_names_and_ids_are_all_different(students: int) -> None:
    of = invented_class("5B", students)
    assert len({student.name for student in of.students}) == students
    assert len({student.student_id for student in of.students}) == students


def test_the_roster_says_who_has_not_consented() -> None:
    entries = json.loads(invented_class("5B").roster())["student_roster"]
    assert Counter((entry["role"], entry.get("consent")) for entry in entries) == {
        ("student", True): 28,
        ("student", False): 2,
        ("teacher", None): 2,
    }


def test_students_grow_as_weeks_go_by() -> None:
    of = invented_class("5B")
    early, late = (
        sum(turn.skill is not None for turn in invented_session(of, day, 5000).turns)
        for day in (FIRST_DAY, FIRST_DAY + timedelta(weeks=20))
    )
    assert late > early


def test_nobody_is_named_where_a_class_is_printed() -> None:
    of = invented_class("5B", 3)
    session = invented_session(of, DAY, 30)
    printed = f"{of!r} {session!r}"
    assert not any(student.first_name in printed for student in of.students)
