"""Asking a service over HTTP: rate limit, retries, bounds, and what each failure means.

Belongs here: what is alike for all services. Does not belong here: a service's own addresses,
parameters and error bodies (`open_library.py`, `google_books.py`), and grouping questions.
"""

import asyncio
import json
import logging
import random
import ssl
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import stamina
from stamina.instrumentation import set_on_retry_hooks

from orf_books.bounded_json import read_json
from orf_books.failures import FailureCategory, FixConfiguration, OrfBooksError, RetryLater
from orf_books.resources.circuit_breaker import CircuitBreaker
from orf_books.resources.rate_limit import LocalRateLimit, RateLimit
from orf_books.resources.raw_answers import RawAnswer
from orf_books.resources.service_calls import count_rate_limited, timed_request
from orf_books.tracing import trace_header

JsonObject = dict[str, Any]
AnswerT = TypeVar("AnswerT")
Read = Callable[[str, httpx.Response], AnswerT]
"""Makes the answer to a question out of the response; given the question's place, too."""
Parameters = Mapping[str, str | int]
Classify = Callable[[httpx.Response], OrfBooksError | None]
"""What a service's own error body means; None leaves it to the status."""

LONGEST_ANSWER = 8 * 2**20
"""Bytes of a body, as it is sent and unpacked. Real answers stay below a tenth of it."""
LONGEST_REQUEST_LINE = 8_100
"""Bytes of path and query. Many servers refuse request lines of more than 8 KiB."""
MOST_REDIRECTS = 5

NO_RETRY = 0
ONE_RETRY = 1


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long a failing request is tried again. All times in seconds."""

    attempts: int = 4
    first_wait: float = 0.25
    """Doubled with every attempt."""
    longest_wait: float = 8.0
    jitter: float = 0.25
    rate_limited_wait: float = 1.0
    """First wait after a 429 without `Retry-After`: a rate limit lasts longer than other faults."""
    longest_retry_after: float = 30.0
    """Limits what `Retry-After` asks for."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a POST carries."""

    content: bytes
    media_type: str

    @classmethod
    def of_json(cls, document: JsonObject) -> Self:
        """A JSON document."""
        return cls(json.dumps(document).encode(), "application/json")


@dataclass(frozen=True, slots=True)
class _Question:
    """What a request asks; every attempt sends the same."""

    path: str
    parameters: Parameters
    body: Body | None = None

    @property
    def place(self) -> str:
        """How messages name it."""
        return self.path or "its address"


class ServiceFailure(RetryLater):
    """A service did not answer as it should; says whether to ask again."""

    def __init__(
        self,
        message: str,
        category: FailureCategory,
        *,
        retries: int | None = None,
        retry_after: float | None = None,
        one_question_may_be_the_cause: bool = True,
    ) -> None:
        super().__init__(message, category)
        self.retries = retries
        """How often asking again is worth it; None is as often as the retry policy allows."""
        self.retry_after = retry_after
        """Seconds that the service asked us to wait."""
        self.one_question_may_be_the_cause = one_question_may_be_the_cause
        """Whether one of the questions in the request may be to blame, and not the service."""


class QuestionTooLong(ServiceFailure):
    """A question was not sent, because servers refuse request lines of its length."""

    def __init__(self, service: str, place: str) -> None:
        super().__init__(
            f"{service} was not asked for {place}: the question is too long.",
            FailureCategory.BAD_DATA,
            retries=NO_RETRY,
        )


class ServiceRefusal(FixConfiguration):
    """A service refuses us, whatever we ask."""


