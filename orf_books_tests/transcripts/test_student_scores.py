import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.transcripts.skills import Skill
from orf_books.transcripts.student_scores import BASE_RATES, score_confidence, skill_score


@pytest.mark.parametrize("skill", Skill)
def test_what_is_usual_scores_five(skill: Skill) -> None:
    assert skill_score(skill, [BASE_RATES[skill]] * 50, 50) == 5.0


@pytest.mark.parametrize("skill", Skill)
@pytest.mark.parametrize(("utterances", "score"), [(4, 3.33), (20, 1.43)])
def test_nothing_found_says_more_the_more_was_said(
    skill: Skill, utterances: int, score: float
) -> None:
    assert skill_score(skill, [], utterances) == score


def test_one_finding_in_few_utterances_scores_higher_than_in_many() -> None:
    few, many = (skill_score(Skill.EMPATHY, [0.9], n) for n in (4, 100))
    assert few is not None
    assert many is not None
    assert few > many


@pytest.mark.parametrize("utterances", [0, 1, 2])
def test_too_few_utterances_have_no_score_and_no_confidence(utterances: int) -> None:
    assert skill_score(Skill.EMPATHY, [1.0] * utterances, utterances) is None
    assert score_confidence([0.9] * utterances, [1.0] * utterances) == 0.0


def test_confidence_is_half_after_eight_certain_utterances() -> None:
    assert score_confidence([1.0] * 8, [1.0] * 8) == 0.5
    assert score_confidence([0.5] * 8, [1.0] * 8) == 0.0
    assert score_confidence([0.0] * 8, [0.5] * 8) == 0.25


@given(
    st.sampled_from(Skill),
    st.lists(st.floats(0, 1), max_size=30),
    st.integers(min_value=0, max_value=60),
)
def test_scores_stay_between_nought_and_ten(skill: Skill, found: list[float], silent: int) -> None:
    score = skill_score(skill, found, len(found) + silent)
    assert score is None or 0 < score < 10
