"""What of a transcript is speech.

Belongs here: stage directions, and joining what one speaker says in several pieces. Does not belong
here: who speaks (`turns.py`).
"""

import re
from collections.abc import Iterable

REMOVED = "[removed]"
"""Stands for words that were said: the name of somebody who was deleted."""

_BRACKETS = re.compile(
    r"\[(?!removed\])[^\[\]]{0,300}\]|</?[A-Za-z][^<>]{0,60}>|\{[^{}]{0,100}\}|\u266a[^\u266a]*\u266a?"
)
_PARENTHESES = re.compile(r"(?<![^\W_])\([^()\d=+*/^<>]{0,100}\)")
"""`f(x)` and `(3, 4)` are spoken."""
_LONGEST_DIRECTION = 8
"""Words. More of them in parentheses are an aside that somebody says."""
_STARRED = re.compile(
    r"(?<!\*)\*{1,3}(?:\w{1,20} )?(?:laugh|giggl|chuckl|sigh|cough|cr[iy]|"
    r"applau|clap|whisper|paus|silen|gasp|groan|inaudible|crosstalk|music|nod|sneez|yell|sing)\w{0,9}\*{1,3}",
    re.IGNORECASE,
)
_MAY_HAVE_DIRECTIONS = re.compile(r"[\[(<{*\u266a]")


def spoken_text(pieces: Iterable[str]) -> str:
    """The words of consecutive pieces of one speaker, each a space apart; perhaps none.

    Stage directions, such as `[inaudible]`, `(laughs)` or `[writing on the board]`, are left out:
    so the same words give the same text, however a file divides them.
    """
    text = " ".join(" ".join(pieces).split())
    if _MAY_HAVE_DIRECTIONS.search(text):
        text = _BRACKETS.sub(" ", text)
        text = _PARENTHESES.sub(_without_direction, text)
        text = " ".join(_STARRED.sub(" ", text).split())
    return text


def _without_direction(found: re.Match[str]) -> str:
    return found[0] if len(found[0].split()) > _LONGEST_DIRECTION else " "
