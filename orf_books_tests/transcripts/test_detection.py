from collections.abc import Sequence
from dataclasses import replace

import pytest

from orf_books.failures import FixConfiguration
from orf_books.transcripts.cues import VetoReason
from orf_books.transcripts.detection import Judgement, SkillDetector, shipped_detector
from orf_books.transcripts.encoder import universal_sentence_encoder
from orf_books.transcripts.encoder_network import Vectors
from orf_books.transcripts.exemplars import kind_in_words
from orf_books.transcripts.firing import THRESHOLDS, Tier, fires, tier
from orf_books.transcripts.head import read_head
from orf_books.transcripts.model_version import model_version
from orf_books.transcripts.skills import Skill


def judge(text: str, skill: Skill) -> Judgement:
    return shipped_detector().judge([text])[0][skill]


class OtherEncoder:
    """The shipped one, under another name, counting what it is asked."""

    version = "other 1"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return universal_sentence_encoder().encode(texts)


def test_what_shows_a_skill_in_other_words_is_found() -> None:
    text = "Yes. He must feel so alone since his friend left him."
    finding = judge(text, Skill.EMPATHY).finding
    assert finding is not None
    assert finding.exemplar_id.startswith("empathy-")
    assert 0 < finding.similarity <= 1


def test_a_cue_is_the_evidence_where_there_is_one() -> None:
    text = "Okay then. Let's split the work so everyone has a part."
    finding = judge(text, Skill.COLLABORATION).finding
    assert finding is not None
    assert finding.cue is not None
    assert finding.span.of(text) == "split the work"


def test_without_a_cue_the_likeliest_sentence_is_the_evidence() -> None:
    text = "It is nine. I felt like shouting, but I didn't. The bus is red."
    finding = judge(text, Skill.SELF_REGULATION).finding
    assert finding is not None
    assert finding.cue is None
    assert finding.span.of(text) == "I felt like shouting, but I didn't."


def test_what_a_story_tells_is_voided_with_its_reason() -> None:
    judgement = judge(
        "In the story they said let's split the work, you do one half and I'll do the other",
        Skill.COLLABORATION,
    )
    assert judgement.finding is None
    assert judgement.probability == 0.0
    assert judgement.voided is not None
    assert judgement.voided.reason is VetoReason.FRAME
    assert judgement.voided.cue is not None


def test_a_sentence_after_a_story_counts() -> None:
    text = "In the story they are lost. Let's split the work so everyone has a part."
    assert judge(text, Skill.COLLABORATION).finding is not None


@pytest.mark.parametrize("text", ["", "   ", "...", "\U0001f600"])
def test_texts_without_words_show_nothing(text: str) -> None:
    said = shipped_detector().judge([text])[0]
    assert not any(judgement.finding or judgement.voided for judgement in said.values())


def test_a_text_that_is_said_twice_is_encoded_once() -> None:
    encoder = OtherEncoder()
    detector = SkillDetector(encoder, replace(read_head(), encoder_version=encoder.version))
    encoder.asked.clear()
    first, second = detector.judge(["We could vote on it.", "We could vote on it."])
    assert first == second
    assert encoder.asked == ["we could vote on it"]


def test_another_encoder_has_another_model_version() -> None:
    encoder = OtherEncoder()
    head = replace(read_head(), encoder_version=encoder.version)
    assert SkillDetector(encoder, head).version != shipped_detector().version == model_version()


def test_a_head_of_another_encoder_is_refused() -> None:
    with pytest.raises(FixConfiguration, match=r"transcripts\.fit"):
        SkillDetector(OtherEncoder(), read_head())


@pytest.mark.parametrize("skill", Skill)
def test_each_skill_has_its_own_thresholds(skill: Skill) -> None:
    limits = THRESHOLDS[skill]
    assert fires(skill, limits.shown)
    assert not fires(skill, limits.shown - 0.0001)
    assert tier(skill, limits.strong) is Tier.STRONG
    assert tier(skill, limits.strong - 0.0001) is Tier.MODERATE


def test_punctuation_and_capitals_decide_nothing() -> None:
    texts = ["You know what I mean?", "you know what i mean", "YOU KNOW. What I mean!"]
    judged = [judge(text, Skill.COMMUNICATION) for text in texts[:2]]
    assert judged[0] == judged[1]
    assert judged[0].finding is None


def test_the_turn_before_counts() -> None:
    answer = "I did nine times four."
    asked, unasked = (
        shipped_detector().judge([answer], [before])[0][Skill.COMMUNICATION].probability
        for before in ("How did you get that?", "")
    )
    assert asked > unasked


@pytest.mark.parametrize(
    "text",
    [
        "now I'm going to work out the side",
        "we were working on the problem",
        "good morning, excuse the interruption",
        "okay so number five is twelve",
        "can I go to the bathroom",
        "I feel like it's twelve",
        "there's a different way to do it",
        "put them together and you get ten",
    ],
)
def test_what_lessons_are_full_of_shows_no_skill(text: str) -> None:
    said = shipped_detector().judge([text])[0]
    assert not [skill for skill, judgement in said.items() if judgement.finding]


@pytest.mark.parametrize(
    ("text", "skill"),
    [
        ("um because they're both half so it's the same", Skill.COMMUNICATION),
        ("wait why did you divide by two", Skill.COMMUNICATION),
        ("okay you read them out and I'll write them down", Skill.COLLABORATION),
        ("that didn't work so let's try it a different way", Skill.ADAPTABILITY),
        ("I was getting so mad so I just took a breath", Skill.SELF_REGULATION),
        ("don't laugh at her she's really nervous", Skill.EMPATHY),
    ],
)
def test_skills_are_found_as_they_are_spoken(text: str, skill: Skill) -> None:
    finding = judge(text, skill).finding
    assert finding is not None
    assert kind_in_words(finding.exemplar_id) is not None
