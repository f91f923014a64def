"""What tests have carried out by workers; every process can import it."""

import os
import signal
import time
from pathlib import Path

from orf_books.books.exports.reading import parse_export
from orf_books.failures import FailureCategory, FixInput, RetryLater


def process_id() -> int:
    return os.getpid()


def parse(export: bytes) -> str:
    return repr(parse_export(export))


def wait(seconds: float, started: Path | None = None) -> int:
    if started is not None:
        with started.open("a") as file:
            file.write(f"{os.getpid()}\n")
    time.sleep(seconds)
    return os.getpid()


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(what: str) -> None:
    error = FixInput(f"{what} cannot be used")
    error.code = "unusable"
    raise error


def postpone() -> None:
    raise RetryLater("The service is down.", FailureCategory.UNAVAILABLE)


def fail_with_secret(secret: str) -> None:
    raise ValueError("It failed.")
