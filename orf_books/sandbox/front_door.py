"""What stands before each service: counting, refusals, latency, faults and broken books.

Belongs here: everything that happens to a request before the service itself looks at it. Does not
belong here: limits and identification of one service (its own module), answers about books.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from random import Random
from typing import Protocol

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orf_books.sandbox.behaviour import Behaviour, Counts, Fault, Service
from orf_books.sandbox.catalogue import Catalogue, CatalogueBook, normalised
from orf_books.sandbox.isbn import as_isbn13

RETRIED_STATUSES = (429, 503)

_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?:\d-?){9}(?:(?:\d-?){3}\d|[0-9Xx])(?![0-9A-Za-z])")
_OPEN_LIBRARY_KEY = re.compile(r"\bOL\d+[MW]\b")
_GOODREADS_IDS = re.compile(r"id_goodreads:\s*(?:\(([^)]*)\)|(\d+))")
_TITLE = re.compile(r"\b(?:in)?title:")


def page(status: int, reason: str) -> HTMLResponse:
    """The page of a proxy, as clients get it instead of an answer."""
    heading = f"{status} {reason}"
    return HTMLResponse(
        f"<html>\r\n<head><title>{heading}</title></head>\r\n<body>\r\n"
        f"<center><h1>{heading}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>",
        status_code=status,
    )


@dataclass(frozen=True, slots=True)
class Question:
    """Which books a request asks about, whatever the endpoint."""

    isbns: frozenset[str]
    """ISBN-13s."""
    goodreads_ids: frozenset[str]
    keys: frozenset[str]
    """Keys of works and editions, and the volume id."""
    titles: int
    words: str
    """All parameters that name books, normalised."""

    @classmethod
    def of(cls, path: str, texts: Sequence[str]) -> "Question":
        """Read the path, and the parameters that name books."""
        text = "\n".join(texts)
        everything = f"{path}\n{text}"
        isbns = (as_isbn13(n.replace("-", "").upper()) for n in _NUMBER.findall(everything))
        groups = _GOODREADS_IDS.findall(text)
        keys = _OPEN_LIBRARY_KEY.findall(everything.upper())
        return cls(
            isbns=frozenset(filter(None, isbns)),
            goodreads_ids=frozenset(re.findall(r"\d+", " ".join(map(" ".join, groups)))),
            keys=frozenset((*keys, PurePosixPath(path).name)),
            titles=len(_TITLE.findall(text)),
            words=f" {normalised(text)} ",
        )

    @property
    def size(self) -> int:
        """How many books are asked about."""
        return max(1, len(self.isbns) + len(self.goodreads_ids) + self.titles)

    def concerns(self, book: CatalogueBook) -> bool:
        """Whether the book is among those that are asked about."""
        return (
            book.goodreads_id in self.goodreads_ids
            or not self.isbns.isdisjoint(book.isbns)
            or not self.keys.isdisjoint(_keys(book))
            or self._names(book)
        )

    def _names(self, book: CatalogueBook) -> bool:
        title = _without_article(normalised(book.title))
        names = [name for name in normalised(" ".join(book.authors)).split() if len(name) > 1]
        with_author = any(f" {name} " in self.words for name in names)
        is_whole_query = _without_article(self.words.strip()) == title
        return is_whole_query or (with_author and f" {title} " in self.words)


def _without_article(title: str) -> str:
    return re.sub(r"^(the|an?) ", "", title)


def _keys(book: CatalogueBook) -> set[str]:
    keys = set()
    if book.open_library:
        keys |= {book.open_library.work, book.open_library.edition}
    if book.google_books:
        keys.add(book.google_books.volume_id)
    return keys


class ServiceRules(Protocol):
    """What the front door has to know of the service behind it."""

    service: Service

    def endpoint(self, path: str) -> str:
        """Under which name a path is counted."""
        ...

    def naming_texts(self, request: Request, /) -> list[str]:
        """The parameters of a request that name books."""
        ...

    def batch_size(self, request: Request, /) -> int:
        """How many books the request lists in a way of the service's own; 0 when it does not."""
        ...

    async def refusal(self, path: str, request: Request, /) -> Response | None:
        """The answer to a request that the service does not serve, None when it does."""
        ...


