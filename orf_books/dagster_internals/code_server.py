"""A code server whose runs start at once: `python -m orf_books.dagster_internals.code_server`.

Belongs here: forking runs off a process that has loaded the platform. Does not belong here: what is
loaded (`run_imports.py`), starting page and daemon beside the server (`commands/dev_server.py`).

The program takes the options of `dagster api grpc`. Dagster starts a new interpreter for each run,
which spends two seconds of CPU on loading Dagster and the platform, and has no setting for that.
"""

import multiprocessing
from multiprocessing import forkserver
from typing import Any

from dagster._cli.api import grpc_command
from dagster._grpc import server
from dagster._grpc.server import DagsterApiServer


class ForkingServer(DagsterApiServer):
    """Dagster's server, with another way of starting the process of a run."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as Dagster has them
        super().__init__(*args, **options)
        self._mp_ctx = multiprocessing.get_context("forkserver")  # type: ignore[assignment]


def main() -> None:
    """Serve the code until the process is stopped."""
    multiprocessing.set_forkserver_preload(["orf_books.dagster_internals.run_imports"])
    forkserver.ensure_running()
    server.DagsterApiServer = ForkingServer  # type: ignore[misc]
    grpc_command()


if __name__ == "__main__":
    main()
