from collections.abc import Sequence

import numpy as np
import pytest

from orf_books.activities.forced_alignment import Frames, align_words, frames_of
from orf_books.activities.phonemes import Pronunciation

SOUNDS = ["K", "AE", "T", "D", "AO", "G", "S"]
CAT, DOG, CATS = ("K", "AE", "T"), ("D", "AO", "G"), ("K", "AE", "T", "S")


def heard(said: str) -> Frames:
    """Frames in which each sound is said once, and nothing at `_`; surely, but not wholly so."""
    symbols = said.split()
    chances = np.full((len(symbols), len(SOUNDS) + 1), 0.01)
    for frame, symbol in enumerate(symbols):
        chances[frame, 0 if symbol == "_" else 1 + SOUNDS.index(symbol)] = 1
    log_probabilities = np.log(chances / chances.sum(axis=1, keepdims=True))
    numbers = {sound: [place] for place, sound in enumerate(SOUNDS, start=1)}
    return frames_of(log_probabilities, numbers, [0])


def places(said: str, words: Sequence[Sequence[Pronunciation]]) -> list[tuple[int, int]]:
    return [(word.first_frame, word.last_frame) for word in align_words(heard(said), words)]


def test_words_are_found_where_they_were_said() -> None:
    assert places("_ K AE _ T _ _ D AO G _", [[CAT], [DOG]]) == [(1, 4), (7, 9)]


def test_a_word_that_was_said_fits_and_one_that_was_not_does_not() -> None:
    cat, dog = align_words(heard("_ K AE T _ S AE S _"), [[CAT], [DOG]])
    assert cat.fit > -0.5 > dog.fit
    assert dog.worst_fit <= dog.fit
    assert cat.fit_throughout > dog.fit_throughout


def test_the_pronunciation_that_fits_best_counts() -> None:
    (word,) = align_words(heard("_ K AE T S _"), [[CAT, CATS]])
    assert (word.first_frame, word.last_frame) == (1, 4)
    assert word.fit > -0.5


def test_what_is_said_between_words_does_not_push_them_out_of_place() -> None:
    assert places("K AE T _ S AE S AE _ D AO G", [[CAT], [DOG]]) == [(0, 2), (9, 11)]


def test_a_sound_said_twice_needs_a_break() -> None:
    first, second = align_words(heard("K AE T _ T AE K _"), [[CAT], [("T", "AE", "K")]])
    assert (first.last_frame, second.first_frame) == (2, 4)


@pytest.mark.parametrize("said", ["", "_", "K AE"])
def test_where_there_is_too_little_sound_no_word_fits(said: str) -> None:
    frames = heard(said) if said else Frames({}, np.zeros(0), np.zeros(0))
    assert all(word.fit < -10 for word in align_words(frames, [[CAT], [DOG]]))


def test_without_words_there_is_nothing_to_place() -> None:
    assert align_words(heard("K AE T"), []) == ()


def test_a_word_said_again_was_repeated() -> None:
    cat, dog = align_words(heard("K AE T _ K AE T _ D AO G"), [[CAT], [DOG]])
    assert (cat.is_repeated, dog.is_repeated) == (True, False)
    assert (cat.first_frame, cat.last_frame, dog.first_frame) == (0, 6, 8)
    assert dog.before is None


def test_two_words_said_again_were_both_repeated() -> None:
    words = align_words(heard("K AE T _ D AO G _ K AE T _ D AO G"), [[CAT], [DOG]])
    assert all(word.is_repeated for word in words)


def test_what_is_said_between_words_is_told_from_the_beginning_of_the_next() -> None:
    _, dog = align_words(heard("K AE T _ S _ AE _ S _ D AO G"), [[CAT], [DOG]])
    assert dog.before is not None
    assert (dog.before.first_frame, dog.before.last_frame) == (4, 8)
    assert not dog.before.is_false_start
    _, cats = align_words(heard("D AO G _ K _ AE _ AE _ K AE T S"), [[DOG], [CATS]])
    assert cats.before is not None
    assert cats.before.is_false_start


def test_a_sound_or_two_between_words_are_none() -> None:
    _, dog = align_words(heard("K AE T _ S _ AE _ D AO G"), [[CAT], [DOG]])
    assert dog.before is None
