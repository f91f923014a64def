"""How like the exemplars of each skill a text is.

Belongs here: comparing vectors with those of exemplars. Does not belong here: what likeness says of
a skill (`head.py`, `fit.py`).
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from orf_books.transcripts.encoder import SentenceEncoder, Vectors
from orf_books.transcripts.exemplars import Exemplar, exemplars
from orf_books.transcripts.skills import Skill

Likeness: TypeAlias = NDArray[np.float64]
"""One row for each text, in it a number for each skill: the mean closeness to its exemplars, as a
logarithm."""

_LEAST_CLOSENESS = 1e-4


class EncodedExemplars:
    """The exemplars that show a skill, as vectors."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._shown = {
            skill: [exemplar for exemplar in exemplars() if exemplar.skill is skill]
            for skill in Skill
        }
        self._vectors = {
            skill: encoder.encode([exemplar.text for exemplar in shown])
            for skill, shown in self._shown.items()
        }

    def closest(self, skill: Skill, vector: Vectors) -> tuple[Exemplar, float]:
        """The exemplar of a skill that is most similar to a text, and the cosine of the two."""
        similarities = self._vectors[skill] @ vector
        closest = int(similarities.argmax())
        return self._shown[skill][closest], float(similarities[closest])

    def likeness(
        self, vectors: Vectors, sharpness: float, are_own: NDArray[np.bool_] | None = None
    ) -> Likeness:
        """Of texts to the exemplars of each skill.

        Args:
            vectors: of the texts.
            sharpness: by what power of e closeness falls from that of the same text, 1, to that of
                an unrelated one; the higher, the more the closest exemplars count.
            are_own: whether each text is itself an exemplar of each skill, and so not to be
                compared with itself; none is, where this is left out.
        """
        columns = []
        for at, others in enumerate(self._vectors.values()):
            closeness = np.exp(sharpness * (vectors @ others.T - 1)).sum(axis=1, dtype=np.float64)
            itself = 0 if are_own is None else are_own[:, at]
            columns.append((closeness - itself) / (len(others) - itself))
        return np.log(np.stack(columns, axis=1) + _LEAST_CLOSENESS)
