"""All services of the sandbox in one local server, with endpoints to steer them.

Belongs here: starting, stopping, addresses and the control endpoints. Does not belong here: any
answer of a service. Production code never imports this package.
"""

import logging
import socket
from threading import Event, Thread
from types import TracebackType
from typing import Self

import uvicorn
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from orf_books.sandbox.activity_api import ActivityRecords, activity_api_app
from orf_books.sandbox.behaviour import Behaviour, Counts
from orf_books.sandbox.catalogue import SAMPLE_EXPORT, Catalogue, sample_catalogue
from orf_books.sandbox.deepgram import deepgram_app
from orf_books.sandbox.google_books import google_books_app
from orf_books.sandbox.hearing import Hearing
from orf_books.sandbox.open_library import open_library_app
from orf_books.sandbox.slack import WEBHOOK_PATH, slack_app
from orf_books.sandbox.speech_services import kaldi_app, wav2vec_app

LOOPBACK = "127.0.0.1"
OPEN_LIBRARY_PATH = "/openlibrary"
GOOGLE_BOOKS_PATH = "/books/v1"
DEEPGRAM_PATH = "/deepgram"
KALDI_PATH = "/kaldi"
WAV2VEC_PATH = "/wav2vec"
ACTIVITY_API_PATH = "/activity-api"
SLACK_PATH = "/slack"
SECONDS_TO_START = 10.0
SECONDS_TO_STOP = 1


