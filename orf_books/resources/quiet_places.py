"""Preparing sound for models that take short pieces at a usual level.

Belongs here: what all embedded models need of a recording. Does not belong here: any model.
"""

from typing import TYPE_CHECKING

from orf_books.activities.audio import SAMPLES_PER_SECOND

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

_LEVEL = 0.08
"""Root mean square of the louder half, as in clear recordings at a usual distance."""
_FULL_SCALE = 32_768
_LOUDNESS_WINDOW = SAMPLES_PER_SECOND // 10


def levelled(pcm: bytes) -> "Samples":
    """Sound as samples from -1 to 1, made as loud as usual."""
    import numpy as np

    samples: Samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(_FULL_SCALE)
    loudness = _loudness(samples)
    if not loudness.any():
        return samples
    level = np.sqrt(np.mean(np.square(loudness[loudness >= np.median(loudness)])))
    scaled: Samples = np.clip(samples * np.float32(_LEVEL / level), -1, 1)
    return scaled


def cut_at_quiet_places(samples: "Samples", longest_seconds: float, step: int) -> list[int]:
    """Where to cut sound into pieces, its start and end included.

    Args:
        samples: the sound.
        longest_seconds: no piece is longer.
        step: cuts lie at multiples of so many samples.
    """
    import numpy as np

    longest = int(longest_seconds * SAMPLES_PER_SECOND)
    loudness = _loudness(samples)
    cuts = [0]
    while len(samples) - cuts[-1] > longest:
        first, last = cuts[-1] + longest // 2, cuts[-1] + longest
        windows = slice(first // _LOUDNESS_WINDOW, last // _LOUDNESS_WINDOW)
        quietest = windows.start + int(np.argmin(loudness[windows]))
        middle = quietest * _LOUDNESS_WINDOW + _LOUDNESS_WINDOW // 2
        cuts.append(middle // step * step)
    return [*cuts, len(samples)]


def _loudness(samples: "Samples") -> "Samples":
    """Root mean square of each tenth of a second."""
    import numpy as np

    padded = np.pad(samples, (0, -len(samples) % _LOUDNESS_WINDOW))
    windows = padded.reshape(-1, _LOUDNESS_WINDOW)
    loudness: Samples = np.sqrt(np.mean(np.square(windows), axis=1))
    return loudness
