"""hama, a small phoneme recogniser: places the expected words of a page and judges each.

Belongs here: the model, its weights, and how a recording is fed to it. Does not belong here: the
alignment (`activities/forced_alignment.py`), processes (`embedded_speech.py`). Works in one thread;
nothing is downloaded.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from orf_books.activities.audio import SAMPLES_PER_SECOND
from orf_books.activities.forced_alignment import (
    AlignedWord,
    Frames,
    SoundsBeside,
    align_words,
    frames_of,
)
from orf_books.activities.phonemes import IPA, Pronunciation
from orf_books.activities.recognition import (
    PageToHear,
    PlacedPhrase,
    SaidBeside,
    Span,
    WordEvidence,
)
from orf_books.resources.quiet_places import cut_at_quiet_places, levelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PACKAGE = "hama"
RULES_VERSION = 4
"""Changes with how the model is used: kept answers of older rules are asked for again."""
WEIGHTS = "asr_waveform.hama"
MEASURED_WEIGHTS = "a9fcfe73e179ca48e399cd76a90a6b3e1887bf5037ecc52b778d13a149563328"
"""SHA-256 of the weights that the figures in `docs/speech.md` were measured with."""
READ_IF_ABOVE = -3.8
"""Mean of `fit` and `fit_throughout`; chosen on ten of the readers for choosing."""
FRAME_SAMPLES = 320
FRAME_MS = 1000 * FRAME_SAMPLES // SAMPLES_PER_SECOND
LONGEST_SECONDS = 8.0
"""The model hears 30 s at most, and costs more a second the longer a piece is."""


def engine() -> str:
    """Model, version, and the beginning of the hash of its weights."""
    return f"{PACKAGE}-{version(PACKAGE)}-{weights_hash()[:8]}/placer/{RULES_VERSION}"


@cache
def weights_hash() -> str:
    """SHA-256 of the weights, in hex."""
    return hashlib.sha256((files("hama.assets") / WEIGHTS).read_bytes()).hexdigest()


def place_page(
    pcm: bytes, page: PageToHear, words: Sequence[Sequence[Sequence[Pronunciation]]]
) -> list[PlacedPhrase]:
    """Find the phrases of a page.

    Args:
        pcm: the recording of the page.
        page: when the page was read, and which phrases are on it.
        words: by phrase of the page and by word, how it may be said.
    """
    start, _ = page.span
    frames = frames_of(_log_probabilities(pcm), *_symbols())
    aligned = iter(align_words(frames, [word for phrase in words for word in phrase]))
    placed = []
    for number, phrase in zip(page.phrases, words, strict=True):
        its = [next(aligned) for _ in phrase]
        evidence = tuple(_evidence(word, start) for word in its)
        placed.append(PlacedPhrase(number, evidence, _clarity(frames, its)))
    return placed


def _clarity(frames: Frames, words: Sequence[AlignedWord]) -> float | None:
    if not words or not len(frames):
        return None
    first = min(word.first_frame for word in words)
    last = max(word.last_frame for word in words)
    return round(float(frames.best[first : last + 1].mean()), 3)


def _evidence(word: AlignedWord, page_start: int) -> WordEvidence:
    return WordEvidence(
        is_heard=(word.fit + word.fit_throughout) / 2 > READ_IF_ABOVE,
        fit=round(word.fit, 3),
        worst_fit=round(word.worst_fit, 3),
        fit_throughout=round(word.fit_throughout, 3),
        span=_span(word, page_start),
        is_repeated=word.is_repeated,
        before=_beside(word.before, page_start) if word.before else None,
    )


def _beside(said: SoundsBeside, page_start: int) -> SaidBeside:
    return SaidBeside(_span(said, page_start), said.is_false_start)


def _span(frames: AlignedWord | SoundsBeside, page_start: int) -> Span:
    return (
        page_start + frames.first_frame * FRAME_MS,
        page_start + (frames.last_frame + 1) * FRAME_MS,
    )


def _log_probabilities(pcm: bytes) -> "Floats":
    """Of all symbols, by frames."""
    import numpy as np

    samples = levelled(pcm)
    model = _model()
    pieces = []
    for start, end in pairwise(cut_at_quiet_places(samples, LONGEST_SECONDS, FRAME_SAMPLES)):
        waveform = samples[None, start:end]
        log_probabilities, _ = model.session.run(
            ["log_probs", "out_lengths"],
            {
                "waveform": waveform,
                "waveform_lengths": np.array([end - start], dtype=np.int64),
            },
        )
        pieces.append(np.asarray(log_probabilities[0], dtype=np.float64)[: _frames(end - start)])
    return np.concatenate(pieces)


def _frames(samples: int) -> int:
    return -(-samples // FRAME_SAMPLES)


@cache
def _symbols() -> tuple[dict[str, list[int]], list[int]]:
    """Numbers of the symbols that pass for each sound, and of those that stand for none."""
    number = {symbol: place for place, symbol in enumerate(_model().decoder_tokens)}
    sounds = {sound: [number[one] for one in symbols] for sound, symbols in IPA.items()}
    return sounds, [number["<blank>"], number["<wb>"]]


@cache
def _model() -> Any:  # noqa: ANN401 - the package has no types
    from hama import ASRModel

    return ASRModel()
