import asyncio
import gzip
import logging
import random
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest

from orf_books.failures import FailureCategory, FixConfiguration, OrfBooksError, RetryLater
from orf_books.resources.circuit_breaker import FAILURES_THAT_OPEN, ServiceIsDown
from orf_books.resources.http import (
    LONGEST_ANSWER,
    Body,
    JsonObject,
    QuestionTooLong,
    RetryPolicy,
    ServiceClient,
    ServiceFailure,
    seconds_to_wait,
)
from orf_books.resources.rate_limit import LocalRateLimit
from orf_books.resources.service_calls import counted_calls

MOST_CONNECTIONS = 4
AGENT = "orf_books/0 (someone@example.org)"
AT_ONCE = RetryPolicy(first_wait=0.0, jitter=0.0, rate_limited_wait=0.0)
Step = httpx.Response | Exception | Callable[[], Awaitable[httpx.Response]]
FOUND = httpx.Response(200, json={"found": True})


class Service(httpx.AsyncBaseTransport):
    """Takes one step after the other, and stays at the last."""

    def __init__(self, *steps: Step) -> None:
        self._steps = list(steps)
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        if isinstance(step, Exception):
            raise step
        answer = step if isinstance(step, httpx.Response) else await step()
        # A response is read once; each attempt gets a new one.
        is_whole = isinstance(answer.stream, httpx.ByteStream)
        stream = httpx.ByteStream(answer.content) if is_whole else answer.stream
        return httpx.Response(answer.status_code, headers=answer.headers, stream=stream)


def client(service: Service, retry_policy: RetryPolicy = AT_ONCE, **more: float) -> ServiceClient:
    return ServiceClient(
        "The service",
        "http://service.test/v1",
        user_agent=AGENT,
        remedy="Set the thing.",
        retry_policy=retry_policy,
        rate_limit=LocalRateLimit(more.get("requests_per_second")),
        deadline_seconds=more.get("deadline_seconds", 5.0),
        transport=service,
    )


def asked(service: Service, attempts: int | None = None) -> JsonObject:
    async def ask() -> JsonObject:
        async with client(service) as opened:
            return await opened.get_json("/things", {"q": "x", "key": "sec"}, attempts=attempts)

    return asyncio.run(ask())


def failure_of(*steps: Step) -> tuple[OrfBooksError, int]:
    service = Service(*steps)
    with pytest.raises(OrfBooksError) as caught:
        asked(service)
    return caught.value, len(service.asked)


def test_a_request_says_who_asks_and_what() -> None:
    service = Service(FOUND)
    assert asked(service) == {"found": True}
    request = service.asked[0]
    assert request.headers["User-Agent"] == AGENT
    assert str(request.url) == "http://service.test/v1/things?q=x&key=sec"


def test_every_attempt_is_counted_with_how_it_ended_and_how_long_it_took() -> None:
    async def slow() -> httpx.Response:
        await asyncio.sleep(0.11)
        return FOUND

    with counted_calls() as calls:
        asked(Service(httpx.Response(429), httpx.ConnectError("refused"), slow))
    of_service = calls["The service"]
    assert (of_service.requests, of_service.rate_limited, of_service.unanswered) == (3, 1, 1)
    assert of_service.by_duration[0] == 2
    assert of_service.seconds >= 0.11


def test_requests_that_nobody_counts_are_made_all_the_same() -> None:
    asked(Service(FOUND))
    with counted_calls() as calls:
        pass
    assert calls == {}


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    service = Service(httpx.Response(status), httpx.Response(status), FOUND)
    assert asked(service) == {"found": True}
    assert len(service.asked) == 3


@pytest.mark.parametrize(
    "cut",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("closed early"),
    ],
)
def test_a_cut_connection_is_tried_again(cut: Exception) -> None:
    assert asked(Service(cut, FOUND)) == {"found": True}


@pytest.mark.parametrize(
    ("step", "category"),
    [
        (httpx.Response(408), FailureCategory.TIMEOUT),
        (httpx.Response(429), FailureCategory.RATE_LIMITED),
        (httpx.Response(500), FailureCategory.UNAVAILABLE),
        (httpx.Response(504), FailureCategory.UNAVAILABLE),
        (httpx.ConnectError("refused"), FailureCategory.NETWORK),
        (httpx.ReadError("reset"), FailureCategory.NETWORK),
        (httpx.ConnectTimeout("slow"), FailureCategory.TIMEOUT),
        (httpx.ReadTimeout("slow"), FailureCategory.TIMEOUT),
    ],
)
def test_after_four_attempts_the_failure_has_its_category(
    step: Step, category: FailureCategory
) -> None:
    failure, attempts = failure_of(step)
    assert isinstance(failure, RetryLater)
    assert (failure.category, attempts) == (category, 4)


