"""Dagster's daemon as people want it: `python -m orf_books.dagster_internals.daemon`.

Belongs here: what of its log is left out, how soon it takes up a backfill. Does not belong here:
starting the daemon together with the page (`commands/dev_server.py`).

The program takes the options of `dagster-daemon`. Dagster logs every look of every sensor at the
level of what sensors do, and has no setting that tells them apart; nor has it one for the half
minute that a backfill may wait.
"""

import logging

from dagster._daemon import controller
from dagster._daemon.cli import main as run_daemon

LOGGER = "dagster.daemon.SensorDaemon"
BACKFILL_SECONDS = 5
"""Between two looks at backfills."""
_NOTHING_HAPPENED = ("Checking for new runs for sensor", " skipped: ", "No run requests returned")


def something_happened(record: logging.LogRecord) -> bool:
    """Whether a record says more than that a sensor has looked and found nothing to do."""
    is_worse = record.levelno > logging.INFO
    return is_worse or not any(sign in record.getMessage() for sign in _NOTHING_HAPPENED)


def set_up() -> None:
    """Make the daemon of this process quiet, and quick to take up backfills."""
    logging.getLogger(LOGGER).addFilter(something_happened)
    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = BACKFILL_SECONDS


def main() -> None:
    """Run the daemon until the process is stopped."""
    set_up()
    run_daemon()


if __name__ == "__main__":
    main()
