"""The HTTP interface: uploads, how far they are, dashboards, deletion.

Belongs here: paths, statuses and headers. Does not belong here: what lies in the store
(`libraries.py`), what deals with uploads (`worker.py`).

The paths and fields are those of dashboards that readers already use; see `docs/serve.md`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from math import ceil
from typing import Any
from uuid import UUID

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from orf_books.failures import FixInput, OrfBooksError
from orf_books.pages.upload_page import render_upload_page
from orf_books.serve.libraries import ERROR, ServedLibraries, Status
from orf_books.serve.limits import MOST_BYTES, UploadRate, bounded, too_large
from orf_books.serve.worker import Platform, Worker

MOST_WAITING = 500
"""Uploads that have no dashboard yet."""
MOST_READ_AT_ONCE = 2
"""Files held in memory to be read; others wait on the disk."""
MOST_HELD = 200
"""Requests that wait for a dashboard."""
SECONDS_TO_UPLOAD = 300.0
SECONDS_BETWEEN_LOOKS = 0.5
LOOKS_AT_STATUS = 6
"""Every so many looks at whether the dashboard is there, also at whether it will ever be."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Addresses hold the id, which is the key to a library: no other page may learn it. The policy of
what a page may load stands in the page."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How the interface behaves."""

    origins: Sequence[str] = ()
    """Of other pages that may use it."""
    uploads_per_minute: int = 60
    """From one address."""
    most_waiting: int = MOST_WAITING
    held_seconds: float = 240.0
    """How long a browser that asks for data waits for them. Existing dashboards take any answer but
    an error for the data, also 202."""
    retry_seconds: float = 5.0
    """How long uploads wait that were left to a daemon, or found the store away."""


def build_app(libraries: ServedLibraries, platform: Platform, options: ServeOptions) -> Starlette:
    """The interface as an ASGI application."""
    api = _Api(libraries, Worker(platform, libraries, options.retry_seconds), options)
    return Starlette(
        routes=[
            Route("/", api.upload_page, methods=["GET"]),
            Route("/upload", api.upload, methods=["POST"]),
            Route("/status/{library:uuid}", api.status, methods=["GET"]),
            Route("/data/{library:uuid}", api.data, methods=["GET"]),
            Route("/data/{library:uuid}", api.delete, methods=["DELETE"]),
            Route("/data/{library:uuid}.json", api.data, methods=["GET"]),
            Route("/data/{library:uuid}.html", api.page, methods=["GET"]),
            # Where pages of libraries link to, as there is no list of libraries here.
            Route("/dashboard.html", api.start_page, methods=["GET"]),
            Route("/favicon.ico", _no_icon, methods=["GET"]),
            Route("/health", api.health, methods=["GET"]),
        ],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=options.origins,
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=["*"],
            )
        ],
        exception_handlers={
            HTTPException: _refused,
            OrfBooksError: _unavailable,
            Exception: _broken,
        },
        lifespan=api.lifespan,
    )


