"""Which words a reader may say instead of a word, because they sound and look like it.

Belongs here: the distance between words. Does not belong here: what is made of it
(`language_model.py`), where pronunciations come from.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Codes = NDArray[np.int16]

SOUND_ALIKES = 8
SOUND_WEIGHT = 0.6
"""Of the distance in sounds, beside that in spelling."""

Pronunciations = Callable[[str], Sequence[tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class _Coded:
    """Sequences as rows of numbers, filled up with 0."""

    rows: "Codes"
    lengths: "Codes"


class Neighbours:
    """Finds sound-alikes among a vocabulary.

    Args:
        vocabulary: words that people know, with their pronunciations, each a tuple of sounds.
    """

    def __init__(self, vocabulary: Mapping[str, Sequence[tuple[str, ...]]]) -> None:
        entries = [(word, sounds) for word, ways in vocabulary.items() for sounds in ways]
        self._codes = {
            sound: number
            for number, sound in enumerate(sorted({s for _, ss in entries for s in ss}), start=1)
        }
        self._entries = entries
        self._sounds = _coded([[self._codes[s] for s in sounds] for _, sounds in entries])
        self._letters = _coded([list(map(ord, word)) for word, _ in entries])

    def of(self, word: str, pronunciations: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
        """The words nearest to a word; those that sound the same are left out."""
        import numpy as np

        by_sound = np.min(
            [
                _distances([self._codes.get(s, -1) for s in sounds], self._sounds)
                for sounds in pronunciations
            ],
            axis=0,
        )
        by_letter = _distances(list(map(ord, word)), self._letters)
        distances = SOUND_WEIGHT * by_sound + (1 - SOUND_WEIGHT) * by_letter
        alike = {other for other, sounds in self._entries if sounds in pronunciations} | {word}
        nearest: dict[str, None] = {}
        for place in np.argsort(distances, kind="stable"):
            if (other := self._entries[place][0]) not in alike:
                nearest[other] = None
            if len(nearest) == SOUND_ALIKES:
                break
        return tuple(nearest)


def _coded(sequences: Sequence[Sequence[int]]) -> _Coded:
    import numpy as np

    rows = np.zeros((len(sequences), max(map(len, sequences), default=0)), np.int16)
    for row, sequence in zip(rows, sequences, strict=True):
        row[: len(sequence)] = sequence
    return _Coded(rows, np.array(list(map(len, sequences)), np.int16))


def _distances(sequence: Sequence[int], others: _Coded) -> "NDArray[np.float32]":
    """Edits between a sequence and each of the others, as a share of the longer one."""
    import numpy as np

    longest = others.rows.shape[1]
    before = np.tile(np.arange(longest + 1, dtype=np.float32), (len(others.rows), 1))
    for place, item in enumerate(sequence, start=1):
        row = np.empty_like(before)
        row[:, 0] = place
        best = np.minimum(before[:, :-1] + (others.rows != item), before[:, 1:] + 1)
        for column in range(longest):
            row[:, column + 1] = np.minimum(best[:, column], row[:, column] + 1)
        before = row
    edits = before[np.arange(len(others.rows)), others.lengths]
    return (edits / np.maximum(len(sequence), others.lengths)).astype(np.float32)
