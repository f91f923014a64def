"""Which word heard stands for which word of the story.

Belongs here: aligning two texts, and marking the words that were heard. Does not belong here: what
a word is (`story.py`), sounds (`phonemes.py`), and times (`timing.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, product

from orf_books.activities.numerals import spoken

_GAP = ""
"""How `kaldialign` shows a gap; no word is empty."""


@dataclass(frozen=True, slots=True)
class AlignedPair:
    """A word of the story and a word heard, by index; None on the side where there is none."""

    expected: int | None
    heard: int | None
    is_match: bool
    """Whether they are the same word, or parts of one that one side writes together."""


def aligned_words(expected: Sequence[str], heard: Sequence[str]) -> tuple[AlignedPair, ...]:
    """Align two texts with the fewest words left out, put in and replaced.

    Words that one text writes apart and the other together are one word, with or without a hyphen:
    `kind-hearted` makes a pair with `kind` and one with `hearted`. So are a numeral and the words
    in which it is said: `1985` makes a pair with each of `nineteen eighty five`. Where several
    alignments differ as little, the first of a word said twice counts, and the second of two that
    changed places.

    Args:
        expected: words of the story, as `story.words_of` gives them.
        heard: words of a transcript, likewise.

    Returns:
        Pairs in order; every word of both texts is in at least one.
    """
    if tuple(expected) == tuple(heard):
        return tuple(AlignedPair(word, word, is_match=True) for word in range(len(expected)))
    from kaldialign import align

    texts = (_comparable(expected, heard), _comparable(heard, expected))
    indices, heard_indices = count(), count()
    pairs = []
    for word, other in align(*texts, _GAP, merge_compounds=True):
        is_match = word == other or word.replace(" ", "") == other.replace(" ", "")
        row = product(_row(word, indices), _row(other, heard_indices))
        pairs += [AlignedPair(*pair, is_match) for pair in row]
    return tuple(pairs)


def match_vector(expected: Sequence[str], heard: Sequence[str]) -> tuple[bool, ...]:
    """For each word of the story whether it was heard; arguments as for `aligned_words`."""
    found = {pair.expected for pair in aligned_words(expected, heard) if pair.is_match}
    return tuple(word in found for word in range(len(expected)))


def _comparable(text: Sequence[str], other: Sequence[str]) -> list[str]:
    """Words without hyphens, and numerals as the other text has them."""
    return [(_as_in(other, word) if spoken(word) else word).replace("-", "") for word in text]


def _as_in(text: Sequence[str], numeral: str) -> str:
    """A numeral as it is in a text, or in words; these are written together."""
    if numeral in text:
        return numeral
    said = f" {' '.join(text)} "
    ways = spoken(numeral)
    return "".join(next((way for way in ways if f" {' '.join(way)} " in said), ways[0]))


def _row(words: str, indices: Iterator[int]) -> Sequence[int | None]:
    """The indices of words that `kaldialign` put together, with blanks between them."""
    if " " in words:
        return [next(indices) for _ in words.split()]
    return (next(indices) if words else None,)
