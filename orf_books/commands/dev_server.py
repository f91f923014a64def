"""The Dagster page, its daemon and the code of both: programs that run and stop together.

Belongs here: starting, watching and stopping them. Does not belong here: the instance and the code
that they load (`orf_books/instance.py`).

Dagster has superseded `dagster dev` by `dg dev`, a tool for checkouts that brings twenty packages
with it. The programs started here are the ones that Dagster recommends for services. The page has a
guard against other web pages (`orf_books/page_guard.py`), the daemon a quiet log, and the code
server starts runs at once. Without it, page and daemon would each start one of their own, and the
daemon a new one every minute.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from orf_books.failures import FixConfiguration

if TYPE_CHECKING:
    from dagster import DagsterInstance

HOST = "127.0.0.1"
CODE, LOCATION = "orf_books.definitions", "orf_books"
SECONDS_BETWEEN_CHECKS = 0.2
SECONDS_AFTER_CTRL_C = 5.0
SECONDS_TO_STOP = 20.0

Process = subprocess.Popen[bytes]


def serve(instance: "DagsterInstance", port: int) -> int:
    """Run the page, its daemon and the code server, as `run_together` says.

    Args:
        instance: on which they run; it is disposed of here, because each opens it anew.
        port: the page's port on this machine.

    Returns:
        The exit status.
    """
    from orf_books.dagster_internals.instigators import take_over_instigators

    # In a folder of this user alone: whoever reaches the code server can start runs.
    with TemporaryDirectory(prefix="orf-books-", ignore_cleanup_errors=True) as folder:
        code, workspace = Path(folder) / "code.sock", Path(folder) / "workspace.yaml"
        location = {"grpc_server": {"socket": str(code), "location_name": LOCATION}}
        # JSON is YAML.
        workspace.write_text(json.dumps({"load_from": [location]}))
        take_over_instigators(instance, code, LOCATION)
        instance.dispose()
        options = ["--location-name", LOCATION, "--lazy-load-user-code", "--log-level", "warning"]
        return run_together(
            _program("webserver", "-h", HOST, "-p", str(port), "-w", str(workspace)),
            _program("daemon", "run", "-w", str(workspace)),
            code_server=_program("code_server", "-m", CODE, "--socket", str(code), *options),
            code_socket=code,
        )


def _program(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"orf_books.dagster_internals.{name}", *arguments]


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


def run_together(*commands: Sequence[str], code_server: Sequence[str], code_socket: Path) -> int:
    """Run commands until one of them ends, or this process gets SIGINT or SIGTERM; stop the others.

    Args:
        commands: what needs the code server, and goes on while it is away.
        code_server: it is started before them, and again when it ends, unless it ended by itself
            before it was ready.
        code_socket: where it listens once it is ready.

    Returns:
        The exit status: 1 when a command ended by itself, 0 after SIGINT.

    Raises:
        SystemExit: after SIGTERM, with status 0.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    processes = list[Process]()
    try:
        processes += _started(code_server)
        while not code_socket.exists() and processes[0].poll() is None:
            time.sleep(SECONDS_BETWEEN_CHECKS)
        processes += _started(*commands)
        while all(process.poll() is None for process in processes[1:]):
            status = processes[0].poll()
            if status is not None:
                was_killed = status < 0
                if not was_killed and not code_socket.exists():
                    break
                code_socket.unlink(missing_ok=True)
                processes[:1] = _started(code_server)
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


def _started(*commands: Sequence[str]) -> list[Process]:
    return [*map(subprocess.Popen, commands)]


def _wait(processes: Iterable[Process], seconds: float) -> None:
    end = time.monotonic() + seconds
    for process in processes:
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            continue
