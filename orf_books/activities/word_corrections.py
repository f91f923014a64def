"""What people say of verdicts on words, readings that honour it, and how often flags were right.

Belongs here: what a correction is, a reading after corrections, and the precision of flags by them.
Does not belong here: where corrections are kept (`orf_books/records/readings.py`), and the review
in the specialist's page (`orf_books/pages`).

A correction points to a word of the story by its place, and to the recording that was heard. It
applies as long as the same word stands there and the recording was not replaced. So it outlives a
new version of the code.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from orf_books.activities.calibration import Interval, bundled_calibration, correct_words
from orf_books.activities.fluency import fluency_of
from orf_books.activities.rescored_activity import RescoredActivity, RescoredPhrase, RescoredWord
from orf_books.activities.trimming import trimmed_flags
from orf_books.precision_recall import share, wilson_interval

Place = tuple[int, int]
"""Index of a phrase in the story, and of a word in the phrase."""


@dataclass(frozen=True, slots=True)
class WordCorrection:
    """What a person heard of one word, beside what was said of it."""

    activity_id: str
    phrase: int
    """Index in the story."""
    word: int
    """Index in the phrase."""
    text: str
    """The word of the story, as it is compared."""
    is_misread: bool
    """By the person."""
    was_flagged: bool | None
    """Whether it was called misread when the person listened; None where nothing was said."""
    was_doubtful: bool
    """Whether that verdict was shown as doubtful."""
    code_version: str
    """Of the code that had said it."""
    recording: str
    """The version of the recording that was heard."""
    corrected_by: str
    corrected_at: datetime

    @property
    def place(self) -> Place:
        """Where the word stands."""
        return self.phrase, self.word


@dataclass(frozen=True, slots=True)
class MeasuredPrecision:
    """How many of the flags that people checked were right."""

    right: int
    checked: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where none was checked."""
        return share(self.right, self.checked)

    @property
    def interval(self) -> Interval | None:
        """Where the share lies with 95 %, by Wilson's score; None where none was checked."""
        bounds = wilson_interval(self.right, self.checked)
        return Interval(*bounds) if bounds else None


@dataclass(frozen=True, slots=True)
class MeasuredFlags:
    """How well verdicts agree with what people heard.

    Doubtful words come first in a review, so they would weigh too much in one figure.
    """

    sure: MeasuredPrecision
    """Of words that were called misread without doubt."""
    doubtful: MeasuredPrecision
    """Of words that were called misread, and shown as doubtful."""
    missed: int
    """Words that were called correct, and were misread."""
    called_correct: int
    """Words that were called correct and checked."""
    readings: int
    """In which a word was checked."""

    @classmethod
    def of(cls, corrections: Iterable[WordCorrection]) -> "MeasuredFlags":
        """Count corrections, of which each word has one at most."""
        checked = list(corrections)
        called_correct = [one for one in checked if one.was_flagged is False]
        return cls(
            sure=_precision(one for one in checked if one.was_flagged and not one.was_doubtful),
            doubtful=_precision(one for one in checked if one.was_flagged and one.was_doubtful),
            missed=sum(one.is_misread for one in called_correct),
            called_correct=len(called_correct),
            readings=len({one.activity_id for one in checked}),
        )


def is_doubtful(word: RescoredWord) -> bool:
    """Whether the verdict on a word is hardly more probable than the other."""
    if word.probability is None or word.not_scored:
        return False
    return bundled_calibration().is_doubtful(word.probability)


def applying(
    rescored: RescoredActivity, corrections: Iterable[WordCorrection]
) -> Mapping[Place, WordCorrection]:
    """The corrections of a reading that still point to the word they were made for."""
    words = {
        (p, w): word.text
        for p, phrase in enumerate(rescored.phrases)
        for w, word in enumerate(phrase.words)
    }
    return {one.place: one for one in corrections if words.get(one.place) == one.text}


def corrected(
    rescored: RescoredActivity, corrections: Mapping[Place, WordCorrection]
) -> RescoredActivity:
    """A reading whose verdicts, reach, fluency and intervals follow what people heard.

    Probabilities and votes of a word stay: they are the evidence that there was.

    Args:
        rescored: as the recognisers left it.
        corrections: those that apply to it, by place.
    """
    if not corrections:
        return rescored
    phrases = tuple(
        _corrected_phrase(phrase, [corrections.get((p, w)) for w in range(len(phrase.words))])
        for p, phrase in enumerate(rescored.phrases)
    )
    flags = [_flags(phrase) for phrase in phrases]
    fluency = fluency_of(flags, [[word.span for word in phrase.words] for phrase in phrases])
    trimmed = trimmed_flags(flags)
    correct = None
    if rescored.accuracy_interval and trimmed.last_attempted:
        correct = _correct_words(phrases, trimmed.last_attempted, corrections)
    return replace(
        rescored,
        phrases=phrases,
        trimmed=trimmed,
        fluency=fluency,
        not_scored=None
        if any(flag is not None for row in flags for flag in row)
        else rescored.not_scored,
        accuracy_interval=correct and _scaled(correct, 1, fluency.attempted_words),
        wcpm_interval=correct and _scaled(correct, 60, fluency.seconds),
    )


def _precision(flagged: Iterable[WordCorrection]) -> MeasuredPrecision:
    verdicts = [one.is_misread for one in flagged]
    return MeasuredPrecision(sum(verdicts), len(verdicts))


def _corrected_phrase(
    phrase: RescoredPhrase, corrections: Sequence[WordCorrection | None]
) -> RescoredPhrase:
    words = tuple(
        replace(word, misread=one.is_misread, not_scored=None) if one else word
        for word, one in zip(phrase.words, corrections, strict=True)
    )
    if len(phrase.flags) != len(words):
        return replace(phrase, words=words)
    flags = tuple(
        one.is_misread if one else flag for flag, one in zip(phrase.flags, corrections, strict=True)
    )
    return replace(phrase, words=words, flags=flags)


def _flags(phrase: RescoredPhrase) -> Sequence[bool | None]:
    """What holds of each word, None where it could not be scored."""
    if len(phrase.flags) != len(phrase.words):
        return phrase.flags
    return [
        None if word.not_scored else flag
        for word, flag in zip(phrase.words, phrase.flags, strict=True)
    ]


def _correct_words(
    phrases: Sequence[RescoredPhrase], last: Place, corrections: Mapping[Place, WordCorrection]
) -> Interval:
    """How many of the attempted words were read correctly; what a person heard is certain."""
    probabilities = [
        float(bool(word.misread))
        if word.probability is None or (p, w) in corrections
        else word.probability
        for p, phrase in enumerate(phrases)
        for w, word in enumerate(phrase.words)
        if (p, w) <= last and not word.not_scored
    ]
    return correct_words(probabilities, bundled_calibration().spread)


def _scaled(interval: Interval, factor: float, by: float | None) -> Interval | None:
    return Interval(factor * interval.low / by, factor * interval.high / by) if by else None
