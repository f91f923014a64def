"""How well verdicts agree: with the flags that they replace, and with what a person labelled.

Belongs here: counting and its statistics; a miscue is the positive class throughout, for where five
to fifteen of a hundred words are misread, accuracy says little. Does not belong here: two results
beside each other (`comparison.py`). Only labels of a person tell whether a verdict is right: what
agrees with the flags of the first pass may be wrong with them.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from orf_books.activities.activity import Flags
from orf_books.activities.calibration import Interval
from orf_books.activities.fluency import Fluency, fluency_of
from orf_books.activities.rescored_activity import RescoredActivity, RescoredWord
from orf_books.failures import FixInput
from orf_books.precision_recall import Agreement, share

RESAMPLES = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class AgreementWithPreviousFlags:
    """How many words have the flags that the first pass gave them; says nothing about right."""

    verdicts: float | None
    """Share of the words whose flag stayed; None where none can be compared."""
    predictions: float | None
    """Share of the words for which the model of the first pass predicts the flag it gave."""
    words: int
    """Words with a flag of the first pass."""
    words_without_flag: int
    """All others, which are in no share."""


def agreement_with_previous_flags(words: Iterable[RescoredWord]) -> AgreementWithPreviousFlags:
    """Compare verdicts and predictions with the flags of the first pass."""
    every = tuple(words)
    flagged = [word for word in every if word.previously_misread is not None]
    predicted = [word for word in flagged if word.predicted_misread is not None]
    return AgreementWithPreviousFlags(
        verdicts=_mean(word.misread == word.previously_misread for word in flagged),
        predictions=_mean(word.predicted_misread == word.previously_misread for word in predicted),
        words=len(flagged),
        words_without_flag=len(every) - len(flagged),
    )


@dataclass(frozen=True, slots=True)
class Confusion:
    """Words by verdict and label; measures are None where there is nothing to divide by."""

    true_positives: int = 0
    """Misread, and found."""
    false_positives: int = 0
    """Read correctly, and called misread."""
    false_negatives: int = 0
    """Misread, and missed."""
    true_negatives: int = 0
    """Read correctly, and called so."""

    def __add__(self, other: "Confusion") -> "Confusion":
        return Confusion(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
            self.true_negatives + other.true_negatives,
        )

    @property
    def words(self) -> int:
        """All words."""
        return self._right + self.false_positives + self.false_negatives

    @property
    def accuracy(self) -> float | None:
        """Share of the words with the right verdict."""
        return share(self._right, self.words)

    @property
    def precision(self) -> float | None:
        """Share of the words called misread that are."""
        return self._agreement.precision

    @property
    def recall(self) -> float | None:
        """Share of the misread words that are found."""
        return self._agreement.recall

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        return self._agreement.f1

    @property
    def false_alarms(self) -> float | None:
        """Share of the words read correctly that are called misread."""
        return share(self.false_positives, self.false_positives + self.true_negatives)

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa: agreement beyond what chance gives, 1 at most."""
        misread = self.true_positives + self.false_negatives
        called = self.true_positives + self.false_positives
        words = self.words
        by_chance = misread * called + (words - misread) * (words - called)
        return share(words * self._right - by_chance, words**2 - by_chance)

    @property
    def mcc(self) -> float | None:
        """Matthews correlation coefficient, from -1 to 1."""
        tp, fp = self.true_positives, self.false_positives
        fn, tn = self.false_negatives, self.true_negatives
        product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
        return share(tp * tn - fp * fn, math.sqrt(product))

    @property
    def _right(self) -> int:
        return self.true_positives + self.true_negatives

    @property
    def _agreement(self) -> Agreement:
        right = self.true_positives
        return Agreement(right, right + self.false_positives, right + self.false_negatives)


class LabelsDoNotFit(FixInput):
    """A person labelled another number of words than the story has."""


@dataclass(frozen=True, slots=True)
class JudgedReading:
    """One activity beside its labels."""

    activity_id: str
    confusion: Confusion
    words_without_verdict: int
    """Words of which neither pass says anything: they are in no measure."""
    fluency: Fluency
    """By the verdicts."""
    labelled_fluency: Fluency
    """By the labels, of the words that could be scored."""
    words_not_scored: int = 0
    accuracy_interval: Interval | None = None
    """Where the accuracy lies by the verdicts; None where they have no probabilities."""

    @property
    def is_covered(self) -> bool | None:
        """Whether the labelled accuracy lies in the interval; None where either is not known."""
        accuracy, interval = self.labelled_fluency.accuracy, self.accuracy_interval
        if accuracy is None or interval is None:
            return None
        return interval.low <= accuracy <= interval.high


