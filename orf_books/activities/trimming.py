"""How far a child read.

Belongs here: the last word that was read, and the flags up to it. Does not belong here: what is
worked out from them (`fluency.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from orf_books.activities.activity import Flags


@dataclass(frozen=True, slots=True)
class Trimmed:
    """The flags of the words that a child attempted."""

    errors: tuple[Flags, ...]
    """By phrase, for writing back; phrases without words keep their place."""
    attempted_words: int
    """Words up to the last that was read correctly, misread ones included; not those that could not
    be scored."""
    last_attempted: tuple[int, int] | None
    """Phrase and word that were read correctly last; None where no word was."""


def trimmed_flags(
    flags: Sequence[Sequence[bool | None]], *, spares_one_word_ending: bool = True
) -> Trimmed:
    """Drop what follows the last word that was read correctly, for the child did not get there.

    Without any such word it cannot be told how far the child read: the flags stay, and no word
    counts as attempted.

    Args:
        flags: by phrase, true where a word was misread, None where it could not be scored.
        spares_one_word_ending: whether the flags stay where the last phrase has exactly one word,
            as in systems that read them back; what is attempted does not depend on it.
    """
    whole = tuple(tuple(map(bool, phrase)) for phrase in flags)
    read = (
        (p, w)
        for p, phrase in enumerate(flags)
        for w, error in enumerate(phrase)
        if error is not None and not error
    )
    last = max(read, default=None)
    if last is None:
        return Trimmed(whole, 0, None)
    phrase, word = last
    errors = (*whole[:phrase], whole[phrase][: word + 1])
    unscored = sum(error is None for error in _until(last, flags))
    attempted = sum(map(len, errors)) - unscored
    if spares_one_word_ending and len(whole[-1]) == 1:
        return Trimmed(whole, attempted, last)
    return Trimmed(errors, attempted, last)


def _until(place: tuple[int, int], flags: Sequence[Sequence[bool | None]]) -> Iterator[bool | None]:
    phrase, word = place
    yield from chain.from_iterable(flags[:phrase])
    yield from flags[phrase][: word + 1]
