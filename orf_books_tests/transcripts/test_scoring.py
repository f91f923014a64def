import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orf_books.failures import FixInput
from orf_books.sandbox.class_sessions import invented_class, invented_session
from orf_books.transcripts.corrections import corrected
from orf_books.transcripts.detection import Judgements, SkillDetector, shipped_detector
from orf_books.transcripts.labels import Half, labelled_sentences
from orf_books.transcripts.parsing import read_session
from orf_books.transcripts.problems import WarningCode
from orf_books.transcripts.roster import read_roster
from orf_books.transcripts.score_document import read_scores, write_scores
from orf_books.transcripts.scored_session import ScoredSession, ScoredStudent, StoredScores
from orf_books.transcripts.scoring import score_session
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.submission import metadata_of_key
from orf_books.transcripts.utterance import Session, SpeakerRole, Utterance
from orf_books_tests.transcripts.sessions import FORMATS, key

EMPATHIC = "Are you okay? You've been quiet today."


def said(text: str, line: int = 1, student: str | None = "s1") -> Utterance:
    return Utterance(
        utterance_id=f"{'0' * 12}:{line}:1",
        line_number=line,
        speaker_id=student or "unknown:1",
        speaker_role=SpeakerRole.STUDENT,
        student_id=student,
        timestamp=None,
        text=text,
        raw_offset=None,
        lang="en",
        lang_conf=1.0,
    )


def session(*utterances: Utterance) -> Session:
    return Session("c1", date(2025, 3, 3), "raw/c1/x.txt", "0" * 64, "txt", utterances)


def stored(scored: ScoredSession) -> StoredScores:
    return StoredScores(
        scored, "j1", datetime(2025, 3, 3, 12, tzinfo=UTC), "normalized/c1/2025-03-03/j1.jsonl"
    )


def document(scored: ScoredSession) -> bytes:
    return write_scores(stored(scored))


def all_labelled() -> Session:
    texts = [one.text for half in Half for one in labelled_sentences(half)]
    return session(*(said(text, line, f"s{line % 9}") for line, text in enumerate(texts, start=1)))


def test_evidence_always_resolves() -> None:
    spoken = all_labelled()
    texts = {one.utterance_id: one.text for one in spoken.utterances}
    found = [
        evidence
        for student in score_session(spoken).students.values()
        for score in student.skills.values()
        for evidence in score.evidence
    ]
    assert len(found) > 100
    assert all(texts[one.utterance_id][one.start : one.end] == one.span_text for one in found)
    assert all(one.span_text for one in found)
    assert all(one.span_text in one.sentence in texts[one.utterance_id] for one in found)


class ListeningDetector(SkillDetector):
    """Remembers what it was told about the turns before."""

    def __init__(self) -> None:
        self.version = shipped_detector().version
        self.before: list[str] = []

    def judge(self, texts: Sequence[str], before: Sequence[str] | None = None) -> list[Judgements]:
        self.before = list(before or ())
        return shipped_detector().judge(texts, before)


def test_an_utterance_is_judged_by_what_somebody_else_said_right_before_it() -> None:
    detector = ListeningDetector()
    question = "How did you get that one?"
    spoken = session(
        said(question, 1, "s1"),
        said("I added them all up.", 2, "s2"),
        said("And then I checked it.", 3, "s2"),
    )
    score_session(spoken, detector)
    assert detector.before == ["", question, ""]


@pytest.mark.parametrize(("text", "scorable"), [("I felt sad", 1), ("felt sad", 0)])
def test_three_words_are_enough_to_be_scored(text: str, scorable: int) -> None:
    student = score_session(session(said(text))).students["s1"]
    assert student.scorable_count == scorable


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.sampled_from(
            [EMPATHIC, " ", "\n", "\U0001f600 ", "Mr. ", "\u2026 ", "let\u2019s split the work "]
        ),
        min_size=1,
        max_size=6,
    )
)
def test_evidence_resolves_however_the_text_is_written(parts: list[str]) -> None:
    text = "".join(parts)
    for student in score_session(session(said(text))).students.values():
        for score in student.skills.values():
            assert all(text[one.start : one.end] == one.span_text for one in score.evidence)


