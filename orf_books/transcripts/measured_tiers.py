"""What findings of a tier were measured to be worth, on turns that nothing was chosen on.

Belongs here: the figures of `measured_tiers.json`, which `fit.py` writes, and which skills count as
measured. Does not belong here: measuring (`tier_measurement.py`), showing (`pages`).

Precision is what can be expected in lessons, where skills are rare. It was measured on invented
turns, so in a real class it is an upper bound rather than a promise.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from orf_books.transcripts.firing import Tier
from orf_books.transcripts.skills import Skill

LEAST_PRECISION = 0.6
"""A skill whose findings are right less often is shown as not measured."""
FILE = "measured_tiers.json"


@dataclass(frozen=True, slots=True)
class TierWorth:
    """What findings of one skill are worth, in this tier and all above it."""

    right: int
    """Findings in the test turns that are right."""
    found: int
    precision: float | None
    """Expected at the rates of lessons, from 0 to 1; None where nothing was found."""
    low: float | None
    """Lower end of its 95 % bootstrap interval."""
    high: float | None


@cache
def measured_tiers() -> Mapping[Skill, Mapping[Tier, TierWorth]]:
    """By skill and tier, the lowest tier last."""
    document = json.loads(files("orf_books.transcripts").joinpath(FILE).read_bytes())
    return {
        Skill(skill): {Tier(tier): TierWorth(**worth) for tier, worth in tiers.items()}
        for skill, tiers in document.items()
    }


def is_measured(skill: Skill) -> bool:
    """Whether findings of a skill are right often enough to be shown as such."""
    return is_worth_showing(measured_tiers()[skill])


def is_worth_showing(tiers: Mapping[Tier, TierWorth]) -> bool:
    """Whether findings of the lowest tier are right often enough."""
    precision = tiers[Tier.MODERATE].precision
    return precision is not None and precision >= LEAST_PRECISION