def test_a_caller_may_ask_for_fewer_attempts() -> None:
    service = Service(httpx.Response(503))
    with pytest.raises(RetryLater):
        asked(service, attempts=1)
    assert len(service.asked) == 1


@pytest.mark.parametrize("step", [httpx.Response(429), httpx.ConnectError("refused")])
def test_fewer_attempts_are_no_less_patience_with_the_service(step: Step) -> None:
    service = Service(step, step, FOUND)
    assert asked(service, attempts=1) == {"found": True}


@pytest.mark.parametrize("body", [b"<html>", b'{"cut', b"[]", b'"text"', b""])
def test_an_unreadable_answer_is_asked_for_once_more(body: bytes) -> None:
    failure, attempts = failure_of(httpx.Response(200, content=body))
    assert (failure.category, attempts) == (FailureCategory.BAD_RESPONSE, 2)
    assert asked(Service(httpx.Response(200, content=body), FOUND)) == {"found": True}


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_not_repeated_and_names_the_remedy(status: int) -> None:
    failure, attempts = failure_of(httpx.Response(status))
    assert isinstance(failure, FixConfiguration)
    assert str(failure) == f"The service refuses us (HTTP {status} for /things). Set the thing."
    assert attempts == 1


@pytest.mark.parametrize("status", [400, 414, 422, 501])
def test_a_question_that_is_not_taken_is_not_repeated(status: int) -> None:
    failure, attempts = failure_of(httpx.Response(status))
    assert isinstance(failure, RetryLater)
    assert attempts == 1


def test_a_404_is_an_answer_only_for_those_who_expect_it() -> None:
    async def find() -> JsonObject | None:
        async with client(Service(httpx.Response(404))) as opened:
            return await opened.find_json("/things/1", {})

    assert asyncio.run(find()) is None
    failure, attempts = failure_of(httpx.Response(404))
    assert (failure.category, attempts) == (FailureCategory.BAD_RESPONSE, 1)


@pytest.mark.parametrize(
    "step",
    [
        httpx.Response(400),
        httpx.Response(403),
        httpx.Response(404),
        httpx.Response(429),
        httpx.Response(500),
        httpx.Response(200, content=b"<"),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
    ],
)
def test_no_message_shows_the_query(step: Step) -> None:
    failure, _ = failure_of(step)
    assert "sec" not in str(failure)
    assert "?" not in str(failure)


