"""Two results for the same activities beside each other: of two versions, or of two rules.

Belongs here: which verdicts changed, and how far measures moved. Does not belong here: how good a
result is by itself (`agreement.py`), and where results come from.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import fmean

from orf_books.activities.activity import Flags
from orf_books.activities.agreement import Confusion, Evaluation, judge
from orf_books.activities.rescored_activity import RescoredActivity, RescoredWord


@dataclass(frozen=True, slots=True)
class ChangedWord:
    """A word with another verdict or another flag."""

    activity_id: str
    phrase: int
    word: int
    """Index in the phrase."""
    before: RescoredWord
    after: RescoredWord


@dataclass(frozen=True, slots=True)
class Movement:
    """A measure in both results; None where there is nothing to measure."""

    before: float | None
    after: float | None
    activities: int
    """In both numbers; those are left out for which one result has no value."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two results differ."""

    activities: int
    """Compared."""
    words: int
    changed: tuple[ChangedWord, ...]
    measures: Mapping[str, Movement]
    """Means over the activities; where some are labelled, also the measures of all their words."""
    not_compared: tuple[str, ...]
    """Activities of which one result has nothing, or has other words."""


_MEANS: dict[str, Callable[[RescoredActivity], float | None]] = {
    "accuracy": lambda one: one.fluency.accuracy,
    "wcpm": lambda one: one.fluency.wcpm,
    "attempted_words": lambda one: one.fluency.attempted_words,
    "misread_words": lambda one: sum(bool(word.misread) for word in one.words),
    "words_not_rescored": lambda one: sum(not word.is_rescored for word in one.words),
}
_BY_LABELS: dict[str, Callable[[Confusion], float | None]] = {
    "precision": lambda words: words.precision,
    "recall": lambda words: words.recall,
    "f1": lambda words: words.f1,
    "kappa": lambda words: words.kappa,
    "mcc": lambda words: words.mcc,
}


def compare(
    before: Iterable[RescoredActivity],
    after: Iterable[RescoredActivity],
    labels: Mapping[str, Sequence[Flags]],
) -> Comparison:
    """Compare two results.

    Args:
        before: one result.
        after: the other.
        labels: what a person labelled, by activity and phrase; of some activities, or of none.

    Raises:
        LabelsDoNotFit: the labels of an activity are not one for each of its words.
    """
    old, new = ({one.activity_id: one for one in result} for result in (before, after))
    both = [key for key in old if key in new and _texts(old[key]) == _texts(new[key])]
    compared = [old[key] for key in both], [new[key] for key in both]
    measures = {name: _movement(measure, *compared) for name, measure in _MEANS.items()}
    if labelled := labels.keys() & set(both):
        old_words, new_words = (_confusion(result, labels) for result in compared)
        measures |= {
            name: Movement(measure(old_words), measure(new_words), len(labelled))
            for name, measure in _BY_LABELS.items()
        }
    return Comparison(
        activities=len(both),
        words=sum(len(one.words) for one in compared[0]),
        changed=tuple(chain.from_iterable(map(_changed_words, *compared))),
        measures=measures,
        not_compared=tuple(sorted((old.keys() | new.keys()) - set(both))),
    )


def _changed_words(before: RescoredActivity, after: RescoredActivity) -> Iterator[ChangedWord]:
    for phrase, phrases in enumerate(zip(before.phrases, after.phrases, strict=True)):
        words = zip(*(one.words for one in phrases), strict=True)
        for word, (old, new) in enumerate(words):
            if (old.verdict, old.misread) != (new.verdict, new.misread):
                yield ChangedWord(before.activity_id, phrase, word, old, new)


def _confusion(
    result: Iterable[RescoredActivity], labels: Mapping[str, Sequence[Flags]]
) -> Confusion:
    labelled = (one for one in result if one.activity_id in labels)
    return Evaluation(tuple(judge(one, labels[one.activity_id]) for one in labelled)).confusion


def _texts(activity: RescoredActivity) -> list[list[str]]:
    return [[word.text for word in phrase.words] for phrase in activity.phrases]


def _movement(
    measure: Callable[[RescoredActivity], float | None],
    before: Iterable[RescoredActivity],
    after: Iterable[RescoredActivity],
) -> Movement:
    by_activity = zip(map(measure, before), map(measure, after), strict=True)
    known = [(old, new) for old, new in by_activity if old is not None and new is not None]
    if not known:
        return Movement(None, None, 0)
    return Movement(fmean(old for old, _ in known), fmean(new for _, new in known), len(known))
