"""Whether a recording can be scored at all, by its sound.

Belongs here: measuring loudness, noise and clipping, and the limits beyond which recognisers are
not believed. Does not belong here: what recognisers make of the sound (`rescoring.py`).
"""

from dataclasses import dataclass
from enum import StrEnum

from orf_books.activities.audio import (
    LOUDNESS_WINDOWS_PER_SECOND,
    SAMPLES_PER_SECOND,
    Recording,
    above_noise,
    loudness,
)

_FULL_SCALE = 32_768
_WINDOW = SAMPLES_PER_SECOND // LOUDNESS_WINDOWS_PER_SECOND
_WINDOWS_TO_MEASURE = 500
_SHORTEST_WORD_MS = 60
"""Nobody reads a phrase at 1,000 words a minute."""
_AT_THE_TOP, _SAMPLES_OF_A_CUT = 0.999, 4
"""So many samples of 20 ms as loud as the loudest of all: the wave was higher, and was cut off."""
_LEAST_PEAK = 1000
"""Of softer recordings equal samples say nothing: there are few steps."""
_SOFTEST_SOUND_DECIBELS = 20.0
"""By which the sounds of a word are softer than the loud ones of the reading, at most."""
SOFTEST_DECIBELS = -62.0
"""Of speech below full scale: a 16-bit recording has then a handful of steps left."""
MOST_CLIPPED = 0.1
"""Share of the speech that is cut off at the top. Below it figures hold, see `docs/speech.md`."""
LEAST_ABOVE_NOISE_DECIBELS = 4.0
"""By which the loud parts must stand out from the quiet ones."""


class NotScored(StrEnum):
    """Why something could not be scored. None of it is an error of the child."""

    TOO_SOFT = "too_soft"
    CLIPPED = "clipped"
    NOISY = "noisy"
    SEVERAL_SOUNDS = "several_sounds"
    """Another voice or a noise over it."""
    TOO_SHORT = "too_short"
    """For its words, or for there to be any."""
    UNLIKE_THE_TEXT = "unlike_the_text"
    """Something was said, and nothing of it fits."""


@dataclass(frozen=True, slots=True)
class SoundQuality:
    """How well speech can be heard in a recording."""

    speech_decibels: float
    """Loudness of the speech below full scale."""
    above_noise_decibels: float
    """By how much speech is louder than what is there between words."""
    clipped: float
    """Share of the loud windows that are cut off at the top."""

    @property
    def obstacle(self) -> NotScored | None:
        """What keeps it from being scored; None where nothing does."""
        if self.speech_decibels < SOFTEST_DECIBELS:
            return NotScored.TOO_SOFT
        if self.clipped > MOST_CLIPPED:
            return NotScored.CLIPPED
        if self.above_noise_decibels < LEAST_ABOVE_NOISE_DECIBELS:
            return NotScored.NOISY
        return None


def sound_quality(recording: Recording) -> SoundQuality | None:
    """Measure a recording; None where it is shorter than a word, or digitally silent."""
    import numpy as np

    samples = np.frombuffer(recording.pcm, dtype="<i2").astype(np.float32)
    windows = samples[: len(samples) // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
    if not windows.size or not windows.any():
        return None
    decibels = loudness(samples / np.float32(_FULL_SCALE))
    loud = np.percentile(decibels, 90)
    speech = windows[decibels >= loud]
    peak = np.abs(speech).max()
    is_cut = (np.abs(speech) >= _AT_THE_TOP * peak).sum(axis=1) >= _SAMPLES_OF_A_CUT
    clipped = float(is_cut.mean()) if peak >= _LEAST_PEAK else 0.0
    return SoundQuality(float(loud), above_noise(decibels), clipped)


def speech_decibels(recording: Recording) -> float | None:
    """Loudness of the speech below full scale, from 500 windows at most; None without sound."""
    import numpy as np

    samples = np.frombuffer(recording.pcm, dtype="<i2")
    windows = samples[: len(samples) // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
    some = windows[:: -(-len(windows) // _WINDOWS_TO_MEASURE)] if len(windows) else windows
    if not some.any():
        return None
    decibels = np.sort(loudness(some.ravel().astype(np.float32) / np.float32(_FULL_SCALE)))
    return float(decibels[9 * len(decibels) // 10])


def sounding_ms(part: Recording, speech: float) -> int:
    """For how long there is sound in a part of a recording that is not much softer than speech.

    Args:
        part: of the recording.
        speech: `speech_decibels` of all of it.
    """
    import numpy as np

    samples = np.frombuffer(part.pcm, dtype="<i2").astype(np.float32)
    decibels = loudness(samples / np.float32(_FULL_SCALE))
    sounding = int(np.sum(decibels > speech - _SOFTEST_SOUND_DECIBELS))
    return sounding * 1000 // LOUDNESS_WINDOWS_PER_SECOND


def is_too_short(recording: Recording, words: int) -> bool:
    """Whether nobody can have said so many words in it."""
    return 1000 * recording.seconds < _SHORTEST_WORD_MS * words
