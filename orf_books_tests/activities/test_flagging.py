from typing import Any

import pytest

from orf_books.activities.flagging import (
    FlagsDoNotFit,
    Strategy,
    agree,
    count_corrects,
    count_matches,
    decide,
    padded_flags,
    settled_flags,
)
from orf_books.failures import FixInput
from orf_books_tests.activities.goldens import cases

HELPERS = {"count_matches": count_matches, "count_corrects": count_corrects}


@pytest.mark.parametrize("case", cases("flagging"))
def test_a_phrase_is_kept_marked_or_rescored_as_agreed(case: dict[str, Any]) -> None:
    decision = decide(*(list(map(bool, case[of])) for of in ("deepgram", "w2v", "errors")))
    assert decision.strategy == case["strategy"]
    assert case.get("reason_contains", "") in decision.reason


@pytest.mark.parametrize("case", cases("flagging_helpers"))
def test_words_are_counted_as_agreed(case: dict[str, Any]) -> None:
    if case["fn"] == "agree":
        heard = list(map(bool, case["deepgram"]))
        assert agree(heard, case["errors"]) is case["expect"]
    else:
        assert HELPERS[case["fn"]](case["input"]) == case["expect"]


@pytest.mark.parametrize("case", cases("flagging_execution"))
def test_strategies_do_to_flags_what_was_agreed(case: dict[str, Any]) -> None:
    stored = (case.get("activity_errors") or [[]])[0]
    predicted = case.get("model_predictions", [stored])[0]
    if "expect_error" in case:
        with pytest.raises(ValueError, match=case["message_contains"]):
            Strategy(case["strategy"])
        return
    settled = settled_flags(Strategy(case["strategy"]), padded_flags(stored, len(predicted)))
    if case["strategy"] == "rescore_phrase":
        assert settled is None
    else:
        assert settled == tuple(case.get("expect") or case["debug"]["retouched"])


@pytest.mark.parametrize(
    ("corrects", "stored", "strategy"),
    [
        (0, 9, Strategy.KEEP_ORIGINAL),
        (1, 0, Strategy.MARK_ALL_ERRORS),
        (2, 0, Strategy.MARK_ALL_ERRORS),
        (2, 1, Strategy.RESCORE_PHRASE),
        (3, 0, Strategy.RESCORE_PHRASE),
    ],
)
def test_where_nothing_was_heard_the_counts_decide(
    corrects: int, stored: int, strategy: Strategy
) -> None:
    errors = [False] * corrects + [True] * (9 - corrects)
    assert decide([False] * 9, [True] * stored, errors).strategy is strategy


def test_missing_flags_are_misread_words() -> None:
    assert padded_flags([False], 3) == (False, True, True)
    assert padded_flags([], 2) == (True, True)
    assert padded_flags([False, True], 2) == (False, True)


def test_more_flags_than_words_are_refused() -> None:
    with pytest.raises(FlagsDoNotFit, match="3 error flags for 2 words") as refused:
        padded_flags([True] * 3, 2)
    assert isinstance(refused.value, FixInput)
    assert isinstance(refused.value, ValueError)


def test_vectors_of_different_lengths_are_never_compared() -> None:
    with pytest.raises(ValueError, match="zip"):
        agree([True, False], [False])