def judge(activity: RescoredActivity, labels: Sequence[Flags]) -> JudgedReading:
    """Compare the verdicts of an activity with labels.

    Args:
        activity: as rescored.
        labels: by phrase, true where a word was misread.

    Raises:
        LabelsDoNotFit: they are not one for each word.
    """
    _refuse_unfit(activity, labels)
    pairs = Counter(
        (word.misread, label)
        for phrase, flags in zip(activity.phrases, labels, strict=True)
        for word, label in zip(phrase.words, flags, strict=True)
    )
    return JudgedReading(
        activity_id=activity.activity_id,
        confusion=Confusion(
            true_positives=pairs[True, True],
            false_positives=pairs[True, False],
            false_negatives=pairs[False, True],
            true_negatives=pairs[False, False],
        ),
        words_without_verdict=pairs[None, True] + pairs[None, False],
        fluency=activity.fluency,
        labelled_fluency=fluency_of(
            [
                [
                    None if word.not_scored else label
                    for word, label in zip(phrase.words, flags, strict=True)
                ]
                for phrase, flags in zip(activity.phrases, labels, strict=True)
            ],
            [[word.span for word in phrase.words] for phrase in activity.phrases],
        ),
        words_not_scored=sum(word.not_scored is not None for word in activity.words),
        accuracy_interval=activity.accuracy_interval,
    )


def judge_first_pass(activity: RescoredActivity, labels: Sequence[Flags]) -> JudgedReading:
    """Compare the flags that the first pass had given with labels; as `judge`."""
    phrases = tuple(
        replace(
            phrase,
            words=tuple(replace(word, misread=word.previously_misread) for word in phrase.words),
        )
        for phrase in activity.phrases
    )
    flags = [[bool(word.misread) for word in phrase.words] for phrase in phrases]
    spans = [[word.span for word in phrase.words] for phrase in phrases]
    return judge(replace(activity, phrases=phrases, fluency=fluency_of(flags, spans)), labels)


@dataclass(frozen=True, slots=True)
class Deviation:
    """By how much a measure of readings is off."""

    bias: float
    """Mean of verdict minus label."""
    mean_absolute_error: float
    readings: int
    """Readings for which both are known."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Labelled readings taken together; a reading is a child, so nobody counts twice."""

    readings: tuple[JudgedReading, ...]

    @property
    def confusion(self) -> Confusion:
        """Of all words."""
        return _sum(self.readings)

    @property
    def accuracy_deviation(self) -> Deviation | None:
        """How far the share of words read correctly is off, from -1 to 1."""
        return self._deviation(lambda fluency: fluency.accuracy)

    @property
    def wcpm_deviation(self) -> Deviation | None:
        """How far words correct per minute are off."""
        return self._deviation(lambda fluency: fluency.wcpm)

    def interval(self, measure: Callable[[Confusion], float | None]) -> Interval | None:
        """Where a measure lies with 95 %, had other children read: by 1000 draws of readings.

        Returns:
            None for fewer than two readings, or where the measure is never defined; draws for which
            it is not are left out.
        """
        if len(self.readings) < 2:  # noqa: PLR2004 - nothing to draw from
            return None
        dice = random.Random(0)  # noqa: S311 - a simulation
        drawn = (dice.choices(self.readings, k=len(self.readings)) for _ in range(RESAMPLES))
        found = sorted(value for one in drawn if (value := measure(_sum(one))) is not None)
        outside = int(len(found) * (1 - CONFIDENCE) / 2)
        return Interval(found[outside], found[-1 - outside]) if found else None

    def _deviation(self, measure: Callable[[Fluency], float | None]) -> Deviation | None:
        by_reading = [
            (measure(one.fluency), measure(one.labelled_fluency)) for one in self.readings
        ]
        errors = [
            verdict - label
            for verdict, label in by_reading
            if verdict is not None and label is not None
        ]
        if not errors:
            return None
        return Deviation(fmean(errors), fmean(map(abs, errors)), len(errors))


def _sum(readings: Iterable[JudgedReading]) -> Confusion:
    return sum((reading.confusion for reading in readings), Confusion())


def _refuse_unfit(activity: RescoredActivity, labels: Sequence[Flags]) -> None:
    if len(labels) != len(activity.phrases):
        raise LabelsDoNotFit(
            f"Activity {activity.activity_id} has {len(activity.phrases)} phrases, and "
            f"{len(labels)} are labelled: give a list for each."
        )
    for number, (phrase, flags) in enumerate(zip(activity.phrases, labels, strict=True), start=1):
        if len(flags) != len(phrase.words):
            raise LabelsDoNotFit(
                f"Activity {activity.activity_id} has {len(phrase.words)} words in phrase "
                f"{number}, and {len(flags)} are labelled: label each."
            )


def _mean(values: Iterable[bool]) -> float | None:
    every = list(values)
    return fmean(every) if every else None