class FrontDoor:
    """Counts every request and lets through those that the behaviour does not stop."""

    def __init__(
        self,
        app: ASGIApp,
        rules: ServiceRules,
        catalogue: Catalogue,
        behaviour: Behaviour,
        counts: Counts,
    ) -> None:
        self._app = app
        self._rules = rules
        self._catalogue = catalogue
        self._behaviour = behaviour
        self._counts = counts
        self._dice = Dice()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on to the service."""
        request = Request(scope)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        question = Question.of(path, self._rules.naming_texts(request))
        self._count(path, request, question)
        refusal = await self._refusal(path, request)
        if refusal is None:
            await asyncio.sleep(self._behaviour.latency_seconds)
            refusal = await self._failure(request, question)
        answer = self._app if refusal is None else refusal
        await answer(scope, receive, self._noting(send))

    def _count(self, path: str, request: Request, question: Question) -> None:
        books = self._rules.batch_size(request) or question.size
        self._counts.asked(self._rules.service, self._rules.endpoint(path), books)

    async def _refusal(self, path: str, request: Request) -> ASGIApp | None:
        if self._behaviour.down:
            return page(503, "Service Temporarily Unavailable")
        return await self._rules.refusal(path, request)

    async def _failure(self, request: Request, question: Question) -> ASGIApp | None:
        fault = self._dice.fault(request, self._behaviour)
        if fault is Fault.SLOW:
            await asyncio.sleep(self._behaviour.slow_seconds)
        elif fault is not None:
            return _FAULTS[fault]
        if self._concerns_broken_book(question):
            return page(500, "Internal Server Error")
        return None

    def _concerns_broken_book(self, question: Question) -> bool:
        # The tuple is taken at once: other threads break and heal books meanwhile.
        for goodreads_id in tuple(self._behaviour.broken_books):
            book = self._catalogue.with_goodreads_id(goodreads_id)
            if goodreads_id in question.goodreads_ids or (book and question.concerns(book)):
                return True
        return False

    def _noting(self, send: Send) -> Send:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts.answered(self._rules.service, message["status"])
                self._add_retry_after(message)
            await send(message)

        return note

    def _add_retry_after(self, start: Message) -> None:
        seconds = self._behaviour.retry_after
        if seconds is not None and start["status"] in RETRIED_STATUSES:
            MutableHeaders(scope=start)["retry-after"] = str(seconds)


class Dice:
    """Chance that does not depend on the order in which different requests arrive."""

    def __init__(self) -> None:
        self._throws: Counter[str] = Counter()

    def fault(self, request: Request, behaviour: Behaviour) -> Fault | None:
        """The fault that this request meets this time."""
        if not (behaviour.fault_rate and behaviour.faults):
            return None
        chance = self.chance(request, behaviour.fault_seed)
        if chance.random() >= behaviour.fault_rate:
            return None
        return chance.choice(behaviour.faults)

    def chance(self, request: Request, seed: int) -> Random:
        """Random numbers for the n-th time that the same thing is asked."""
        asked = f"{request.scope['path']}?{request.url.query}"
        self._throws[asked] += 1
        return Random(f"{seed} {self._throws[asked]} {asked}")  # noqa: S311 - repeatable on purpose


async def cut_connection(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Promise more than is sent: the server closes the connection in the middle of the answer."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"numFound": 1, "do', "more_body": True})


_FAULTS: dict[Fault, ASGIApp] = {
    Fault.SERVER_ERROR: page(500, "Internal Server Error"),
    Fault.UNAVAILABLE: page(503, "Service Temporarily Unavailable"),
    Fault.GARBAGE: Response(b'{"numFound": 1, "docs": [{"ke', media_type="application/json"),
    Fault.CUT: cut_connection,
}
