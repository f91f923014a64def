"""Sentences as vectors whose likeness is likeness of meaning.

Belongs here: what an encoder is to the rest of this package, and the one that is used: how texts
become word pieces, and in which batches. Does not belong here: how pieces become a vector
(`encoder_network.py`), what vectors say of skills (`head.py`).

Another encoder only has to be a `SentenceEncoder`, and a head fitted on its vectors.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import as_file
from typing import Protocol

import numpy as np
from sentencepiece import SentencePieceProcessor
from threadpoolctl import ThreadpoolController

from orf_books.transcripts.encoder_files import PIECES, WEIGHTS, encoder_version, find
from orf_books.transcripts.encoder_network import DIMENSIONS, EncoderNetwork, Vectors

BATCH = 2048
"""Texts at a time: the more, the fewer word pieces are worked out again. What stands beside a text
in its batch may change the last bits of its vector, so this number is part of what makes results
repeatable."""
THREADS = 1
"""More than there are cores cost a factor of fifty; processes scale better."""


class SentenceEncoder(Protocol):
    """Something that knows which sentences mean alike."""

    @property
    def version(self) -> str:
        """Changes with whatever changes a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector for each text; the same vectors for the same texts, to the last bit."""
        ...


class UniversalSentenceEncoder:
    """Google's multilingual Universal Sentence Encoder, version 3, in plain numpy."""

    def __init__(self) -> None:
        with as_file(find(PIECES)) as pieces:
            self._pieces = SentencePieceProcessor(model_file=str(pieces))
        with as_file(find(WEIGHTS)) as weights:
            self._network = EncoderNetwork.read(weights)
        self._blas = ThreadpoolController().select(user_api="blas")

    @property
    def version(self) -> str:
        """Of the model's files."""
        return encoder_version()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector for each text."""
        vectors = np.empty((len(texts), DIMENSIONS), np.float32)
        with self._blas.limit(limits=THREADS):
            for start in range(0, len(texts), BATCH):
                of_batch = slice(start, start + BATCH)
                ids = self._pieces.encode(list(texts[of_batch]), add_bos=True, add_eos=True)
                vectors[of_batch] = self._network.vectors(ids)
        return vectors


@cache
def universal_sentence_encoder() -> UniversalSentenceEncoder:
    """The encoder, loaded once a process: that takes a second."""
    return UniversalSentenceEncoder()
