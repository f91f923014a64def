import json
from importlib.resources import files

import numpy as np
import pytest

from orf_books.failures import FixConfiguration
from orf_books.transcripts.head import HEADS, parse_head, read_head, write_head
from orf_books.transcripts.skill_encoder import SkillEncoder
from orf_books.transcripts.skills import Skill

DIMENSIONS = {SkillEncoder.USE: 512, SkillEncoder.USE_MINILM: 512 + 384}


@pytest.mark.parametrize("encoder", SkillEncoder)
def test_the_shipped_head_has_a_weight_for_each_dimension_of_each_skill(
    encoder: SkillEncoder,
) -> None:
    head = read_head(encoder)
    assert [len(weights) for weights in head.weights] == [DIMENSIONS[encoder]] * len(Skill)
    assert [len(weights) for weights in head.likeness_weights] == [len(Skill)] * len(Skill)
    assert len(head.intercepts) == len(Skill)


@pytest.mark.parametrize("encoder", SkillEncoder)
def test_a_head_is_written_as_it_was_read(encoder: SkillEncoder) -> None:
    shipped = files("orf_books.transcripts").joinpath(f"{HEADS[encoder]}.json").read_bytes()
    assert write_head(read_head(encoder)) == shipped
    assert list(json.loads(shipped)["skills"]) == list(Skill)


def test_probabilities_are_rounded_before_they_are_used() -> None:
    vectors = np.eye(512, dtype=np.float32)[:40]
    probabilities = read_head().probabilities(vectors, np.full((40, len(Skill)), -5.0))
    assert all(p == round(p, 4) and 0 <= p <= 1 for row in probabilities for p in row)
    assert all(len(row) == len(Skill) for row in probabilities)


def test_probabilities_of_all_skills_are_at_most_certain() -> None:
    vectors = np.eye(512, dtype=np.float32)[:40]
    probabilities = read_head().probabilities(vectors, np.full((40, len(Skill)), -1.0))
    assert all(sum(row) <= 1.001 for row in probabilities)


def test_a_head_that_was_changed_by_hand_is_refused() -> None:
    document = json.loads(write_head(read_head()))
    document["skills"]["empathy"]["intercept"] += 1
    with pytest.raises(FixConfiguration, match=r"transcripts\.fit"):
        parse_head(json.dumps(document).encode())
