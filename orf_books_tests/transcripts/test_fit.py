import numpy as np

from orf_books.transcripts.encoder import universal_sentence_encoder
from orf_books.transcripts.fit import fit_head
from orf_books.transcripts.head import read_head


def test_fitting_again_gives_the_shipped_head() -> None:
    fitted, shipped = fit_head(universal_sentence_encoder()), read_head()
    # Other processors add up otherwise, so not to the last digit.
    np.testing.assert_allclose(fitted.weights, shipped.weights, atol=1e-2)
    np.testing.assert_allclose(fitted.likeness_weights, shipped.likeness_weights, atol=1e-2)
    np.testing.assert_allclose(fitted.intercepts, shipped.intercepts, atol=1e-2)
    assert fitted.encoder_version == shipped.encoder_version
