"""How often a detector that says `0.8` is right in a lesson.

Belongs here: turning its probabilities into shares that hold where skills are as rare as in real
lessons. Does not belong here: fitting (`fit.py`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from orf_books.transcripts.skills import Skill

RATES_IN_LESSONS: Mapping[Skill, float] = {
    Skill.COLLABORATION: 0.01,
    Skill.COMMUNICATION: 0.16,
    Skill.ADAPTABILITY: 0.01,
    Skill.SELF_REGULATION: 0.005,
    Skill.EMPATHY: 0.005,
}
"""Share of students' turns that show a skill: what was seen in recorded lessons, where it lay
between .13 and .25 for communication and below .01 for the others."""
LEAST_PROBABILITY = 0.0001
"""Probabilities are rounded to as many decimals, so 0 and 1 are not quite certain."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt's scaling of log odds, for one skill."""

    slope: float
    intercept: float

    def share_right(self, probability: float) -> float:
        """How often a skill of this probability is shown, from 0 to 1."""
        return 1 / (1 + math.exp(-self.slope * log_odds(probability) - self.intercept))


def log_odds(probability: float) -> float:
    """Of a probability, kept off 0 and 1."""
    kept = min(max(probability, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY)
    return math.log(kept / (1 - kept))
