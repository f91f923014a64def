from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orf_books.transcripts.skills import Skill
from orf_books.transcripts.student_scores import SCORE_STEP, USUAL_SCORE, Score, Tally, score
from orf_books.transcripts.usual import SHIPPED, UsualRate

EMPATHY = SHIPPED.rates[Skill.EMPATHY]
RATES = st.builds(
    UsualRate,
    st.floats(0.001, 0.4),
    spread=st.floats(1, 8),
    certainty=st.floats(0.3, 1),
)
CERTAINTIES = st.lists(st.floats(0.05, 1), min_size=1, max_size=12)


def tally(certainties: list[float], silent: int) -> Tally:
    """Of so many findings, and so many utterances without one."""
    return Tally(len(certainties) + silent, len(certainties), round(sum(certainties), 3))


def scored(found: Tally, usual: UsualRate = EMPATHY) -> Score:
    result = score(found, usual)
    assert result is not None
    return result


def ends(result: Score) -> tuple[float, float, float]:
    return result.low, result.value, result.high


@pytest.mark.parametrize("utterances", [3, 60, 5000])
def test_nothing_found_is_no_number_however_much_was_heard(utterances: int) -> None:
    assert score(Tally(utterances), EMPATHY) is None


@pytest.mark.parametrize("utterances", [1, 2])
def test_too_little_said_is_no_number_whatever_was_found(utterances: int) -> None:
    assert score(Tally(utterances, utterances, float(utterances)), EMPATHY) is None


def test_offers_of_help_score_above_usual_where_silence_has_no_score() -> None:
    assert score(Tally(3), SHIPPED.rates[Skill.COLLABORATION]) is None
    assert scored(Tally(63, 3, 2.4), SHIPPED.rates[Skill.COLLABORATION]).value > USUAL_SCORE


@pytest.mark.parametrize("skill", Skill)
def test_a_student_who_shows_a_skill_as_often_as_usual_scores_five(skill: Skill) -> None:
    usual = SHIPPED.rates[skill]
    # So that the weight is that share of settled utterances: those without a finding, and it.
    found = round(5000 * usual.rate / (usual.certainty + usual.rate * (1 - usual.certainty)))
    result = scored(Tally(5000, found, round(found * usual.certainty, 3)), usual)
    assert abs(result.value - USUAL_SCORE) <= SCORE_STEP
    assert result.low < USUAL_SCORE < result.high


def test_one_finding_in_few_utterances_says_next_to_nothing() -> None:
    result = scored(Tally(10, 1, EMPATHY.certainty))
    assert result.value == USUAL_SCORE
    assert result.high - result.low > 4
    assert result.confidence < 0.2


def test_the_interval_narrows_the_more_is_heard_at_the_same_rate() -> None:
    widths = [
        result.high - result.low
        for times in (1, 4, 16, 64)
        for result in [scored(Tally(100 * times, 3 * times, 2.0 * times), UsualRate(0.02, 2, 0.7))]
    ]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < widths[0] / 4


@given(RATES, CERTAINTIES, st.integers(3, 400), st.floats(0.05, 1))
def test_another_finding_never_lowers_a_score(
    usual: UsualRate, found: list[float], silent: int, certainty: float
) -> None:
    before = ends(scored(tally(found, silent), usual))
    as_another_line = ends(scored(tally([*found, certainty], silent), usual))
    in_a_silent_line = ends(scored(tally([*found, certainty], silent - 1), usual))
    assert all(now >= then - 0.011 for now, then in zip(as_another_line, before, strict=True))
    assert all(now >= then - 0.011 for now, then in zip(in_a_silent_line, before, strict=True))
    assert as_another_line[1] >= before[1]
    assert in_a_silent_line[1] >= before[1]


@given(RATES, CERTAINTIES, st.integers(3, 400), st.integers(1, 400))
def test_neutral_lines_never_raise_a_score_and_lower_it_by_no_more_than_the_rate(
    usual: UsualRate, found: list[float], silent: int, more: int
) -> None:
    before, after = (scored(tally(found, lines), usual) for lines in (silent, silent + more))
    assert after.value <= before.value
    assert after.high <= before.high + 0.011
    # The rate itself falls to this share; what is usual beside it holds it back.
    utterances = len(found) + silent
    share = utterances / (utterances + more)
    odds = before.value / (10 - before.value)
    least = 10 * odds * share / (1 + odds * share)
    assert after.value >= min(least, USUAL_SCORE) - 2 * SCORE_STEP


@given(RATES, CERTAINTIES, st.integers(0, 400))
def test_a_score_lies_within_its_interval_on_the_scale(
    usual: UsualRate, found: list[float], silent: int
) -> None:
    assume(len(found) + silent >= 3)
    result = scored(tally(found, silent), usual)
    assert 0 <= result.low <= result.value <= result.high <= 10
    assert 0 <= result.confidence <= 1
    assert result.value % SCORE_STEP == 0


@given(RATES, CERTAINTIES, st.integers(3, 200))
def test_a_surer_finding_never_counts_for_less(
    usual: UsualRate, found: list[float], silent: int
) -> None:
    unsure, sure = tally(found, silent), tally([1.0] * len(found), silent)
    assert scored(sure, usual).value >= scored(unsure, usual).value


def test_what_is_usual_elsewhere_makes_another_score() -> None:
    found = Tally(200, 10, 8.0)
    rare, common = UsualRate(0.01, 2, 0.7), UsualRate(0.1, 2, 0.7)
    assert scored(found, rare).value > USUAL_SCORE > scored(found, common).value


def test_sums_of_tallies_are_what_was_heard_in_all_sessions() -> None:
    assert Tally(10, 1, 0.7) + Tally(20, 2, 1.1) == Tally(30, 3, 1.8)
    assert replace(Tally(10, 1, 0.7)) + Tally() == Tally(10, 1, 0.7)
