from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.activities.calibration import (
    Calibration,
    Evidence,
    Weights,
    bundled_calibration,
    correct_words,
    features,
    model_name,
    usual_fit,
)
from orf_books.activities.recognition import Role, WordEvidence
from orf_books.activities.voting import Votes

FITS = WordEvidence(True, -0.2, -0.5, fit_throughout=-0.3)
DOES_NOT_FIT = WordEvidence(False, -7.0, -12.0, fit_throughout=-9.0)
ENGINES = {Role.A: "whisper-tiny.en-4.8.5-1a5afae0/transcriber/1", Role.W: "hama-1.7.0-a9/placer/1"}


def evidence(*, heard: bool, w: WordEvidence) -> Evidence:
    return Evidence(Votes(a=heard, w=w.is_heard), w=w, usual_fit=-0.5)


def test_a_set_of_recognisers_is_named_whatever_their_versions() -> None:
    assert model_name(ENGINES) == "a=whisper w=hama"
    assert model_name({Role.A: "deepgram/nova-2/1"}) == "a=deepgram"


def test_a_word_that_fits_was_more_probably_read_than_one_that_does_not() -> None:
    for name, weights in bundled_calibration().models.items():
        if name == "a=whisper w=hama":
            read = weights.probability(evidence(heard=True, w=FITS))
            misread = weights.probability(evidence(heard=False, w=DOES_NOT_FIT))
            assert read is not None
            assert misread is not None
            assert read < weights.misread_from < misread


@pytest.mark.parametrize("placed", ["a=whisper k=whisper w=hama", "a=whisper w=hama"])
def test_weights_are_bundled_for_what_installs_by_default(placed: str) -> None:
    assert placed in bundled_calibration().models


def test_without_the_evidence_that_weights_ask_for_there_is_no_probability() -> None:
    weights = Weights({"k.fit": -1.0}, 0.0, 0.5)
    assert weights.probability(evidence(heard=True, w=FITS)) is None


def test_without_fitted_weights_nothing_is_weighed() -> None:
    calibration = Calibration((0.2, 0.8), 0.03, 1.0, {})
    assert calibration.weights_for(ENGINES) is None


def test_a_word_that_is_not_there_cannot_fit_worse() -> None:
    assert features(Evidence(Votes(), w=DOES_NOT_FIT))["w.worst_fit"] == -8.0


def test_what_fits_badly_is_less_suspect_where_the_reader_usually_fits_badly() -> None:
    weights = bundled_calibration().models["a=whisper w=hama"]
    doubtful = evidence(heard=False, w=WordEvidence(False, -3.0, -6.0, fit_throughout=-3.5))
    with_accent = replace(doubtful, usual_fit=-2.5)
    clear, accented = weights.probability(doubtful), weights.probability(with_accent)
    assert clear is not None
    assert accented is not None
    assert accented < clear


def test_one_word_does_not_change_what_is_usual() -> None:
    fits = [FITS, FITS, DOES_NOT_FIT]
    assert usual_fit(fits) == FITS.fit
    assert usual_fit([]) is None


def test_verdicts_near_the_middle_are_doubtful() -> None:
    calibration = Calibration((0.2, 0.8), 0.03, 1.0, {})
    assert [calibration.is_doubtful(one) for one in (0.1, 0.2, 0.5, 0.8)] == [
        False,
        True,
        True,
        False,
    ]


@given(st.lists(st.floats(0, 1), min_size=1), st.floats(1, 5))
def test_an_interval_holds_what_is_expected_and_no_impossible_number(
    probabilities: list[float], spread: float
) -> None:
    interval = correct_words(probabilities, spread)
    expected = sum(1 - one for one in probabilities)
    assert 0 <= interval.low <= expected + 1e-9
    assert expected - 1e-9 <= interval.high <= len(probabilities)


def test_doubt_makes_an_interval_wide() -> None:
    sure, doubtful = correct_words([0.01] * 50, 1.0), correct_words([0.4] * 50, 1.0)
    assert sure.high - sure.low < doubtful.high - doubtful.low
