from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.transcripts.word_pieces import MOST_PIECES, vocabulary_file, word_pieces

VOCABULARY = vocabulary_file().decode().splitlines()
START, END, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"


def pieces(text: str) -> list[str]:
    first, *between, last = (VOCABULARY[number] for number in word_pieces(text))
    assert (first, last) == (START, END)
    return between


def test_the_vocabulary_is_that_of_bert_without_capitals() -> None:
    expected = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
    assert sha256(vocabulary_file()).hexdigest() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Let's SHARE it, okay?", "let ' s share it , okay ?"),
        ("Untidiness\u2019s 3.5%", "un ##ti ##dine ##ss \u2019 s 3 . 5 %"),
        ("  a\tcaf\u00e9\u00a0\u200bna\u00efve\n", "a cafe naive"),
        ("\u65e5\u672c x\U0001f600", "\u65e5 \u672c [UNK]"),
        ("\u0130\u1e9e \ufffd\x00ok", "i ##\u00df ok"),
        ("x" * 101, UNKNOWN),
        ("", ""),
    ],
)
def test_a_text_is_cut_as_the_model_learned_it(text: str, expected: str) -> None:
    """Expected is what the tokenizer of Hugging Face makes of it."""
    assert pieces(text) == expected.split()


@given(st.text(st.characters(codec="ascii"), max_size=80))
def test_no_letter_is_lost(text: str) -> None:
    said = "".join(piece.removeprefix("##") for piece in pieces(text))
    spoken = "".join(char for char in text.lower() if char.isprintable() and char != " ")
    assert said == spoken or UNKNOWN in pieces(text)


@given(st.text(max_size=600))
def test_any_text_has_two_ends_and_no_more_than_fits(text: str) -> None:
    assert 2 <= len(word_pieces(text)) <= MOST_PIECES


def test_what_does_not_fit_is_left_out() -> None:
    assert word_pieces("word " * 400) == word_pieces("word " * 254)
