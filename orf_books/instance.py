"""The Dagster instance: its home, its configuration, and runs whose process died.

Belongs here: finding and preparing the home, so that the command line and the page share one.
Does not belong here: what runs on it.
"""

import os
import shutil
import socket
from pathlib import Path

import dagster as dg
from filelock import FileLock

from orf_books.resources.storage import ObjectStorage
from orf_books.settings import Settings

HOME_VARIABLE = "DAGSTER_HOME"
PROCESS_TAG = "orf_books/process"

CONFIGURATION = Path(__file__).with_name("configuration")
"""Part of the package, so that an installed one has it too."""
WORKSPACE = CONFIGURATION / "workspace.yaml"
"""Which code the processes of Dagster load."""


def prepare_home(settings: Settings) -> Path:
    """The Dagster home, ready to use: `DAGSTER_HOME`, or `dagster` in the data folder.

    Sets `DAGSTER_HOME`, because Dagster and the processes that it starts look there.
    """
    chosen = os.environ.get(HOME_VARIABLE)
    data = ObjectStorage(settings.storage).folder or Path("data").absolute()
    home = Path(chosen).absolute() if chosen else data / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "dagster.yaml"
    # A home that somebody chose may have a configuration of its own.
    if not (chosen and configuration.exists()):
        shutil.copyfile(CONFIGURATION / "dagster.yaml", configuration)
    os.environ[HOME_VARIABLE] = str(home)
    return home


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance that the page shows too."""
    home = prepare_home(settings)
    # Two processes that create the storage at once would leave it in disorder.
    with FileLock(home / "opening.lock"):
        instance = dg.DagsterInstance.get()
    fail_abandoned_runs(instance)
    return instance


def process_tag() -> dict[str, str]:
    """Marks a run as carried out by this process, and not by one that Dagster watches."""
    return {PROCESS_TAG: f"{socket.gethostname()}:{os.getpid()}"}


def fail_abandoned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Runs of the command line whose process was killed would stay 'started' for ever.

    Returns the ids of those that were, and are failed now.
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
