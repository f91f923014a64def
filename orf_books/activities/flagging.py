"""Whether the first pass is right about a phrase, or has to be checked.

Belongs here: the rule by which a phrase is kept, marked or rescored, and its reason. Does not
belong here: asking recognisers (`rescoring.py`), and what their answers come to (`voting.py`).

Reasons speak of recognisers as the rule was made with them: Deepgram is role A, EDM the model of
the first pass, W2V its stored phonemes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from orf_books.activities.activity import Flags
from orf_books.failures import FixInput

FEW_CORRECT_WORDS = 2
"""So many words that the first pass found correct may be chance where nothing was heard."""


class Strategy(StrEnum):
    """What is done about a phrase."""

    KEEP_ORIGINAL = "keep_original"
    RESCORE_PHRASE = "rescore_phrase"
    MARK_ALL_ERRORS = "mark_all_errors"

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        known = ", ".join(cls)
        raise ValueError(f"Unknown flagging strategy {value!r}; there are {known}.")


@dataclass(frozen=True, slots=True)
class FlaggingDecision:
    """What is done about a phrase, and why."""

    strategy: Strategy
    reason: str


class FlagsDoNotFit(FixInput, ValueError):
    """A phrase has more flags than words."""


def padded_flags(flags: Sequence[bool], words: int) -> Flags:
    """The flags of a phrase, those that are missing being misread.

    Args:
        flags: what the first pass decided; empty where it decided nothing.
        words: how many there are.

    Raises:
        FlagsDoNotFit: there are more flags than words.
    """
    if len(flags) > words:
        raise FlagsDoNotFit(
            f"A phrase has {len(flags)} error flags for {words} words; run the activity's first "
            "pass again."
        )
    return (*flags, *[True] * (words - len(flags)))


def decide(
    heard_by_a: Sequence[bool], stored_w: Sequence[bool], errors: Sequence[bool]
) -> FlaggingDecision:
    """What to do about a phrase.

    Args:
        heard_by_a: whether role A heard each word.
        stored_w: whether wav2vec heard each word in the first pass; only their number counts.
        errors: the flags of the first pass, padded.

    Raises:
        ValueError: role A and the first pass do not speak of equally many words.
    """
    if count_matches(heard_by_a):
        if agree(heard_by_a, errors):
            return _keep("Deepgram agrees with EDM on every word")
        return _rescore("Deepgram disagrees with EDM")
    corrects, stored = count_corrects(errors), count_matches(stored_w)
    if not corrects:
        return _keep("Deepgram found no words and EDM found all miscues")
    few = f"Deepgram found no words, EDM found {corrects} corrects"
    if corrects > FEW_CORRECT_WORDS:
        return _rescore(f"{few} (>{FEW_CORRECT_WORDS})")
    if stored:
        return _rescore(f"{few}, W2V found {stored} matches - rescore needed")
    return FlaggingDecision(Strategy.MARK_ALL_ERRORS, f"{few}, W2V none - mark all as errors")


def settled_flags(strategy: Strategy, errors: Flags) -> Flags | None:
    """The flags of a phrase about which nobody is asked; None where it has to be rescored.

    Args:
        strategy: what is done about it.
        errors: the flags of the first pass, padded.
    """
    match strategy:
        case Strategy.KEEP_ORIGINAL:
            return errors
        case Strategy.MARK_ALL_ERRORS:
            return (True,) * len(errors)
        case Strategy.RESCORE_PHRASE:
            return None


def count_matches(heard: Sequence[bool]) -> int:
    """How many words were heard."""
    return sum(heard)


def count_corrects(errors: Sequence[bool]) -> int:
    """How many words are not flagged."""
    return len(errors) - sum(errors)


def agree(heard_by_a: Sequence[bool], errors: Sequence[bool]) -> bool:
    """Whether each word is either heard or flagged.

    Raises:
        ValueError: they do not speak of equally many words.
    """
    return all(heard != error for heard, error in zip(heard_by_a, errors, strict=True))


def _keep(reason: str) -> FlaggingDecision:
    return FlaggingDecision(Strategy.KEEP_ORIGINAL, reason)


def _rescore(reason: str) -> FlaggingDecision:
    return FlaggingDecision(Strategy.RESCORE_PHRASE, reason)
