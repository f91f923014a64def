"""What stands before each service: counting, refusals, latency and faults.

Belongs here: everything that happens to a request before the service itself looks at it. Does not
belong here: limits and identification of one service (its own module), books
(`book_front_door.py`).
"""

import asyncio
import zlib
from collections import Counter
from random import Random
from typing import Protocol

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orf_books.sandbox.behaviour import Behaviour, Counts, Fault, Service, Troubles

RETRIED_STATUSES = (429, 503)


def page(status: int, reason: str) -> HTMLResponse:
    """The page of a proxy, as clients get it instead of an answer."""
    heading = f"{status} {reason}"
    return HTMLResponse(
        f"<html>\r\n<head><title>{heading}</title></head>\r\n<body>\r\n"
        f"<center><h1>{heading}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>",
        status_code=status,
    )


class ServiceRules(Protocol):
    """What the front door has to know of the service behind it."""

    service: Service

    def endpoint(self, path: str) -> str:
        """Under which name a path is counted."""
        ...

    async def refusal(self, path: str, request: Request, /) -> Response | None:
        """The answer to a request that the service does not serve, None when it does."""
        ...


class FrontDoor:
    """Counts every request and lets through those that the behaviour does not stop."""

    def __init__(
        self, app: ASGIApp, rules: ServiceRules, behaviour: Behaviour, counts: Counts
    ) -> None:
        self._app = app
        self._rules = rules
        self._behaviour = behaviour
        self._counts = counts
        self._dice = Dice()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on to the service."""
        service = self._rules.service
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        with self._counts.under_way(service):
            request = Request(scope, receive)
            self._counts.asked(service, self._rules.endpoint(path), self._items_in(path, request))
            if trace := request.headers.get("traceparent"):
                self._counts.traced(service, trace)
            # A server that answers before it has heard all would break the client's connection.
            body = await request.body()
            answer = await self._answer(path, request, body)
            await answer(scope, _again(body, receive), self._noting(send))

    def _items_in(self, _path: str, _request: Request) -> int:
        return 1

    def _is_broken(self, _path: str, _request: Request) -> bool:
        return False

    async def _answer(self, path: str, request: Request, body: bytes) -> ASGIApp:
        troubles = self._behaviour.of(self._rules.service)
        if troubles.down:
            return page(503, "Service Temporarily Unavailable")
        if refusal := await self._rules.refusal(path, request):
            return refusal
        await asyncio.sleep(troubles.latency_seconds)
        fault = self._dice.fault(request, body, troubles)
        if fault is Fault.SLOW:
            await asyncio.sleep(troubles.slow_seconds)
        elif fault is not None:
            return _FAULTS[fault]
        if self._is_broken(path, request):
            return page(500, "Internal Server Error")
        return self._app

    def _noting(self, send: Send) -> Send:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts.answered(self._rules.service, message["status"])
                self._add_retry_after(message)
            await send(message)

        return note

    def _add_retry_after(self, start: Message) -> None:
        seconds = self._behaviour.of(self._rules.service).retry_after
        if seconds is not None and start["status"] in RETRIED_STATUSES:
            MutableHeaders(scope=start)["retry-after"] = str(seconds)


class Dice:
    """Chance that does not depend on the order in which different requests arrive."""

    def __init__(self) -> None:
        self._throws: Counter[str] = Counter()

    def fault(self, request: Request, body: bytes, troubles: Troubles) -> Fault | None:
        """The fault that this request meets this time."""
        if not (troubles.fault_rate and troubles.faults):
            return None
        chance = self.chance(request, troubles.fault_seed, body)
        if chance.random() >= troubles.fault_rate:
            return None
        return chance.choice(troubles.faults)

    def chance(self, request: Request, seed: int, body: bytes = b"") -> Random:
        """Random numbers for the n-th time that the same thing is asked."""
        asked = f"{request.scope['path']}?{request.url.query}"
        if body:
            asked += f" {zlib.crc32(body)}"
        self._throws[asked] += 1
        return Random(f"{seed} {self._throws[asked]} {asked}")  # noqa: S311 - repeatable on purpose


def _again(body: bytes, receive: Receive) -> Receive:
    """What hands out a body that was received already, and then goes on as before."""
    received: list[Message] = [{"type": "http.request", "body": body}]

    async def receive_again() -> Message:
        return received.pop() if received else await receive()

    return receive_again


async def cut_connection(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Promise more than is sent: the server closes the connection in the middle of the answer."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"numFound": 1, "do', "more_body": True})


_FAULTS: dict[Fault, ASGIApp] = {
    Fault.SERVER_ERROR: page(500, "Internal Server Error"),
    Fault.UNAVAILABLE: page(503, "Service Temporarily Unavailable"),
    Fault.GATEWAY_TIMEOUT: page(504, "Gateway Time-out"),
    Fault.GARBAGE: Response(b'{"numFound": 1, "docs": [{"ke', media_type="application/json"),
    Fault.CUT: cut_connection,
}