class ServiceClient:
    """One service: use as `async with`, from one event loop.

    Args:
        service: how people call it, for messages.
        base_url: what stands before every path.
        user_agent: who we are; some services refuse those that do not say.
        remedy: what someone can do when the service refuses us; ends the message.
        headers: sent with every request; may hold a key.
        secret_address: whether the base URL is a secret, so that no log shows its path.
        is_ours: whether whoever runs the platform runs the service too, so that it may know which
            trace a request is part of.
        rate_limit: when requests may leave; without, at any time.
        retry_policy: how failing requests are tried again.
        deadline_seconds: how long one attempt may take in all, redirects and body included.
        longest_answer: bytes of a body that are accepted, as it is sent and unpacked.
        connections: how many requests may be under way at once; others wait.
        classify: knows the error bodies of this service.
        keep: given every answer as it came.
        transport: replaces the network, for tests.
    """

    def __init__(  # noqa: PLR0913 - one keyword for each thing that differs between services
        self,
        service: str,
        base_url: str,
        *,
        user_agent: str,
        remedy: str = "Check its settings.",
        headers: Mapping[str, str] | None = None,
        secret_address: bool = False,
        is_ours: bool = False,
        rate_limit: RateLimit | None = None,
        retry_policy: RetryPolicy | None = None,
        deadline_seconds: float = 20.0,
        longest_answer: int = LONGEST_ANSWER,
        connections: int = 100,
        classify: Classify = lambda _: None,
        keep: Callable[[RawAnswer], None] = lambda _: None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.service = service
        self.requests = 0
        """Requests sent so far, every attempt counted."""
        self.rate_limit = rate_limit or LocalRateLimit()
        self.circuit_breaker = CircuitBreaker(service)
        self._base_url = base_url.rstrip("/")
        if secret_address:
            _secret_paths.add(httpx.URL(self._base_url).path)
        self._headers = _HEADERS | {"User-Agent": user_agent} | dict(headers or {})
        self._is_ours = is_ours
        self._remedy = remedy
        self._retry_policy = retry_policy or RetryPolicy()
        self._deadline_seconds = deadline_seconds
        self._longest_answer = longest_answer
        self._connections = connections
        self._classify = classify
        self._keep = keep
        self._transport = transport
        self._turns_in_hand = 0
        self._clients: list[httpx.AsyncClient] = []
        self._idle: list[httpx.AsyncClient] = []

    async def __aenter__(self) -> Self:
        self._places = asyncio.Semaphore(self._connections)
        self._idle = [self._new_client()]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for client in self._clients:
            await client.aclose()
        self._clients, self._idle = [], []

    def _new_client(self) -> httpx.AsyncClient:
        """A client of one connection; httpx looks through all of a client's at each request."""
        client = httpx.AsyncClient(
            headers=self._headers,
            timeout=httpx.Timeout(self._deadline_seconds, connect=5.0),
            limits=httpx.Limits(max_connections=1),
            # httpx would take the body and the contact along to any host.
            follow_redirects=False,
            verify=_tls(),
            transport=self._transport,
        )
        self._clients.append(client)
        return client

    async def get_json(
        self, path: str, parameters: Parameters, *, attempts: int | None = None
    ) -> JsonObject:
        """The JSON object at `path`.

        Args:
            path: below the base URL.
            parameters: the query; never shown in messages, it may hold a key.
            attempts: a lower limit than that of the retry policy, for failures that the question
                may have caused (`one_question_may_be_the_cause`).

        Raises:
            RetryLater: the service could not answer, even when asked again.
            FixConfiguration: the service refuses us.
        """
        return self._required(path, await self.find_json(path, parameters, attempts=attempts))

    async def find_json(
        self, path: str, parameters: Parameters, *, attempts: int | None = None
    ) -> JsonObject | None:
        """Like `get_json`; None where the service answers 404."""
        return await self._ask(_Question(path, parameters), self._json_of, attempts)

    async def post_json(
        self,
        path: str,
        body: Body,
        parameters: Parameters | None = None,
        *,
        attempts: int | None = None,
    ) -> JsonObject:
        """The JSON object that answers a POST, which may be sent more than once.

        Arguments and failures are those of `get_json`.
        """
        question = _Question(path, parameters or {}, body)
        return self._required(path, await self._ask(question, self._json_of, attempts))

    async def post_text(self, path: str, body: Body, *, attempts: int | None = None) -> str:
        """Like `post_json`, where the answer is plain text."""
        question = _Question(path, {}, body)
        return self._required(path, await self._ask(question, _text_of, attempts))

    async def take_turn(self) -> None:
        """Wait for a turn now, for the next request that is made.

        Raises:
            RetryLater: the service is considered down, or there is no turn.
            FixConfiguration: the service refuses us.
        """
        self.circuit_breaker.check()
        await self.rate_limit.turn()
        self._turns_in_hand += 1

    async def _ask(
        self, question: _Question, read: Read[AnswerT], attempts: int | None
    ) -> AnswerT | None:
        retry_policy = self._retry_policy
        async for attempt in stamina.retry_context(
            on=_WorthAnotherAttempt(retry_policy, attempts or retry_policy.attempts),
            attempts=retry_policy.attempts,
            timeout=None,
            wait_initial=retry_policy.first_wait,
            wait_max=retry_policy.longest_wait,
            wait_jitter=retry_policy.jitter,
        ):
            with attempt:
                return await self._ask_once(question, read)
        raise AssertionError("the last attempt returns or raises")

    async def _ask_once(self, question: _Question, read: Read[AnswerT]) -> AnswerT | None:
        request = self._request(question)
        self.circuit_breaker.check()
        try:
            answer = self._read(question.place, await self._send(question, request), read)
        except ServiceFailure as failure:
            if failure.category in _NO_ANSWER:
                self.circuit_breaker.failed()
            else:
                self.circuit_breaker.answered()
            if failure.category is FailureCategory.RATE_LIMITED:
                count_rate_limited(self.service)
                wait = failure.retry_after or self._retry_policy.rate_limited_wait
                await self.rate_limit.hold(min(wait, self._retry_policy.longest_retry_after))
            raise
        except ServiceRefusal as refusal:
            self.circuit_breaker.stop(refusal)
            raise
        except OrfBooksError:
            self.circuit_breaker.answered()
            raise
        self.circuit_breaker.answered()
        return answer

    async def _send(self, question: _Question, request: httpx.Request) -> httpx.Response:
        # Neither a free connection nor a turn counts against the deadline: both are our limits. The
        # connection comes first, so that a request leaves when its turn has come.
        async with self._places:
            if self._turns_in_hand:
                self._turns_in_hand -= 1
            else:
                await self.rate_limit.turn()
            return await self._send_in_turn(question, request)

    async def _send_in_turn(self, question: _Question, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(self._deadline_seconds):
                for _ in range(MOST_REDIRECTS + 1):
                    self.requests += 1
                    response = await self._exchange(question, request)
                    location = _redirect(request, response)
                    if location is None:
                        return response
                    if not _is_same_service(request.url, location):
                        raise self._moved(question.place, response)
                    request = self._client.build_request(
                        request.method, location, content=request.content, headers=request.headers
                    )
        except (TimeoutError, httpx.TransportError, zlib.error) as error:
            raise self._no_answer(question.place, error) from error
        raise self._unreadable(question.place, "redirects in a circle")

    def _request(self, question: _Question) -> httpx.Request:
        body = question.body
        try:
            address = httpx.URL(self._base_url + question.path)
        except httpx.InvalidURL:
            raise self._no_address() from None
        try:
            address = address.copy_merge_params(dict(question.parameters))
        except httpx.InvalidURL:  # which is what httpx calls more than 64 KiB
            raise QuestionTooLong(self.service, question.place) from None
        if len(address.raw_path) > LONGEST_REQUEST_LINE:
            raise QuestionTooLong(self.service, question.place)
        return self._client.build_request(
            "POST" if body else "GET",
            address,
            content=body.content if body else None,
            headers=({"Content-Type": body.media_type} if body else {})
            | (trace_header() if self._is_ours else {}),
        )

    @property
    def _client(self) -> httpx.AsyncClient:
        """Any client: they differ in their connections only."""
        if not self._clients:
            raise RuntimeError(f"The client of {self.service} is used outside of `async with`.")
        return self._clients[0]

    async def _exchange(self, question: _Question, request: httpx.Request) -> httpx.Response:
        # The one that was busy last: others may rest, and no more are opened than serve.
        client = self._idle.pop() if self._idle else self._new_client()
        try:
            with timed_request(self.service):
                response = await client.send(request, stream=True)
                try:
                    content = await _body(response, self._longest_answer)
                finally:
                    await response.aclose()
        finally:
            self._idle.append(client)
        if content is None and response.is_success:
            most = f"more than {self._longest_answer / 2**20:g} MiB"
            raise self._unreadable(question.place, f"answers with {most}")
        return httpx.Response(
            response.status_code,
            headers=[item for item in response.headers.multi_items() if item[0] not in _OF_BODY],
            content=content,
            request=request,
        )

    def _read(self, path: str, response: httpx.Response, read: Read[AnswerT]) -> AnswerT | None:
        if response.is_success:
            return read(path, response)
        if own_meaning := self._classify(response):
            raise own_meaning
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        raise self._refusal(path, response)

    def _required(self, path: str, answer: AnswerT | None) -> AnswerT:
        if answer is None:
            raise ServiceFailure(
                f"{self.service} has no {path} (HTTP 404). Check the address set for it.",
                FailureCategory.BAD_RESPONSE,
                one_question_may_be_the_cause=False,
            )
        return answer

    def _json_of(self, path: str, response: httpx.Response) -> JsonObject:
        try:
            content = read_json(response.content)
        except ValueError as error:
            raise self._unreadable(path, "answers with something other than JSON") from error
        if not isinstance(content, dict):
            raise self._unreadable(path, "answers with JSON of another shape")
        asked = response.request.url.copy_remove_param("key").raw_path.decode()
        self._keep(RawAnswer(self.service, asked, response.text, datetime.now(UTC)))
        return content

    def _refusal(self, path: str, response: httpx.Response) -> OrfBooksError:
        status = response.status_code
        place = f"(HTTP {status} for {path})"
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return ServiceRefusal(f"{self.service} refuses us {place}. {self._remedy}")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return rate_limited(self.service, response)
        if status == HTTPStatus.REQUEST_TIMEOUT:
            return ServiceFailure(f"{self.service} timed out {place}.", FailureCategory.TIMEOUT)
        if response.is_server_error:
            return ServiceFailure(
                f"{self.service} is unavailable {place}.",
                FailureCategory.UNAVAILABLE,
                retries=None if status in _PASSING_STATUSES else NO_RETRY,
                retry_after=seconds_to_wait(response),
            )
        return ServiceFailure(
            f"{self.service} does not accept the request {place}.",
            FailureCategory.BAD_RESPONSE,
            retries=NO_RETRY,
        )

    def _no_answer(self, path: str, error: Exception) -> OrfBooksError:
        match error:
            case httpx.ConnectTimeout() | httpx.ConnectError():
                is_timeout = isinstance(error, httpx.ConnectTimeout)
                return ServiceFailure(
                    f"{self.service} cannot be reached.",
                    FailureCategory.TIMEOUT if is_timeout else FailureCategory.NETWORK,
                    one_question_may_be_the_cause=False,
                )
            case TimeoutError() | httpx.TimeoutException():
                return ServiceFailure(
                    f"{self.service} took more than {self._deadline_seconds:g} s for {path}.",
                    FailureCategory.TIMEOUT,
                )
            case httpx.UnsupportedProtocol():
                return self._no_address()
            case zlib.error():
                return self._unreadable(path, "answers with a damaged body")
            case _:
                return ServiceFailure(
                    f"{self.service} cut the connection during {path}.", FailureCategory.NETWORK
                )

    def _no_address(self) -> FixConfiguration:
        return FixConfiguration(
            f"The address set for {self.service} is not one: it must be https://host or "
            "http://host, with a path if the service has one."
        )

    def _moved(self, path: str, response: httpx.Response) -> ServiceFailure:
        return ServiceFailure(
            f"{self.service} redirects to another host (HTTP {response.status_code} for {path}), "
            "which is not asked. If it has moved, set its new address.",
            FailureCategory.BAD_RESPONSE,
            retries=ONE_RETRY,
            one_question_may_be_the_cause=False,
        )

    def _unreadable(self, path: str, what: str) -> ServiceFailure:
        return ServiceFailure(
            f"{self.service} {what} for {path}.", FailureCategory.BAD_RESPONSE, retries=ONE_RETRY
        )


class AsksService:
    """What asks one service, for as long as its `async with` block lasts."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    @property
    def requests(self) -> int:
        """Requests sent so far, every attempt counted."""
        return self._client.requests

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.__aexit__(kind, error, traceback)


def rate_limited(service: str, response: httpx.Response) -> ServiceFailure:
    """The failure for an answer that says we ask too fast."""
    return ServiceFailure(
        f"{service} receives more requests from us than it allows (HTTP {response.status_code}).",
        FailureCategory.RATE_LIMITED,
        retry_after=seconds_to_wait(response),
        one_question_may_be_the_cause=False,
    )


def seconds_to_wait(response: httpx.Response) -> float | None:
    """What `Retry-After` asks for, in seconds or as a date; else until `X-RateLimit-Reset`."""
    asked = response.headers.get("Retry-After", "").strip()
    if asked.isdecimal():
        return float(asked)
    try:
        moment = parsedate_to_datetime(asked)
    except ValueError:
        return _seconds_to_reset(response)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _seconds_to_reset(response: httpx.Response) -> float | None:
    unix_time = response.headers.get("X-RateLimit-Reset", "").strip()
    seconds = float(unix_time) - time.time() if unix_time.isdecimal() else 0.0
    return seconds if seconds > 0 else None


def _redirect(request: httpx.Request, response: httpx.Response) -> httpx.URL | None:
    """Where a response sends the same request; a POST must not become a GET."""
    statuses = _REDIRECTS if request.method == "GET" else _REDIRECTS_OF_POST
    if response.status_code not in statuses or "Location" not in response.headers:
        return None
    try:
        return request.url.join(response.headers["Location"])
    except httpx.InvalidURL:
        return None


def _is_same_service(asked: httpx.URL, location: httpx.URL) -> bool:
    """Whether key, body and contact may go there: the same place, or the same over TLS."""
    places = {(url.scheme, url.host, url.port) for url in (asked, location)}
    is_upgrade = (asked.scheme, location.scheme, asked.port, location.port) == (
        "http",
        "https",
        None,
        None,
    )
    return len(places) == 1 or (is_upgrade and asked.host == location.host)


async def _body(response: httpx.Response, longest: int) -> bytes | None:
    """The unpacked body; None as soon as it is too long, packed or unpacked.

    Raises:
        zlib.error: it cannot be unpacked, or its end is missing.
    """
    is_packed = response.headers.get("Content-Encoding", "").strip().lower() in _PACKED
    unpacking = zlib.decompressobj(_GZIP_OR_ZLIB) if is_packed else None
    body, received = bytearray(), 0
    async for chunk in response.aiter_raw():
        received += len(chunk)
        body += unpacking.decompress(chunk, longest + 1 - len(body)) if unpacking else chunk
        if max(received, len(body)) > longest:
            return None
    if unpacking and received and not unpacking.eof:
        raise zlib.error("the end is missing")
    return bytes(body)


def _text_of(_place: str, response: httpx.Response) -> str:
    return response.text


_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_OF_BODY = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that are no longer true of an unpacked body."""
_REDIRECTS_OF_POST = frozenset({HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT})
_REDIRECTS = _REDIRECTS_OF_POST | {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
}
_PASSING_STATUSES = frozenset({500, 502, 503, 504})
_NO_ANSWER = (FailureCategory.TIMEOUT, FailureCategory.UNAVAILABLE, FailureCategory.NETWORK)


class _WorthAnotherAttempt:
    """Decides after each failed attempt of one request: no, yes, or yes after so many seconds."""

    def __init__(self, retry_policy: RetryPolicy, attempts: int) -> None:
        self._retry_policy = retry_policy
        self._retries_of_question = attempts - 1
        self._seen: Counter[FailureCategory] = Counter()

    def __call__(self, failure: Exception) -> bool | float:
        if not isinstance(failure, ServiceFailure):
            return False
        self._seen[failure.category] += 1
        if not self._has_retries_left(failure):
            return False
        _log.info("%s Asking again.", failure)
        if failure.retry_after is not None:
            return min(failure.retry_after, self._retry_policy.longest_retry_after) + self._jitter()
        if failure.category is FailureCategory.RATE_LIMITED:
            doublings = self._seen[failure.category] - 1
            return self._retry_policy.rate_limited_wait * 2.0**doublings + self._jitter()
        return True

    def _has_retries_left(self, failure: ServiceFailure) -> bool:
        if failure.one_question_may_be_the_cause:
            self._retries_of_question -= 1
            if self._retries_of_question < 0:
                return False
        return failure.retries is None or self._seen[failure.category] <= failure.retries

    def _jitter(self) -> float:
        return random.uniform(0.0, self._retry_policy.jitter)  # noqa: S311 - spreads load, no secret


_log = logging.getLogger(__name__)

# By default stamina prints a line for each retry, and that on standard output where it finds
# structlog: among the output of a command.
set_on_retry_hooks([])


@cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes tens of milliseconds; all services share them.
    return httpx.create_ssl_context()


_secret_paths: set[str] = set()


class _WithoutSecrets(logging.Filter):
    """Removes queries and secret paths from the addresses that httpx logs: some hold a key."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_without_secrets, record.args))
        return True


def _without_secrets(argument: object) -> object:
    if not isinstance(argument, httpx.URL):
        return argument
    path = "/" if argument.path in _secret_paths else argument.path
    return argument.copy_with(path=path, query=None)


logging.getLogger("httpx").addFilter(_WithoutSecrets())
