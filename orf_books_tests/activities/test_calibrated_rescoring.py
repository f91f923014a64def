"""What comes of a reading by the calibrated rule."""

import asyncio
from collections.abc import Mapping

import numpy as np
import pytest

from orf_books.activities.audio import SAMPLES_PER_SECOND, Recording
from orf_books.activities.calibration import Calibration, Interval, Weights, correct_words
from orf_books.activities.evidence import PagedRecording
from orf_books.activities.fluency import EventKind
from orf_books.activities.recognition import (
    PlacedPhrase,
    Placement,
    Recognisers,
    SaidBeside,
    StoryContext,
    WordEvidence,
)
from orf_books.activities.rescored_activity import RescoredActivity
from orf_books.activities.rescoring import rescore_activity
from orf_books.activities.sound_quality import NotScored
from orf_books.activities.voting import VoteRule
from orf_books_tests.activities.readings import (
    LEXICON,
    PHRASES,
    PhraseListener,
    Transcriber,
    activity,
    spoken,
)

WORD_MS, BEAT_MS = 400, 500
GOOD, BAD = -0.1, -9.0
"""Fits of a word."""
SPREAD = 1.5
WEIGHTS = Weights({"w.fit": -1.0}, -2.0, 0.5)
CALIBRATION = Calibration((0.2, 0.8), 0.0, SPREAD, {"a=a k=k w=placer": WEIGHTS, "a=a": WEIGHTS})
ALL_READ = "the cat sat on the mat a dog ran home"
WORDS = ALL_READ.split()


def sound() -> PagedRecording:
    """Twelve seconds of something like speech, softer between the words."""
    random = np.random.default_rng(1)
    times = np.arange(12 * SAMPLES_PER_SECOND) / SAMPLES_PER_SECOND
    loud, soft = random.normal(0, 4000, len(times)), random.normal(0, 5, len(times))
    samples = np.where(times * 1000 % BEAT_MS < WORD_MS, loud, soft)
    return PagedRecording(
        Recording(np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes())
    )


SOUND = sound()
SILENCE = PagedRecording(Recording(bytes(2 * 12 * SAMPLES_PER_SECOND)))


class Placer:
    """Places each word on a beat."""

    engine, is_draft = "placer/1", False

    def __init__(self, words: Mapping[int, WordEvidence], phrases: int) -> None:
        self._words, self._phrases = words, phrases

    async def place(self, recording: Recording, story: StoryContext) -> Placement:
        words = [self._words.get(place) or evidence(place) for place in range(len(WORDS))]
        placed = PlacedPhrase(0, tuple(words[:6])), PlacedPhrase(1, tuple(words[6:]))
        return Placement(placed[: self._phrases])


def evidence(
    place: int, fit: float = GOOD, *, is_repeated: bool = False, before: SaidBeside | None = None
) -> WordEvidence:
    start = BEAT_MS * place
    return WordEvidence(
        is_heard=fit == GOOD,
        fit=fit,
        worst_fit=fit,
        span=(start, start + WORD_MS),
        is_repeated=is_repeated,
        before=before,
    )


def rescored(
    heard: str = ALL_READ,
    words: Mapping[int, WordEvidence] | None = None,
    *,
    rule: VoteRule = VoteRule.CALIBRATED,
    sound: PagedRecording = SOUND,
    placed: int = len(PHRASES),
) -> RescoredActivity:
    """A reading whose first pass doubts everything; `words` fit otherwise than well."""
    listeners = PhraseListener("k/1", dict(enumerate(PHRASES))), PhraseListener("w/1", "")
    recognisers = Recognisers(Transcriber(spoken(heard)), *listeners, Placer(words or {}, placed))
    made = activity("xxxxxx", "xxxx")
    return asyncio.run(rescore_activity(made, sound, recognisers, LEXICON, rule, CALIBRATION))


def test_intervals_are_of_the_words_that_were_attempted() -> None:
    result = rescored(words={2: evidence(2, BAD), 9: evidence(9, BAD)})
    attempted = result.words[: result.fluency.attempted_words]
    assert (len(attempted), [word.misread for word in attempted].count(True)) == (9, 1)
    probabilities = [word.probability for word in attempted if word.probability is not None]
    assert len(probabilities) == len(attempted)
    correct = correct_words(probabilities, SPREAD)
    seconds = result.fluency.seconds
    assert seconds is not None
    assert result.accuracy_interval == Interval(correct.low / 9, correct.high / 9)
    assert result.wcpm_interval == Interval(60 * correct.low / seconds, 60 * correct.high / seconds)


def test_words_that_were_not_placed_leave_the_others_their_interval() -> None:
    result = rescored(placed=1)
    assert {word.probability is None for word in result.words} == {True, False}
    assert result.accuracy_interval is not None


def test_other_rules_know_no_probability_and_so_no_interval() -> None:
    result = rescored(rule=VoteRule.REFERENCE)
    assert (result.accuracy_interval, result.wcpm_interval) == (None, None)


def test_pauses_are_those_between_placed_words() -> None:
    late = WordEvidence(True, GOOD, GOOD, span=(5 * BEAT_MS, 5 * BEAT_MS + WORD_MS))
    assert rescored(words={4: late}).longest_pause == pytest.approx(0.6)


def test_what_happened_is_known_from_where_words_were_placed() -> None:
    beside = SaidBeside((BEAT_MS * 7 - 90, BEAT_MS * 7 - 10), is_false_start=False)
    result = rescored(
        "the cat sat on the hat a dog ran home",
        {
            4: evidence(4, is_repeated=True),
            5: evidence(5, BAD),
            7: evidence(7, before=beside),
            8: evidence(8, BAD),
        },
    )
    events = [(event.kind, event.word, event.heard) for event in result.events]
    assert (EventKind.SUBSTITUTION, 5, "hat") in events
    assert (EventKind.SUBSTITUTION, 8, "") in events
    assert [word for kind, word, _ in events if kind is EventKind.REPETITION] == [4]


def test_silence_cannot_be_scored_by_the_calibrated_rule_alone() -> None:
    assert rescored("", sound=SILENCE).not_scored is NotScored.TOO_SOFT
    assert rescored("", sound=SILENCE, rule=VoteRule.REFERENCE).not_scored is None


def test_a_reading_of_which_no_word_fits_is_judged_by_all_of_its_words() -> None:
    result = rescored("", {place: evidence(place, BAD) for place in range(len(WORDS))})
    assert result.not_scored is NotScored.UNLIKE_THE_TEXT
