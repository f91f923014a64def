from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from orf_books.transcripts.publication import (
    assessments_of,
    correction_rows,
    evidence_of,
    scores_of,
    session_id,
    student_scores,
)
from orf_books.transcripts.scored_session import SkillScore, StoredScores
from orf_books.transcripts.skills import Skill
from orf_books_tests.transcripts.scores import EVENING, correction, evidence, stored_scores, student

STUDENT, OTHER = "0b1f7c52-6d0e-4c38-9a61-5a4fbe1f0c01", "0b1f7c52-6d0e-4c38-9a61-5a4fbe1f0c02"
SPAN = evidence(12, 4, "how are you feeling?")
STUDENTS = {
    STUDENT: replace(
        student(),
        skills={
            **student().skills,
            Skill.EMPATHY: SkillScore(7.1261, 0.83349, (SPAN,), 3, 4.504, 8.256),
        },
    ),
    OTHER: student(),
}
SESSION = stored_scores(STUDENTS, file="emma_and_noah.txt")


def test_a_student_of_a_session_is_one_row_as_exact_as_its_columns() -> None:
    row, other = assessments_of(SESSION)

    assert (row.student_id, row.class_id, row.assessed_on) == (
        STUDENT,
        "class-7",
        EVENING.date(),
    )
    assert (row.empathy, row.confidence_empathy) == (7.13, 0.833)
    assert (row.low_empathy, row.high_empathy) == (4.5, 8.26)
    assert (row.utterance_count, row.usual) == (3, "shipped")
    assert (other.student_id, other.empathy, other.confidence_empathy) == (OTHER, None, 0.0)
    assert (other.low_empathy, other.high_empathy, other.utterance_count) == (None, None, 3)
    assert (row.job_id, row.config_hash, row.scored_at) == ("job-1", "77aa", EVENING)


def test_evidence_says_where_it_stands_and_how_much_it_counts() -> None:
    (row,) = evidence_of(SESSION)

    assert row.assessment_id == next(assessments_of(SESSION)).assessment_id
    assert (row.skill, row.span_text, row.score_contrib) == ("empathy", SPAN.span_text, 0.916)
    assert (row.utterance_id, row.line_number) == ("5f2c:12:0", 12)
    assert (row.start_char, row.end_char) == (4, 24)
    assert row.span_location == "line 12, characters 4 to 24"


def test_ids_are_the_same_in_every_process() -> None:
    assert session_id(SESSION) == "8202223f-fad0-5217-b4da-f1ff660b8619"
    assert [row.assessment_id for row in assessments_of(SESSION)] == [
        "b88f5f2e-d789-500b-80f7-768142cb0c1f",
        "f3277713-fd91-59bd-8e0f-7660ecad0c2e",
    ]
    assert [row.evidence_id for row in evidence_of(SESSION)] == [
        "5b45c871-d306-5f45-bf49-66ccf74c94dc"
    ]


def test_a_rerun_has_the_ids_of_the_run_before() -> None:
    rerun = replace(SESSION, job_id="job-2", scored_at=datetime(2027, 1, 1, tzinfo=UTC))

    assert [row.assessment_id for row in assessments_of(rerun)] == [
        row.assessment_id for row in assessments_of(SESSION)
    ]
    assert [row.evidence_id for row in evidence_of(rerun)] == [
        row.evidence_id for row in evidence_of(SESSION)
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"class_id": "class-8"},
        {"day": date(2026, 11, 17)},
        {"source_sha256": "0000"},
        {"model_version": "2.0.0"},
    ],
)
def test_whatever_makes_it_another_assessment_makes_another_id(other: dict[str, Any]) -> None:
    def ids(session: StoredScores) -> set[str]:
        return {row.assessment_id for row in assessments_of(session)}

    changed = replace(SESSION, session=replace(SESSION.session, **other))
    assert ids(changed).isdisjoint(ids(SESSION))
    assert session_id(changed) == session_id(SESSION)


def test_neither_ids_nor_representations_tell_names_or_words() -> None:
    rows = [*assessments_of(SESSION), *evidence_of(SESSION)]

    assert UUID(session_id(SESSION))
    for told in map(repr, [SESSION.session.students[STUDENT].skills[Skill.EMPATHY], SPAN, *rows]):
        assert "feeling" not in told
        assert "emma" not in told
    assert all(row.rationale not in repr(row) for row in evidence_of(SESSION))


def test_rows_give_back_the_scores_that_sums_are_made_of() -> None:
    rows = list(assessments_of(SESSION))
    contributions = [row.score_contrib or 0 for row in evidence_of(SESSION)]
    of_rows = student_scores(rows, {(rows[0].assessment_id, "empathy"): (1, sum(contributions))})

    assert list(of_rows) == list(scores_of(SESSION))


def test_rows_of_an_earlier_version_count_as_heard_and_in_no_score() -> None:
    rows = [replace(row, utterance_count=None, usual=None) for row in assessments_of(SESSION)]

    assert {score.tally for score in student_scores(rows, {})} == {None}


def test_a_correction_is_a_row_with_who_and_when() -> None:
    (row,) = correction_rows([correction(STUDENT)])

    assert (row.corrected_by, row.corrected_at) == ("Ms. Rivera", EVENING)
    assert (row.verdict, row.skill, row.tier) == ("wrong", "empathy", "strong")
    assert row.correction_id == correction(STUDENT).correction_id
