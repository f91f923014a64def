"""Recordings: reading WAV files, cutting pieces out, recognising an equal one again.

Belongs here: samples and their times. Does not belong here: which piece belongs to which phrase
(`timing.py`, `manifest.py`), and where recordings are kept.
"""

import hashlib
import struct
import wave
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from orf_books.failures import FailureCategory, FixInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLES_PER_SECOND = 16_000
LOUDNESS_WINDOWS_PER_SECOND = 50
BYTES_PER_SAMPLE = 2
BYTES_PER_MS = SAMPLES_PER_SECOND * BYTES_PER_SAMPLE // 1000
WAV_HEADER_BYTES = 44
"""The shortest header; a file that is not longer holds no sound."""

_LEAST_RATE = 4_000
"""Samples a second. Half the rate of a telephone; below it no speech can be understood, so the
header is damaged, and resampling by it would fill the memory."""
_FULL_SCALE = 32_768
_DEAD_PEAK = 0.001
"""A channel whose peak is a smaller share of the loudest is dead."""
_CLEARLY_BETTER_DECIBELS = 3.0
"""By so much a channel must stand out more than all of them mixed, to be taken alone."""
_SILENT_PEAK = _FULL_SCALE // 1000
"""A thousandth of full scale, -60 dB: rooms are louder than that at any open microphone."""


class NoAudio(FixInput):
    """There is no sound where a recording should be."""

    category = FailureCategory.MISSING_AUDIO


class UnreadableAudio(FixInput):
    """There is a file, but not one that sound can be read from."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Sound as all recognisers take it: 16 kHz, 16-bit little-endian, mono."""

    pcm: bytes

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.pcm) / (SAMPLES_PER_SECOND * BYTES_PER_SAMPLE)

    @property
    def fingerprint(self) -> str:
        """The same for equal sound, whatever file it came in: SHA-256 of the samples in hex."""
        return hashlib.sha256(self.pcm).hexdigest()

    @property
    def is_silent(self) -> bool:
        """Whether the microphone was off: no sample reaches a thousandth of full scale."""
        import numpy as np

        samples = np.frombuffer(self.pcm, dtype="<i2")
        return not np.any((samples > _SILENT_PEAK) | (samples < -_SILENT_PEAK))

    def between(self, start: int, end: int) -> "Recording":
        """The part from `start` to `end` in milliseconds, as far as there is such a part."""
        first, last = (max(0, time) * BYTES_PER_MS for time in (start, end))
        return Recording(self.pcm[first:last])

    def wav(self) -> bytes:
        """The recording as a WAV file."""
        file = BytesIO()
        with wave.open(file, "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(BYTES_PER_SAMPLE)
            writer.setframerate(SAMPLES_PER_SECOND)
            writer.writeframes(self.pcm)
        return file.getvalue()


def read_recording(content: bytes) -> Recording:
    """Read a WAV file of any rate, width and number of channels; of a cut one, what there is.

    Raises:
        NoAudio: the file is empty, or ends with its header.
        UnreadableAudio: it is no sound file, or its header is damaged.
    """
    import soundfile as sf

    if len(content) <= WAV_HEADER_BYTES:
        raise NoAudio("The recording is empty: upload it again.")
    try:
        with sf.SoundFile(BytesIO(content)) as file:
            rate = file.samplerate
            is_ready = (rate, file.channels, file.subtype) == (SAMPLES_PER_SECOND, 1, "PCM_16")
            samples = file.read(dtype="int16" if is_ready else "float32", always_2d=True)
    except sf.SoundFileError as error:
        raise UnreadableAudio("The recording is no readable WAV file: upload another.") from error
    if not len(samples):
        raise NoAudio("The recording has a header and no sound: upload it again.")
    if rate < _LEAST_RATE:
        raise UnreadableAudio(f"The recording claims {rate} samples a second: its header is wrong.")
    return Recording((samples if is_ready else _converted(samples, rate)).astype("<i2").tobytes())


def wav_seconds(head: bytes, size: int) -> float | None:
    """How long a WAV file is, by its first bytes.

    Args:
        head: the beginning of the file; a few hundred bytes nearly always hold all of the header.
        size: of the whole file in bytes: a header may promise more than there is.

    Returns:
        Seconds; None where these bytes do not tell.
    """
    if size <= WAV_HEADER_BYTES:
        return 0.0
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    at, bytes_per_second = 12, 0
    while at + 8 <= len(head):
        name, length = struct.unpack_from("<4sI", head, at)
        at += 8
        if name == b"data":
            there = max(0, min(length, size - at))
            return there / bytes_per_second if bytes_per_second else None
        if name == b"fmt " and at + 12 <= len(head):
            (bytes_per_second,) = struct.unpack_from("<I", head, at + 8)
        at += length + length % 2
    return None


def loudness(
    samples: "NDArray[np.float32]", rate: int = SAMPLES_PER_SECOND
) -> "NDArray[np.float32]":
    """Decibels below full scale in each 20 ms of sound whose samples are from -1 to 1."""
    import numpy as np

    width = rate // LOUDNESS_WINDOWS_PER_SECOND
    windows = samples[: len(samples) // width * width].reshape(-1, width)
    decibels: NDArray[np.float32] = 10 * np.log10(np.mean(np.square(windows), axis=1) + 1e-10)
    return decibels


def above_noise(decibels: "NDArray[np.float32]") -> float:
    """By how many decibels the loud parts of a sound stand out from the quiet ones."""
    import numpy as np

    quiet, loud = np.percentile(decibels, [10, 90])
    return float(loud - quiet)


def _one_channel(samples: "NDArray[np.float32]", rate: int) -> "NDArray[np.float32]":
    """All live channels mixed; where one is noisy or cancels another, the clearest alone."""
    import numpy as np

    peaks = np.abs(samples).max(axis=0)
    samples = samples[:, peaks >= peaks.max() * _DEAD_PEAK]
    mixed: NDArray[np.float32] = samples.mean(axis=1)
    if samples.shape[1] == 1 or not len(loudness(mixed, rate)):
        return mixed
    clarity, clearest = max(
        (above_noise(loudness(channel, rate)), number)
        for number, channel in enumerate(samples.T.copy())
    )
    is_mixed = clarity < above_noise(loudness(mixed, rate)) + _CLEARLY_BETTER_DECIBELS
    return mixed if is_mixed else samples[:, clearest]


def _converted(samples: "NDArray[np.float32]", rate: int) -> "NDArray[np.float32]":
    """One channel at our rate, in 16-bit steps."""
    import numpy as np
    import soxr

    mono = _one_channel(np.nan_to_num(samples), rate)
    resampled = (
        mono if rate == SAMPLES_PER_SECOND else soxr.resample(mono, rate, SAMPLES_PER_SECOND)
    )
    scaled: NDArray[np.float32] = np.rint(resampled * _FULL_SCALE)
    return scaled.clip(-_FULL_SCALE, _FULL_SCALE - 1)
