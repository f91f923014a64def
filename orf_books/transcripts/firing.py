"""When a skill counts as shown, and how sure a finding is.

Belongs here: the thresholds. Does not belong here: where probabilities come from (`head.py`), what
a tier was measured to be worth (`measured_tiers.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from orf_books.transcripts.skills import Skill

LEAST_WORDS = 3
"""Fewer words show nothing."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Probabilities from which a skill is found."""

    shown: float
    strong: float


THRESHOLDS: Mapping[Skill, Thresholds] = {
    Skill.COLLABORATION: Thresholds(0.70, 0.90),
    Skill.COMMUNICATION: Thresholds(0.75, 0.95),
    Skill.ADAPTABILITY: Thresholds(0.70, 0.90),
    Skill.SELF_REGULATION: Thresholds(0.60, 0.90),
    Skill.EMPATHY: Thresholds(0.70, 0.90),
}
"""In steps of .05; docs/transcripts.md has the rule by which they were chosen, on development
turns, the tuning half, and turns by other hands, each judged by a head that had not learned
from it. There .8 of each skill's findings were right from `shown` on, and .9 from `strong` on.
Such turns hold more that is easily confused than lessons do."""


class Tier(StrEnum):
    """How sure a finding is; people are shown the strong ones first."""

    STRONG = "strong"
    MODERATE = "moderate"
    """Possible: show it as such."""
    CUE_ONLY = "cue_only"
    """Only in scores of earlier versions: it would not have been found without a cue."""


def fires(skill: Skill, probability: float) -> bool:
    """Whether a skill counts as shown."""
    return probability >= THRESHOLDS[skill].shown


def tier(skill: Skill, probability: float) -> Tier:
    """How sure a finding of this probability is."""
    return Tier.STRONG if probability >= THRESHOLDS[skill].strong else Tier.MODERATE
