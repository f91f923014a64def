"""Dagster's daemon with a log that people can read: `python -m orf_books.dagster_internals.daemon`.

Belongs here: what of the log is left out. Does not belong here: starting the daemon together with
the page (`commands/dev_server.py`).

The program takes the options of `dagster-daemon`. Dagster logs every look of every sensor at the
level of what sensors do, and has no setting that tells them apart.
"""

import logging

from dagster._daemon.cli import main as run_daemon

LOGGER = "dagster.daemon.SensorDaemon"
_NOTHING_HAPPENED = ("Checking for new runs for sensor", " skipped: ", "No run requests returned")


def something_happened(record: logging.LogRecord) -> bool:
    """Whether a record says more than that a sensor has looked and found nothing to do."""
    is_worse = record.levelno > logging.INFO
    return is_worse or not any(sign in record.getMessage() for sign in _NOTHING_HAPPENED)


def main() -> None:
    """Run the daemon until the process is stopped."""
    logging.getLogger(LOGGER).addFilter(something_happened)
    run_daemon()


if __name__ == "__main__":
    main()