def test_the_log_of_requests_shows_no_query(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        asked(Service(httpx.Response(503), FOUND))
    assert "http://service.test/v1/things" in caplog.text
    assert "sec" not in caplog.text


def test_the_log_of_requests_shows_no_address_that_is_a_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def ask() -> None:
        async with ServiceClient(
            "The service",
            "http://service.test/secret/",
            user_agent=AGENT,
            secret_address=True,
            transport=Service(httpx.Response(200, text="ok")),
        ) as opened:
            await opened.post_text("", Body.of_json({}))

    with caplog.at_level(logging.DEBUG):
        asyncio.run(ask())
    assert "POST http://service.test/" in caplog.text
    assert "secret" not in caplog.text


def test_a_post_carries_its_body_and_the_headers_of_the_client() -> None:
    service = Service(httpx.Response(503), FOUND)

    async def ask() -> JsonObject:
        async with ServiceClient(
            "The service",
            "http://service.test/v1/",
            user_agent=AGENT,
            headers={"Authorization": "Token sec"},
            retry_policy=AT_ONCE,
            transport=service,
        ) as opened:
            return await opened.post_json("/things", Body(b"\x00\x01", "audio/wav"), {"q": "x"})

    assert asyncio.run(ask()) == {"found": True}
    assert len(service.asked) == 2
    for request in service.asked:
        assert (request.method, request.content) == ("POST", b"\x00\x01")
        assert str(request.url) == "http://service.test/v1/things?q=x"
        assert request.headers["Content-Type"] == "audio/wav"
        assert request.headers["Authorization"] == "Token sec"


def test_a_post_may_be_answered_in_text_and_never_by_a_404() -> None:
    async def ask(answer: httpx.Response) -> str:
        async with client(Service(answer)) as opened:
            return await opened.post_text("/things", Body.of_json({"a": 1}))

    assert asyncio.run(ask(httpx.Response(200, text="ok"))) == "ok"
    with pytest.raises(ServiceFailure, match="has no /things"):
        asyncio.run(ask(httpx.Response(404)))


def test_waiting_for_a_free_connection_is_no_timeout() -> None:
    async def slow() -> httpx.Response:
        await asyncio.sleep(0.05)
        return FOUND

    async def ask() -> list[JsonObject]:
        async with ServiceClient(
            "The service",
            "http://service.test",
            user_agent=AGENT,
            connections=1,
            deadline_seconds=0.2,
            transport=Service(slow),
        ) as opened:
            return await asyncio.gather(*(opened.get_json("/things", {}) for _ in range(6)))

    assert asyncio.run(ask()) == [{"found": True}] * 6


def test_redirects_are_followed() -> None:
    moved = httpx.Response(302, headers={"Location": "http://service.test/v1/moved"})
    service = Service(moved, FOUND)
    assert asked(service) == {"found": True}
    assert service.asked[1].url.path == "/v1/moved"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "http://elsewhere.test/v1/things",
        "http://service.test:8080/v1/things",
        "//elsewhere.test/",
        "http://169.254.169.254/latest/meta-data",
        "http://service.test.elsewhere.test/",
        "http://service.test@elsewhere.test/",
        "ftp://service.test/",
    ],
)
def test_no_redirect_leads_to_another_host(status: int, location: str) -> None:
    moved = httpx.Response(status, headers={"Location": location})
    service = Service(moved)
    with pytest.raises(RetryLater, match="another host") as caught:
        asked(service)
    assert caught.value.category is FailureCategory.BAD_RESPONSE
    assert {request.url.host for request in service.asked} == {"service.test"}
    assert {request.url.port for request in service.asked} == {None}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", ["elsewhere.test", "service.test"])
def test_what_is_posted_goes_to_the_service_only_and_never_becomes_a_get(
    status: int, host: str
) -> None:
    moved = httpx.Response(status, headers={"Location": f"http://{host}/moved"})
    service = Service(moved, FOUND) if host == "service.test" else Service(moved)

    async def post() -> JsonObject:
        async with client(service) as opened:
            return await opened.post_json("/things", Body(b"recording", "audio/wav"))

    if host == "service.test" and status in {307, 308}:
        assert asyncio.run(post()) == {"found": True}
    else:
        with pytest.raises(RetryLater):
            asyncio.run(post())
    for request in service.asked:
        assert request.url.host == "service.test"
        assert (request.method, request.content) == ("POST", b"recording")


def test_a_redirect_may_lead_to_the_same_host_over_tls() -> None:
    moved = httpx.Response(301, headers={"Location": "https://service.test/v1/things?q=x&key=sec"})
    service = Service(moved, FOUND)
    assert asked(service) == {"found": True}
    assert service.asked[1].url.scheme == "https"


def test_a_redirect_from_tls_to_plain_text_is_not_followed() -> None:
    moved = httpx.Response(301, headers={"Location": "http://service.test/v1/things"})
    service = Service(moved, FOUND)

    async def ask() -> None:
        async with ServiceClient(
            "The service",
            "https://service.test",
            user_agent=AGENT,
            retry_policy=RetryPolicy(attempts=1),
            transport=service,
        ) as opened:
            await opened.get_json("/things", {})

    with pytest.raises(RetryLater, match="another host"):
        asyncio.run(ask())


MIB = 2**20


class Endless(httpx.AsyncByteStream):
    """A body that goes on for ever, and counts what was read of it."""

    def __init__(self, chunk: bytes, first: bytes = b"") -> None:
        self._chunk, self._first = chunk, first
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._first
        while True:
            self.sent += len(self._chunk)
            yield self._chunk


def packed(size: int) -> bytes:
    """A JSON document of this size, by gzip."""
    return gzip.compress(b'{"a": "' + b" " * size + b'"}', compresslevel=1, mtime=0)


