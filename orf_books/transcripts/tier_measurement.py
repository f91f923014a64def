"""Measures what findings of each tier are worth.

Belongs here: precision at the rates of lessons, with its interval. Does not belong here: the
figures that ship (`measured_tiers.py`), the turns (`labels.py`).

Test turns hold more of the rare skills than lessons do, or nothing could be counted. So precision
is worked out from the shares of turns with and without the skill in which it is found, weighted by
how often the skill is shown in lessons.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from orf_books.transcripts.calibration import RATES_IN_LESSONS
from orf_books.transcripts.detection import SkillDetector
from orf_books.transcripts.firing import THRESHOLDS, Tier
from orf_books.transcripts.labels import LabelledText
from orf_books.transcripts.measured_tiers import TierWorth
from orf_books.transcripts.skills import Skill

_RESAMPLES = 2000
_PERCENTILES = (2.5, 97.5)
_DECIMALS = 2
"""So that one borderline turn on another processor hardly shows."""


def measure_tiers(
    detector: SkillDetector, turns: Sequence[LabelledText]
) -> Mapping[Skill, Mapping[Tier, TierWorth]]:
    """What findings are worth, by skill and tier; arguable turns count neither way."""
    judged = detector.judge([turn.text for turn in turns], [turn.before for turn in turns])
    return {
        skill: {
            tier: _worth(
                np.array(
                    [
                        (
                            of_turn[skill].finding is not None
                            and of_turn[skill].probability >= threshold,
                            skill in turn.skills,
                        )
                        for turn, of_turn in zip(turns, judged, strict=True)
                        if skill not in turn.arguable
                    ]
                ),
                RATES_IN_LESSONS[skill],
            )
            for tier, threshold in (
                (Tier.STRONG, THRESHOLDS[skill].strong),
                (Tier.MODERATE, THRESHOLDS[skill].shown),
            )
        }
        for skill in Skill
    }


def write_measured_tiers(tiers: Mapping[Skill, Mapping[Tier, TierWorth]]) -> bytes:
    """The document of the figures; the same bytes for the same figures."""
    document = {
        skill: {tier: asdict(worth) for tier, worth in by_tier.items()}
        for skill, by_tier in tiers.items()
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def _worth(found_and_shown: NDArray[np.bool_], rate: float) -> TierWorth:
    found, shown = found_and_shown.T
    right = int((found & shown).sum())
    if not found.any():
        return TierWorth(right, 0, None, None, None)
    generator = np.random.default_rng(0)
    resampled = [
        _expected_precision(found_and_shown[rows], rate)
        for rows in generator.integers(len(found), size=(_RESAMPLES, len(found)))
    ]
    low, high = np.nanpercentile(resampled, _PERCENTILES)
    precision = _expected_precision(found_and_shown, rate)
    return TierWorth(
        right,
        int(found.sum()),
        *(round(float(share), _DECIMALS) for share in (precision, low, high)),
    )


def _expected_precision(found_and_shown: NDArray[np.bool_], rate: float) -> float:
    """Share of findings that are right where the skill is as rare as in lessons."""
    found, shown = found_and_shown.T
    if not found.any():
        return float("nan")
    # With nothing found wrongly among n turns, half a wrong finding keeps precision off certain.
    wrong = max(float((found & ~shown).sum()), 0.5) / max(int((~shown).sum()), 1)
    right = float((found & shown).sum()) / max(int(shown.sum()), 1)
    return rate * right / (rate * right + (1 - rate) * wrong)
