"""The network of the Universal Sentence Encoder: from word pieces to a vector.

Belongs here: its weights and its forward pass in numpy. Does not belong here: which words are which
pieces, and how many texts are encoded at a time (`encoder.py`).

Each piece has an embedding. Three branches look at 2, 3 and 5 neighbouring pieces, by two
convolutions each. Embedding and branches are normalised, added up over the sentence, and go through
dense layers. Where a window reaches beyond the sentence it sees zeros.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float32]
"""One row for each text or piece."""
Rows: TypeAlias = NDArray[np.int64]

DIMENSIONS = 512
"""Of an embedding, and of a sentence's vector, which has length 1."""

_BRANCH_DIMENSIONS = 256
_LEFT_OF_WIDTH = {2: 0, 3: 1, 5: 2}
"""For each branch, by the width of its window: how many pieces of it are before the one meant."""
_REACH = 2
"""The widest window: so many pieces before and behind."""
_BLOCKS = 17
"""The embedding of piece `i` is row `i // 17` of block `i % 17`; each block has its own scale."""
_GROUP = 384
"""Word pieces worked on at a time: enough for fast products, few enough for a cache."""


@dataclass(frozen=True, slots=True)
class _Branch:
    """Weights of one branch, each convolution's stacked by place in the window."""

    width: int
    first: Vectors
    first_bias: Vectors
    second: Vectors
    second_bias: Vectors

    @property
    def places(self) -> slice:
        """The window's places within the widest window."""
        start = _REACH - _LEFT_OF_WIDTH[self.width]
        return slice(start, start + self.width)


@dataclass(frozen=True, slots=True)
class _Normalisation:
    """To mean 0 and variance 1 in each row, then a scale and an offset for each column."""

    scale: Vectors
    offset: Vectors
    epsilon: float

    def __call__(self, rows: Vectors) -> None:
        """Normalise rows in place."""
        rows -= rows.mean(axis=1, keepdims=True)
        variances = np.einsum("ij,ij->i", rows, rows) / rows.shape[1]
        rows *= self._inverse_deviations(variances)[:, None]
        rows *= self.scale
        rows += self.offset

    def sums(self, rows: Vectors, times: Vectors) -> Vectors:
        """Sums of normalised rows, each taken so many times, without normalising them one by one.

        Args:
            rows: are not changed.
            times: a row for each sum, a column for each row of `rows`.
        """
        width = rows.shape[1]
        means: Vectors = rows @ np.full(width, 1 / width, np.float32)
        squares: Vectors = np.einsum("ij,ij->i", rows, rows) / width
        weights: Vectors = times * self._inverse_deviations(squares - means**2)
        sums: Vectors = weights @ rows - (weights @ means)[:, None]
        sums *= self.scale
        sums += times.sum(axis=1, keepdims=True) * self.offset
        return sums

    def _inverse_deviations(self, variances: Vectors) -> Vectors:
        inverse: Vectors = np.reciprocal(np.sqrt(variances + np.float32(self.epsilon)))
        return inverse


@dataclass(frozen=True, slots=True)
class _Pieces:
    """What depends on a word piece alone; one row for each different piece of a batch.

    A class says the same words over and over, so this is worked out once for each.
    """

    embedded: Vectors
    projected: tuple[Vectors, ...]
    """By branch: what it sees of a piece."""
    convolved: tuple[tuple[Vectors, ...], ...]
    """By branch and place in its window: what a piece there adds to the first convolution, and at
    the first place its bias. The last row is of no piece, for places outside of the sentence."""


