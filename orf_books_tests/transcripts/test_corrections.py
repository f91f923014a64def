from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.transcripts.corrections import (
    Correction,
    Verdict,
    corrected,
    measured_precision,
    place_of,
    standing,
)
from orf_books.transcripts.scored_session import (
    Judged,
    ScoredStudent,
    SkillScore,
    StoredScores,
)
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.usual import SHIPPED
from orf_books.transcripts.utterance import SpeakerRole, Utterance
from orf_books_tests.transcripts.scores import EVENING, evidence, stored_scores
from orf_books_tests.transcripts.scores import correction as correction_of

STUDENT, OTHER = "student-1", "student-2"


def scores(*lines: int, utterances: int = 60) -> StoredScores:
    """A session in which empathy was found on these lines."""
    found = tuple(evidence(line) for line in lines)
    skills = {
        skill: SkillScore.of(
            found if skill is Skill.EMPATHY else (), utterances, SHIPPED.rates[skill]
        )
        for skill in Skill
    }
    return stored_scores({STUDENT: ScoredStudent(utterances, utterances, 500, skills)})


def correction(verdict: Verdict, line: int = 1, **changes: object) -> Correction:
    return replace(correction_of(STUDENT, verdict, line), **changes)  # type: ignore[arg-type]


def utterance(line: int, student_id: str = STUDENT, text: str = "come sit here") -> Utterance:
    return Utterance(
        utterance_id=f"5f2c:{line}:0",
        line_number=line,
        speaker_id=student_id,
        speaker_role=SpeakerRole.STUDENT,
        student_id=student_id,
        timestamp=None,
        text=text,
        raw_offset=None,
        lang="en",
        lang_conf=1.0,
    )


def empathy(scores: StoredScores) -> SkillScore:
    return scores.session.students[STUDENT].skills[Skill.EMPATHY]


def test_a_finding_marked_as_wrong_is_no_evidence_any_more() -> None:
    after = empathy(corrected(scores(1, 2), [correction(Verdict.WRONG)]))
    assert [found.line_number for found in after.evidence] == [2]
    assert after == empathy(scores(2))


def test_where_the_only_finding_was_wrong_nothing_is_found() -> None:
    after = empathy(corrected(scores(1), [correction(Verdict.WRONG)]))
    assert (after.score, after.is_nothing_found) == (None, True)


def test_a_confirmed_finding_counts_in_full() -> None:
    after = empathy(corrected(scores(1), [correction(Verdict.RIGHT)]))
    assert [(found.contribution, found.judged) for found in after.evidence] == [
        (1.0, Judged.CONFIRMED)
    ]
    assert after.evidence[0].rationale.endswith("An educator confirmed it.")


def test_a_missed_finding_is_added_with_what_was_said() -> None:
    before = scores()
    after = empathy(corrected(before, [correction(Verdict.MISSED, 7)], [utterance(7)]))
    (added,) = after.evidence
    assert (added.sentence, added.line_number) == ("come sit here", 7)
    assert (added.contribution, added.judged) == (1.0, Judged.ADDED)
    assert added.rationale == "An educator added it."
    assert (empathy(before).score, after.score) == (None, 5.0)


def test_a_missed_finding_needs_the_utterance_and_the_student_who_said_it() -> None:
    missed = [correction(Verdict.MISSED, 7)]
    assert corrected(scores(), missed) == scores()
    assert corrected(scores(), missed, [utterance(7, OTHER)]) == scores()


def test_what_the_detector_finds_by_now_is_not_added_twice() -> None:
    after = empathy(corrected(scores(7), [correction(Verdict.MISSED, 7)], [utterance(7)]))
    assert [found.judged for found in after.evidence] == [Judged.CONFIRMED]


def test_the_latest_verdict_counts() -> None:
    wrong = correction(Verdict.WRONG)
    right = correction(Verdict.RIGHT, corrected_at=EVENING + timedelta(minutes=1))
    assert standing([right, wrong]) == [right]
    assert len(empathy(corrected(scores(1), [right, wrong])).evidence) == 1


@pytest.mark.parametrize(
    "elsewhere",
    [{"place": "9:0"}, {"student_id": OTHER}, {"skill": Skill.COLLABORATION}],
)
def test_a_correction_of_something_else_changes_nothing(elsewhere: dict[str, object]) -> None:
    other = replace(correction(Verdict.WRONG), **elsewhere)  # type: ignore[arg-type]
    assert corrected(scores(1), [other]) == scores(1)


def test_correcting_again_changes_nothing_more() -> None:
    corrections = [correction(Verdict.WRONG), correction(Verdict.RIGHT, 2)]
    once = corrected(scores(1, 2, 3), corrections)
    assert corrected(once, corrections) == once


@given(
    st.sets(st.integers(1, 30), max_size=8),
    st.sets(st.integers(1, 30), max_size=8),
    st.integers(1, 30),
)
def test_adding_a_finding_never_lowers_a_score(
    found: set[int], confirmed: set[int], added: int
) -> None:
    said = [utterance(line) for line in range(1, 31)]
    corrections = [correction(Verdict.MISSED, line) for line in confirmed]
    before = corrected(scores(*found), corrections, said)
    after = corrected(scores(*found), [*corrections, correction(Verdict.MISSED, added)], said)
    assert (empathy(after).score or 0) >= (empathy(before).score or 0)


def test_places_stay_when_the_file_gets_another_checksum() -> None:
    assert place_of("0123456789ab:12:3") == "12:3" == place_of("ba9876543210:12:3")


# How often the detector was right.


def test_precision_is_measured_on_findings_that_educators_looked_at() -> None:
    corrections = [
        *(correction(Verdict.RIGHT, line) for line in range(1, 8)),
        *(correction(Verdict.WRONG, line) for line in range(8, 11)),
        correction(Verdict.MISSED, 20),
    ]
    measured = measured_precision(corrections)
    empathy, collaboration = measured[Skill.EMPATHY], measured[Skill.COLLABORATION]
    assert (empathy.right, empathy.judged, empathy.missed, empathy.share) == (7, 10, 1, 0.7)
    low, high = empathy.interval
    assert (round(low, 2), round(high, 2)) == (0.40, 0.89)
    assert (collaboration.judged, collaboration.share) == (0, None)
    assert collaboration.interval == (0.0, 1.0)


def test_a_verdict_that_was_taken_back_counts_once() -> None:
    right = correction(Verdict.RIGHT, corrected_at=EVENING + timedelta(minutes=1))
    measured = measured_precision([correction(Verdict.WRONG), right])[Skill.EMPATHY]
    assert (measured.right, measured.judged) == (1, 1)


def test_what_educators_added_themselves_says_nothing_of_the_detector() -> None:
    taken_back = correction(Verdict.WRONG, tier=None, corrected_at=EVENING + timedelta(minutes=1))
    measured = measured_precision([correction(Verdict.MISSED), taken_back])[Skill.EMPATHY]
    assert (measured.judged, measured.missed) == (0, 0)


def test_the_same_correction_has_the_same_id() -> None:
    assert correction(Verdict.WRONG).correction_id == correction(Verdict.WRONG).correction_id
    assert correction(Verdict.WRONG).correction_id != correction(Verdict.RIGHT).correction_id
