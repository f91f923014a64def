"""The platform with its page, daemon and sensors, as attacks use it.

Belongs here: uploading to it and waiting until it is quiet. Does not belong here: starting it
(`orf_books_tests/live_platform.py`).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx

from chaos.counting import Tally
from chaos.ground import Ground
from chaos.libraries import Libraries
from orf_books.object_keys import export_key
from orf_books.records.books import BookRecords
from orf_books_tests.conftest import CommandLine
from orf_books_tests.live_platform import ENDED, RUNS, LivePlatform, running_platform

SECONDS_WITHOUT_PROGRESS = 240.0
UPLOAD_TAG = "orf_books/upload"


@dataclass
class Live:
    """A running platform, and the libraries that were uploaded to it."""

    platform: LivePlatform
    libraries: Libraries

    def upload(self) -> str:
        """Put another library into the uploads folder; returns its name."""
        library, export = self.libraries.draw()
        self.put(library, export)
        return library

    def put(self, library: str, export: bytes) -> None:
        """Put an export as a program would that moves whole files in."""
        self.platform.orf_books.storage.put(export_key(library), export)

    def runs(self) -> list[dict[str, Any]]:
        """All runs that the page knows."""
        return list(self.platform.ask(RUNS)["runsOrError"]["results"])

    def run_over(self, library: str) -> dict[str, Any] | None:
        """The latest run over a library's upload alone."""
        upload = {"key": UPLOAD_TAG, "value": export_key(library)}
        return next((run for run in self.runs() if upload in run["tags"]), None)

    def wait_until_quiet(self) -> None:
        """Wait until every upload has a receipt and no run is at work.

        Raises:
            TimeoutError: for minutes, no upload was read and no run ended.
        """
        records = BookRecords(self.platform.orf_books.storage)
        due = {export_key(library) for library in self.libraries.numbers}
        seen, since, at_work = (-1, -1), time.monotonic(), -1
        while True:
            read = due & {key for key, _ in records.receipts()}
            # A page that is slow to answer is asked again.
            with suppress(httpx.TimeoutException):
                at_work = sum(run["status"] not in ENDED for run in self.runs())
            if read == due and not at_work:
                return
            if (len(read), at_work) != seen:
                seen, since = (len(read), at_work), time.monotonic()
            if time.monotonic() - since > SECONDS_WITHOUT_PROGRESS:
                raise TimeoutError(f"{len(due - read)} uploads unread, {at_work} runs at work")
            time.sleep(1.0)


@contextmanager
def live(ground: Ground, orf_books: CommandLine, libraries: Libraries) -> Iterator[Live]:
    """`orf-books dev`, for as long as the block lasts."""
    with running_platform(orf_books, ground.sandbox) as platform:
        yield Live(platform, libraries)


def settle(running: Live, tally: Tally) -> None:
    """Let it come to rest, retry once, and count what is lost or wrong."""
    try:
        running.wait_until_quiet()
    except TimeoutError as error:
        tally.lost.append(str(error))
    running.libraries.judge_after_retry(tally, running.platform.orf_books)
