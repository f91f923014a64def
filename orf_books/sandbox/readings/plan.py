"""What is said in a reading: the story with omissions, misread words, repetitions and fillers.

Belongs here: chance and its rules. Does not belong here: voices (`synthesis.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from orf_books.sandbox.readings.stories import Story


class Kind(StrEnum):
    """What may be planted. Only the first two are miscues, the others cost a reader nothing."""

    OMISSION = "omission"
    SUBSTITUTION = "substitution"
    REPETITION = "repetition"
    SELF_CORRECTION = "self_correction"
    FILLER = "filler"


@dataclass(frozen=True, slots=True)
class Planted:
    """One departure from the text."""

    kind: Kind
    word: int
    """Index of the word in its phrase; a filler stands before it."""
    said: str
    """What was said beyond, or instead of, the word."""


@dataclass(frozen=True, slots=True)
class PlannedPhrase:
    """How a phrase is read."""

    said: str
    misread: tuple[bool, ...]
    planted: tuple[Planted, ...]


_RATES = (
    (Kind.OMISSION, 0.04),
    (Kind.SUBSTITUTION, 0.075),
    (Kind.REPETITION, 0.05),
    (Kind.SELF_CORRECTION, 0.02),
    (Kind.FILLER, 0.015),
)
"""Per word, for a reader of average skill."""


def plan_reading(story: Story, seed: int, errors: float) -> tuple[PlannedPhrase, ...]:
    """How each phrase is read; the same for the same seed.

    Args:
        story: what is read.
        seed: what chance starts from.
        errors: how often the reader departs from the text, 1 being average.
    """
    chance = Random(seed)  # noqa: S311 - repeatable on purpose
    return tuple(_plan_phrase(phrase.split(), story, chance, errors) for phrase in story.phrases)


def bare(word: str) -> str:
    """A word of a phrase without its punctuation."""
    return word.strip('.,?!"').lower()


def _plan_phrase(words: list[str], story: Story, chance: Random, errors: float) -> PlannedPhrase:
    planted = tuple(_plant(words, story, chance, errors))
    by_word = {departure.word: departure for departure in planted}
    said = [_said(word, by_word.get(index)) for index, word in enumerate(words)]
    miscues = {Kind.OMISSION, Kind.SUBSTITUTION}
    return PlannedPhrase(
        said=" ".join(filter(None, said)),
        misread=tuple(
            index in by_word and by_word[index].kind in miscues for index in range(len(words))
        ),
        planted=planted,
    )


def _plant(words: list[str], story: Story, chance: Random, errors: float) -> Iterator[Planted]:
    last = -1
    for index, word in enumerate(map(bare, words)):
        kind = _kind(chance.random() / errors)
        others = story.misread_as.get(word, ())
        match kind:
            case Kind.OMISSION:
                yield Planted(kind, index, "")
            case Kind.SUBSTITUTION | Kind.SELF_CORRECTION if others:
                yield Planted(kind, index, chance.choice(others))
            case Kind.REPETITION:
                # Going back over a misread word would mend it.
                since = max(last + 1, index - chance.randrange(2))
                yield Planted(kind, index, " ".join(map(bare, words[since : index + 1])))
            case Kind.FILLER:
                yield Planted(kind, index, "um")
            case _:
                continue
        last = index


def _kind(draw: float) -> Kind | None:
    for kind, rate in _RATES:
        if draw < rate:
            return kind
        draw -= rate
    return None


def _said(word: str, planted: Planted | None) -> str:
    match planted:
        case None:
            return word
        case Planted(kind=Kind.OMISSION):
            return ""
        case Planted(kind=Kind.SUBSTITUTION, said=other):
            return word.lower().replace(bare(word), other)
        case Planted(kind=Kind.REPETITION, said=again):
            return " ".join([f"{bare(word)},", *again.split()[:-1], word])
        case Planted(said=before):
            return f"{before}, {word}"
