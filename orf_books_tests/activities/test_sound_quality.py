import numpy as np
import pytest
from numpy.typing import NDArray

from orf_books.activities.audio import Recording
from orf_books.activities.sound_quality import (
    NotScored,
    is_too_short,
    sound_quality,
    sounding_ms,
    speech_decibels,
)

RANDOM = np.random.default_rng(1)


def speech(seconds: float = 4.0) -> NDArray[np.float64]:
    """Bursts of a voice-like hum with pauses between."""
    time = np.arange(int(16_000 * seconds)) / 16_000
    voice = sum(np.sin(2 * np.pi * 150 * harmonic * time) / harmonic for harmonic in range(1, 8))
    envelope = np.clip(np.sin(2 * np.pi * 1.5 * time), 0, 1)
    found: NDArray[np.float64] = 3000 * voice * envelope + RANDOM.normal(0, 5, len(time))
    return found


def recording(samples: NDArray[np.float64]) -> Recording:
    return Recording(np.clip(np.rint(samples), -32_768, 32_767).astype("<i2").tobytes())


@pytest.mark.parametrize(
    ("samples", "obstacle"),
    [
        (speech(), None),
        (speech() / 30, None),
        (speech() / 5000, NotScored.TOO_SOFT),
        (np.clip(speech() * 40, -20_000, 20_000), NotScored.CLIPPED),
        (speech() / 20 + RANDOM.normal(0, 3000, 64_000), NotScored.NOISY),
    ],
)
def test_what_keeps_a_recording_from_being_scored_is_named(
    samples: NDArray[np.float64], obstacle: NotScored | None
) -> None:
    quality = sound_quality(recording(samples))
    assert quality is not None
    assert quality.obstacle is obstacle


@pytest.mark.parametrize("pcm", [b"", b"\0\0" * 100, b"\0\0" * 16_000])
def test_of_no_sound_nothing_can_be_measured(pcm: bytes) -> None:
    assert sound_quality(Recording(pcm)) is None


def test_loudness_of_speech_does_not_depend_on_length() -> None:
    decibels = speech_decibels(recording(speech(2)))
    assert decibels is not None
    assert decibels == pytest.approx(-22, abs=1)
    assert speech_decibels(recording(speech(30))) == pytest.approx(decibels, abs=1)
    assert speech_decibels(recording(speech(2) / 10)) == pytest.approx(decibels - 20, abs=0.5)


@pytest.mark.parametrize("pcm", [b"", b"\0\0" * 100, b"\0\0" * 16_000])
def test_silence_has_no_loudness_of_speech(pcm: bytes) -> None:
    assert speech_decibels(Recording(pcm)) is None


def test_many_words_need_some_time() -> None:
    half_a_second = Recording(b"\0\0" * 8_000)
    assert is_too_short(half_a_second, words=12)
    assert not is_too_short(half_a_second, words=2)


def test_a_pause_is_no_sound_and_soft_noise_neither() -> None:
    loud, soft = speech(1.0), RANDOM.normal(0, 5, 16_000)
    level = speech_decibels(recording(np.concatenate([loud, soft])))
    assert level is not None
    assert sounding_ms(recording(soft), level) == 0
    assert 300 < sounding_ms(recording(loud), level) < 800