@pytest.mark.slow
def test_two_runs_are_equal_to_the_byte() -> None:
    spoken = all_labelled()
    assert document(score_session(spoken)) == document(score_session(spoken))


@pytest.mark.parametrize("role", [SpeakerRole.TEACHER, SpeakerRole.UNKNOWN])
def test_only_students_are_scored(role: SpeakerRole) -> None:
    assert not score_session(session(replace(said(EMPATHIC), speaker_role=role))).students


def test_a_student_who_is_not_on_the_roster_is_not_scored() -> None:
    assert not score_session(session(said(EMPATHIC, student=None))).students


def test_short_and_foreign_utterances_count_as_said_but_show_nothing() -> None:
    spoken = session(
        said("You okay?"),
        replace(said("\u00bfEst\u00e1s bien, amigo m\u00edo?", 2), lang="es"),
        said(EMPATHIC, 3),
    )
    student = score_session(spoken).students["s1"]
    assert (student.utterance_count, student.scorable_count, student.words_spoken) == (3, 1, 13)
    assert [one.line_number for one in student.skills[Skill.EMPATHY].evidence] == [3]


def test_too_little_said_is_no_score_rather_than_a_middling_one() -> None:
    score = score_session(session(said(EMPATHIC), said(EMPATHIC, 2))).students["s1"].skills
    assert score[Skill.EMPATHY].score is None
    assert score[Skill.EMPATHY].confidence == 0.0
    assert score[Skill.EMPATHY].is_insufficient
    assert not score[Skill.EMPATHY].is_nothing_found


def test_three_utterances_are_enough_for_a_score() -> None:
    spoken = session(*(said(EMPATHIC, line) for line in (1, 2, 3)))
    score = score_session(spoken).students["s1"].skills[Skill.EMPATHY]
    assert score.utterances == 3
    assert not score.is_insufficient
    assert score.score is not None


def test_nothing_found_is_said_with_how_much_was_heard_and_is_no_number() -> None:
    spoken = session(*(said("The line goes up here.", line) for line in range(1, 21)))
    score = score_session(spoken).students["s1"].skills[Skill.EMPATHY]
    assert (score.score, score.low, score.high, score.confidence) == (None, None, None, 0.0)
    assert score.is_nothing_found
    assert score.utterances == 20


def test_what_is_found_more_often_than_usual_scores_higher_than_what_is_found_less_often() -> None:
    often, seldom = (
        session(
            *(
                said(EMPATHIC if line % every == 0 else "The line goes up here.", line)
                for line in range(1, 2001)
            )
        )
        for every in (100, 2000)
    )
    often_score, seldom_score = (
        score_session(spoken).students["s1"].skills[Skill.EMPATHY].score
        for spoken in (often, seldom)
    )
    assert often_score is not None
    assert seldom_score is not None
    assert often_score > 5 > seldom_score


def test_evidence_says_why_in_words_without_quoting_anyone() -> None:
    own_words = "Are you okay? You seemed so quiet in gymnastics."
    scored = score_session(session(said(own_words)))
    evidence = scored.students["s1"].skills[Skill.EMPATHY].evidence[0]
    assert evidence.rationale.startswith("It ")
    assert f"like the example “{evidence.exemplar.removesuffix('.')}”" in evidence.rationale
    assert not re.search(r"\d", evidence.rationale)
    assert "gymnastics" not in evidence.rationale
    assert "gymnastics" not in repr(scored)
    assert "okay?" not in repr(evidence)


def test_vetoed_hits_are_kept_apart_without_words() -> None:
    scored = score_session(
        session(
            said(
                "In the story they said let's split the work, you do one half and I'll do the other"
            )
        )
    )
    assert not scored.students["s1"].skills[Skill.COLLABORATION].evidence
    assert [(hit.skill, hit.reason) for hit in scored.voided] == [(Skill.COLLABORATION, "frame")]


