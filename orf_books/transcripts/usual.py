"""How often students usually show each skill, which every score is measured against.

Belongs here: the rates that are shipped, and learning them from what was heard. Does not belong
here: what a score is (`student_scores.py`), where rates are kept (`orf_books/records/usual.py`).

A rate is the share of utterances that show the skill, of those that are settled: a finding counts
with its calibrated probability of being right, and for the rest of it is left aside. So a detector
that errs more often does not make a skill look more common.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import fsum

from orf_books.transcripts.skills import Skill

ENOUGH_UTTERANCES, ENOUGH_STUDENTS = 1_000, 15
"""From so much on a store's own rates are used, be it of one class. Early is better than late: if
the rates are far from what is found, scores drift away from 5 the more a student says."""
UTTERANCES_OF_PRIOR, FINDINGS_OF_PRIOR = 1_000, 20
"""The shipped rates count like so much of the store, so that no rate is ever nought."""
SPREAD_LIMITS = (1.0, 8.0)
"""The estimate of a spread is rough, and outside of these limits it is not believed."""


class UsualSource(StrEnum):
    """Where the rates come from."""

    SHIPPED = "shipped"
    """Measured on invented turns, at the rates of recorded lessons."""
    LEARNED = "learned"
    """From this store's own classes."""


@dataclass(frozen=True, slots=True)
class UsualRate:
    """How often one skill is shown, and how much students differ in it."""

    rate: float
    """Of utterances, above 0 and below 1: the mean over students."""
    spread: float
    """The shape of the distribution of students' rates: they differ by about
    `rate / sqrt(spread)`."""
    certainty: float
    """Mean probability of a finding to be right, above 0 and at most 1."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for each skill, and how that is known."""

    source: UsualSource
    rates: Mapping[Skill, UsualRate]
    utterances: int = 0
    """Heard in the store when the rates were learned; 0 where they are shipped."""
    students: int = 0
    classes: int = 0
    model_version: str = ""
    """Of the detector whose findings were counted; another one may find more or less."""

    @property
    def state(self) -> str:
        """Changes with the rates."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


_SPREAD = 2.0
SHIPPED = Usual(
    UsualSource.SHIPPED,
    {
        Skill.COLLABORATION: UsualRate(0.008, _SPREAD, 0.5),
        Skill.COMMUNICATION: UsualRate(0.09, _SPREAD, 0.8),
        Skill.ADAPTABILITY: UsualRate(0.005, _SPREAD, 0.4),
        Skill.SELF_REGULATION: UsualRate(0.004, _SPREAD, 0.4),
        Skill.EMPATHY: UsualRate(0.005, _SPREAD, 0.4),
    },
)
"""What `usual_measurement.py` measures: how often the detector finds each skill in turns by other
hands, where skills are as rare as in recorded lessons. How much students differ was not measured:
the spread is an assumption."""


@dataclass(frozen=True, slots=True)
class SkillTally:
    """Sums over the students of a class; `w` is a student's weight of findings, `n` what they said.

    Such sums can be added up, and are enough to learn a rate and a spread from.
    """

    found: int
    """Findings."""
    weight: float
    """Sum of `w`."""
    weight_squared: float
    """Sum of `w * w`."""
    weight_by_utterances: float
    """Sum of `w * n`."""


@dataclass(frozen=True, slots=True)
class ClassTally:
    """What one class adds to what is usual: sums, no student's own figures."""

    model_version: str
    students: int
    utterances: int
    """Sum of `n`."""
    utterances_squared: int
    """Sum of `n * n`."""
    skills: Mapping[Skill, SkillTally]


def class_tally(
    model_version: str, students: Iterable[tuple[int, Mapping[Skill, tuple[int, float]]]]
) -> ClassTally:
    """The tally of a class.

    Args:
        model_version: of the detector.
        students: for each student how many utterances were heard, and for each skill the number of
            findings and their weight.
    """
    heard = list(students)
    return ClassTally(
        model_version,
        students=len(heard),
        utterances=sum(n for n, _ in heard),
        utterances_squared=sum(n * n for n, _ in heard),
        skills={
            skill: _skill_tally([(n, *findings[skill]) for n, findings in heard]) for skill in Skill
        },
    )


def _skill_tally(students: Sequence[tuple[int, int, float]]) -> SkillTally:
    return SkillTally(
        found=sum(found for _, found, _ in students),
        weight=round(fsum(weight for *_, weight in students), 3),
        weight_squared=round(fsum(weight * weight for *_, weight in students), 3),
        weight_by_utterances=round(fsum(n * weight for n, _, weight in students), 3),
    )


def learn_usual(tallies: Sequence[ClassTally]) -> Usual | None:
    """What is usual in a store; None where too little was heard to tell.

    Args:
        tallies: of all its classes; of several versions of the detector the one that heard most
            counts.
    """
    by_version: Counter[str] = Counter()
    for tally in tallies:
        by_version[tally.model_version] += tally.utterances
    model_version = max(by_version, key=lambda version: (by_version[version], version), default="")
    counted = [tally for tally in tallies if tally.model_version == model_version]
    utterances = sum(tally.utterances for tally in counted)
    students = sum(tally.students for tally in counted)
    if utterances < ENOUGH_UTTERANCES or students < ENOUGH_STUDENTS:
        return None
    return Usual(
        UsualSource.LEARNED,
        {skill: _rate(skill, counted, utterances) for skill in Skill},
        utterances,
        students,
        len(counted),
        model_version,
    )


def _rate(skill: Skill, tallies: Sequence[ClassTally], utterances: int) -> UsualRate:
    """Rate by the sums; spread by the method of moments.

    Were all students alike, `w` would vary by `rate * n` around `rate * n`; by how much more it
    does is the variance of their rates, times `n * n`.
    """
    shipped = SHIPPED.rates[skill]
    sums = [tally.skills[skill] for tally in tallies]
    weight = fsum(of_class.weight for of_class in sums)
    squares = sum(tally.utterances_squared for tally in tallies)
    found = sum(of_class.found for of_class in sums)
    settled = utterances - found + weight
    rate = (weight + UTTERANCES_OF_PRIOR * shipped.rate) / (settled + UTTERANCES_OF_PRIOR)
    deviation = (
        fsum(of_class.weight_squared for of_class in sums)
        - 2 * rate * fsum(of_class.weight_by_utterances for of_class in sums)
        + rate * rate * squares
    )
    variance = (deviation - rate * utterances) / squares
    lowest, highest = SPREAD_LIMITS
    spread = rate * rate / variance if variance > 0 else highest
    certainty = (weight + FINDINGS_OF_PRIOR * shipped.certainty) / (found + FINDINGS_OF_PRIOR)
    return UsualRate(
        round(rate, 6), round(min(max(spread, lowest), highest), 2), round(certainty, 3)
    )
