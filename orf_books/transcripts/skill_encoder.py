"""Which encoder skills are detected with.

Belongs here: the choices, and loading the chosen one. Does not belong here: encoders (`encoder.py`,
`minilm.py`); nothing slow is imported for a name.
"""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orf_books.transcripts.encoder import SentenceEncoder


class SkillEncoder(StrEnum):
    """What skills are detected with; each has a head, and so a model version, of its own."""

    USE = "use"
    """The Universal Sentence Encoder."""
    USE_MINILM = "use+minilm"
    """It and MiniLM as one: finds more, takes five times as long, needs the extra `minilm`."""

    def load(self) -> "SentenceEncoder":
        """The encoder, loaded once a process.

        Raises:
            FixConfiguration: the packages that it needs are not installed.
        """
        if self is SkillEncoder.USE:
            from orf_books.transcripts.encoder import universal_sentence_encoder

            return universal_sentence_encoder()
        from orf_books.transcripts.minilm import encoder_with_minilm

        return encoder_with_minilm()
