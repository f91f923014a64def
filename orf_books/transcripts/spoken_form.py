"""Sentences as they sound: without capitals and punctuation, and the phrases in them.

Belongs here: what is left of a sentence when only its words count, and whether a turn asks for an
explanation. Does not belong here: what words say of skills (`head.py`, `cues.py`).

Captions and automatic transcripts have little punctuation, or somebody else's. So it decides
nothing: `You know what I mean?` and `you know what I mean` are the same sentence.
"""

import re
from itertools import pairwise

_NOT_SPOKEN = re.compile(r"[^\w'\s]+|(?<!\w)'|'(?!\w)")
_START, _END = "<", ">"
"""Stand for the two ends of a sentence in phrases."""
_ASKS_TO_EXPLAIN = re.compile(
    r"\b(?:why|how(?:'d| did| do| does| would| could| can| come)|explain|prove|convince|evidence|"
    r"reason|what (?:makes|is|are|does|do you mean)|what's|own words|(?:tell|show) us|walk me)\b"
)


def as_spoken(text: str) -> str:
    """The words of a text, in lower case, one space apart."""
    return " ".join(_NOT_SPOKEN.sub(" ", text.casefold().replace("\u2019", "'")).split())


def phrases(spoken: str) -> tuple[str, ...]:
    """The different words and pairs of neighbouring words of a sentence, its two ends included.

    Args:
        spoken: as `as_spoken` returns it.
    """
    words = [_START, *spoken.split(), _END]
    pairs = (f"{first} {second}" for first, second in pairwise(words))
    return tuple(dict.fromkeys([*words[1:-1], *pairs]))


def asks_to_explain(turn: str) -> bool:
    """Whether an answer to a turn is likely an explanation: `How did you get that?`."""
    return _ASKS_TO_EXPLAIN.search(as_spoken(turn)) is not None
