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

from orf_books.sandbox.behaviour import Behaviour, Counts
from orf_books.sandbox.catalogue import SAMPLE_EXPORT, Catalogue, sample_catalogue
from orf_books.sandbox.google_books import google_books_app
from orf_books.sandbox.open_library import open_library_app

LOOPBACK = "127.0.0.1"
OPEN_LIBRARY_PATH = "/openlibrary"
GOOGLE_BOOKS_PATH = "/books/v1"
SECONDS_TO_START = 10.0
SECONDS_TO_STOP = 1


class Sandbox:
    """Open Library and Google Books on a loopback port, for as long as the `with` block lasts.

    Args:
        catalogue: what the services know; the bundled sample by default.
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
        """What stands in for `https://openlibrary.org` and `https://covers.openlibrary.org`."""
        return self.url + OPEN_LIBRARY_PATH

    @property
    def google_books_url(self) -> str:
        """What stands in for `https://www.googleapis.com/books/v1`."""
        return self.url + GOOGLE_BOOKS_PATH

    def app(self) -> Starlette:
        """All services and the control endpoints as one application."""
        return sandbox_app(self.catalogue, self.behaviour, self.counts, self.export)

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


def sandbox_app(
    catalogue: Catalogue, behaviour: Behaviour, counts: Counts, export: bytes
) -> Starlette:
    """All services and the control endpoints under their paths."""
    control = Control(behaviour, counts, export)
    return Starlette(
        routes=[
            Route("/sandbox/behaviour", control.show_behaviour, methods=["GET"]),
            Route("/sandbox/behaviour", control.change_behaviour, methods=["PATCH"]),
            Route("/sandbox/counts", control.show_counts, methods=["GET"]),
            Route("/sandbox/counts", control.clear_counts, methods=["DELETE"]),
            Route("/sandbox/library.csv", control.download_export, methods=["GET"]),
            Mount(OPEN_LIBRARY_PATH, open_library_app(catalogue, behaviour, counts)),
            Mount(GOOGLE_BOOKS_PATH, google_books_app(catalogue, behaviour, counts)),
        ]
    )


class Control:
    """The endpoints by which other processes steer and watch the sandbox."""

    def __init__(self, behaviour: Behaviour, counts: Counts, export: bytes) -> None:
        self._behaviour = behaviour
        self._counts = counts
        self._export = export

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