@pytest.mark.parametrize("chunk", [b" " * 65_536, gzip.compress(b"", mtime=0)])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_an_endless_answer_is_cut_off(chunk: bytes, encoding: str) -> None:
    body = Endless(chunk, first=gzip.compress(b"{", mtime=0)[:-8] if encoding == "gzip" else b"{")
    headers = {"Content-Encoding": encoding}
    failure, attempts = failure_of(httpx.Response(200, headers=headers, stream=body))
    assert (failure.category, attempts) == (FailureCategory.BAD_RESPONSE, 2)
    assert body.sent <= attempts * (LONGEST_ANSWER + len(chunk))


@pytest.mark.parametrize(("mebibytes", "is_read"), [(7, True), (9, False), (100, False)])
def test_an_answer_is_bounded_after_unpacking(mebibytes: int, *, is_read: bool) -> None:
    stream = Chunks(packed(mebibytes * MIB))
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream)
    tracemalloc.start()
    try:
        if is_read:
            assert len(asked(Service(answer))["a"]) == mebibytes * MIB
        else:
            failure, _ = failure_of(answer)
            assert "more than 8 MiB" in str(failure)
        assert tracemalloc.get_traced_memory()[1] < 8 * LONGEST_ANSWER
    finally:
        tracemalloc.stop()


class Chunks(httpx.AsyncByteStream):
    """A body in parts, as it comes over a network."""

    def __init__(self, content: bytes, seconds_between: float = 0.0) -> None:
        self._content, self._seconds_between = content, seconds_between

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), 65_536):
            await asyncio.sleep(self._seconds_between)
            yield self._content[start : start + 65_536]


@pytest.mark.parametrize(
    "content", [b"no gzip at all", packed(9)[:-5], packed(9)[:5], packed(9)[5:], packed(9)[:1]]
)
def test_an_answer_that_cannot_be_unpacked_is_asked_for_once_more(content: bytes) -> None:
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Chunks(content))
    failure, attempts = failure_of(answer)
    assert (failure.category, attempts) == (FailureCategory.BAD_RESPONSE, 2)
    assert "damaged body" in str(failure)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "GZIP", "x-gzip"])
def test_packed_answers_are_read(encoding: str) -> None:
    content = b'{"found": true}'
    by_zlib = encoding == "deflate"
    stream = Chunks(zlib.compress(content) if by_zlib else gzip.compress(content))
    answer = httpx.Response(200, headers={"Content-Encoding": encoding}, stream=stream)
    assert asked(Service(answer)) == {"found": True}


def test_the_deadline_holds_while_a_body_arrives() -> None:
    body = Chunks(gzip.compress(random.Random(1).randbytes(MIB)), seconds_between=60)
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=body)

    async def ask() -> None:
        async with client(Service(answer), deadline_seconds=0.05) as opened:
            await opened.get_json("/things", {}, attempts=1)

    with pytest.raises(RetryLater) as caught:
        asyncio.run(ask())
    assert caught.value.category is FailureCategory.TIMEOUT


@pytest.mark.parametrize("levels", [101, 100_000, 1_000_000])
def test_an_answer_is_not_nested_for_ever(levels: int) -> None:
    deep = b'{"a":' * levels + b"1" + b"}" * levels
    failure, attempts = failure_of(httpx.Response(200, content=deep))
    assert (failure.category, attempts) == (FailureCategory.BAD_RESPONSE, 2)


def test_a_long_error_keeps_its_meaning() -> None:
    body = Endless(b"x" * 65_536)
    failure, attempts = failure_of(httpx.Response(403, stream=body))
    assert isinstance(failure, FixConfiguration)
    assert attempts == 1


@pytest.mark.parametrize(("letter", "most"), [("x", 8_000), ("ü", 1_300), ("\N{BOOKS}", 650)])
def test_a_request_line_is_one_that_servers_take(letter: str, most: int) -> None:
    async def ask(title: str) -> JsonObject:
        async with client(service) as opened:
            return await opened.get_json("/things", {"q": title, "key": "sec"})

    service = Service(FOUND)
    assert asyncio.run(ask(letter * most)) == {"found": True}
    with pytest.raises(ServiceFailure, match="too long") as caught:
        asyncio.run(ask(letter * 10_000))
    assert caught.value.one_question_may_be_the_cause, "a group of questions is split"
    assert caught.value.category is FailureCategory.BAD_DATA
    assert len(service.asked) == 1


