from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from orf_books.activities.audio import Recording
from orf_books.activities.recognition import HeardWord, Transcript
from orf_books.sandbox.behaviour import DEEPGRAM_KEY, Service, Troubles
from orf_books.sandbox.deepgram import ERRORS
from orf_books.sandbox.server import Sandbox

SOUND = Recording(b"\x01\x00" * 1600)
SAID = Transcript((HeardWord("um", 0.0, 0.1), HeardWord("cat", 0.2, 0.4, 0.5)))


@pytest.fixture
def deepgram(sandbox: Sandbox) -> Iterator[httpx.Client]:
    sandbox.hearing.transcript = lambda recording: SAID if recording == SOUND else Transcript(())
    headers = {"Authorization": f"Token {DEEPGRAM_KEY}"}
    with httpx.Client(base_url=sandbox.deepgram_url, headers=headers) as client:
        yield client


def listen(client: httpx.Client, content: bytes = SOUND.wav(), **asked: str) -> httpx.Response:
    return client.post("/v1/listen", content=content, params=asked)


def alternative(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    (channel,) = answer.json()["results"]["channels"]
    (found,) = channel["alternatives"]
    return dict(found)


def test_a_recording_is_answered_word_by_word(deepgram: httpx.Client) -> None:
    answer = listen(deepgram, model="nova-3", filler_words="true")
    heard = alternative(answer)
    assert heard["transcript"] == "um cat"
    assert heard["words"][1] == {"word": "cat", "start": 0.2, "end": 0.4, "confidence": 0.5}
    assert answer.json()["metadata"]["duration"] == 0.1


def test_fillers_are_left_out_unless_asked_for(deepgram: httpx.Client) -> None:
    assert alternative(listen(deepgram))["transcript"] == "cat"


def test_silence_has_no_words_and_no_confidence(deepgram: httpx.Client) -> None:
    heard = alternative(listen(deepgram, Recording(b"\x00\x00" * 160).wav()))
    assert heard == {"transcript": "", "confidence": 0.0, "words": []}


def test_those_who_want_to_be_called_back_get_a_request_id_only(deepgram: httpx.Client) -> None:
    answer = listen(deepgram, callback="https://example.org")
    assert set(answer.json()) == {"request_id"}


def test_what_is_no_sound_is_corrupt(deepgram: httpx.Client) -> None:
    answer = listen(deepgram, b'{"url": "https://example.org/a.wav"}')
    assert answer.status_code == 400
    assert "corrupt or unsupported data" in answer.json()["err_msg"]


def test_an_unknown_model_is_refused(deepgram: httpx.Client) -> None:
    assert "No such model" in listen(deepgram, model="nova-99").json()["err_msg"]


def test_a_wrong_key_is_refused(deepgram: httpx.Client) -> None:
    answer = deepgram.post("/v1/listen", headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json()["err_code"]) == (401, "INVALID_AUTH")


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_has_its_status_and_an_id(
    sandbox: Sandbox, deepgram: httpx.Client, name: str
) -> None:
    sandbox.behaviour.services = {Service.DEEPGRAM: Troubles(error=name)}
    answer = listen(deepgram)
    assert answer.status_code == ERRORS[name][0]
    assert answer.json()["request_id"] == answer.headers["dg-request-id"]


def test_recordings_beyond_the_limit_are_refused(sandbox: Sandbox, deepgram: httpx.Client) -> None:
    sandbox.behaviour.deepgram_concurrency = 0
    assert listen(deepgram).status_code == 429
    sandbox.behaviour.deepgram_concurrency = 1
    assert listen(deepgram).status_code == 200
    assert sandbox.counts.most_at_once(Service.DEEPGRAM) == 1
    assert sandbox.counts.at_once(Service.DEEPGRAM) == 0
