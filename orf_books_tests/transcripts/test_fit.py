import numpy as np
import pytest

from orf_books.transcripts.fit import fit_head
from orf_books.transcripts.head import read_head
from orf_books.transcripts.skill_encoder import SkillEncoder


@pytest.mark.parametrize(
    "encoder",
    [SkillEncoder.USE, pytest.param(SkillEncoder.USE_MINILM, marks=pytest.mark.slow)],
)
def test_fitting_again_gives_the_shipped_head(encoder: SkillEncoder) -> None:
    fitted, shipped = fit_head(encoder.load()), read_head(encoder)
    # Other processors add up otherwise, so not to the last digit.
    np.testing.assert_allclose(fitted.weights, shipped.weights, atol=1e-2)
    np.testing.assert_allclose(fitted.likeness_weights, shipped.likeness_weights, atol=1e-2)
    np.testing.assert_allclose(fitted.intercepts, shipped.intercepts, atol=1e-2)
    assert fitted.encoder_version == shipped.encoder_version
