"""`orf-books serve` as a process: its end, and its understanding with a daemon."""

import signal
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest

from orf_books.commands.serve import has_daemon
from orf_books.object_keys import export_key
from orf_books.records.books import BookRecords
from orf_books.upload_watch import RUN_KEY_TAG
from orf_books_tests.conftest import CommandLine, export_of, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

EXPORT = export_of(range(5))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def start(orf_books: CommandLine) -> str:
    """Start a server; its address."""
    port = free_port()
    orf_books.start("serve", "--port", str(port))
    address = f"http://127.0.0.1:{port}"
    wait_for("server", lambda: answers(f"{address}/health"), seconds=60)
    return address


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.ConnectError:
        return False


def upload(address: str) -> str:
    answer = httpx.post(f"{address}/upload", files={"csv": ("a.csv", EXPORT)}, timeout=60)
    return str(answer.raise_for_status().json()["uuid"])


def is_complete(address: str, library: str) -> Callable[[], bool]:
    return lambda: (
        httpx.get(f"{address}/status/{library}", timeout=30).json()["status"] == "complete"
    )


def test_sigterm_ends_it_and_what_it_left_is_taken_up_by_the_next(orf_books: CommandLine) -> None:
    library = upload(start(orf_books))
    process = orf_books.processes[-1]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 0
    wait_for("dashboard", is_complete(start(orf_books), library), seconds=90)


@pytest.fixture
def daemon(orf_books: CommandLine) -> Iterator[None]:
    """The page and its daemon, which evaluates sensors."""
    orf_books.environment["DAGSTER_HOME"] = str(orf_books.folder / "data" / "dagster")
    port = free_port()
    process = orf_books.start("dev", "--port", str(port))

    def lives() -> bool:
        # Until the page answers, its databases may still be in the making.
        with socket.socket() as page:
            if page.connect_ex(("127.0.0.1", port)):
                return False
        with orf_books.instance() as instance:
            return has_daemon(instance)

    try:
        wait_for("daemon", lives, seconds=90, pause=1.0)
        yield
    finally:
        # Killed, it would leave its processes behind.
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.usefixtures("daemon")
def test_with_a_daemon_its_sensor_sees_to_uploads(orf_books: CommandLine) -> None:
    address = start(orf_books)
    library = upload(address)
    wait_for("dashboard", is_complete(address, library), seconds=120, pause=1.0)
    (receipt,) = BookRecords(orf_books.storage).versions_of(export_key(library))
    with orf_books.instance() as instance:
        run = instance.get_run_by_id(receipt.run_id)
    assert run is not None
    assert RUN_KEY_TAG in run.tags
