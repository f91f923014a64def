"""Results that a store did not take, kept on this machine until it does.

Belongs here: writing them to a local folder, and storing them later. Does not belong here: how long
a write waits before that (`StoreRetryPolicy`), and which tables there are.

Rows are about children too, so only their owner may read them. A process that is killed between
storing a file and deleting it leaves rows that are stored twice, which readers of the latest row do
not notice.
"""

import logging
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock

from orf_books.failures import FixConfiguration
from orf_books.resources.tables import RowT, Table, Tables, frame_of

logger = logging.getLogger(__name__)

MOST_BYTES = 2**30
"""Of all files for one store; as many rows as a day of a large batch makes."""
_NAME = re.compile(r"\d{6}-[0-9a-f]{32}\.parquet")


def spill_of_this_machine() -> Path:
    """Where the results of all stores wait by default."""
    return Path.home() / ".cache" / "orf_books" / "spill"


class Spill:
    """Rows that wait for one store.

    Args:
        store: the store's URL.
        folder: where rows of all stores wait.
        most_bytes: how much may wait for this store.
    """

    def __init__(
        self, store: str, folder: Path | None = None, most_bytes: int = MOST_BYTES
    ) -> None:
        digest = sha256(store.encode()).hexdigest()[:16]
        self._folder = (folder or spill_of_this_machine()) / digest
        self._most_bytes = most_bytes

    def keep(self, table: Table[RowT], rows: Sequence[RowT]) -> Path | None:
        """Keep rows that could not be stored; returns their file, None for no rows.

        Raises:
            FixConfiguration: they could not be kept here either, so they are lost.
        """
        if not rows:
            return None
        waiting = self._files(table)
        folder = self._folder / table.name
        file = (
            folder / f"{_number(waiting[-1]) + 1 if waiting else 0:06}-{uuid.uuid4().hex}.parquet"
        )
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            if self.bytes_waiting() > self._most_bytes:
                raise FixConfiguration(
                    f"{len(rows)} rows of {table.name!r} are lost: {self._folder} holds more than "
                    f"{self._most_bytes} bytes already. Make the store answer, and run a retry."
                )
            _write_durably(file, frame_of(table, rows))
        except OSError as error:
            raise FixConfiguration(
                f"{len(rows)} rows of {table.name!r} are lost: {self._folder} cannot be written. "
                "Free space there or check its permissions."
            ) from error
        logger.warning("%s rows of table %s wait in %s.", len(rows), table.name, file)
        return file

    def take_up(self, tables: Tables, table: Table[Any]) -> int:
        """Store the rows of a table that wait; returns how many there were.

        Other processes of this machine that take up rows meanwhile find none. A file that cannot
        be read is left where it is, with another ending.

        Raises:
            RetryLater: the store does not take them yet; they go on waiting.
        """
        if not self._files(table):
            return 0
        import polars as pl

        rows = 0
        with self._alone(table):
            for file in self._files(table):
                try:
                    frame = pl.read_parquet(file)
                except (pl.exceptions.PolarsError, OSError):
                    logger.warning("%s cannot be read and is left aside.", file)
                    file.rename(file.with_suffix(".damaged"))
                    continue
                tables.append_frame(table, frame)
                file.unlink()
                rows += frame.height
        return rows

    def bytes_waiting(self) -> int:
        """How much waits for the store."""
        return sum(file.stat().st_size for file in self._folder.rglob("*.parquet"))

    @contextmanager
    def _alone(self, table: Table[Any]) -> Iterator[None]:
        with FileLock(self._folder / f"{table.name}.lock"):
            yield

    def _files(self, table: Table[Any]) -> list[Path]:
        """Files of a table's rows, the oldest first."""
        folder = self._folder / table.name
        return sorted(file for file in folder.glob("*") if _NAME.fullmatch(file.name))


def _number(file: Path) -> int:
    return int(file.name.partition("-")[0])


def _write_durably(file: Path, frame: Any) -> None:  # noqa: ANN401 - a Polars data frame
    """Write the file whole or not at all, and so that a power cut does not take it."""
    half_written = file.with_suffix(".part")
    descriptor = os.open(half_written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            frame.write_parquet(opened)
            opened.flush()
            os.fsync(opened.fileno())
        half_written.replace(file)
    except BaseException:
        half_written.unlink(missing_ok=True)
        raise
