"""The Dagster instance: its home, its configuration, and runs whose process died.

Belongs here: finding and preparing the home, so that the command line and the page share one, and
what its failures mean. Does not belong here: what runs on it.
"""

import errno
import os
import re
import shutil
import socket
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from filelock import FileLock

from orf_books.dagster_internals import forget_runs
from orf_books.failures import FixConfiguration
from orf_books.resources.ledger import Ledger
from orf_books.settings import Settings

HOME_VARIABLE = "DAGSTER_HOME"
PROCESS_TAG = "orf_books/process"
NOTICED_FOR_SECONDS = 15.0
"""How long a lease is known to have lapsed before its run is failed; runs renew more often."""

_BETWEEN_UPKEEPS = timedelta(days=1)

CONFIGURATION = Path(__file__).with_name("configuration")
"""Part of the package, so that an installed one has it too."""


def prepare_home(settings: Settings) -> Path:
    """The Dagster home, ready to use: `DAGSTER_HOME`, or `dagster` in the data folder.

    Sets `DAGSTER_HOME`, because Dagster and the processes that it starts look there.
    """
    home, chosen = settings.dagster_home, os.environ.get(HOME_VARIABLE)
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "dagster.yaml"
    # A home that somebody chose may have a configuration of its own.
    if not (chosen and configuration.exists()):
        shutil.copyfile(CONFIGURATION / "dagster.yaml", configuration)
    os.environ[HOME_VARIABLE] = str(home)
    return home


@contextmanager
def existing_instance(settings: Settings) -> Iterator[dg.DagsterInstance | None]:
    """The same instance for who only looks; None where nothing has made one yet."""
    if not (settings.dagster_home / "dagster.yaml").exists():
        yield None
        return
    with open_instance(settings) as instance:
        yield instance


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance that the page shows too."""
    home = prepare_home(settings)
    # Two processes that create the storage at once would leave it in disorder.
    with _opening(home):
        instance = _load(home)
    fail_abandoned_runs(instance)
    return instance


def _opening(home: Path) -> FileLock:
    if os.access(home, os.W_OK):
        return FileLock(home / "opening.lock")
    # A home that is part of an image, with its storage in a database.
    return FileLock(Path(tempfile.gettempdir()) / f"orf_books_{os.getuid()}.lock")


def _load(home: Path) -> dg.DagsterInstance:
    try:
        return dg.DagsterInstance.get()
    except Exception as error:
        # A field that Dagster does not know, a class that it does not find, a database that does
        # not let it in: it has another error for each, and some quote passwords.
        unset = re.search(r'environment variable "(\w+)" which is not set', str(error))
        remedy = (
            f"set {unset[1]}, which its dagster.yaml names."
            if unset
            else f"compare its dagster.yaml with {CONFIGURATION / 'dagster.yaml'}; if it names a "
            "database, check that this runs and lets us in."
        )
        raise failure_of_home(error) or FixConfiguration(
            f"The Dagster home {home} cannot be used ({type(error).__name__}): {remedy}"
        ) from error


def forget_old_runs(instance: dg.DagsterInstance, settings: Settings) -> None:
    """Once a day, what the job `maintain_tables` does about runs: there may be no daemon."""
    done = Path(os.environ[HOME_VARIABLE], "old_runs_forgotten")
    if not os.access(done.parent, os.W_OK):
        return  # In a container; a daemon runs beside it.
    now = datetime.now(UTC)
    if done.exists() and now.timestamp() - done.stat().st_mtime < _BETWEEN_UPKEEPS.total_seconds():
        return
    forget_runs(instance, now - timedelta(days=settings.keep_runs_days))
    done.touch()


def failure_of_home(error: BaseException) -> FixConfiguration | None:
    """What to do about an error that comes of the home's disk or files; None for any other.

    Dagster does not tell such errors apart, and they may come from wherever it writes an event.
    """
    home = os.environ.get(HOME_VARIABLE)
    if not home:
        return None
    for cause in _causes(error):
        trouble = ""
        if isinstance(cause, sqlite3.Error):
            signs = (what for sign, what in _TROUBLES.items() if sign in str(cause))
            trouble = next(signs, "")
        elif isinstance(cause, OSError) and str(cause.filename).startswith(home):
            trouble = _TROUBLES.get(errno.errorcode.get(cause.errno or 0, ""), "")
        if trouble:
            return FixConfiguration(
                f"The Dagster home {home} {trouble} Results that are stored already stay stored."
            )
    return None


_FULL = "is on a full disk: free space there, or set DAGSTER_HOME to another folder."
_READ_ONLY = "cannot be written: check its permissions, or set DAGSTER_HOME to another folder."
_DAMAGED = "is damaged: move it away. The history of runs is in it, and no result."
_TROUBLES = {
    "disk is full": _FULL,
    "disk I/O error": _FULL,
    "ENOSPC": _FULL,
    "EDQUOT": _FULL,
    "readonly database": _READ_ONLY,
    "unable to open database": _READ_ONLY,
    "EROFS": _READ_ONLY,
    "EACCES": _READ_ONLY,
    "EPERM": _READ_ONLY,
    "not a database": _DAMAGED,
    "malformed": _DAMAGED,
}
"""What to do, by the name of a system's error or a sign in SQLite's message."""


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def process_tag() -> dict[str, str]:
    """Marks a run as carried out by this process, and not by one that Dagster watches."""
    return {PROCESS_TAG: f"{socket.gethostname()}:{os.getpid()}"}


def fail_lapsed_runs(instance: dg.DagsterInstance, ledger: Ledger) -> list[str]:
    """Fail runs that stopped renewing their lease: on whatever machine they ran, it is gone.

    Returns:
        The ids of the runs.

    Raises:
        As `Ledger`.
    """
    failed = []
    for run_id in ledger.lapsed_leases(NOTICED_FOR_SECONDS):
        # A ledger may serve several instances.
        run = instance.get_run_by_id(run_id)
        if run is None:
            continue
        if not run.is_finished:
            instance.report_run_failed(
                run,
                "The machine or process that carried out this run is gone. Results that it stored "
                "stay stored; `orf-books retry` does the rest.",
            )
            failed.append(run_id)
        ledger.end_lease(run_id)
    return failed


def fail_abandoned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Fail runs of this machine's command line whose process was killed.

    They would stay "started" for ever; unlike `fail_lapsed_runs` this needs no patience.

    Returns:
        The ids of the runs.
    """
    failed = []
    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    for run in instance.get_runs(started):
        host, _, process = run.tags.get(PROCESS_TAG, "").rpartition(":")
        is_here = host == socket.gethostname() and process.isdecimal()
        if is_here and not _is_alive(int(process)):
            instance.report_run_failed(run, "The process that carried out this run is gone.")
            failed.append(run.run_id)
    return failed


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
