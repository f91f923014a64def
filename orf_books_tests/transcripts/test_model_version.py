from dataclasses import replace

import pytest

from orf_books.transcripts.calibration import RATES_IN_LESSONS, Calibration
from orf_books.transcripts.encoder_files import encoder_version
from orf_books.transcripts.head import read_head
from orf_books.transcripts.model_version import config_hash, model_version
from orf_books.transcripts.skills import Skill


def test_a_version_is_a_release_and_a_checksum() -> None:
    release, _, checksum = model_version().partition("+")
    assert release.count(".") == 2
    assert len(checksum) == len(config_hash()) == 8
    assert encoder_version().startswith("use-m3 ")


def test_other_weights_are_another_model() -> None:
    head = read_head()
    assert model_version(replace(head, intercepts=(0.0,) * 5)) != model_version()


@pytest.mark.parametrize("calibration", read_head().calibrations)
def test_calibration_keeps_the_order_of_probabilities(calibration: Calibration) -> None:
    shares = [calibration.share_right(p) for p in (0.0, 0.2, 0.7, 0.9, 1.0)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1


def test_what_is_rare_in_lessons_is_less_likely_than_its_probability_says() -> None:
    of_skill = dict(zip(Skill, read_head().calibrations, strict=True))
    assert all(
        of_skill[skill].share_right(0.5) < 0.5
        for skill, rate in RATES_IN_LESSONS.items()
        if rate <= 0.01
    )


def test_an_identity_changes_nothing() -> None:
    assert Calibration(1.0, 0.0).share_right(0.3) == pytest.approx(0.3)
