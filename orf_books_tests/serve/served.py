"""A served platform for tests: the interface over a store, and what deals with its uploads."""

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn

from orf_books.commands.serve import delete_upload, fill_some_gaps, process_uploads
from orf_books.failures import OrfBooksError
from orf_books.serve.api import ServeOptions, build_app
from orf_books.serve.libraries import ServedLibraries
from orf_books.settings import Settings
from orf_books_tests.conftest import wait_for

EXISTING_DASHBOARD = "http://localhost:8000"


@dataclass
class PlatformHere:
    """Runs the platform in a thread of this process, one task at a time, when it may."""

    settings: Settings
    may_run: threading.Event = field(default_factory=threading.Event)
    groups: list[tuple[str, ...]] = field(default_factory=list)
    """Uploads of each run."""
    failures: list[OrfBooksError] = field(default_factory=list)
    """Of the next runs."""
    is_daemon_there: bool = False
    is_over: bool = False
    """Whether nobody waits for what is left."""

    async def process(self, libraries: Sequence[str]) -> bool:
        return await asyncio.to_thread(self._process, tuple(libraries))

    def _process(self, libraries: tuple[str, ...]) -> bool:
        assert self.may_run.wait(60)
        if self.is_over:
            return False
        self.groups.append(libraries)
        if self.failures:
            raise self.failures.pop(0)
        if self.is_daemon_there:
            return False
        return process_uploads(self.settings, libraries)

    async def fill_gaps(self) -> float | None:
        if self.settings.google_books_key is None:
            return None
        return await asyncio.to_thread(fill_some_gaps, self.settings)

    async def delete(self, library: str) -> Sequence[str]:
        return await asyncio.to_thread(delete_upload, self.settings, library)


@dataclass
class Served:
    """The interface, as a client sees it."""

    client: httpx.Client
    platform: PlatformHere

    def upload(self, export: bytes, name: str = "export.csv", **headers: str) -> Any:  # noqa: ANN401
        """POST /upload."""
        files = {"csv": (name, export, "text/csv")}
        return self.client.post("/upload", files=files, headers=headers)

    def uploaded(self, export: bytes) -> str:
        """The id of a library that is uploaded now."""
        answer = self.upload(export)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["uuid"])

    def status(self, library: str) -> dict[str, Any]:
        """GET /status."""
        answer = self.client.get(f"/status/{library}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def wait_until(self, library: str, status: str = "complete") -> dict[str, Any]:
        """Wait for a status."""

        def look() -> dict[str, Any] | None:
            found = self.status(library)
            return found if found["status"] == status else None

        return wait_for(f"status {status}", look, seconds=90)


@contextmanager
def served(
    settings: Settings, origins: Sequence[str] = (EXISTING_DASHBOARD,), **options: int
) -> Iterator[Served]:
    """Serve on a free port of this machine."""
    platform = PlatformHere(settings)
    platform.may_run.set()
    libraries = ServedLibraries(settings.open_storage())
    app = build_app(
        libraries, platform, ServeOptions(origins, held_seconds=30.0, retry_seconds=0.2, **options)
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        configuration = uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=1)
        server = uvicorn.Server(configuration)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            with httpx.Client(base_url=address, timeout=60, follow_redirects=True) as client:
                wait_for("server", lambda: server.started)
                yield Served(client, platform)
        finally:
            platform.is_over = True
            platform.may_run.set()
            server.should_exit = True
            thread.join()
