from collections.abc import Sequence

import pytest

from orf_books.transcripts.detection import shipped_detector
from orf_books.transcripts.firing import Tier
from orf_books.transcripts.labels import (
    HANDS,
    LabelledText,
    LessonPart,
    OthersPart,
    lesson_turns,
    turns_by_others,
)
from orf_books.transcripts.measured_tiers import (
    LEAST_PRECISION,
    TierWorth,
    is_measured,
    is_worth_showing,
    measured_tiers,
)
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.tier_measurement import measure_tiers

REASON = "Um, because they are both half, so it is the same."
PLAIN = "We are on page nine of the green book."


def worth_of(turns: Sequence[LabelledText]) -> TierWorth:
    return measure_tiers(shipped_detector(), turns)[Skill.COMMUNICATION][Tier.MODERATE]


def labelled(text: str, *skills: Skill) -> LabelledText:
    return LabelledText(text, frozenset(skills))


def test_a_skill_that_is_wrong_too_often_is_not_measured() -> None:
    def worth(precision: float | None) -> dict[Tier, TierWorth]:
        return {Tier.MODERATE: TierWorth(6, 10, precision, None, None)}

    assert is_worth_showing(worth(LEAST_PRECISION))
    assert not is_worth_showing(worth(LEAST_PRECISION - 0.01))
    assert not is_worth_showing(worth(None))


def test_the_shipped_figures_are_of_every_skill_and_tier() -> None:
    assert list(measured_tiers()) == list(Skill)
    assert all(list(tiers) == [Tier.STRONG, Tier.MODERATE] for tiers in measured_tiers().values())
    assert is_measured(Skill.COMMUNICATION)


def test_the_shipped_figures_are_those_of_the_shipped_detector() -> None:
    turns = turns_by_others(OthersPart.TEST)
    assert measure_tiers(shipped_detector(), turns) == measured_tiers()


def test_a_wrong_finding_lowers_what_a_tier_is_worth() -> None:
    turns = [labelled(REASON, Skill.COMMUNICATION), *[labelled(f"{PLAIN} {n}") for n in range(50)]]
    all_right, with_wrong = worth_of(turns), worth_of([*turns, labelled(REASON)])
    assert (all_right.right, all_right.found, with_wrong.found) == (1, 1, 2)
    assert all_right.precision is not None
    assert with_wrong.precision is not None
    assert with_wrong.precision < all_right.precision < 1


def test_an_arguable_finding_counts_neither_way() -> None:
    arguable = LabelledText(REASON, frozenset(), arguable=frozenset({Skill.COMMUNICATION}))
    assert worth_of([arguable, labelled(PLAIN)]) == TierWorth(0, 0, None, None, None)


@pytest.mark.parametrize("part", LessonPart)
def test_lessons_hold_every_skill(part: LessonPart) -> None:
    turns = lesson_turns(part)
    assert all(sum(skill in turn.skills for turn in turns) >= 10 for skill in Skill)
    assert sum(not turn.skills for turn in turns) > len(turns) / 2


@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize("part", OthersPart)
def test_every_hand_wrote_every_skill_for_learning_and_for_measuring(
    hand: str, part: OthersPart
) -> None:
    turns = turns_by_others(part, (hand,))
    assert all(sum(skill in turn.skills for turn in turns) >= 10 for skill in Skill)
    assert sum(not turn.skills for turn in turns) > len(turns) / 2
