"""Speaking a planned reading with the free synthesisers espeak-ng and flite.

Belongs here: voices, pauses, noise. Needed only to make the bundled readings anew; the Debian
packages `espeak-ng` and `flite` must be installed.
"""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from orf_books.activities.audio import SAMPLES_PER_SECOND
from orf_books.sandbox.readings.voices import Voice

Samples = NDArray[np.float64]

_LOUDNESS = 0.08
_SILENCE = 0.01
_HISS_WIDTH = 8
"""Samples over which noise is smoothed: rooms hum more than they hiss."""


def speak(text: str, voice: Voice) -> Samples:
    """A text at 16 kHz, all voices equally loud, without silence before and after."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run(_command(text, voice, path), check=True, capture_output=True)  # noqa: S603
        samples, rate = soundfile.read(path)
    samples = soxr.resample(samples, rate, SAMPLES_PER_SECOND)
    loud = np.flatnonzero(np.abs(samples) > _SILENCE * np.abs(samples).max())
    samples = samples[loud[0] : loud[-1] + 1]
    scaled: Samples = samples * (_LOUDNESS / np.sqrt(np.mean(samples**2)))
    return scaled


def _command(text: str, voice: Voice, path: Path) -> list[str]:
    if voice.synthesiser == "flite":
        stretch = f"duration_stretch={voice.stretch}"
        return ["flite", "-voice", voice.name, "--setf", stretch, "-t", text, "-o", str(path)]
    speed, pitch = str(voice.words_per_minute), str(voice.pitch)
    return ["espeak-ng", "-v", voice.name, "-s", speed, "-p", pitch, "-w", str(path), "--", text]


def with_noise(samples: Samples, decibels: float, seed: int) -> Samples:
    """With the hiss of a room, so many decibels below the speech."""
    hiss = np.random.default_rng(seed).standard_normal(len(samples))
    noise = 0.1 * hiss + np.convolve(hiss, np.full(_HISS_WIDTH, 1 / _HISS_WIDTH), "same")
    noisy: Samples = samples + noise * _LOUDNESS * 10 ** (-decibels / 20) / noise.std()
    return noisy
