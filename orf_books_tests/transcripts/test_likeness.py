import numpy as np
import pytest

from orf_books.transcripts.encoder import universal_sentence_encoder
from orf_books.transcripts.exemplars import exemplars
from orf_books.transcripts.likeness import EncodedExemplars
from orf_books.transcripts.skills import Skill

SHARPNESS = 8.0


@pytest.fixture(scope="module")
def encoded() -> EncodedExemplars:
    return EncodedExemplars(universal_sentence_encoder())


def test_an_exemplar_is_its_own_closest_one(encoded: EncodedExemplars) -> None:
    known = next(one for one in exemplars() if one.skill is Skill.ADAPTABILITY)
    vector = universal_sentence_encoder().encode([known.text])[0]
    closest, similarity = encoded.closest(Skill.ADAPTABILITY, vector)
    assert closest == known
    assert similarity == pytest.approx(1.0, abs=1e-5)


def test_a_text_is_likest_the_exemplars_of_its_skill(encoded: EncodedExemplars) -> None:
    vectors = universal_sentence_encoder().encode(["You look so sad, do you want to talk?"])
    likeness = encoded.likeness(vectors, SHARPNESS)
    assert list(Skill)[int(likeness[0].argmax())] is Skill.EMPATHY


def test_an_exemplar_can_be_compared_with_all_others_only(encoded: EncodedExemplars) -> None:
    known = next(one for one in exemplars() if one.skill is Skill.EMPATHY)
    vectors = universal_sentence_encoder().encode([known.text])
    own = np.array([[skill is Skill.EMPATHY for skill in Skill]])
    lower = encoded.likeness(vectors, SHARPNESS, own) < encoded.likeness(vectors, SHARPNESS)
    assert lower.tolist() == own.tolist()