def test_a_question_that_was_not_sent_says_nothing_of_the_service() -> None:
    service = Service(httpx.Response(503))

    async def ask() -> None:
        async with client(service) as opened:
            for _ in range(FAILURES_THAT_OPEN):
                with pytest.raises(QuestionTooLong):
                    await opened.get_json("/things", {"q": "x" * 10_000})
                with pytest.raises(RetryLater):
                    await opened.get_json("/things", {}, attempts=1)
            with pytest.raises(ServiceIsDown):
                await opened.get_json("/things", {})

    asyncio.run(ask())
    assert len(service.asked) == FAILURES_THAT_OPEN


@pytest.mark.parametrize(
    ("at_once", "times", "opened"),
    [(1, 5, 1), (3, 2, 3), (MOST_CONNECTIONS + 2, 1, MOST_CONNECTIONS)],
)
def test_no_more_connections_are_opened_than_serve(at_once: int, times: int, opened: int) -> None:
    connections: list[asyncio.Task[Any] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(0.01)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()
        await writer.wait_closed()

    async def ask() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()
            async with ServiceClient(
                "It", f"http://{host}:{port}", user_agent=AGENT, connections=MOST_CONNECTIONS
            ) as client:
                for _ in range(times):
                    asking = (client.get_json("/things", {}) for _ in range(at_once))
                    await asyncio.gather(*asking)
            await asyncio.gather(*filter(None, connections))

    asyncio.run(ask())
    assert len(connections) == opened


def test_redirects_in_a_circle_end() -> None:
    circle = httpx.Response(302, headers={"Location": "http://service.test/v1/things"})
    assert failure_of(circle)[0].category is FailureCategory.BAD_RESPONSE


@pytest.mark.parametrize("address", ["ftp://x", "http://x:port", "http://\x00"])
def test_an_address_that_is_none_is_for_someone_to_fix(address: str) -> None:
    async def ask() -> None:
        async with ServiceClient("The service", address, user_agent=AGENT) as opened:
            await opened.get_json("/things", {})

    with pytest.raises(FixConfiguration, match="address set for The service"):
        asyncio.run(ask())


def test_an_answer_that_drips_forever_ends_at_the_deadline() -> None:
    async def drip() -> httpx.Response:
        await asyncio.sleep(60)
        return FOUND

    async def ask() -> None:
        async with client(Service(drip), deadline_seconds=0.01) as opened:
            await opened.get_json("/things", {}, attempts=1)

    with pytest.raises(RetryLater) as caught:
        asyncio.run(ask())
    assert caught.value.category is FailureCategory.TIMEOUT


def test_every_attempt_is_counted_as_a_request() -> None:
    async def requests() -> int:
        async with client(Service(httpx.Response(503), FOUND, FOUND)) as opened:
            await opened.get_json("/things", {})
            await opened.get_json("/things", {})
            return opened.requests

    assert asyncio.run(requests()) == 3


def seconds_for(service: Service, retry_policy: RetryPolicy) -> float:
    async def ask() -> float:
        async with client(service, retry_policy) as opened:
            begun = time.perf_counter()
            await opened.get_json("/things", {})
            return time.perf_counter() - begun

    return asyncio.run(ask())


def test_the_wait_that_a_service_asks_for_is_kept_up_to_a_limit() -> None:
    retry_policy = RetryPolicy(first_wait=0.0, jitter=0.0, longest_retry_after=0.05)
    busy = httpx.Response(503, headers={"Retry-After": "3600"})
    assert 0.05 <= seconds_for(Service(busy, FOUND), retry_policy) < 2.0


def test_too_many_requests_without_a_wait_are_followed_by_a_longer_one() -> None:
    retry_policy = RetryPolicy(first_wait=0.0, jitter=0.0, rate_limited_wait=0.02)
    busy = httpx.Response(429)
    assert seconds_for(Service(busy, busy, FOUND), retry_policy) >= 0.06


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("", None), ("soon", None), ("-1", None)]
)
def test_a_wait_is_given_in_seconds(header: str, seconds: float | None) -> None:
    assert seconds_to_wait(httpx.Response(429, headers={"Retry-After": header})) == seconds


def test_a_wait_is_given_as_a_date() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    wait = seconds_to_wait(httpx.Response(429, headers={"Retry-After": moment}))
    assert wait is not None
    assert 55 < wait <= 60
    past = httpx.Response(429, headers={"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"})
    assert seconds_to_wait(past) == 0.0


