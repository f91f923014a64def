"""What a student's findings come to: a score with an interval, for each skill.

Belongs here: from what was heard and found to a score. Does not belong here: what is found
(`detection.py`), what is usual (`usual.py`), over which sessions (`aggregates.py`).

The model is Beta-Binomial: each utterance shows a skill with the student's own probability, and
these differ from student to student around what is usual. `docs/scores.md` argues the choice,
simulates it, and says what a score cannot tell.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from orf_books.transcripts.usual import UsualRate

LEAST_UTTERANCES = 3
"""Of fewer no score is made."""
USUAL_SCORE = 5
SCORE_STEP = 0.5
"""Finer differences would rank students by how much they said: the interval is far wider."""
INTERVAL = 0.90
"""How often the rate of a student lies between `low` and `high`, if the model holds."""

_REACH, _POINTS = 8.0, 100
"""Standard deviations to either side over which a distribution is summed up, and in how many
steps."""
_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Tally:
    """What was heard of one student, and found of one skill in it: in a session or in many."""

    utterances: int = 0
    """That could show a skill."""
    found: int = 0
    """Of these, in how many it was found."""
    weight: float = 0.0
    """Expected number of right ones among these: the sum of their probabilities, or 1 for each that
    a person confirmed."""

    def __add__(self, other: "Tally") -> "Tally":
        """What was heard and found in both."""
        return Tally(
            self.utterances + other.utterances,
            self.found + other.found,
            round(self.weight + other.weight, 3),
        )


@dataclass(frozen=True, slots=True)
class Score:
    """A student's rate of a skill, beside the usual one, on a scale from 0 to 10.

    A rate `r` where `u` is usual stands at `10 * r / (r + u)`: 5 is as often as usual, 6.7 twice as
    often, 3.3 half as often.
    """

    value: float
    """In steps of `SCORE_STEP`."""
    low: float
    """Between this and `high` the rate lies, with a probability of `INTERVAL`."""
    high: float
    confidence: float
    """How much narrower the interval is than without hearing anything, from 0 to 1."""


def score(tally: Tally, usual: UsualRate) -> Score | None:
    """The score; None where nothing was found, or where too little was said to tell.

    Another finding never lowers it, another utterance without one never raises it, and neither does
    for `low` and `high`.
    """
    if tally.utterances < LEAST_UTTERANCES or not tally.found:
        return None
    return _score(tally, usual)


@lru_cache(maxsize=100_000)
def _score(tally: Tally, usual: UsualRate) -> Score:
    posterior = _posterior(tally, usual)
    low, high = _interval(posterior, usual)
    prior_low, prior_high = _prior_interval(usual)
    value = _value(tally, posterior, usual)
    return Score(
        value,
        round(min(low, value), _DECIMALS),
        round(max(high, value), _DECIMALS),
        round(min(max(1 - (high - low) / (prior_high - prior_low), 0.0), 1.0), 3),
    )


@dataclass(frozen=True, slots=True)
class _Point:
    """One rate that a student may have."""

    log_rate: float
    log_rest: float
    """Logarithm of one less the rate."""
    log_density: float
    """How likely the rate is, up to a constant, over log odds."""


def _posterior(tally: Tally, usual: UsualRate) -> tuple[_Point, ...]:
    """A beta distribution, at points of equal distance in log odds that hold all that matters.

    Over log odds small rates are as finely divided as large ones.
    """
    shown = usual.spread + tally.weight
    rest = usual.spread * (1 - usual.rate) / usual.rate + max(tally.utterances - tally.found, 0)
    middle, deviation = math.log(shown / rest), math.sqrt(1 / shown + 1 / rest)
    points = []
    for at in range(-_POINTS, _POINTS + 1):
        odds = middle + deviation * _REACH * at / _POINTS
        log_rate, log_rest = -math.log1p(math.exp(-odds)), -math.log1p(math.exp(odds))
        points.append(_Point(log_rate, log_rest, shown * log_rate + rest * log_rest))
    return tuple(points)


def _value(tally: Tally, posterior: Sequence[_Point], usual: UsualRate) -> float:
    """The mean rate as a score, given that something was found.

    Scores exist only where something was found, so that one finding alone says nothing more: the
    density is divided by the probability of a finding. Without that, quiet students would rank
    high, for only those of them have a score of whom something happened to be found.
    """
    trials = tally.utterances / usual.certainty
    masses = _masses(
        [
            point.log_density - usual.certainty * math.log(-math.expm1(trials * point.log_rest))
            for point in posterior
        ]
    )
    rate = math.fsum(
        mass * math.exp(point.log_rate) for mass, point in zip(masses, posterior, strict=True)
    )
    # Towards what is usual: a smaller difference than a step is none.
    steps = int((_on_scale(rate, usual) - USUAL_SCORE) / SCORE_STEP)
    return USUAL_SCORE + steps * SCORE_STEP


@lru_cache(maxsize=1_000)
def _prior_interval(usual: UsualRate) -> tuple[float, float]:
    return _interval(_posterior(Tally(), usual), usual)


def _interval(posterior: Sequence[_Point], usual: UsualRate) -> tuple[float, float]:
    """Between which scores the middle `INTERVAL` of a distribution lies."""
    masses = _masses([point.log_density for point in posterior])
    outside = (1 - INTERVAL) / 2
    low, high = (
        _on_scale(math.exp(_quantile(posterior, masses, share)), usual)
        for share in (outside, 1 - outside)
    )
    return low, high


def _quantile(posterior: Sequence[_Point], masses: Sequence[float], share: float) -> float:
    """The logarithm of the rate below which a share of a distribution lies."""
    below = 0.0
    for (before, after), mass in zip(pairwise(posterior), masses, strict=False):
        if below + mass >= share:
            part = (share - below) / mass
            return before.log_rate + part * (after.log_rate - before.log_rate)
        below += mass
    return posterior[-1].log_rate


def _masses(log_densities: Sequence[float]) -> list[float]:
    """Densities at points of equal distance, so that they add up to 1."""
    highest = max(log_densities)
    densities = [math.exp(log_density - highest) for log_density in log_densities]
    total = math.fsum(densities)
    return [density / total for density in densities]


def _on_scale(rate: float, usual: UsualRate) -> float:
    return 2 * USUAL_SCORE * rate / (rate + usual.rate)
