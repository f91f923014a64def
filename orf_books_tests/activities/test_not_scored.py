from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from orf_books.activities.audio import SAMPLES_PER_SECOND, Recording
from orf_books.activities.flagging import Strategy
from orf_books.activities.not_scored import reading_obstacle, without_unscored_phrases
from orf_books.activities.rescored_activity import RescoredPhrase, RescoredWord
from orf_books.activities.sound_quality import NotScored
from orf_books.activities.voting import Votes

SECONDS = 8
PHRASE_SECONDS = 2
RANDOM = np.random.default_rng(1)


def speech() -> NDArray[np.float64]:
    """Four phrases of 2 s, each as long as four words that are read slowly, with breaks."""
    times = np.arange(SECONDS * SAMPLES_PER_SECOND) / SAMPLES_PER_SECOND
    voice = RANDOM.normal(0, 4000, len(times))
    return np.where(times % 0.5 < 0.4, voice, RANDOM.normal(0, 5, len(times)))


def recording(sound: NDArray[np.float64]) -> Recording:
    return Recording(np.clip(np.rint(sound), -32768, 32767).astype("<i2").tobytes())


def softened(sound: NDArray[np.float64], decibels: float) -> NDArray[np.float64]:
    """The second phrase of it made softer."""
    part = slice(PHRASE_SECONDS * SAMPLES_PER_SECOND, 2 * PHRASE_SECONDS * SAMPLES_PER_SECOND)
    soft = sound.copy()
    soft[part] /= 10 ** (decibels / 20)
    return soft


def word(probability: float | None) -> RescoredWord:
    is_misread = probability is not None and probability >= 0.5
    return RescoredWord(
        "word", is_misread, True, False, None, Votes(), None, None, None, probability
    )


def phrase(
    probabilities: Sequence[float | None], number: int = 1, seconds: float = PHRASE_SECONDS
) -> RescoredPhrase:
    words = tuple(map(word, probabilities))
    start = 1000 * PHRASE_SECONDS * number
    return RescoredPhrase(
        words,
        tuple(bool(one.misread) for one in words),
        Strategy.RESCORE_PHRASE,
        "",
        is_rescored=True,
        span=(start, start + round(1000 * seconds)),
    )


def obstacle(one: RescoredPhrase, sound: Recording) -> NotScored | None:
    (decided,) = without_unscored_phrases([one], sound)
    return decided.not_scored


def test_a_phrase_of_which_hardly_a_word_fits_could_not_be_scored() -> None:
    unlike = phrase([0.9, 0.3, 0.6, 0.4])
    assert obstacle(unlike, recording(speech())) is NotScored.UNLIKE_THE_TEXT


def test_a_phrase_that_could_not_be_scored_makes_no_word_an_error() -> None:
    (decided,) = without_unscored_phrases([phrase([0.9, 0.3, 0.6, 0.4])], recording(speech()))
    assert not any(decided.flags)
    assert {(one.misread, one.not_scored) for one in decided.words} == {
        (None, NotScored.UNLIKE_THE_TEXT)
    }


@pytest.mark.parametrize(
    "probabilities",
    [[0.9, 0.1, 0.1, 0.1], [0.9, 0.9], [0.3, 0.45, 0.45, 0.45], [None] * 4, []],
    ids=["one misread", "two words", "none misread", "no probabilities", "no words"],
)
def test_other_phrases_are_scored(probabilities: list[float | None]) -> None:
    assert obstacle(phrase(probabilities), recording(speech())) is None


def test_a_phrase_far_softer_than_the_reading_could_not_be_scored() -> None:
    one_misread = phrase([0.9, 0.1, 0.1, 0.1])
    assert obstacle(one_misread, recording(softened(speech(), 40))) is NotScored.TOO_SOFT
    assert obstacle(one_misread, recording(softened(speech(), 15))) is None


def test_a_phrase_for_which_there_was_no_time_was_left_out() -> None:
    assert obstacle(phrase([0.9] * 4, seconds=0.5), recording(softened(speech(), 40))) is None


def test_sound_too_short_for_any_word_could_not_be_scored() -> None:
    assert obstacle(phrase([0.9] * 4, seconds=0.1), recording(speech())) is NotScored.TOO_SHORT


def test_a_reading_most_of_which_does_not_fit_could_not_be_scored() -> None:
    sound = recording(speech())
    assert reading_obstacle([word(0.9)] * 6 + [word(0.1)] * 4, sound) is NotScored.UNLIKE_THE_TEXT
    assert reading_obstacle([word(0.9)] * 4 + [word(0.1)] * 6, sound) is None


def test_in_bad_sound_less_is_enough_and_the_sound_is_the_reason() -> None:
    sound = recording(np.clip(speech() * 40, -20_000, 20_000))
    assert reading_obstacle([word(0.9)] * 4 + [word(0.1)] * 6, sound) is NotScored.CLIPPED


def test_a_few_words_say_nothing_about_a_reading() -> None:
    assert reading_obstacle([word(0.9)] * 9, recording(speech())) is None
