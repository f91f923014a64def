"""What of the daemon's log people see."""

import logging

import pytest

from orf_books.dagster_internals.daemon import something_happened


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
