"""Handing in corrections: what is stored, what follows from it, and what is refused."""

import json
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from orf_books.batches.resource import BatchResource
from orf_books.commands.corrections import Mark, Marks, correct, marks_of, read_marks
from orf_books.commands.published_records import student_document
from orf_books.commands.student_deletion import delete_student
from orf_books.failures import FixInput
from orf_books.object_keys import class_page_key, student_page_key
from orf_books.records.corrections import corrections_of
from orf_books.resources.published_tables import ACCESS_LOG, CORRECTIONS
from orf_books.transcripts.corrections import Verdict, place_of
from orf_books.transcripts.measured_tiers import is_measured
from orf_books.transcripts.normalised import read_normalised
from orf_books.transcripts.score_document import read_scores
from orf_books.transcripts.scored_session import Evidence
from orf_books.transcripts.skills import Skill
from orf_books_tests.assets.transcripts.class_platform import MONDAY, ClassPlatform, platform_in

pytestmark = pytest.mark.slow

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)


@pytest.fixture
def platform(tmp_path: Path, instance: dg.DagsterInstance) -> ClassPlatform:
    """A class with one session, scored and published."""
    of_class = platform_in(tmp_path, instance)
    of_class.put()
    assert of_class.ingest().success
    return of_class


def findings(platform: ClassPlatform) -> list[tuple[str, Evidence]]:
    (row,) = platform.records.latest().values()
    students = read_scores(platform.storage.get(row.scores_key)).session.students
    return [
        (student_id, found)
        for student_id, student in students.items()
        for score in student.skills.values()
        for found in score.evidence
    ]


def marks(student_id: str, *corrections: Mark) -> Marks:
    return Marks("5B", student_id, "Ms. Rivera", NOW, corrections)


def mark(found: Evidence, verdict: Verdict = Verdict.WRONG) -> Mark:
    return Mark(str(MONDAY), found.skill, verdict, place_of(found.utterance_id))


def hand_in(platform: ClassPlatform, of: Marks) -> dict[str, object]:
    batch = BatchResource(concurrency=10, ledger=platform.settings.ledger)
    return correct(platform.settings, of, batch).as_document()


def test_a_wrong_finding_is_gone_from_table_figures_and_page(platform: ClassPlatform) -> None:
    shown = [each for each in findings(platform) if is_measured(each[1].skill)]
    student_id, found = shown[0]
    page_key = student_page_key("5B", student_id)
    row_before = student_document(platform.settings, student_id, "test")
    assert f'data-place="{place_of(found.utterance_id)}" data-skill="{found.skill}"' in (
        platform.storage.get(page_key).decode()
    )

    done = hand_in(platform, marks(student_id, mark(found)))

    assert done == {"class_id": "5B", "stored": 1, "sessions": 1, "published": "yes"}
    row_after = student_document(platform.settings, student_id, "test")
    assert len(row_after["evidence"]) == len(row_before["evidence"]) - 1
    assert [one["verdict"] for one in row_after["corrections"]] == ["wrong"]
    assert f'data-place="{place_of(found.utterance_id)}" data-skill="{found.skill}"' not in (
        platform.storage.get(page_key).decode()
    )
    (row,) = platform.records.latest().values()
    week = json.loads(platform.storage.get(row.aggregates_key))["windows"][0]
    assert week["class"]["evidence_count"] == len(findings(platform)) - 1
    assert "0 of 1 right" in platform.storage.get(class_page_key("5B")).decode()
    (logged,) = [one for one in platform.published(ACCESS_LOG) if one["action"] == "correct"]
    assert logged["record_ids"] == [student_id]


def test_a_missed_finding_is_added_and_quoted(platform: ClassPlatform) -> None:
    (row,) = platform.records.latest().values()
    taken = {(student, found.utterance_id) for student, found in findings(platform)}
    utterance = next(
        one
        for one in read_normalised(platform.storage.get(row.normalized_key)).session.utterances
        if one.student_id and (one.student_id, one.utterance_id) not in taken
    )
    assert utterance.student_id is not None

    one = Mark(str(MONDAY), Skill.EMPATHY, Verdict.MISSED, line=utterance.line_number)
    hand_in(platform, marks(utterance.student_id, one))

    evidence = student_document(platform.settings, utterance.student_id, "test")["evidence"]
    (added,) = [one for one in evidence if one["rationale"] == "An educator added it."]
    assert (added["span_text"], added["score_contrib"]) == (utterance.text, 1.0)
    page = platform.storage.get(student_page_key("5B", utterance.student_id)).decode()
    assert "An educator added it." in page


