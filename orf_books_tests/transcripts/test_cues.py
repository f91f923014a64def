import pytest

from orf_books.transcripts.cues import SentenceCues, VetoReason, read_cues
from orf_books.transcripts.sentences import Span
from orf_books.transcripts.skills import Skill


def read(text: str) -> SentenceCues:
    return read_cues(text, Span(0, len(text)))


@pytest.mark.parametrize(
    ("text", "skill", "span"),
    [
        ("Maybe we are splitting the work.", Skill.COLLABORATION, "splitting the work"),
        ("Okay, let\u2019s try that", Skill.ADAPTABILITY, "let\u2019s try"),
        ("I CHANGED my mind", Skill.ADAPTABILITY, "CHANGED my mind"),
        ("First you carry the one, then you add", Skill.COMMUNICATION, None),
        ("I hadn't thought of it", Skill.ADAPTABILITY, "hadn't thought"),
        ("Sorry to hear that!", Skill.EMPATHY, "Sorry to hear"),
        ("I won't give up", Skill.SELF_REGULATION, "won't give up"),
    ],
)
def test_cues_are_found_by_lemmas_with_gaps_and_contractions(
    text: str, skill: Skill, span: str | None
) -> None:
    cue = read(text).cues[skill]
    assert span is None or cue.span.of(text) == span


def test_a_cue_is_no_part_of_a_word() -> None:
    assert not read("The altogether is a word").cues


@pytest.mark.parametrize(
    ("text", "skill"),
    [
        ("We will not work together", Skill.COLLABORATION),
        ("I never take turns", Skill.COLLABORATION),
        ("I can't calm down", Skill.SELF_REGULATION),
        ("It might not be so hard", Skill.EMPATHY),
        ("I won't try it another way", Skill.ADAPTABILITY),
    ],
)
def test_a_negated_cue_is_void_and_its_reason_is_kept(text: str, skill: Skill) -> None:
    found = read(text)
    assert skill not in found.cues
    assert found.vetoes[skill].reason is VetoReason.NEGATED
    assert found.vetoes[skill].cue is not None


@pytest.mark.parametrize(
    "text", ["No, let's work together", "Why don't we work together?", "Can't you help us with it?"]
)
def test_another_clause_and_a_question_do_not_negate(text: str) -> None:
    assert Skill.COLLABORATION in read(text).cues


def test_what_a_story_tells_is_no_skill_of_the_speaker() -> None:
    found = read("In the story they work together")
    assert not found.cues
    assert {veto.reason for veto in found.vetoes.values()} == {VetoReason.FRAME}
    assert set(found.vetoes) == set(Skill) - {Skill.COMMUNICATION}, "citing gives grounds"


def test_a_cue_before_a_frame_counts() -> None:
    found = read("I disagree because the text says otherwise")
    assert Skill.COMMUNICATION in found.cues
    assert Skill.COMMUNICATION not in found.vetoes
    assert found.vetoes[Skill.EMPATHY].reason is VetoReason.FRAME


def test_mockery_makes_all_of_a_sentence_void() -> None:
    found = read("Yeah right, we work together")
    assert not found.cues
    assert {veto.reason for veto in found.vetoes.values()} == {VetoReason.DISMISSIVE}


def test_a_sentence_without_cues_hints_at_nothing() -> None:
    assert read("The line goes up") == SentenceCues({}, {})


def test_a_long_text_without_cues_takes_no_time() -> None:
    assert not read("first " * 3000).cues
