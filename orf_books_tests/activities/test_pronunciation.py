import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.activities.phonemes import vendor_phonemes
from orf_books.activities.pronunciation import guessed


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("mibsy", "M IH B S IY"),
        ("wuffle", "W AH F AH L"),
        ("kelbo", "K EH L B OW"),
        ("grape", "G R EY P"),
        ("cent", "S EH N T"),
        ("thorn", "TH AO R N"),
        ("quick", "K W IH K"),
        ("a", "AE"),
    ],
)
def test_an_unknown_word_sounds_like_its_letters(word: str, sounds: str) -> None:
    assert " ".join(guessed(word)) == sounds


@given(st.text(max_size=20))
def test_every_text_has_sounds_of_the_alphabet(text: str) -> None:
    assert vendor_phonemes(guessed(text))
