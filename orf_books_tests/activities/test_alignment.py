from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.activities.alignment import AlignedPair, aligned_words, match_vector
from orf_books.activities.story import words_of
from orf_books_tests.activities.goldens import cases

TEXTS = st.lists(
    st.sampled_from(["a", "the", "kind", "kind-hearted", "hearted", "cat"]), max_size=12
)


def heard(expected: str, said: str) -> list[bool]:
    return list(match_vector(words_of(expected), words_of(said)))


@pytest.mark.parametrize("case", cases("word_alignment"))
def test_words_are_aligned_as_agreed(case: dict[str, Any]) -> None:
    found = heard(case["story"], case["heard"])
    assert found == case.get("expect", case.get("recommended", found))
    assert len(found) == case.get("expect_len", len(words_of(case["story"])))
    assert case.get("sum_min", 0) <= sum(found) <= case.get("sum_max", len(found))


@pytest.mark.parametrize(
    ("expected", "said", "found"),
    [
        ("he ran ran home", "he ran home", [True, True, False, True]),
        ("a b", "b a", [False, True]),
    ],
    ids=["the first of a word said twice", "the second of two that changed places"],
)
def test_ties_always_go_the_same_way(expected: str, said: str, found: list[bool]) -> None:
    assert heard(expected, said) == found


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ("a kind-hearted man", "a kind hearted man"),
        ("a kind-hearted man", "a kindhearted man"),
        ("a kind hearted man", "a kind-hearted man"),
        ("his mother-in-law came", "his mother in law came"),
        ("far\u2014away", "far away"),
        ("Don\u2019t stop!", "don't stop"),
    ],
)
def test_words_written_together_and_apart_are_the_same(expected: str, said: str) -> None:
    assert all(heard(expected, said))


def test_half_of_a_hyphenated_word_is_not_the_word() -> None:
    assert heard("a kind-hearted man", "a kind man") == [True, False, True]


def test_sounds_put_in_by_the_reader_lengthen_nothing() -> None:
    assert heard("the cat sat", "um the the cat uh cat sat down") == [True, True, True]


def test_pairs_say_what_was_left_out_put_in_and_replaced() -> None:
    pairs = aligned_words(("the", "big", "cat", "sat"), ("um", "the", "cat", "sits"))
    assert pairs == (
        AlignedPair(None, 0, is_match=False),
        AlignedPair(0, 1, is_match=True),
        AlignedPair(1, None, is_match=False),
        AlignedPair(2, 2, is_match=True),
        AlignedPair(3, 3, is_match=False),
    )


def test_a_word_put_together_has_a_pair_with_each_part() -> None:
    pairs = aligned_words(("kind-hearted", "man"), ("kind", "hearted", "man"))
    assert [(pair.expected, pair.heard) for pair in pairs] == [(0, 0), (0, 1), (1, 2)]
    assert all(pair.is_match for pair in pairs)


@given(TEXTS, TEXTS)
def test_every_word_of_both_texts_is_in_a_pair_and_in_order(
    expected: list[str], said: list[str]
) -> None:
    pairs = aligned_words(expected, said)
    for words, found in (
        (expected, [pair.expected for pair in pairs if pair.expected is not None]),
        (said, [pair.heard for pair in pairs if pair.heard is not None]),
    ):
        assert found == sorted(found)
        assert set(found) == set(range(len(words)))


@given(TEXTS)
def test_a_text_matches_itself(words: list[str]) -> None:
    assert match_vector(words, words) == (True,) * len(words)


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("in 1985 he", "in nineteen eighty five he"),
        ("in 1985 he", "in one thousand nine hundred and eighty five he"),
        ("in nineteen eighty-five he", "in 1985 he"),
        ("3 dogs", "three dogs"),
        ("3 dogs", "3 dogs"),
        ("a 5-year-old", "a five year old"),
    ],
)
def test_a_numeral_is_the_words_in_which_it_is_said(printed: str, said: str) -> None:
    assert all(heard(printed, said))


def test_a_numeral_that_is_said_otherwise_is_misread() -> None:
    assert heard("In 1985 he", "in nineteen eighty four he") == [True, False, True]