class EncoderNetwork:
    """The weights, and what they make of word pieces."""

    def __init__(self, arrays: dict[str, Vectors], embeddings: NDArray[np.uint8]) -> None:
        self._embeddings = embeddings
        self._scale, self._lowest = arrays["scale"], arrays["lo"]
        epsilon = float(arrays["eps"])

        def of_branches(name: str) -> Vectors:
            return np.concatenate([arrays[f"{name}{width}"] for width in _LEFT_OF_WIDTH], axis=-1)

        self._projection, self._projection_bias = of_branches("proj"), of_branches("proj_b")
        self._normalise_projected = _Normalisation(
            of_branches("ln_g"), of_branches("ln_b"), epsilon
        )
        self._branches = tuple(
            _Branch(width, *(arrays[f"{name}_{width}"] for name in ("w1", "b1", "w2", "b2")))
            for width in _LEFT_OF_WIDTH
        )
        self._normalise = _Normalisation(arrays["ln_g"], arrays["ln_b"], epsilon)
        self._dense = {
            name: arrays[name] for name in ("cnn_W", "cnn_b", "d0", "d1", "d2", "d3", "p1", "p3")
        }

    @classmethod
    def read(cls, weights: Path) -> Self:
        """The network whose weights are in an `.npz` file.

        Embeddings stay in 8 bits, 65 MB, until a batch needs them.
        """
        with np.load(weights, allow_pickle=False) as arrays:
            blocks = [f"q{block}" for block in range(1, _BLOCKS + 1)]
            first = arrays[blocks[0]]
            embeddings = np.empty((len(first) * _BLOCKS, DIMENSIONS), np.uint8)
            for place, block in enumerate(blocks):
                embeddings[place::_BLOCKS] = arrays[block]
            others = {name: arrays[name] for name in arrays.files if name not in blocks}
        return cls(others, embeddings)

    def vectors(self, sentences: Sequence[Sequence[int]]) -> Vectors:
        """A vector of length 1 for each sentence.

        Args:
            sentences: the ids of their word pieces, at least one each.
        """
        lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
        ids = np.fromiter(chain.from_iterable(sentences), np.int64, int(lengths.sum()))
        different, rows = np.unique(ids, return_inverse=True)
        pieces = self._pieces(different)
        ends = np.cumsum(lengths)
        sums = [
            self._sums(
                pieces, rows[ends[first] - lengths[first] : ends[behind - 1]], lengths[first:behind]
            )
            for first, behind in _groups(ends)
        ]
        return self._of_sentences(np.concatenate(sums), lengths)

    def _pieces(self, ids: Rows) -> _Pieces:
        block = ids % _BLOCKS
        embedded = self._embeddings[ids].astype(np.float32)
        embedded *= self._scale[block, None]
        embedded += self._lowest[block, None]
        projected = embedded @ self._projection + self._projection_bias
        self._normalise_projected(projected)
        by_branch = tuple(np.split(projected, len(self._branches), axis=1))
        nothing = np.zeros((1, _BRANCH_DIMENSIONS), np.float32)
        convolved = tuple(
            tuple(
                np.concatenate([seen @ weights, nothing])
                for weights in np.split(branch.first, branch.width)
            )
            for branch, seen in zip(self._branches, by_branch, strict=True)
        )
        for branch, of_places in zip(self._branches, convolved, strict=True):
            of_places[0][:] += branch.first_bias
        return _Pieces(embedded, by_branch, convolved)

    def _sums(self, pieces: _Pieces, rows: Rows, lengths: Rows) -> Vectors:
        """The normalised features of each sentence's pieces, added up.

        Args:
            pieces: what is known of each piece.
            rows: the row of each piece of each sentence.
            lengths: how many pieces each sentence has.
        """
        window = _windows(lengths)
        rows_in_window = np.append(rows, len(pieces.embedded))[window]
        kept, kept_as = _different_surroundings(rows_in_window, window)
        features = [pieces.embedded.take(rows[kept], axis=0)]
        for branch, seen, convolved in zip(
            self._branches, pieces.projected, pieces.convolved, strict=True
        ):
            columns = rows_in_window[:, branch.places].T
            padded = np.zeros((len(rows) + 1, _BRANCH_DIMENSIONS), np.float32)
            first = padded[:-1]
            convolved[0].take(columns[0], axis=0, out=first, mode="clip")
            for of_place, column in zip(convolved[1:], columns[1:], strict=True):
                first += of_place.take(column, axis=0)
            np.maximum(first, 0, out=first)
            first += seen.take(rows, axis=0)
            in_window = padded.take(window[kept, branch.places], axis=0).reshape(len(kept), -1)
            second = in_window @ branch.second
            second += branch.second_bias
            np.maximum(second, 0, out=second)
            second += first.take(kept, axis=0)
            features.append(second)
        times = np.zeros((len(lengths), len(kept)), np.float32)
        np.add.at(times, (np.repeat(np.arange(len(lengths)), lengths), kept_as), 1)
        return self._normalise.sums(np.concatenate(features, axis=1), times)

    def _of_sentences(self, sums: Vectors, lengths: Rows) -> Vectors:
        dense = self._dense
        counts = lengths.astype(np.float32)[:, None]
        mean = (sums @ dense["cnn_W"] + counts * dense["cnn_b"]) / np.sqrt(counts)
        first = np.maximum(mean @ dense["d0"], 0)
        second = np.maximum(mean @ dense["p1"] + first @ dense["d1"], 0)
        third = np.maximum(second @ dense["d2"], 0)
        vectors: Vectors = np.tanh(second @ dense["p3"] + third @ dense["d3"])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def _windows(lengths: Rows) -> Rows:
    """For each piece the places of those in the widest window around it.

    A place outside of its sentence is the one behind the last piece of all.
    """
    count = int(lengths.sum())
    ends = np.cumsum(lengths)
    window = np.arange(count)[:, None] + np.arange(-_REACH, _REACH + 1)
    outside = window < np.repeat(ends - lengths, lengths)[:, None]
    outside |= window >= np.repeat(ends, lengths)[:, None]
    window[outside] = count
    return window


def _different_surroundings(rows_in_window: Rows, window: Rows) -> tuple[Rows, Rows]:
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


def _groups(ends: Rows) -> Iterator[tuple[int, int]]:
    """Which sentences go together, first and behind the last; a long one is alone.

    Args:
        ends: how many pieces there are up to the end of each sentence.
    """
    first, start = 0, 0
    while first < len(ends):
        fitting = int(np.searchsorted(ends, start + _GROUP, side="right"))
        behind = max(fitting, first + 1)
        yield first, behind
        first, start = behind, int(ends[behind - 1])
