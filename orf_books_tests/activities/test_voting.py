from itertools import product
from typing import Any

import pytest

from orf_books.activities.voting import NEEDED_ANSWERS, VoteRule, Votes, is_misread
from orf_books_tests.activities.goldens import cases

REFERENCE, MAJORITY = VoteRule.REFERENCE, VoteRule.MAJORITY


@pytest.mark.parametrize("case", cases("rescoring_vote"))
def test_three_answers_decide_as_agreed(case: dict[str, Any]) -> None:
    heard = zip(case["deepgram"], case["kaldi"], case["w2v"], strict=True)
    votes = [Votes(*map(bool, one)) for one in heard]
    assert [is_misread(one, REFERENCE) for one in votes] == case["expect"]


def test_rules_keep_the_names_by_which_they_are_chosen_and_stored() -> None:
    assert [rule.value for rule in VoteRule] == ["reference", "majority", "calibrated"]


def test_by_majority_w_does_not_decide_alone() -> None:
    assert is_misread(Votes(False, False, True), REFERENCE) is False
    assert is_misread(Votes(False, False, True), MAJORITY) is True
    assert is_misread(Votes(False, True, True), MAJORITY) is False


@pytest.mark.parametrize(
    ("votes", "reference", "majority"),
    [
        (Votes(True, None, True), False, False),
        (Votes(False, None, False), True, True),
        (Votes(True, None, False), None, None),
        (Votes(False, None, True), False, None),
        (Votes(True, True, None), False, False),
        (Votes(False, True, None), None, None),
        (Votes(False, False, None), None, True),
    ],
)
def test_two_answers_decide_where_the_third_would_change_nothing(
    votes: Votes, reference: bool | None, majority: bool | None
) -> None:
    assert is_misread(votes, REFERENCE) is reference
    assert is_misread(votes, MAJORITY) is majority


@pytest.mark.parametrize("rule", VoteRule)
def test_a_missing_answer_never_leads_to_another_verdict(rule: VoteRule) -> None:
    for a, k, w in product((True, False), repeat=3):
        everyone = is_misread(Votes(a, k, w), rule)
        for fewer in (Votes(None, k, w), Votes(a, None, w), Votes(a, k, None)):
            assert is_misread(fewer, rule) in (everyone, None)


@pytest.mark.parametrize("rule", VoteRule)
@pytest.mark.parametrize("votes", [Votes(), Votes(a=True), Votes(k=False), Votes(w=True)])
def test_one_answer_decides_nothing(votes: Votes, rule: VoteRule) -> None:
    assert votes.answers < NEEDED_ANSWERS
    assert is_misread(votes, rule) is None
