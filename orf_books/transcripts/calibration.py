"""How often a detector that says `0.8` is right.

Belongs here: turning its probabilities into shares that came true on labelled sentences. Does not
belong here: the sentences (`evaluation.py`), fitting (`fit.py`).
"""

import math
from dataclasses import dataclass

LEAST_PROBABILITY = 0.0001
"""Probabilities are rounded to as many decimals, so 0 and 1 are not quite certain."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt's scaling of log odds, with a cue as one more thing that is known."""

    slope: float
    of_cue: float
    """Log odds that a cue adds."""
    intercept: float

    def share_right(self, probability: float, *, has_cue: bool) -> float:
        """How often a skill of this probability is shown, from 0 to 1."""
        odds = self.slope * log_odds(probability) + self.of_cue * has_cue + self.intercept
        return 1 / (1 + math.exp(-odds))


def log_odds(probability: float) -> float:
    """Of a probability, kept off 0 and 1."""
    kept = min(max(probability, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY)
    return math.log(kept / (1 - kept))
