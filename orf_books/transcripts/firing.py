"""When a skill counts as shown.

Belongs here: the thresholds, and how sure a finding is. Does not belong here: where probabilities
and cues come from (`head.py`, `cues.py`).
"""

from enum import StrEnum

FIRES_ALONE = 0.55
"""From this probability on a skill is shown."""
FIRES_WITH_CUE = 0.20
"""From this probability on it is, where a cue says so too."""
STRONG = 0.80
"""From this probability on nine findings in ten are right."""
LEAST_WORDS = 3
"""Fewer words show nothing."""


class Tier(StrEnum):
    """How sure a finding is; people are shown the strong ones first."""

    STRONG = "strong"
    MODERATE = "moderate"
    """Possible: show it as such."""
    CUE_ONLY = "cue_only"
    """It would not have been found without the cue."""


def fires(probability: float, *, has_cue: bool) -> bool:
    """Whether a skill counts as shown."""
    return probability >= (FIRES_WITH_CUE if has_cue else FIRES_ALONE)


def tier(probability: float) -> Tier:
    """How sure a finding of this probability is."""
    if probability >= STRONG:
        return Tier.STRONG
    return Tier.MODERATE if probability >= FIRES_ALONE else Tier.CUE_ONLY
