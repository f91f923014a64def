"""Recorded readings for tests of the platform, and services that hear what they are told.

Belongs here: one short story, its uploads, and what the sandbox hears in them. Does not belong
here: recordings of speech (`orf_books/sandbox/readings`).
"""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from pydantic import SecretStr

from orf_books.activities.audio import Recording, read_recording
from orf_books.activities.recognition import HeardWord, Transcript
from orf_books.resources.kaldi import GENERAL_TAG
from orf_books.sandbox.behaviour import ACTIVITY_API_KEY, DEEPGRAM_KEY
from orf_books.sandbox.server import Sandbox
from orf_books.settings import Settings

STORY_ID = "5b0c1f0e-6a5d-4f0b-9a3e-2f6d1c7e8a01"
PHRASES = ("The cat sat down", "on the red mat.")
WORDS_A_SECOND = 2
HEARD = ("the cat sat down", "on the mat")
"""By everyone who listens: `red` is left out."""
FIRST_PASS = ((False, False, True, False), (False, False, False, False))
"""Says that `sat` was misread, which it was not."""
RIGHT = ((False,) * 4, (False, False, True, False))


def wav(number: int, seconds: float = 4.0, rate: int = 16_000, channels: int = 1) -> bytes:
    """A recording unlike those of other numbers: a tone."""
    time = np.arange(int(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * (220 + number) * time)
    content = io.BytesIO()
    sf.write(content, np.stack([tone] * channels, axis=1), rate, format="WAV", subtype="PCM_16")
    return content.getvalue()


def record(activity: str, **others: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of many types
    """The content of an activity.json."""
    features = [
        {
            "model": "first",
            "phraseIndex": phrase,
            "correct_confidences": [0.1 if e else 0.9 for e in errors],
        }
        for phrase, errors in enumerate(FIRST_PASS)
    ]
    return {
        "activityId": activity,
        "storyId": STORY_ID,
        "story": {"chapters": [{"phrases": list(PHRASES)}], "tags": [GENERAL_TAG]},
        "errors": [list(flags) for flags in FIRST_PASS],
        "features": features,
        **others,
    }


def write_upload(folder: Path, activity: str, number: int = 0, **others: Any) -> Path:  # noqa: ANN401
    """An upload folder below `folder`."""
    upload = folder / activity.replace("/", "_")
    upload.mkdir(parents=True)
    (upload / "complete.wav").write_bytes(wav(number))
    (upload / "activity.json").write_text(json.dumps(record(activity, **others)))
    (upload / "truth.json").write_text(json.dumps({"words": [list(flags) for flags in RIGHT]}))
    return upload


def settings_of_services(sandbox: Sandbox, storage: str, **others: Any) -> Settings:  # noqa: ANN401
    """Settings for the sandbox's recognisers."""
    return Settings(
        storage=storage,
        contact="someone@example.org",
        speech="services",
        deepgram_url=sandbox.deepgram_url,
        deepgram_key=SecretStr(DEEPGRAM_KEY),
        kaldi_general_url=sandbox.kaldi_general_url,
        kaldi_partner_url=sandbox.kaldi_partner_url,
        wav2vec_url=sandbox.wav2vec_url,
        **others,
    )


def with_activity_api(sandbox: Sandbox) -> dict[str, Any]:
    """Settings that name the sandbox's activity API."""
    return {
        "activity_api_url": sandbox.activity_api_url,
        "activity_api_key": SecretStr(ACTIVITY_API_KEY),
    }


def hear_the_story(sandbox: Sandbox) -> None:
    """Let all recognisers hear what was read; wav2vec hears nothing, which is an answer too."""
    sandbox.hearing.transcript = lambda _: transcript(" ".join(HEARD))
    sandbox.hearing.words = lambda _, model: HEARD[int(model.rpartition("_")[2]) - 1]
    sandbox.hearing.phonemes = lambda _: ""


def transcript(text: str) -> Transcript:
    """Words that follow each other evenly."""
    length = 1 / WORDS_A_SECOND
    return Transcript(
        tuple(
            HeardWord(word, place * length, (place + 0.9) * length, 0.9)
            for place, word in enumerate(text.split())
        )
    )


def recording(number: int) -> Recording:
    """The recording of a number, as it is read."""
    return read_recording(wav(number))
