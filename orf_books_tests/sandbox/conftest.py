"""One running sandbox for the tests of this folder, calm at the start of each."""

from collections.abc import Iterator

import httpx
import pytest

from orf_books.sandbox.behaviour import Behaviour
from orf_books.sandbox.server import Sandbox


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.behaviour.change(Behaviour().as_json())
    running_sandbox.counts.clear()
    return running_sandbox


@pytest.fixture
def open_library(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.open_library_url) as client:
        yield client


@pytest.fixture
def google_books(sandbox: Sandbox) -> Iterator[httpx.Client]:
    key = {"key": sandbox.behaviour.google_key}
    with httpx.Client(base_url=sandbox.google_books_url, params=key) as client:
        yield client
