import random

import pytest

from orf_books.transcripts.detection import shipped_detector
from orf_books.transcripts.labels import OthersPart, turns_by_others
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.usual import (
    SHIPPED,
    SPREAD_LIMITS,
    ClassTally,
    UsualSource,
    class_tally,
    learn_usual,
)
from orf_books.transcripts.usual_measurement import measure_usual

VERSION = "1.2.0+ab12"


def heard(students: int, utterances: int, rates: list[float], version: str = VERSION) -> ClassTally:
    """A class in which each skill is found at one of the rates, in turn over the students."""
    return class_tally(
        version,
        [
            (utterances, dict.fromkeys(Skill, (round(rate * utterances), rate * utterances)))
            for number in range(students)
            for rate in [rates[number % len(rates)]]
        ],
    )


def test_what_is_usual_is_learned_from_enough_classes() -> None:
    usual = learn_usual([heard(25, 400, [0.02])] * 3)
    assert usual is not None
    assert usual.source is UsualSource.LEARNED
    assert (usual.utterances, usual.students, usual.classes) == (30_000, 75, 3)
    assert usual.rates[Skill.EMPATHY].rate == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize(
    "tallies",
    [
        [],
        [heard(25, 39, [0.02])],
        [heard(14, 400, [0.02])],
        [heard(7, 400, [0.02], version) for version in ("1", "2", "3")],
    ],
)
def test_too_little_is_not_learned_from(tallies: list[ClassTally]) -> None:
    assert learn_usual(tallies) is None


def test_a_skill_that_is_never_found_stays_possible() -> None:
    usual = learn_usual([heard(25, 4000, [0.0])] * 3)
    assert usual is not None
    assert 0 < usual.rates[Skill.EMPATHY].rate < SHIPPED.rates[Skill.EMPATHY].rate


def test_students_who_differ_more_have_a_wider_distribution() -> None:
    alike, different = (
        learn_usual([heard(24, 2000, rates)] * 3) for rates in ([0.05], [0.01, 0.03, 0.16])
    )
    assert alike is not None
    assert different is not None
    assert alike.rates[Skill.EMPATHY].spread == SPREAD_LIMITS[1]
    assert different.rates[Skill.EMPATHY].spread < 2


def test_a_simulated_store_is_learned_as_it_was_simulated() -> None:
    chance = random.Random(3)
    rates = [chance.gammavariate(2, 0.025) for _ in range(300)]
    usual = learn_usual(
        [
            class_tally(
                VERSION,
                [
                    (600, dict.fromkeys(Skill, (found, 0.7 * found)))
                    for rate in rates[start : start + 30]
                    for found in [sum(chance.random() < rate / 0.7 for _ in range(600))]
                ],
            )
            for start in range(0, 300, 30)
        ]
    )
    assert usual is not None
    learned = usual.rates[Skill.COLLABORATION]
    assert learned.rate == pytest.approx(0.05, rel=0.15)
    assert learned.spread == pytest.approx(2, rel=0.35)
    assert learned.certainty == pytest.approx(0.7, rel=0.05)


def test_the_state_changes_with_the_rates() -> None:
    one, other = (learn_usual([heard(25, 400, [rate])] * 3) for rate in (0.02, 0.03))
    assert one is not None
    assert other is not None
    assert len({SHIPPED.state, one.state, other.state}) == 3


def test_the_shipped_rates_are_those_of_the_shipped_detector() -> None:
    turns = turns_by_others(OthersPart.TEST)
    assert measure_usual(shipped_detector(), turns) == SHIPPED.rates
