"""The processes of a running platform: which is which, and what they use.

Belongs here: finding them below the command that started them. Does not belong here: killing them
at a moment (`attacks/kills.py`).
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil

DAEMON = "dagster_internals.daemon"
CODE_SERVER = "dagster_internals.code_server"
"""What stands in their command lines."""


@dataclass(frozen=True, slots=True)
class Use:
    """What all processes of a platform use together."""

    processes: int
    bytes: int
    """Memory that would be free without them (USS), or else what is resident."""
    files: int
    """Open files and connections."""


def processes_of(command: int) -> Iterator[psutil.Process]:
    """The process that was started, and all below it."""
    with suppress(psutil.NoSuchProcess):
        first = psutil.Process(command)
        yield first
        yield from first.children(recursive=True)


def named(command: int, words: str) -> list[psutil.Process]:
    """Those in whose command line these words stand."""
    found = []
    for process in processes_of(command):
        with suppress(psutil.NoSuchProcess):
            if words in " ".join(process.cmdline()):
                found.append(process)
    return found


def use_of(command: int) -> Use:
    """What they use now."""
    processes = used = files = 0
    for process in processes_of(command):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            used += process.memory_full_info().uss
            files += process.num_fds()
            processes += 1
    return Use(processes, used, files)
