"""A process that writes events until it is killed."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection

from dagster._core.storage.event_log import SqlEventLogStorage

from orf_books_tests.dagster_internals.events import log_line, materialized_event

OpenStorage = Callable[[str], SqlEventLogStorage]


def written_until_killed(open_storage: OpenStorage, place: str, *, least: int) -> int:
    """Kill a process after so many rounds of five materializations and a line.

    Returns:
        The last round that the storage took.
    """
    spawn = multiprocessing.get_context("spawn")
    receiving, sending = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_write, args=(open_storage, place, sending))
    process.start()
    stored = 0
    while stored < least:
        stored = receiving.recv()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    while receiving.poll():
        stored = receiving.recv()
    receiving.close()
    sending.close()
    return stored


def _write(open_storage: OpenStorage, place: str, pipe: "Connection[int, int]") -> None:
    storage = open_storage(place)
    for number in range(10**6):
        storage.store_event_batch([materialized_event("run-1", f"{number}/{i}") for i in range(5)])
        storage.store_event(log_line("run-1", f"{number}"))
        pipe.send(number)
