"""Which exemplar a sentence is most like.

Belongs here: comparing vectors with those of exemplars, so that people are told what a finding
resembles. Does not belong here: whether a skill is shown (`head.py`).
"""

from orf_books.transcripts.encoder import SentenceEncoder
from orf_books.transcripts.encoder_network import Vectors
from orf_books.transcripts.exemplars import Exemplar, lesson_exemplars
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.spoken_form import as_spoken


class EncodedExemplars:
    """The exemplars of each skill that have a kind, as vectors."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._vectors = {
            skill: encoder.encode([as_spoken(one.text) for one in lesson_exemplars(skill)])
            for skill in Skill
        }

    def closest(self, skill: Skill, vector: Vectors) -> tuple[Exemplar, float]:
        """The exemplar of a skill that is most similar to a text, and the cosine of the two."""
        similarities = self._vectors[skill] @ vector
        closest = int(similarities.argmax())
        return lesson_exemplars(skill)[closest], float(similarities[closest])
