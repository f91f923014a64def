from dataclasses import replace

import pytest

from orf_books.transcripts.calibration import Calibration
from orf_books.transcripts.encoder_versions import encoder_version
from orf_books.transcripts.head import read_head
from orf_books.transcripts.model_version import config_hash, model_version


def test_a_version_is_a_release_and_a_checksum() -> None:
    release, _, checksum = model_version().partition("+")
    assert release.count(".") == 2
    assert len(checksum) == len(config_hash()) == 8
    assert encoder_version().startswith("use-m3 ")


def test_other_weights_are_another_model() -> None:
    head = read_head()
    assert model_version(replace(head, intercepts=(0.0,) * 5)) != model_version()


@pytest.mark.parametrize("has_cue", [True, False])
def test_calibration_keeps_the_order_of_probabilities(has_cue: bool) -> None:
    calibration = read_head().calibration
    shares = [calibration.share_right(p, has_cue=has_cue) for p in (0.0, 0.2, 0.7, 0.9, 1.0)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1


def test_a_cue_makes_a_skill_likelier() -> None:
    calibration = read_head().calibration
    assert calibration.share_right(0.4, has_cue=True) > calibration.share_right(0.4, has_cue=False)


def test_an_identity_changes_nothing() -> None:
    assert Calibration(1.0, 0.0, 0.0).share_right(0.3, has_cue=True) == pytest.approx(0.3)
