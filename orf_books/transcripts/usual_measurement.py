"""Measures how often a detector finds each skill in lessons: the rates of `usual.SHIPPED`.

Belongs here: what `learn_usual` would learn of students who talk as turns by other hands do, where
skills are as rare as in real lessons. Does not belong here: the rates that ship (`usual.py`).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from orf_books.transcripts.calibration import RATES_IN_LESSONS
from orf_books.transcripts.detection import SkillDetector
from orf_books.transcripts.labels import LabelledText
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.usual import SHIPPED, UsualRate

_RATE_DECIMALS, _CERTAINTY_DECIMALS = 3, 1


def measure_usual(
    detector: SkillDetector, turns: Sequence[LabelledText]
) -> Mapping[Skill, UsualRate]:
    """The rate and the mean certainty of findings, by skill; arguable turns are left out.

    How much students differ is taken as it ships: turns do not tell.
    """
    judged = detector.judge([turn.text for turn in turns], [turn.before for turn in turns])
    usual = {}
    for skill in Skill:
        settled = [
            (
                skill in turn.skills,
                of_turn[skill].finding is not None,
                of_turn[skill].chance if of_turn[skill].finding else 0.0,
            )
            for turn, of_turn in zip(turns, judged, strict=True)
            if skill not in turn.arguable
        ]
        is_shown, is_found, weight = (
            np.array(column, np.float64) for column in zip(*settled, strict=True)
        )
        rate = RATES_IN_LESSONS[skill]
        as_in_lessons = np.where(
            is_shown == 1, rate / is_shown.sum(), (1 - rate) / (1 - is_shown).sum()
        )
        found, right = float(as_in_lessons @ is_found), float(as_in_lessons @ weight)
        usual[skill] = UsualRate(
            round(right / (1 - found + right), _RATE_DECIMALS),
            SHIPPED.rates[skill].spread,
            round(right / found, _CERTAINTY_DECIMALS),
        )
    return usual
