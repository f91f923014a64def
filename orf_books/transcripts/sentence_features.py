"""What the head is told of a sentence.

Belongs here: the same features for fitting and for scoring. Does not belong here: their weights
(`head.py`), how vectors (`encoder.py`) and cues (`cues.py`) come about.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orf_books.transcripts.encoder import SentenceEncoder
from orf_books.transcripts.encoder_network import Vectors
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.spoken_form import as_spoken, phrases


@dataclass(frozen=True, slots=True)
class HeardSentence:
    """A sentence, reduced to what can decide."""

    spoken: str
    """As `as_spoken` returns it."""
    cues: frozenset[Skill]
    """The skills that its words hint at."""
    is_asked_for: bool
    """Whether the turn before, by somebody else, asks for an explanation."""


def hear(sentence: str, cues: Iterable[Skill], *, is_asked_for: bool) -> HeardSentence:
    """What can decide of a sentence whose words hint at some skills."""
    return HeardSentence(as_spoken(sentence), frozenset(cues), is_asked_for)


@dataclass(frozen=True, slots=True)
class SentenceFeatures:
    """Of several sentences, one row or entry each."""

    vectors: Vectors
    phrases: tuple[tuple[str, ...], ...]
    cues: NDArray[np.float64]
    """A column for each skill: 1 where the words hint at it."""
    is_asked_for: NDArray[np.float64]
    """One column."""


def features_of(sentences: Sequence[HeardSentence], encoder: SentenceEncoder) -> SentenceFeatures:
    """The features of sentences, in their order."""
    different = {text: row for row, text in enumerate(dict.fromkeys(s.spoken for s in sentences))}
    vectors = encoder.encode(list(different))
    return SentenceFeatures(
        vectors=vectors[np.array([different[s.spoken] for s in sentences], np.intp)],
        phrases=tuple(phrases(sentence.spoken) for sentence in sentences),
        cues=np.array(
            [[skill in sentence.cues for skill in Skill] for sentence in sentences], np.float64
        ).reshape(len(sentences), len(Skill)),
        is_asked_for=np.array([[s.is_asked_for] for s in sentences], np.float64).reshape(-1, 1),
    )
