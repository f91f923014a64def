"""A code server whose runs start at once: `python -m orf_books.dagster_internals.code_server`.

Belongs here: forking runs off a process that has loaded the code. Does not belong here: what else
is loaded (`run_imports.py`), starting page and daemon beside it (`commands/dev_server.py`).

The program takes the options of `dagster api grpc`; `--module-name` is needed. Dagster starts a new
interpreter for each run, which spends two seconds of CPU on loading Dagster and the platform, and
has no setting for that.
"""

import multiprocessing
from argparse import ArgumentParser
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
    options = ArgumentParser(allow_abbrev=False)
    options.add_argument("-m", "--module-name", required=True)
    code = options.parse_known_args()[0].module_name
    multiprocessing.set_forkserver_preload([code, "orf_books.dagster_internals.run_imports"])
    forkserver.ensure_running()
    server.DagsterApiServer = ForkingServer  # type: ignore[misc]
    grpc_command()


if __name__ == "__main__":
    main()
