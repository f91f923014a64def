from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.activities.trimming import trimmed_flags
from orf_books_tests.activities.goldens import cases

READINGS = st.lists(st.lists(st.booleans(), max_size=5), max_size=6)


def trimmed(flags: list[list[bool]]) -> list[list[bool]]:
    return list(map(list, trimmed_flags(flags).errors))


@pytest.mark.parametrize("case", cases("trim"))
def test_flags_end_with_the_last_correct_word_as_agreed(case: dict[str, Any]) -> None:
    assert trimmed(case["input"]) == case["expect"]


@pytest.mark.parametrize("case", cases("trim", "derived_edge_cases"))
def test_the_edges_are_as_agreed_but_for_phrases_without_words(case: dict[str, Any]) -> None:
    assert list(filter(None, trimmed(case["input"]))) == case["expect"]


def test_phrases_without_words_keep_their_place() -> None:
    assert trimmed([[False], [], [False, True], []]) == [[False], [], [False]]


def test_an_ending_of_one_word_may_be_spared_and_is_attempted_in_no_case() -> None:
    flags = [[False, True, True], [True]]
    spared = trimmed_flags(flags)
    cut = trimmed_flags(flags, spares_one_word_ending=False)
    assert (spared.errors, cut.errors) == (((False, True, True), (True,)), ((False,),))
    assert spared.attempted_words == cut.attempted_words == 1


def test_where_all_is_wrong_nobody_can_tell_how_far_the_child_read() -> None:
    all_wrong = trimmed_flags([[True, True], [True]])
    assert all_wrong.errors == ((True, True), (True,))
    assert (all_wrong.attempted_words, all_wrong.last_attempted) == (0, None)


@given(READINGS)
def test_what_is_attempted_ends_with_a_correct_word_and_loses_none(flags: list[list[bool]]) -> None:
    result = trimmed_flags(flags, spares_one_word_ending=False)
    correct = sum(not error for phrase in flags for error in phrase)
    if result.last_attempted is None:
        assert not correct
        return
    phrase, word = result.last_attempted
    assert len(result.errors) == phrase + 1
    assert len(result.errors[phrase]) == word + 1
    assert not result.errors[phrase][word]
    assert result.attempted_words == sum(map(len, result.errors))
    assert sum(not error for errors in result.errors for error in errors) == correct
    assert all(list(errors) == flags[i][: len(errors)] for i, errors in enumerate(result.errors))
