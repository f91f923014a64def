import httpx
import numpy as np
import pytest

from orf_books.activities.audio import Recording
from orf_books.sandbox.behaviour import Service, Troubles
from orf_books.sandbox.server import Sandbox
from orf_books.sandbox.speech_services import ERRORS

SOUND = Recording(b"\x01\x00" * 160)
FLOATS = np.full(160, 2.0**-15, dtype="<f4").tobytes()


def test_kaldi_hears_with_the_language_model_that_is_named(sandbox: Sandbox) -> None:
    said = {(SOUND, "story_1"): "the cat"}
    sandbox.hearing.words = lambda recording, model: said[recording, model]
    for url in (sandbox.kaldi_general_url, sandbox.kaldi_partner_url):
        answer = httpx.post(f"{url}/transcribe", params={"lm": "story_1"}, content=SOUND.wav())
        assert answer.json() == {"transcript": "the cat"}
    assert sandbox.counts.as_json()["kaldi"]["requests"] == {"general": 1, "partner": 1}


@pytest.mark.parametrize(("model", "content"), [({}, SOUND.wav()), ({"lm": "story_1"}, b"RIFF")])
def test_kaldi_refuses_what_it_cannot_hear(
    sandbox: Sandbox, model: dict[str, str], content: bytes
) -> None:
    url = f"{sandbox.kaldi_general_url}/transcribe"
    assert httpx.post(url, params=model, content=content).status_code == 400


def test_wav2vec_hears_floats(sandbox: Sandbox) -> None:
    said = {SOUND: "kæt"}
    sandbox.hearing.phonemes = lambda recording: said[recording]
    answer = httpx.post(f"{sandbox.wav2vec_url}/transcribe", content=FLOATS)
    assert answer.json() == {"status": "success", "transcription": "kæt"}


@pytest.mark.parametrize("content", [FLOATS[:-1], FLOATS * 7001])
def test_wav2vec_refuses_what_it_cannot_hear(sandbox: Sandbox, content: bytes) -> None:
    answer = httpx.post(f"{sandbox.wav2vec_url}/transcribe", content=content)
    assert answer.status_code == 400


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_that_of_one_service(sandbox: Sandbox, name: str) -> None:
    sandbox.behaviour.services = {Service.WAV2VEC: Troubles(error=name)}
    sandbox.hearing.words = lambda *_: ""
    answer = httpx.post(f"{sandbox.wav2vec_url}/transcribe", content=FLOATS)
    assert (answer.status_code, answer.json()) == ERRORS[name]
    url = f"{sandbox.kaldi_general_url}/transcribe"
    answer = httpx.post(url, params={"lm": "story_1"}, content=SOUND.wav())
    assert answer.json() == {"transcript": ""}
