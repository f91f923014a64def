"""What tests of the recognisers, the activity API and Slack share: a sandbox and things to ask."""

import asyncio
from collections.abc import Awaitable, Iterator
from typing import TypeVar

import pytest

from orf_books.activities.audio import Recording
from orf_books.activities.recognition import StoryContext
from orf_books.failures import FailureCategory, OrfBooksError
from orf_books.resources.http import RetryPolicy
from orf_books.resources.kaldi import GENERAL_TAG
from orf_books.sandbox.behaviour import Behaviour, Service, Troubles
from orf_books.sandbox.hearing import Hearing
from orf_books.sandbox.server import Sandbox
from orf_books_tests.conftest import wait_for

AGENT = "orf_books/0 (someone@example.org)"
AT_ONCE = RetryPolicy(first_wait=0.0, jitter=0.0, rate_limited_wait=0.0, longest_retry_after=0.0)
ATTEMPTS = AT_ONCE.attempts
STORY = StoryContext("5b0c1f0e-6a5d-4f0b-9a3e-2f6d1c7e8a01", (GENERAL_TAG,), (("the", "cat"),))

Answer = TypeVar("Answer")


@pytest.fixture(scope="module")
def services() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def calm(services: Sandbox) -> Sandbox:
    """The services, calm, deaf, nothing counted yet."""
    # Clients that gave up have left requests behind.
    wait_for("quiet", lambda: not any(map(services.counts.at_once, Service)))
    services.behaviour.change(Behaviour().as_json())
    silence = Hearing()
    for ear in ("transcript", "words", "phonemes"):
        setattr(services.hearing, ear, getattr(silence, ear))
    services.messages.clear()
    services.counts.clear()
    return services


def sound(number: int, seconds: float = 0.1) -> Recording:
    """A recording unlike those of other numbers."""
    samples = int(seconds * 16_000)
    return Recording(number.to_bytes(2, "little", signed=True) * samples)


def trouble(sandbox: Sandbox, service: Service, troubles: Troubles) -> None:
    """Let one service have troubles of its own."""
    sandbox.behaviour.services = {service: troubles}


def failure_of(asking: Awaitable[object]) -> OrfBooksError:
    """What asking in vain raises."""

    async def ask() -> OrfBooksError:
        with pytest.raises(OrfBooksError) as caught:
            await asking
        return caught.value

    return asyncio.run(ask())


def kind_of(failure: OrfBooksError) -> tuple[str, FailureCategory]:
    """What a caller can do about a failure, and how it is counted."""
    for kind in type(failure).__mro__:
        if kind.__module__ == "orf_books.failures":
            return kind.__name__, failure.category
    raise AssertionError("every failure says what can be done")
