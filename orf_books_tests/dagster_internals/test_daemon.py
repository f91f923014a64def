"""What of the daemon's log people see, and how soon it takes up a backfill."""

import logging
import threading
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster._daemon import controller
from dagster._daemon.backfill import execute_backfill_iteration_loop

from orf_books.dagster_internals.daemon import (
    BACKFILL_SECONDS,
    LOGGER,
    set_up,
    something_happened,
)


@pytest.mark.parametrize(
    ("message", "level", "is_shown"),
    [
        ("Checking for new runs for sensor: new_goodreads_exports", logging.INFO, False),
        ("Sensor new_goodreads_exports skipped: No new upload.", logging.INFO, False),
        ("No run requests returned for gaps_to_fill, skipping", logging.INFO, False),
        ("Completed launch of run 3f6c for new_goodreads_exports", logging.INFO, True),
        ("Sensor new_goodreads_exports skipped: it is broken", logging.WARNING, True),
    ],
)
def test_only_what_happened_is_shown(message: str, level: int, is_shown: bool) -> None:
    record = logging.LogRecord("daemon", level, __file__, 1, message, None, None)
    assert something_happened(record) is is_shown


class StopAtFirstWait(threading.Event):
    """Sets itself in place of waiting, and keeps how long that would have been."""

    seconds: float | None = None

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds = timeout
        self.set()
        return True


def test_a_backfill_waits_for_seconds_at_most(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controller, "DEFAULT_DAEMON_INTERVAL_SECONDS", 30)
    set_up()
    logging.getLogger(LOGGER).removeFilter(something_happened)
    stop = StopAtFirstWait()
    workspace: Any = SimpleNamespace(instance=instance)
    loop = execute_backfill_iteration_loop(workspace, logging.getLogger(LOGGER), stop)
    while not stop.is_set():
        next(loop)
    assert stop.seconds is not None
    assert stop.seconds <= BACKFILL_SECONDS
