from collections.abc import Sequence
from dataclasses import replace

import pytest

from orf_books.failures import FixConfiguration
from orf_books.transcripts.cues import VetoReason
from orf_books.transcripts.detection import Judgement, SkillDetector, shipped_detector
from orf_books.transcripts.encoder import Vectors, universal_sentence_encoder
from orf_books.transcripts.firing import FIRES_ALONE, FIRES_WITH_CUE, Tier, fires, tier
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
        "In the story they split the work so everyone has a part", Skill.COLLABORATION
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
    assert encoder.asked == ["We could vote on it."]


def test_another_encoder_has_another_model_version() -> None:
    encoder = OtherEncoder()
    head = replace(read_head(), encoder_version=encoder.version)
    assert SkillDetector(encoder, head).version != shipped_detector().version == model_version()


def test_a_head_of_another_encoder_is_refused() -> None:
    with pytest.raises(FixConfiguration, match=r"transcripts\.fit"):
        SkillDetector(OtherEncoder(), read_head())


def test_a_cue_lowers_the_threshold() -> None:
    assert fires(FIRES_WITH_CUE, has_cue=True)
    assert not fires(FIRES_WITH_CUE, has_cue=False)
    assert fires(FIRES_ALONE, has_cue=False)
    assert not fires(FIRES_WITH_CUE - 0.0001, has_cue=True)


@pytest.mark.parametrize(
    ("probability", "expected"),
    [(0.8, Tier.STRONG), (0.7999, Tier.MODERATE), (0.55, Tier.MODERATE), (0.5499, Tier.CUE_ONLY)],
)
def test_tiers_are_of_the_probability(probability: float, expected: Tier) -> None:
    assert tier(probability) is expected
