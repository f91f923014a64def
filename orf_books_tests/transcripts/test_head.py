import json
from importlib.resources import files

import numpy as np
import pytest

from orf_books.failures import FixConfiguration
from orf_books.transcripts.head import FILE, parse_head, read_head, write_head
from orf_books.transcripts.sentence_features import SentenceFeatures
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.spoken_form import phrases


def features(spoken: str, count: int = 1) -> SentenceFeatures:
    """Of sentences that are alike but for their vectors."""
    return SentenceFeatures(
        vectors=np.eye(512, dtype=np.float32)[:count],
        phrases=(phrases(spoken),) * count,
        cues=np.zeros((count, len(Skill))),
        is_asked_for=np.zeros((count, 1)),
    )


def test_the_shipped_head_has_a_weight_for_each_feature_of_each_skill() -> None:
    head = read_head()
    assert [len(weights) for weights in head.weights] == [512] * len(Skill)
    assert [len(weights) for weights in head.cue_weights] == [len(Skill)] * len(Skill)
    assert {len(weights) for weights in head.phrase_weights.values()} == {len(Skill)}
    assert len(head.intercepts) == len(head.asked_weights) == len(head.calibrations) == len(Skill)


def test_a_head_is_written_as_it_was_read() -> None:
    shipped = files("orf_books.transcripts").joinpath(FILE).read_bytes()
    assert write_head(read_head()) == shipped
    assert list(json.loads(shipped)["skills"]) == list(Skill)


def test_probabilities_are_rounded_before_they_are_used() -> None:
    probabilities = read_head().probabilities(features("the line goes up", 40))
    assert all(p == round(p, 4) and 0 <= p <= 1 for row in probabilities for p in row)
    assert all(len(row) == len(Skill) for row in probabilities)


def test_probabilities_of_all_skills_are_at_most_certain() -> None:
    probabilities = read_head().probabilities(features("because it is half of it", 40))
    assert all(sum(row) <= 1.001 for row in probabilities)


def test_phrases_count() -> None:
    column = list(Skill).index(Skill.COMMUNICATION)
    ((plain,), (with_reason,)) = (
        (read_head().probabilities(features(spoken))[0][column],)
        for spoken in ("it is ten", "it is ten because it is half of twenty")
    )
    assert with_reason > plain


def test_sentences_without_a_known_phrase_have_probabilities() -> None:
    assert len(read_head().probabilities(features("xyzzy"))) == 1
    assert read_head().probabilities(features("xyzzy", 0)) == []


def test_a_head_that_was_changed_by_hand_is_refused() -> None:
    document = json.loads(write_head(read_head()))
    document["skills"]["empathy"]["intercept"] += 1
    with pytest.raises(FixConfiguration, match=r"transcripts\.fit"):
        parse_head(json.dumps(document).encode())