@pytest.mark.parametrize("header", [{}, {"Retry-After": "soon"}])
def test_a_wait_is_given_as_the_moment_of_a_reset(header: dict[str, str]) -> None:
    reset = header | {"X-RateLimit-Reset": str(int(time.time()) + 60)}
    wait = seconds_to_wait(httpx.Response(429, headers=reset))
    assert wait is not None
    assert 55 < wait <= 60
    first = httpx.Response(429, headers={**reset, "Retry-After": "7"})
    assert seconds_to_wait(first) == 7.0


@pytest.mark.parametrize("reset", ["", "soon", "1", "-1"])
def test_a_reset_that_tells_nothing_asks_for_no_wait(reset: str) -> None:
    assert seconds_to_wait(httpx.Response(429, headers={"X-RateLimit-Reset": reset})) is None


def test_the_wait_that_a_busy_service_asks_for_holds_others_up_to_a_limit() -> None:
    retry_policy = RetryPolicy(first_wait=0.0, jitter=0.0, longest_retry_after=0.05)
    busy = httpx.Response(429, headers={"Retry-After": "3600"})
    assert 0.05 <= seconds_for(Service(busy, FOUND), retry_policy) < 2.0


def test_requests_leave_in_evenly_spaced_slots() -> None:
    async def moments() -> Sequence[float]:
        async def note() -> httpx.Response:
            left.append(time.perf_counter())
            return httpx.Response(200, json={})

        left: list[float] = []
        async with client(Service(note), requests_per_second=50) as opened:
            await asyncio.gather(*(opened.get_json("/things", {}) for _ in range(5)))
        return left

    left = asyncio.run(moments())
    assert left[-1] - left[0] >= 0.075
    assert min(later - earlier for earlier, later in pairwise(left)) > 0.01


class CountedTurns(LocalRateLimit):
    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    async def turn(self) -> None:
        self.taken += 1


def test_a_turn_that_was_taken_early_is_the_next_request_s() -> None:
    async def turns() -> list[int]:
        service, taken = Service(FOUND), []
        async with client(service) as opened:
            opened.rate_limit = counted = CountedTurns()
            await opened.take_turn()
            for _ in range(2):
                await opened.get_json("/things", {})
                taken.append(counted.taken)
        return taken

    assert asyncio.run(turns()) == [1, 2]


def test_a_turn_is_taken_when_the_request_can_leave() -> None:
    turns_at_each_request: list[int] = []

    async def note() -> httpx.Response:
        turns_at_each_request.append(turns.taken)
        await asyncio.sleep(0.01)
        return httpx.Response(200, json={})

    async def ask() -> None:
        async with ServiceClient(
            "The service",
            "http://service.test",
            user_agent=AGENT,
            connections=1,
            rate_limit=turns,
            transport=Service(note),
        ) as opened:
            await asyncio.gather(*(opened.get_json("/things", {}) for _ in range(3)))

    turns = CountedTurns()
    asyncio.run(ask())
    assert turns_at_each_request == [1, 2, 3]


def test_a_service_that_is_down_gives_no_turns() -> None:
    async def take_turn() -> int:
        async with client(Service(FOUND)) as opened:
            opened.rate_limit = counted = CountedTurns()
            opened.circuit_breaker.stop(FixConfiguration("Set a contact."))
            with pytest.raises(FixConfiguration):
                await opened.take_turn()
        return counted.taken

    assert asyncio.run(take_turn()) == 0


def test_a_service_may_know_its_own_errors_better() -> None:
    own = FixConfiguration("The key is unknown.")
    service = Service(httpx.Response(400))

    async def ask() -> None:
        async with ServiceClient(
            "The service",
            "http://service.test",
            user_agent=AGENT,
            classify=lambda _: own,
            transport=service,
        ) as opened:
            await opened.get_json("/things", {})

    with pytest.raises(FixConfiguration) as caught:
        asyncio.run(ask())
    assert caught.value is own
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("step", "may_be"),
    [
        (httpx.Response(500), True),
        (httpx.Response(422), True),
        (httpx.ReadTimeout("slow"), True),
        (httpx.Response(429), False),
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("slow"), False),
    ],
)
def test_a_failure_tells_whether_one_question_may_be_its_cause(step: Step, may_be: bool) -> None:
    failure, _ = failure_of(step)
    assert isinstance(failure, ServiceFailure)
    assert failure.one_question_may_be_the_cause is may_be
