"""The Dagster page with its daemon: two processes that run and stop together.

Belongs here: starting, watching and stopping them. Does not belong here: the instance and the code
that they load (`orf_books/instance.py`).

Dagster has superseded `dagster dev` by `dg dev`, a tool for checkouts that brings twenty packages
with it. The two programs started here are the ones that Dagster recommends for services; the page
has a guard against other web pages (`orf_books/page_guard.py`), and the daemon a quiet log.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from orf_books.failures import FixConfiguration

HOST = "127.0.0.1"
SECONDS_BETWEEN_CHECKS = 0.2
SECONDS_AFTER_CTRL_C = 5.0
SECONDS_TO_STOP = 20.0

Process = subprocess.Popen[bytes]


def serve(workspace: Path, port: int) -> int:
    """Run the page and its daemon, as `run_together` says.

    Args:
        workspace: a `workspace.yaml`, which names the code to load.
        port: the page's port on this machine.

    Returns:
        The exit status.
    """
    code = ["--workspace", str(workspace), "--code-server-log-level", "warning"]
    webserver = [sys.executable, "-m", "orf_books.dagster_internals.webserver"]
    daemon = [sys.executable, "-m", "orf_books.dagster_internals.daemon"]
    return run_together(
        [*webserver, "--host", HOST, "--port", str(port), *code], [*daemon, "run", *code]
    )


def refuse_taken_port(host: str, port: int) -> None:
    """See that a port is free, before anything is started that would need it.

    Raises:
        FixConfiguration: it is not.
    """
    # As servers do it: a port on which somebody listened a moment ago is free.
    try:
        socket.create_server((host, port), reuse_port=False).close()
    except OSError as error:
        raise FixConfiguration(
            f"--port {port} cannot be used on {host} ({os.strerror(error.errno or 0)}): stop the "
            "program that listens there, or choose another port."
        ) from None


def run_together(*commands: Sequence[str]) -> int:
    """Run commands until one of them ends, or this process gets SIGINT or SIGTERM; stop the others.

    Returns:
        The exit status: 1 when a command ended by itself, 0 after SIGINT.

    Raises:
        SystemExit: after SIGTERM, with status 0.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    processes: list[Process] = []
    try:
        processes.extend(map(subprocess.Popen, commands))
        while all(process.poll() is None for process in processes):
            time.sleep(SECONDS_BETWEEN_CHECKS)
    except KeyboardInterrupt:
        # Ctrl-C has reached them too, and a second signal would cut their clean-up short.
        _wait(processes, SECONDS_AFTER_CTRL_C)
        return 0
    finally:
        for process in processes:
            process.terminate()
        _wait(processes, SECONDS_TO_STOP)
        for process in processes:
            process.kill()
    return 1


def _wait(processes: Iterable[Process], seconds: float) -> None:
    end = time.monotonic() + seconds
    for process in processes:
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            continue
