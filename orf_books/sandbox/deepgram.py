"""Deepgram as a local server: recordings that are sent whole to `/v1/listen`.

Belongs here: the endpoint, its answers and its errors. Does not belong here: what is heard
(`hearing.py`), outages and counting (`front_door.py`).
"""

import hashlib
import uuid
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orf_books.activities.audio import Recording, read_recording
from orf_books.activities.recognition import HeardWord
from orf_books.failures import FixInput
from orf_books.sandbox.behaviour import DEEPGRAM_KEY, Behaviour, Counts, Service
from orf_books.sandbox.front_door import FrontDoor
from orf_books.sandbox.hearing import Hearing

Json = dict[str, Any]

MODELS = ("nova-3", "nova-2", "nova", "enhanced", "base")
DEFAULT_MODEL = "base"
PUBLISHED_CONCURRENCY = 100
FILLERS = frozenset({"uh", "um", "mhmm", "mm-mm", "uh-uh", "uh-huh", "nuh-uh"})

ERRORS: dict[str, tuple[int, Json]] = {
    "corrupt_audio": (
        400,
        {
            "err_code": "Bad Request",
            "err_msg": "Bad Request: failed to process audio: corrupt or unsupported data",
        },
    ),
    "no_such_model": (
        400,
        {
            "err_code": "Bad Request",
            "err_msg": "Bad Request: No such model/language/tier combination found.",
        },
    ),
    "invalid_query": (
        400,
        {"err_code": "INVALID_QUERY_PARAMETER", "err_msg": "Failed to deserialize the query."},
    ),
    "invalid_json": (
        400,
        {
            "category": "INVALID_JSON",
            "message": "Invalid JSON submitted.",
            "details": "Json deserialize error: missing field `url` at line 1 column 2",
        },
    ),
    "invalid_auth": (401, {"err_code": "INVALID_AUTH", "err_msg": "Invalid credentials."}),
    "no_permission": (
        401,
        {
            "err_code": "INSUFFICIENT_PERMISSIONS",
            "err_msg": "User does not have sufficient permissions.",
        },
    ),
    "no_credit": (
        402,
        {
            "err_code": "ASR_PAYMENT_REQUIRED",
            "err_msg": "Project does not have enough credits for an ASR request and does not have "
            "an overage agreement.",
        },
    ),
    "no_access_to_model": (
        403,
        {
            "err_code": "INSUFFICIENT_PERMISSIONS",
            "err_msg": "Project does not have access to the requested model.",
        },
    ),
    "upload_timeout": (408, {"err_code": "REQUEST_TIMEOUT", "err_msg": "Request timed out."}),
    "conflict": (409, {"err_code": "CONFLICT", "err_msg": "Conflict."}),
    "length_required": (411, {"err_code": "LENGTH_REQUIRED", "err_msg": "Length required."}),
    "too_large": (413, {"err_code": "PAYLOAD_TOO_LARGE", "err_msg": "Payload too large."}),
    "uri_too_long": (414, {"err_code": "URI_TOO_LONG", "err_msg": "URI too long."}),
    "upload_interrupted": (
        422,
        {
            "err_code": "ASR_UNPROCESSABLE_ENTITY",
            "err_msg": "Unable to read the entire client request.",
        },
    ),
    "too_many_requests": (
        429,
        {
            "err_code": "TOO_MANY_REQUESTS",
            "err_msg": "Too many requests. Please try again later.",
        },
    ),
    "internal": (500, {"err_code": "INTERNAL_SERVER_ERROR", "err_msg": "Internal server error."}),
    "bad_gateway": (502, {"err_code": "BAD_GATEWAY", "err_msg": "Bad gateway."}),
    # The documented sample has this other name for the code.
    "unavailable": (
        503,
        {"error_code": "SERVICE_UNAVAILABLE", "err_msg": "Please try again later."},
    ),
    "gateway_timeout": (504, {"err_code": "GATEWAY_TIMEOUT", "err_msg": "Gateway timeout."}),
}
"""What `Troubles.error` may be: status and body, to which the request's id is added."""


def deepgram_app(hearing: Hearing, behaviour: Behaviour, counts: Counts) -> Starlette:
    """Deepgram with its ears."""
    front_door = Middleware(
        FrontDoor, rules=DeepgramRules(behaviour, counts), behaviour=behaviour, counts=counts
    )
    listener = Listener(hearing)
    return Starlette(
        routes=[Route("/v1/listen", listener.listen, methods=["POST"])], middleware=[front_door]
    )


class DeepgramRules:
    """Whom Deepgram refuses."""

    service = Service.DEEPGRAM

    def __init__(self, behaviour: Behaviour, counts: Counts) -> None:
        self._behaviour = behaviour
        self._counts = counts

    def endpoint(self, path: str) -> str:
        """`listen`."""
        return path.rpartition("/")[2]

    async def refusal(self, _path: str, request: Request) -> Response | None:
        """The error that is set, 401 for a wrong key, 429 beyond the limit; otherwise None."""
        if name := self._behaviour.of(self.service).error:
            return _error(name)
        if request.headers.get("Authorization") != f"Token {DEEPGRAM_KEY}":
            return _error("invalid_auth")
        limit = self._concurrency()
        if limit is not None and self._counts.at_once(self.service) > limit:
            return _error("too_many_requests")
        return None

    def _concurrency(self) -> int | None:
        wanted = self._behaviour.deepgram_concurrency
        if wanted is None and self._behaviour.enforce_limits:
            return PUBLISHED_CONCURRENCY
        return wanted


class Listener:
    """The endpoint, as a method that takes a request."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing

    async def listen(self, request: Request) -> Response:
        """POST /v1/listen."""
        asked = request.query_params
        if asked.get("model", DEFAULT_MODEL) not in MODELS:
            return _error("no_such_model")
        content = await request.body()
        try:
            recording = read_recording(content)
        except FixInput:
            return _error("corrupt_audio")
        if "callback" in asked:
            return _answer({})
        words = self._hearing.transcript(recording).words
        if asked.get("filler_words") != "true":
            words = tuple(word for word in words if word.text not in FILLERS)
        return _answer(
            {
                "metadata": _metadata(content, recording, asked.get("model", DEFAULT_MODEL)),
                "results": {"channels": [{"alternatives": [_alternative(words)]}]},
            }
        )


def _metadata(content: bytes, recording: Recording, model: str) -> Json:
    model_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, model))
    return {
        "transaction_key": "deprecated",
        "sha256": hashlib.sha256(content).hexdigest(),
        "created": "2026-01-01T00:00:00.000Z",
        "duration": recording.seconds,
        "channels": 1,
        "models": [model_id],
        "model_info": {model_id: {"name": model, "version": "2026-01-01.0", "arch": model}},
    }


def _alternative(words: tuple[HeardWord, ...]) -> Json:
    return {
        "transcript": " ".join(word.text for word in words),
        "confidence": min((_confidence(word) for word in words), default=0.0),
        "words": [
            {
                "word": word.text,
                "start": word.start,
                "end": word.end,
                "confidence": _confidence(word),
            }
            for word in words
        ],
    }


def _confidence(word: HeardWord) -> float:
    return 1.0 if word.confidence is None else word.confidence


def _error(name: str) -> Response:
    status, body = ERRORS[name]
    return _answer(body, status)


def _answer(body: Json, status: int = 200) -> Response:
    request_id = str(uuid.uuid4())
    if "metadata" in body:
        body["metadata"]["request_id"] = request_id
    else:
        body = {**body, "request_id": request_id}
    return JSONResponse(body, status, {"dg-request-id": request_id})