def test_the_document_says_when_its_run_began_and_not_when_it_was_written() -> None:
    scored = score_session(session(said(EMPATHIC)))
    assert json.loads(document(scored))["generated_at"] == "2025-03-03T12:00:00+00:00"


def test_the_document_gives_back_the_scores() -> None:
    scores = stored(score_session(all_labelled()))
    assert read_scores(write_scores(scores)) == scores


def test_a_document_of_an_earlier_version_is_still_read() -> None:
    scores = stored(score_session(all_labelled()))
    earlier = json.loads(write_scores(scores))
    del earlier["usual"]
    for student in earlier["students"].values():
        for score in student["scores"].values():
            for name in ("low", "high", "utterances", "nothing_found"):
                del score[name]
        for found in student["evidence"].values():
            for evidence in found:
                del evidence["exemplar"], evidence["judged"]
    read = read_scores(json.dumps(earlier).encode())
    assert {
        one.low for student in read.session.students.values() for one in student.skills.values()
    } == {None}
    anew = corrected(read, [])
    assert [
        (score.score, score.low, score.high)
        for student in anew.session.students.values()
        for score in student.skills.values()
    ] == [
        (score.score, score.low, score.high)
        for student in scores.session.students.values()
        for score in student.skills.values()
    ]


@pytest.mark.parametrize("damaged", [b"", b"[]", b"{}", b'{"metadata": "are you okay"}', b"\xff"])
def test_a_damaged_document_is_refused_and_not_quoted(damaged: bytes) -> None:
    with pytest.raises(FixInput, match="score the session again") as refused:
        read_scores(damaged)
    assert refused.value.__cause__ is None
    assert "okay" not in str(refused.value)


def test_the_document_has_what_is_published() -> None:
    document_ = json.loads(document(score_session(session(said(EMPATHIC)))))
    student = document_["students"]["s1"]
    assert document_["class_id"] == "c1"
    assert document_["model_version"].startswith("2.")
    assert student["scores"]["empathy"] == {
        "score": None,
        "low": None,
        "high": None,
        "confidence": 0.0,
        "evidence_count": 1,
        "utterances": 1,
        "nothing_found": False,
        "insufficient_evidence": True,
    }
    span = student["evidence"]["empathy"][0]
    assert EMPATHIC[span["start"] : span["end"]] == span["text"]
    assert document_["metadata"]["source_sha256"] == "0" * 64


def test_an_empty_session_has_no_students() -> None:
    assert not score_session(session()).students


def test_words_under_a_label_that_nobody_knows_are_not_scored_as_the_speakers() -> None:
    doubtful = replace(said(EMPATHIC), warnings=(WarningCode.LABEL_NOT_ON_ROSTER,))
    student = score_session(session(doubtful)).students["s1"]
    assert (student.utterance_count, student.scorable_count) == (1, 0)
    assert not student.skills[Skill.EMPATHY].evidence


def test_a_session_has_the_same_students_words_and_scores_in_every_format() -> None:
    of_class = invented_class("5B", students=12)
    spoken = invented_session(of_class, date(2026, 3, 2), 200)
    in_formats = []
    for transcript_format in FORMATS:
        place = key(transcript_format)
        read = read_session(
            spoken.write(transcript_format),
            place,
            metadata_of_key(place, "invented"),
            read_roster(of_class.roster()),
        )
        in_formats.append(score_session(read.session).students)
    first, *others = map(apart_from_lines, in_formats)
    assert len(first) == 12
    assert any(score.evidence for one in first.values() for score in one.skills.values())
    assert all(other == first for other in others)


def apart_from_lines(students: Mapping[str, ScoredStudent]) -> dict[str, ScoredStudent]:
    """Scores without what depends on the physical file."""
    return {
        student: replace(
            one,
            skills={
                skill: replace(
                    score,
                    evidence=tuple(
                        replace(found, utterance_id="", line_number=0) for found in score.evidence
                    ),
                )
                for skill, score in one.skills.items()
            },
        )
        for student, one in students.items()
    }