def test_scoring_again_keeps_corrections(platform: ClassPlatform) -> None:
    student_id, found = findings(platform)[0]
    hand_in(platform, marks(student_id, mark(found)))
    before = student_document(platform.settings, student_id, "test")["evidence"]

    platform.put_roster()
    assert platform.ingest().success
    after = student_document(platform.settings, student_id, "test")["evidence"]
    assert after == before


def test_deleting_the_student_deletes_the_corrections(platform: ClassPlatform) -> None:
    (student_id, found), (other, of_other) = (
        next((student, one) for student, one in findings(platform) if student != but)
        for but in ["", findings(platform)[0][0]]
    )
    hand_in(platform, marks(student_id, mark(found)))
    hand_in(platform, marks(other, mark(of_other, Verdict.RIGHT)))

    batch = BatchResource(concurrency=10, ledger=platform.settings.ledger)
    delete_student(platform.settings, student_id, "ada", batch)

    assert [one.student_id for one in corrections_of(platform.storage, "5B")] == [other]
    assert [row["student_id"] for row in platform.published(CORRECTIONS)] == [other]
    judged = student_document(platform.settings, other, "test")["evidence"]
    assert any(one["rationale"].endswith("An educator confirmed it.") for one in judged)


def test_what_points_nowhere_is_refused_and_nothing_is_stored(platform: ClassPlatform) -> None:
    student_id, found = findings(platform)[0]
    elsewhere = next(skill for skill in Skill if skill is not found.skill)
    place = place_of(found.utterance_id)
    for wrong, words in (
        (Mark("2020-01-01", found.skill, Verdict.WRONG, place), "no such session"),
        (Mark(str(MONDAY), found.skill, Verdict.WRONG, line=99_999), "begins at line 99999"),
        (Mark(str(MONDAY), elsewhere, Verdict.WRONG, place), "Nothing of"),
    ):
        with pytest.raises(FixInput, match=words):
            hand_in(platform, marks(student_id, mark(found), wrong))
    with pytest.raises(FixInput, match="No session of class 9Z"):
        hand_in(platform, Marks("9Z", student_id, "Ms. Rivera", NOW, (mark(found),)))
    with pytest.raises(FixInput, match="UUID"):
        hand_in(platform, marks("Emma", mark(found)))
    with pytest.raises(FixInput, match="name of who"):
        hand_in(platform, marks(student_id))
    assert corrections_of(platform.storage) == []


def test_marks_are_read_as_the_page_writes_them() -> None:
    content = {
        "class_id": "5B",
        "student_id": "3f6c0000-0000-4000-8000-000000000001",
        "corrected_by": "Ms. Rivera",
        "corrected_at": "2026-01-20T12:00:00.000Z",
        "corrections": [
            {"session": "2026-01-05/ab12", "place": "12:1", "skill": "empathy", "verdict": "wrong"},
            {"session": "2026-01-05/ab12", "line": 14, "skill": "empathy", "verdict": "missed"},
        ],
    }
    read = read_marks(json.dumps(content).encode())
    assert read.corrected_at == NOW
    assert read.corrections == (
        Mark("2026-01-05/ab12", Skill.EMPATHY, Verdict.WRONG, "12:1"),
        Mark("2026-01-05/ab12", Skill.EMPATHY, Verdict.MISSED, line=14),
    )


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"class_id": "Emma was here"}'])
def test_what_is_no_file_of_marks_is_refused_and_not_quoted(content: bytes) -> None:
    with pytest.raises(FixInput, match="no file of marks") as refused:
        read_marks(content)
    assert "Emma" not in str(refused.value)


def test_a_mark_from_options_names_what_is_missing() -> None:
    with pytest.raises(FixInput, match="--session, --line"):
        marks_of("5B", None, "3f6c", None, "empathy", "wrong", "ada")
    with pytest.raises(FixInput, match="skill"):
        marks_of("5B", "2026-01-05", "3f6c", 3, "kindness", "wrong", "ada")
    (one,) = marks_of("5B", "2026-01-05", "3f6c", 3, "empathy", "missed", "ada").corrections
    assert one == Mark("2026-01-05", Skill.EMPATHY, Verdict.MISSED, line=3)
