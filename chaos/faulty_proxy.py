"""A server that has bad days, in front of one that behaves: of an object store, or of a service.

Belongs here: what can happen to a request on its way there and back. Does not belong here: the
server behind it, and when bad days are.
"""

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Lock, Thread
from urllib.parse import urlsplit

SLOW_SECONDS = 0.3
LONGEST_LINE = 65_536
_OF_ONE_CONNECTION = {"connection", "transfer-encoding", "content-length", "server", "date"}
"""Headers that the proxy makes itself."""
_BUSY = (
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate."
    b"</Message></Error>"
)


Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


class Trouble(StrEnum):
    """What can happen to a request."""

    AWAY = "away"
    """The connection is closed without an answer."""
    SLOW = "slow"
    BUSY = "503"
    TRUNCATED = "truncated"
    """The answer breaks off half-way."""
    LOST_ANSWER = "answer lost"
    """What was asked is done, and nobody learns of it."""
    SPOILT = "spoilt"
    """Something else is answered, see `spoil`."""


class FaultyProxy:
    """The proxy; switch `trouble` and `share` at any time, from any thread.

    Args:
        behind: URL of the server that behaves.
        random: draws the requests that meet the trouble.
    """

    def __init__(self, behind: str, random: Random) -> None:
        parts = urlsplit(behind)
        self._behind = (str(parts.hostname), parts.port or 80)
        self._random, self._lock = random, Lock()
        self.trouble: Trouble | None = None
        self.share = 1.0
        """Of requests that meet the trouble."""
        self.spoil: Callable[[bytes], Answer] = lambda content: (200, {}, content)
        """What is answered instead of this."""
        self._due: dict[str, tuple[int, Callable[[], object]]] = {}
        self.met = 0
        """Requests that did."""
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator["FaultyProxy"]:
        """It answers until the block ends."""
        thread = Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """What the server behind answers."""
        connection = http.client.HTTPConnection(*self._behind, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def at(self, key: str, request: int, happens: Callable[[], object]) -> None:
        """Let something happen before the so many-th request about a key from now on."""
        self._due[key] = request, happens

    @property
    def awaited(self) -> set[str]:
        """Keys for which what `at` was told has not happened."""
        return set(self._due)

    def drawn(self, path: str) -> Trouble | None:
        """What happens to the next request, which is about this path."""
        # Without the lock: what happens may ask the server, too.
        self._due_before_request_of(urlsplit(path).path)()
        with self._lock:
            if self.trouble is None or self._random.random() >= self.share:
                return None
            self.met += 1
            return self.trouble

    def _due_before_request_of(self, path: str) -> Callable[[], object]:
        with self._lock:
            key = next((key for key in self._due if path.endswith(key)), None)
            if key is None:
                return lambda: None
            requests, happens = self._due.pop(key)
            if requests == 1:
                return happens
            self._due[key] = requests - 1, happens
            return lambda: None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: FaultyProxy

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is part of the play."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_one_request(self) -> None:
        """Whatever the method is."""
        self.raw_requestline = self.rfile.readline(LONGEST_LINE)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        trouble = self.server.proxy.drawn(self.path)
        if trouble is Trouble.AWAY:
            self.close_connection = True
        elif trouble is Trouble.BUSY:
            self._send(503, {}, _BUSY)
        else:
            self._hand_on(trouble, body)

    def _hand_on(self, trouble: Trouble | None, body: bytes) -> None:
        if trouble is Trouble.SLOW:
            time.sleep(SLOW_SECONDS)
        headers = dict(self.headers)
        answer, content = self.server.proxy.ask(self.command, self.path, body, headers)
        if trouble is Trouble.LOST_ANSWER:
            self.close_connection = True
            return
        if trouble is Trouble.SPOILT:
            status, headers, content = self.server.proxy.spoil(content)
            self._send(status, headers, content)
            return
        is_cut = trouble is Trouble.TRUNCATED and bool(content)
        self._send(answer.status, dict(answer.headers), content, cut=is_cut)

    def _send(
        self, status: int, headers: dict[str, str], content: bytes, *, cut: bool = False
    ) -> None:
        self.send_response(status)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else len(content)
        for name, value in headers.items():
            if name.lower() not in _OF_ONE_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        if cut:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the base
        """Say nothing."""