class Sandbox:
    """The services on a loopback port, for as long as the `with` block lasts.

    What the recognisers hear is set in `hearing`, what the activity API knows is put into
    `activities`, and what Slack was told is in `messages`.

    Args:
        catalogue: which books the services know; the bundled sample by default.
        behaviour: the switches; all calm by default.
        port: the port to listen on; 0 takes a free one.
        export: the Goodreads export that goes with the catalogue, served for download.
    """

    def __init__(
        self,
        catalogue: Catalogue | None = None,
        behaviour: Behaviour | None = None,
        *,
        port: int = 0,
        export: bytes | None = None,
    ) -> None:
        self.catalogue = catalogue or sample_catalogue()
        self.behaviour = behaviour or Behaviour()
        self.counts = Counts()
        self.hearing = Hearing()
        self.activities = ActivityRecords()
        self.messages: list[str] = []
        self.export = SAMPLE_EXPORT.read_bytes() if export is None else export
        self._wanted_port = port
        self._socket: socket.socket | None = None
        self._server: _ServerThatTells | None = None
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        """The address of the server, without a slash at the end."""
        if self._socket is None:
            raise RuntimeError("The sandbox is not running: enter its `with` block first.")
        return f"http://{LOOPBACK}:{self._socket.getsockname()[1]}"

    @property
    def open_library_url(self) -> str:
        """What stands in for `https://openlibrary.org`."""
        return self.url + OPEN_LIBRARY_PATH

    @property
    def google_books_url(self) -> str:
        """What stands in for `https://www.googleapis.com/books/v1`."""
        return self.url + GOOGLE_BOOKS_PATH

    @property
    def deepgram_url(self) -> str:
        """What stands in for `https://api.deepgram.com`."""
        return self.url + DEEPGRAM_PATH

    @property
    def kaldi_general_url(self) -> str:
        """The shard of Kaldi for most stories."""
        return f"{self.url}{KALDI_PATH}/general"

    @property
    def kaldi_partner_url(self) -> str:
        """The shard of Kaldi for the stories of a partner."""
        return f"{self.url}{KALDI_PATH}/partner"

    @property
    def wav2vec_url(self) -> str:
        """The base of wav2vec."""
        return self.url + WAV2VEC_PATH

    @property
    def activity_api_url(self) -> str:
        """The base of the activity API."""
        return self.url + ACTIVITY_API_PATH

    @property
    def slack_webhook(self) -> str:
        """The address of Slack's webhook, which would be a secret."""
        return self.url + SLACK_PATH + WEBHOOK_PATH

    def app(self) -> Starlette:
        """All services and the control endpoints under their paths."""
        behaviour, counts, hearing = self.behaviour, self.counts, self.hearing
        control = Control(self)
        return Starlette(
            routes=[
                Route("/sandbox/behaviour", control.show_behaviour, methods=["GET"]),
                Route("/sandbox/behaviour", control.change_behaviour, methods=["PATCH"]),
                Route("/sandbox/counts", control.show_counts, methods=["GET"]),
                Route("/sandbox/counts", control.clear_counts, methods=["DELETE"]),
                Route("/sandbox/messages", control.show_messages, methods=["GET"]),
                Route("/sandbox/library.csv", control.download_export, methods=["GET"]),
                Mount(OPEN_LIBRARY_PATH, open_library_app(self.catalogue, behaviour, counts)),
                Mount(GOOGLE_BOOKS_PATH, google_books_app(self.catalogue, behaviour, counts)),
                Mount(DEEPGRAM_PATH, deepgram_app(hearing, behaviour, counts)),
                Mount(KALDI_PATH, kaldi_app(hearing, behaviour, counts)),
                Mount(WAV2VEC_PATH, wav2vec_app(hearing, behaviour, counts)),
                Mount(ACTIVITY_API_PATH, activity_api_app(self.activities, behaviour, counts)),
                Mount(SLACK_PATH, slack_app(self.messages, behaviour, counts)),
            ]
        )

    def start(self) -> None:
        """Listen; return when requests are answered."""
        self._socket = _listening_socket(self._wanted_port)
        self._server = _ServerThatTells(_quiet_configuration(self.app()))
        self._thread = Thread(target=self._server.run, args=([self._socket],), name="sandbox")
        self._thread.daemon = True
        self._thread.start()
        if not self._server.is_up.wait(SECONDS_TO_START):
            raise RuntimeError(f"The sandbox did not start within {SECONDS_TO_START} seconds.")

    def stop(self) -> None:
        """Stop listening; requests under way are cut off after a moment."""
        if self._server and self._thread and self._socket:
            self._server.should_exit = True
            self._thread.join()
            self._socket.close()
        self._server = self._thread = self._socket = None

    def wait(self) -> None:
        """Block until the server stops."""
        while self._thread and self._thread.is_alive():
            self._thread.join(timeout=1)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class Control:
    """The endpoints by which other processes steer and watch the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._behaviour = sandbox.behaviour
        self._counts = sandbox.counts
        self._messages = sandbox.messages
        self._export = sandbox.export

    async def show_behaviour(self, _request: Request) -> Response:
        """GET /sandbox/behaviour."""
        return JSONResponse(self._behaviour.as_json())

    async def change_behaviour(self, request: Request) -> Response:
        """PATCH /sandbox/behaviour: set the switches that the body names."""
        try:
            self._behaviour.change(await request.json())
        except ValidationError as error:
            reasons = error.errors(include_url=False, include_context=False, include_input=False)
            return JSONResponse({"detail": reasons}, status_code=422)
        return JSONResponse(self._behaviour.as_json())

    async def show_counts(self, _request: Request) -> Response:
        """GET /sandbox/counts."""
        return JSONResponse(self._counts.as_json())

    async def clear_counts(self, _request: Request) -> Response:
        """DELETE /sandbox/counts."""
        self._counts.clear()
        return Response(status_code=204)

    async def show_messages(self, _request: Request) -> Response:
        """GET /sandbox/messages: what Slack was told."""
        return JSONResponse(self._messages)

    async def download_export(self, _request: Request) -> Response:
        """GET /sandbox/library.csv: the export that goes with the catalogue."""
        return Response(self._export, media_type="text/csv")


class _ServerThatTells(uvicorn.Server):
    """A server that tells other threads when it answers."""

    def __init__(self, configuration: uvicorn.Config) -> None:
        super().__init__(configuration)
        self.is_up = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


def _listening_socket(port: int) -> socket.socket:
    return socket.create_server((LOOPBACK, port))


def _quiet_configuration(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        # Cut connections and cancelled requests are part of the play, not worth a line each.
        log_level=logging.CRITICAL,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=SECONDS_TO_STOP,
    )
