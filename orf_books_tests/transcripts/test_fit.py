import numpy as np
import pytest

from orf_books.transcripts.detection import SkillDetector
from orf_books.transcripts.encoder import universal_sentence_encoder
from orf_books.transcripts.firing import THRESHOLDS
from orf_books.transcripts.fit import fit_weights
from orf_books.transcripts.head import read_head
from orf_books.transcripts.labels import (
    HANDS,
    Half,
    LessonPart,
    labelled_sentences,
    lesson_turns,
)
from orf_books.transcripts.skills import Skill

OF_ANOTHER_PROCESSOR = 0.02
"""Processors add up in different orders, so a refitted head differs a little."""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_fitting_again_gives_a_head_that_judges_as_the_shipped_one_does() -> None:
    encoder = universal_sentence_encoder()
    texts = [
        turn.text for turn in (*labelled_sentences(Half.HELD_OUT), *lesson_turns(LessonPart.TEST))
    ]
    refitted, shipped = (
        np.array(
            [
                [judged[skill].probability for skill in Skill]
                for judged in SkillDetector(encoder, head).judge(texts)
            ]
        )
        for head in (fit_weights(encoder, HANDS), read_head())
    )
    np.testing.assert_allclose(refitted, shipped, atol=OF_ANOTHER_PROCESSOR)
    thresholds = np.array([THRESHOLDS[skill].shown for skill in Skill])
    is_clear = np.abs(shipped - thresholds) > OF_ANOTHER_PROCESSOR
    assert is_clear.mean() > 0.99
    assert ((refitted >= thresholds) == (shipped >= thresholds))[is_clear].all()