class _Api:
    def __init__(self, libraries: ServedLibraries, worker: Worker, options: ServeOptions) -> None:
        self._libraries, self._worker, self._options = libraries, worker, options
        self._rate = UploadRate(options.uploads_per_minute)
        self._reading = asyncio.Semaphore(MOST_READ_AT_ONCE)
        self._held = 0
        self._started_at = time.monotonic()

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Deal with uploads as long as the server runs."""
        working = asyncio.create_task(self._worker.run())
        try:
            yield
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working

    async def upload_page(self, _request: Request) -> Response:
        """GET /: the page to upload a file on."""
        return HTMLResponse(render_upload_page(MOST_BYTES), headers=HEADERS)

    async def start_page(self, _request: Request) -> Response:
        """GET /dashboard.html: the same page."""
        return RedirectResponse("/", HTTPStatus.SEE_OTHER)

    async def upload(self, request: Request) -> Response:
        """POST /upload: a file in the field `csv`."""
        self._refuse_foreign_page(request)
        self._limit(request)
        bounded_request = Request(request.scope, bounded(request.receive))
        try:
            async with asyncio.timeout(SECONDS_TO_UPLOAD):
                async with bounded_request.form(max_files=1, max_fields=10) as form:
                    library = await self._put(form.get("csv"))
        except TimeoutError:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "The upload took too long.") from None
        self._worker.add(library)
        message = "The file has arrived; its books are being looked up."
        return _json({"uuid": library, "status": "processing", "message": message})

    async def _put(self, file: UploadFile | str | None) -> str:
        if not isinstance(file, UploadFile):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "Send the file in the form's field `csv`.")
        if (file.size or 0) > MOST_BYTES:
            raise too_large()
        async with self._reading:
            content = await file.read()
            try:
                return await run_in_threadpool(self._libraries.put, content, file.filename or "")
            except FixInput as error:
                raise HTTPException(HTTPStatus.BAD_REQUEST, str(error)) from None

    def _refuse_foreign_page(self, request: Request) -> None:
        """Refuse uploads by pages of others, which browsers send without asking first."""
        origin = request.headers.get("origin")
        own = f"{request.url.scheme}://{request.headers.get('host')}"
        if origin and origin not in {own, *self._options.origins}:
            raise HTTPException(HTTPStatus.FORBIDDEN, "Uploads by other web pages are refused.")

    def _limit(self, request: Request) -> None:
        wait = self._rate.take(request.client.host if request.client else "")
        if wait:
            retry = {"Retry-After": str(ceil(wait))}
            message = f"Too many uploads: try again in {ceil(wait)} seconds."
            raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, message, retry)
        if self._worker.waiting >= self._options.most_waiting:
            message = "Too many uploads are waiting: try again in a few minutes."
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, message, {"Retry-After": "120"})

    async def status(self, request: Request) -> Response:
        """GET /status/{uuid}: how far an upload is."""
        status = await self._status(_library(request))
        if status is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is no upload of this id.")
        return _json(status.as_document())

    async def _status(self, library: str) -> Status | None:
        status = await run_in_threadpool(self._libraries.status, library)
        problem = self._worker.problem_of(library)
        if status and problem and not status.completion_time:
            return replace(status, status=ERROR, message=problem)
        return status

    async def data(self, request: Request) -> Response:
        """GET /data/{uuid}: the dashboard JSON."""
        library = _library(request)
        looks = 0
        if "origin" in request.headers and self._held < MOST_HELD:
            looks = int(self._options.held_seconds / SECONDS_BETWEEN_LOOKS)
        self._held += 1
        try:
            for look in range(looks + 1):
                content = await run_in_threadpool(self._libraries.data, library)
                if content is not None:
                    return Response(content, media_type="application/json", headers=HEADERS)
                if look % LOOKS_AT_STATUS == 0:
                    _refuse_without_data(await self._status(library))
                if look < looks and not await request.is_disconnected():
                    await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        finally:
            self._held -= 1
        return _json({"detail": "Still processing."}, HTTPStatus.ACCEPTED)

    async def page(self, request: Request) -> Response:
        """GET /data/{uuid}.html: the dashboard to look at."""
        content = await run_in_threadpool(self._libraries.page, _library(request))
        if content is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is no dashboard of this id.")
        return HTMLResponse(content, headers=HEADERS)

    async def delete(self, request: Request) -> Response:
        """DELETE /data/{uuid}: delete a library from everywhere."""
        try:
            deleted = await self._worker.delete(_library(request))
        except FixInput:
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is no library of this id.") from None
        return _json({"message": "The library is deleted.", "deleted_files": list(deleted)})

    async def health(self, _request: Request) -> Response:
        """GET /health: whether the server answers."""
        uptime = round(time.monotonic() - self._started_at, 1)
        return _json({"status": "healthy", "uptime": uptime, "active_jobs": self._worker.waiting})


async def _no_icon(_request: Request) -> Response:
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _library(request: Request) -> str:
    library = request.path_params["library"]
    return str(library if isinstance(library, UUID) else UUID(library))


def _refuse_without_data(status: Status | None) -> None:
    """Say so where no data will come."""
    if status is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There are no data of this id.")
    if status.status == ERROR:
        message = f"Processing failed: {status.message}"
        raise HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR, message)


def _json(document: dict[str, Any], status: int = HTTPStatus.OK) -> Response:
    return JSONResponse(document, status, headers=HEADERS)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these
    headers = {**HEADERS, **(error.headers or {})}
    return JSONResponse({"detail": error.detail}, error.status_code, headers=headers)


async def _unavailable(_request: Request, error: Exception) -> Response:
    headers = {**HEADERS, "Retry-After": "10"}
    status = HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse({"detail": str(error)}, status, headers=headers)


async def _broken(_request: Request, _error: Exception) -> Response:
    # The server logs the error; its text may hold what people wrote.
    detail = "The server met a defect. The operator's log says where."
    return JSONResponse({"detail": detail}, HTTPStatus.INTERNAL_SERVER_ERROR, headers=HEADERS)
