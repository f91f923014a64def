"""From which probability a skill counts as shown."""

import pytest

from orf_books.transcripts.firing import LEAST_WORDS, THRESHOLDS, Tier, fires, tier
from orf_books.transcripts.skills import Skill


@pytest.mark.parametrize("skill", Skill)
def test_a_probability_at_a_threshold_is_enough_and_one_below_it_is_not(skill: Skill) -> None:
    threshold = THRESHOLDS[skill]
    assert fires(skill, threshold.shown)
    assert not fires(skill, threshold.shown - 1e-9)
    assert tier(skill, threshold.strong) is Tier.STRONG
    assert tier(skill, threshold.strong - 1e-9) is Tier.MODERATE


def test_thresholds_stay_as_they_were_measured() -> None:
    assert {skill: (each.shown, each.strong) for skill, each in THRESHOLDS.items()} == {
        Skill.COLLABORATION: (0.70, 0.90),
        Skill.COMMUNICATION: (0.75, 0.95),
        Skill.ADAPTABILITY: (0.70, 0.90),
        Skill.SELF_REGULATION: (0.60, 0.90),
        Skill.EMPATHY: (0.70, 0.90),
    }
    assert LEAST_WORDS == 3


def test_tiers_keep_the_names_by_which_scores_are_stored() -> None:
    assert [each.value for each in Tier] == ["strong", "moderate", "cue_only"]
