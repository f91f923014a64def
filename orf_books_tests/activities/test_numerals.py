import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.activities.numerals import spoken


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("3", "three"),
        ("40", "forty"),
        ("21", "twenty one"),
        ("105", "one hundred five"),
        ("105", "one hundred and five"),
        ("105", "one oh five"),
        ("1985", "nineteen eighty five"),
        ("1985", "one thousand nine hundred and eighty five"),
        ("1905", "nineteen oh five"),
        ("1900", "nineteen hundred"),
        ("2007", "two thousand and seven"),
        ("2000", "two thousand"),
        ("1030", "ten thirty"),
        ("100", "a hundred"),
        ("4503", "four five oh three"),
        ("007", "zero zero seven"),
        ("250000", "two hundred fifty thousand"),
        ("1st", "first"),
        ("12th", "twelfth"),
        ("20th", "twentieth"),
        ("23rd", "twenty third"),
        ("1980s", "nineteen eighties"),
        ("$5", "five dollars"),
        ("$1", "one dollar"),
        ("50%", "fifty percent"),
        ("5-year-old", "five year old"),
    ],
)
def test_a_numeral_is_said_in_the_usual_ways(written: str, said: str) -> None:
    assert tuple(said.split()) in spoken(written)


@pytest.mark.parametrize(
    ("written", "said"), [("1985", "nineteen eighty five"), ("2007", "two thousand seven")]
)
def test_the_most_usual_way_comes_first(written: str, said: str) -> None:
    assert spoken(written)[0] == tuple(said.split())


@pytest.mark.parametrize("word", ["three", "", "-", "r2d2", "5x", "½"])
def test_other_words_are_no_numerals(word: str) -> None:
    assert spoken(word) == ()


def test_a_number_too_long_for_words_is_said_digit_by_digit() -> None:
    assert spoken("9" * 5000)[0] == ("nine",) * 5000


def test_of_many_numerals_joined_by_hyphens_a_few_ways_are_enough() -> None:
    assert 0 < len(spoken("-".join(["1985"] * 60))) < 20


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=12) | st.integers(0).map(str))
def test_whatever_is_written_its_words_have_no_digits(text: str) -> None:
    for way in spoken(text):
        assert way
        assert not any(map(str.isdecimal, "".join(way)))
