"""What of a reading could not be scored: neither read nor misread, and no error of the child.

Belongs here: which phrases, or whether all of the reading. Does not belong here: measuring sound
(`sound_quality.py`), and the probabilities that it goes by (`calibration.py`).

The limits were chosen on phrases that were spoilt on purpose, see `docs/speech.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from orf_books.activities.audio import Recording
from orf_books.activities.rescored_activity import RescoredPhrase, RescoredWord
from orf_books.activities.sound_quality import NotScored, is_too_short, sound_quality

WORDS_TO_JUDGE_A_PHRASE = 3
MOST_PROBABLY_MISREAD = 0.4
"""Mean over the words of a phrase; from here it was hardly this phrase that was heard."""
SOFTER_BY_DECIBELS = 25.0
"""Than the reading: so much softer is the room, or a reader who turned away."""
TIME_FOR_A_WORD_MS = 200
"""In less time nobody read the phrase: then it was left out, and that is an error."""
WORDS_TO_JUDGE_A_READING = 10
MOST_UNLIKE, MOST_UNLIKE_IN_BAD_SOUND = 0.5, 0.3
"""A reading of which more than this share does not fit was not heard, or was of another text."""


def without_unscored_phrases(
    phrases: Sequence[RescoredPhrase], recording: Recording
) -> tuple[RescoredPhrase, ...]:
    """The phrases of a reading, those that could not be scored without verdicts."""
    sound = _Sound(recording)
    obstacles = [_phrase_obstacle(phrase, sound) for phrase in phrases]
    return tuple(
        unscored(phrase, obstacle) if obstacle else phrase
        for phrase, obstacle in zip(phrases, obstacles, strict=True)
    )


def unscored(phrase: RescoredPhrase, reason: NotScored) -> RescoredPhrase:
    """A phrase that could not be scored, which makes no word an error."""
    words = tuple(
        replace(word, misread=None, not_scored=word.not_scored or reason) for word in phrase.words
    )
    return replace(phrase, words=words, flags=(False,) * len(phrase.flags))


def reading_obstacle(attempted: Sequence[RescoredWord], recording: Recording) -> NotScored | None:
    """What keeps a whole reading from being scored; None where nothing does.

    That little of the text was heard is what counts; the sound tells why.

    Args:
        attempted: the words up to the last that was read correctly; all where none was.
        recording: all of it.
    """
    decided = [word for word in attempted if word.probability is not None]
    unlike = sum(bool(word.misread or word.not_scored) for word in decided)
    if len(decided) < WORDS_TO_JUDGE_A_READING or unlike < MOST_UNLIKE_IN_BAD_SOUND * len(decided):
        return None
    quality = sound_quality(recording)
    if quality and quality.obstacle:
        return quality.obstacle
    return NotScored.UNLIKE_THE_TEXT if unlike > MOST_UNLIKE * len(decided) else None


@dataclass(slots=True)
class _Sound:
    """A recording whose loudness is measured once, and only where that is needed."""

    recording: Recording
    _speech_decibels: float | None = None

    @property
    def speech_decibels(self) -> float:
        if self._speech_decibels is None:
            quality = sound_quality(self.recording)
            self._speech_decibels = quality.speech_decibels if quality else 0.0
        return self._speech_decibels


def _phrase_obstacle(phrase: RescoredPhrase, sound: _Sound) -> NotScored | None:
    probabilities = [word.probability for word in phrase.words if word.probability is not None]
    misread = sum(bool(word.misread) for word in phrase.words)
    if not (phrase.span and probabilities and misread):
        return None
    start, end = phrase.span
    part, count = sound.recording.between(start, end), len(phrase.words)
    if is_too_short(part, count):
        return NotScored.TOO_SHORT if misread == count else None
    if end - start < TIME_FOR_A_WORD_MS * count:
        return None
    quality = sound_quality(part)
    if not quality or quality.speech_decibels < sound.speech_decibels - SOFTER_BY_DECIBELS:
        return NotScored.TOO_SOFT
    if count < WORDS_TO_JUDGE_A_PHRASE or fmean(probabilities) < MOST_PROBABLY_MISREAD:
        return None
    return quality.obstacle or NotScored.UNLIKE_THE_TEXT
