"""Kaldi and wav2vec as local servers, which hear single phrases.

Belongs here: the endpoints as `resources/kaldi.py` and `resources/wav2vec.py` describe them. Does
not belong here: what is heard (`hearing.py`), outages and counting (`front_door.py`).
"""

from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orf_books.activities.audio import SAMPLES_PER_SECOND, Recording, read_recording
from orf_books.failures import FixInput
from orf_books.sandbox.behaviour import Behaviour, Counts, Service
from orf_books.sandbox.front_door import FrontDoor
from orf_books.sandbox.hearing import Hearing

Json = dict[str, Any]

LONGEST_SECONDS = 70
"""What wav2vec takes."""
BYTES_PER_FLOAT = 4

ERRORS: dict[str, tuple[int, Json]] = {
    "refused": (403, {"error": "forbidden"}),
    "bad_request": (400, {"error": "bad request"}),
    "too_many_requests": (429, {"error": "too many requests"}),
    "nothing_said": (200, {"status": "success"}),
    "no_text": (200, {"status": "success", "transcript": 1, "transcription": 1}),
    "no_status": (200, {"transcription": "kæt"}),
    "failed": (200, {"status": "failure", "transcription": "kæt"}),
}
"""What `Troubles.error` may be: status and body."""


def kaldi_app(hearing: Hearing, behaviour: Behaviour, counts: Counts) -> Starlette:
    """Kaldi: one address for each shard."""

    async def transcribe(request: Request) -> Response:
        try:
            recording = read_recording(await request.body())
            model = request.query_params["lm"]
        except (FixInput, KeyError):
            return _error("bad_request")
        return JSONResponse({"transcript": hearing.words(recording, model)})

    route = Route("/{shard}/transcribe", transcribe, methods=["POST"])
    return _app(route, Service.KALDI, behaviour, counts)


def wav2vec_app(hearing: Hearing, behaviour: Behaviour, counts: Counts) -> Starlette:
    """wav2vec."""

    async def transcribe(request: Request) -> Response:
        floats = await request.body()
        seconds = len(floats) / BYTES_PER_FLOAT / SAMPLES_PER_SECOND
        if len(floats) % BYTES_PER_FLOAT or seconds > LONGEST_SECONDS:
            return _error("bad_request")
        phonemes = hearing.phonemes(_recording(floats))
        return JSONResponse({"status": "success", "transcription": phonemes})

    route = Route("/transcribe", transcribe, methods=["POST"])
    return _app(route, Service.WAV2VEC, behaviour, counts)


def _app(route: Route, service: Service, behaviour: Behaviour, counts: Counts) -> Starlette:
    rules = SpeechServiceRules(service, behaviour)
    front_door = Middleware(FrontDoor, rules=rules, behaviour=behaviour, counts=counts)
    return Starlette(routes=[route], middleware=[front_door])


class SpeechServiceRules:
    """Whom the services refuse: nobody, unless they are told to."""

    def __init__(self, service: Service, behaviour: Behaviour) -> None:
        self.service = service
        self._behaviour = behaviour

    def endpoint(self, path: str) -> str:
        """The shard, where there are several, else `transcribe`."""
        return path.strip("/").partition("/")[0]

    async def refusal(self, _path: str, _request: Request) -> Response | None:
        """The error that is set."""
        name = self._behaviour.of(self.service).error
        return _error(name) if name else None


def _recording(floats: bytes) -> Recording:
    import numpy as np

    samples = np.frombuffer(floats, dtype="<f4") * 2**15
    return Recording(np.rint(samples).astype("<i2").tobytes())


def _error(name: str) -> Response:
    status, body = ERRORS[name]
    return JSONResponse(body, status)
