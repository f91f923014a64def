"""Processes that work for this one, and end when it ends, however that happens.

Belongs here: their start and end. Does not belong here: what they work on (`embedded_speech.py`).

A pool of the standard library leaves its processes behind when its own process is killed: each
waits for work in a queue whose other end it holds open itself.
"""

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor


def worker_pool(processes: int) -> ProcessPoolExecutor:
    """A pool whose processes are not forked, as this one has threads, and do not outlive it."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, mp_context=context, initializer=end_with_parent)


def end_with_parent() -> None:
    """End this process as soon as the one that started it has ended; call it in the former."""
    threading.Thread(target=_wait_for_the_end, name="end with parent", daemon=True).start()


def _wait_for_the_end() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
