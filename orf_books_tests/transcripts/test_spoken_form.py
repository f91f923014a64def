import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.transcripts.spoken_form import as_spoken, asks_to_explain, phrases


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("You know what I mean?", "you know what i mean"),
        ("It\u2019s 'half', isn't it?!", "it's half isn't it"),
        ("  Wait... no -- FIVE.  ", "wait no five"),
        ("...", ""),
    ],
)
def test_only_words_are_spoken(text: str, spoken: str) -> None:
    assert as_spoken(text) == spoken


@given(st.text())
def test_what_is_spoken_already_stays(text: str) -> None:
    assert as_spoken(as_spoken(text)) == as_spoken(text)


def test_phrases_are_words_and_pairs_with_the_ends_of_the_sentence() -> None:
    assert phrases("it is it") == ("it", "is", "< it", "it is", "is it", "it >")
    assert phrases("") == ("< >",)


@pytest.mark.parametrize(
    "turn",
    ["How did you get that?", "Why not?", "Tell us more.", "WHAT MAKES you say so", "how come"],
)
def test_some_turns_ask_to_explain(turn: str) -> None:
    assert asks_to_explain(turn)


@pytest.mark.parametrize("turn", ["", "Who is next?", "How many are there?", "Open your books."])
def test_others_do_not(turn: str) -> None:
    assert not asks_to_explain(turn)
