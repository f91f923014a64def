"""Tables of typed rows in Delta Lake: append-only, the latest row of a key wins on reading.

Belongs here: appending, reading, upkeep, repair, and the mapping between row classes and columns.
Does not belong here: which tables there are and what their columns mean (`orf_books/records`).
"""

import json
import logging
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar
from urllib.parse import unquote

import stamina

from orf_books.failures import DamagedStore, RetryLater
from orf_books.resources.storage import RETRIES, ObjectStorage, failure_of

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable

logger = logging.getLogger(__name__)

_CHECKPOINTS = {
    "delta.checkpointInterval": "20",
    "delta.logRetentionDuration": "interval 2 days",
}
"""Opening a table reads every commit since the last checkpoint, and lists all that are there."""
_UNCHECKPOINTED = 25
"""Commits that may not be in a checkpoint yet: the interval, and some of writers at once."""
DAMAGED = "damaged/"
"""Where repair moves what it replaces."""
_DAMAGED_FILE = (
    "Failed to parse parquet",
    "File out of specification",
    "No such file or directory",
)
_DAMAGED_LOG = (
    *("No table metadata or protocol", "Json error", "Arrow error", "Parquet error"),
    *("Invalid table version", "Generic delta kernel error"),
)
"""What libraries call damage; they say so by text only."""
_AWAY = "Generic S3 error"
"""In the text of every error that comes of the store and not of what it holds."""
_LOG_RESOLUTION = timedelta(milliseconds=1)
"""The log drops what is shorter."""
KEPT_HOURS = 24
"""How long files that compaction replaced stay for readers that still use them."""
MOST_SMALL_FILES = 50
"""Every read opens each of them."""
SMALL_BYTES = 16 * 1024**2
"""Compaction leaves larger files as they are, so that a large table is not rewritten for ever."""


class Row(Protocol):
    """Any dataclass of plain values: text, numbers, truth, times, tuples of text, and counts."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


RowT = TypeVar("RowT", bound=Row)


@dataclass(frozen=True, slots=True)
class Table(Generic[RowT]):
    """A table: its name, the class of its rows, what identifies a thing, what orders versions."""

    name: str
    row: type[RowT]
    keys: tuple[str, ...]
    latest_by: str
    columns: Mapping[str, str] = field(default_factory=dict)
    """Fields whose column has another name."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What maintenance did to one table."""

    table: str
    files_before: int
    files_after: int
    files_deleted: int


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done to a damaged table."""

    table: str
    damage: str
    """What was wrong; empty where nothing was."""
    lost_files: tuple[str, ...] = ()
    """Keys of the files whose rows are lost; those that were there lie below `damaged/` now."""

    @property
    def remedy(self) -> str:
        """What is left to do; empty for nothing."""
        if not self.lost_files:
            return ""
        return (
            f"The rows of {len(self.lost_files)} files of table {self.table!r} are lost: run "
            "`orf-books retry`, which makes them again from kept answers and uploads."
        )


class DamagedTable(DamagedStore):
    """The log or a file of a table cannot be read."""

    def __init__(self, table: str, damage: str) -> None:
        super().__init__(
            f"Table {table!r} is damaged: {damage}. `orf-books doctor` says how to repair it."
        )


class Tables:
    """The tables below `tables/` of an object storage."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage = storage
        self._marked: set[str] = set()

    def append(self, table: Table[RowT], rows: Sequence[RowT]) -> None:
        """Add rows in one commit; appends of several processes at once lose nothing.

        Raises:
            RetryLater: the store did not take the commit; `StoreRetryPolicy` waits for it.
            StoreIsFull: there is no room.
            DamagedTable: the table's log cannot be read.
        """
        if rows:
            self.append_frame(table, frame_of(table, rows))

    def append_frame(self, table: Table[RowT], frame: "pl.DataFrame") -> None:
        """Like `append`, for rows in the columns of the table."""
        self._storage.make_folder(f"tables/{table.name}")
        self._check_log(table)
        self._write(table, frame)
        self._mark_as_created(table)

    def _write(self, table: Table[Any], frame: "pl.DataFrame") -> None:
        from deltalake import WriterProperties, write_deltalake
        from deltalake.exceptions import CommitFailedError

        uri, options = self._storage.table_location(table.name)
        with _table_errors(table):
            # Of two writers that both create or widen the table one loses, and appends next time.
            for attempt in stamina.retry_context(on=CommitFailedError, wait_initial=0.05):
                with attempt:
                    write_deltalake(
                        uri,
                        frame,
                        mode="append",
                        schema_mode="merge",
                        configuration=_CHECKPOINTS,
                        writer_properties=WriterProperties(compression="ZSTD"),
                        storage_options=options,
                    )

    def all_rows(self, table: Table[RowT], where: "pl.Expr | None" = None) -> list[RowT]:
        """Every row ever appended that the expression holds for, in no order."""
        return list(_rows(table, self._scan(table, where)))

    def latest(self, table: Table[RowT], where: "pl.Expr | None" = None) -> list[RowT]:
        """The latest row of each key, of those that the expression holds for, in no order.

        Expressions name fields, not columns.
        """
        return list(_rows(table, self._scan_latest(table, where)))

    def latest_frame(self, table: Table[Any], where: "pl.Expr | None" = None) -> "pl.DataFrame":
        """Likewise, as a frame of the fields: objects of 100,000 rows take time and memory."""
        return self._collected(table, self._scan_latest(table, where))

    def all_frame(self, table: Table[Any], where: "pl.Expr | None" = None) -> "pl.DataFrame":
        """Like `all_rows`, as a frame of the fields."""
        return self._collected(table, self._scan(table, where))

    def _collected(self, table: Table[Any], frame: "pl.LazyFrame | None") -> "pl.DataFrame":
        import polars as pl

        if frame is None:
            names = {column: name for name, column in table.columns.items()}
            schema = {names.get(column, column): kind for column, kind in _schema(table).items()}
            return pl.DataFrame(schema=schema)
        with _table_errors(table):
            return frame.collect()

    def _scan_latest(self, table: Table[Any], where: "pl.Expr | None") -> "pl.LazyFrame | None":
        frame = self._scan(table, where)
        if frame is None:
            return None
        return frame.sort(table.latest_by).unique(table.keys, keep="last")

    def latest_moment(self, table: Table[Any]) -> datetime | None:
        """The latest of the moments that order the rows, and up to 1 ms more; None without any.

        The log has it of every file, so no row is read.
        """
        import polars as pl

        opened = self._open(table)
        if opened is None:
            return None
        files = pl.DataFrame(opened.get_add_actions(flatten=True))
        column = f"max.{table.columns.get(table.latest_by, table.latest_by)}"
        latest = files[column].max() if column in files.columns else None
        return latest + _LOG_RESOLUTION if isinstance(latest, datetime) else None

    def version(self, table: Table[Any]) -> str:
        """Changes with every commit."""
        opened = self._open(table)
        return "" if opened is None else str(opened.version())

    def maintain(self, table: Table[Any], kept_hours: int = KEPT_HOURS) -> Upkeep | None:
        """Compact the table's files and delete those that nobody has needed for so long."""
        from deltalake.exceptions import CommitFailedError

        opened = self._open(table)
        if opened is None:
            return None
        with _table_errors(table):
            before = len(opened.file_uris())
            # Another process may do the same at once; then that one does it.
            with suppress(CommitFailedError):
                opened.optimize.compact(target_size=SMALL_BYTES)
            deleted = opened.vacuum(kept_hours, dry_run=False, enforce_retention_duration=False)
            opened.create_checkpoint()
            opened.cleanup_metadata()
        self._mark_as_created(table)
        return Upkeep(table.name, before, len(opened.file_uris()), len(deleted))

    def has_many_small_files(self, table: Table[Any]) -> bool:
        """Whether it should be maintained, as it is after very many commits."""
        import polars as pl

        opened = self._open(table)
        if opened is None:
            return False
        sizes = pl.DataFrame(opened.get_add_actions(flatten=True))["size_bytes"]
        return int((sizes < SMALL_BYTES).sum()) > MOST_SMALL_FILES

    def _scan(self, table: Table[RowT], where: "pl.Expr | None") -> "pl.LazyFrame | None":
        import polars as pl

        logger.debug("Reading table %s", table.name)
        opened = self._open(table)
        if opened is None:
            return None
        frame = pl.scan_parquet(
            # deltalake percent-encodes the folder of a table; Polars takes paths as they are.
            [unquote(uri) for uri in opened.file_uris()],
            schema=_schema(table),
            missing_columns="insert",
            extra_columns="ignore",
            storage_options=(self._storage.table_location(table.name)[1] or {})
            | {"max_retries": RETRIES},
        ).rename({column: name for name, column in table.columns.items()})
        return frame if where is None else frame.filter(where)

    def damage(self, table: Table[Any]) -> str:
        """What is wrong with a table; empty where all of it can be read."""
        try:
            frame = self._scan(table, None)
            if frame is not None:
                with _table_errors(table):
                    frame.collect(engine="streaming")
        except DamagedTable as error:
            return str(error)
        return ""

    def repair(self, table: Table[Any]) -> Repair:
        """Make a damaged table readable again from the files that can be read.

        Everything that was ever appended lies in files that are never changed, so a damaged log is
        written anew from them. What is replaced is moved below `damaged/`. A repair that was
        interrupted can be repeated. Nobody may write to the table meanwhile.
        """
        damage = self.damage(table)
        if not damage:
            return Repair(table.name, "")
        folder = f"tables/{table.name}/"
        lost = self._missing_files(table)
        kept: dict[str, pl.DataFrame] = {}
        for found in list(self._storage.list(folder)):
            if found.key.startswith(f"{folder}_delta_log/"):
                self._set_aside(found.key)
            elif found.key.endswith(".parquet"):
                frame = self._readable(table, found.key)
                if frame is None:
                    self._set_aside(found.key)
                    lost.append(found.key)
                else:
                    kept[found.key] = frame
        self._write_anew(table, kept)
        return Repair(table.name, damage, tuple(lost))

    def _write_anew(self, table: Table[Any], kept: "Mapping[str, pl.DataFrame]") -> None:
        import polars as pl

        if kept:
            # Compaction leaves rows in two files, of which the lost log said which one counts.
            self._write(table, pl.concat(kept.values()).unique(maintain_order=True))
            for key in kept:
                self._set_aside(key)
        else:
            self._storage.delete(_mark_of(table))
            self._marked.discard(table.name)

    def _missing_files(self, table: Table[Any]) -> list[str]:
        """Keys of files that are not where the log says they are; none where it cannot be read."""
        with suppress(DamagedTable):
            if opened := self._open(table):
                names = [unquote(uri).rpartition("/")[2] for uri in opened.file_uris()]
                keys = [f"tables/{table.name}/{name}" for name in names]
                return [key for key in keys if not self._storage.exists(key)]
        return []

    def _readable(self, table: Table[Any], key: str) -> "pl.DataFrame | None":
        import polars as pl

        content = self._storage.get(key)
        try:
            frame = pl.read_parquet(content)
            return frame.select(
                (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
                for name, kind in _schema(table).items()
            )
        except pl.exceptions.PolarsError:
            return None

    def _set_aside(self, key: str) -> None:
        self._storage.copy(key, f"{DAMAGED}{key}")
        self._storage.delete(key)

    def _mark_as_created(self, table: Table[Any]) -> None:
        """From now on a missing log is damage. A file without a log may be that of a killed run."""
        if not self._is_marked(table):
            self._storage.put(_mark_of(table), b"")
            self._marked.add(table.name)

    def _is_marked(self, table: Table[Any]) -> bool:
        if table.name not in self._marked and self._storage.exists(_mark_of(table)):
            self._marked.add(table.name)
        return table.name in self._marked

    def _open(self, table: Table[RowT]) -> "DeltaTable | None":
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        uri, options = self._storage.table_location(table.name)
        with _table_errors(table):
            try:
                opened = DeltaTable(uri, storage_options=options)
            except TableNotFoundError:
                if self._is_marked(table):
                    raise DamagedTable(table.name, _NO_LOG) from None
                return None
        self._check_log(table)
        return opened

    def _check_log(self, table: Table[Any]) -> None:
        """See that a folder has all commits whole: the library takes an empty one for no change.

        Raises:
            DamagedTable: the log is gone, or a commit is empty, as a power cut may leave it.
        """
        if self._storage.folder is None:
            return
        log = self._storage.folder / "tables" / table.name / "_delta_log"
        commits = sorted(log.glob("*.json"))
        if not commits and self._is_marked(table):
            raise DamagedTable(table.name, _NO_LOG)
        if any(commit.stat().st_size == 0 for commit in commits[-_UNCHECKPOINTED:]):
            raise DamagedTable(table.name, "a commit in its log is empty")


def frame_of(table: Table[RowT], rows: Sequence[RowT]) -> "pl.DataFrame":
    """Rows in the columns of the table."""
    import polars as pl

    columns = {
        table.columns.get(name, name): [_stored(getattr(row, name)) for row in rows]
        for name in _field_names(table)
    }
    return pl.DataFrame(columns, schema=_schema(table))


def _rows(table: Table[RowT], frame: "pl.LazyFrame | None") -> Iterator[RowT]:
    if frame is None:
        return
    with _table_errors(table):
        collected = frame.collect()
    hints = typing.get_type_hints(table.row)
    # A null where there can be none: the row is older than the column, whose default holds.
    never_null = {name for name, hint in hints.items() if type(None) not in typing.get_args(hint)}
    counts = {name for name, hint in hints.items() if typing.get_origin(hint) is Mapping}
    for values in collected.iter_rows(named=True):
        yield table.row(
            **{
                name: json.loads(value) if name in counts else _as_field(value)
                for name, value in values.items()
                if value is not None or name not in never_null
            }
        )


def _stored(value: object) -> object:
    """A field as a column holds it: counts are a JSON object."""
    return json.dumps(dict(value)) if isinstance(value, Mapping) else value


def _as_field(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _field_names(table: Table[Any]) -> list[str]:
    return [one.name for one in fields(table.row)]


def _schema(table: Table[Any]) -> "dict[str, pl.DataType]":
    """Types of a table's columns; a column may always be null."""
    hints = typing.get_type_hints(table.row)
    return {
        table.columns.get(name, name): _column_type(hints[name]) for name in _field_names(table)
    }


def _column_type(hint: Any) -> "pl.DataType":  # noqa: ANN401 - a type hint has no narrower type
    import polars as pl

    if isinstance(hint, types.UnionType):
        (hint,) = (option for option in typing.get_args(hint) if option is not type(None))
    if typing.get_origin(hint) is tuple:
        return pl.List(_column_type(typing.get_args(hint)[0]))
    if typing.get_origin(hint) is Mapping:
        return pl.String()
    return {
        str: pl.String(),
        int: pl.Int64(),
        float: pl.Float64(),
        bool: pl.Boolean(),
        date: pl.Date(),
        datetime: pl.Datetime("us", "UTC"),
    }[hint]


_NO_LOG = "its log is missing"


def _mark_of(table: Table[Any]) -> str:
    return f"tables/{table.name}/_created"


@contextmanager
def _table_errors(table: Table[RowT]) -> Iterator[None]:
    """Say what is wrong with a table, and whether waiting or repair helps."""
    from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
    from polars.exceptions import ComputeError

    try:
        yield
    except (TableNotFoundError, CommitFailedError):
        raise
    except FileNotFoundError as error:
        raise DamagedTable(table.name, "a file of it is missing") from error
    except (ComputeError, DeltaError, OSError) as error:
        text, what = str(error), f"table {table.name!r}"
        failure = failure_of(error, what)
        if _AWAY in text or not isinstance(failure, RetryLater):
            raise failure from error
        if isinstance(error, ComputeError) or any(sign in text for sign in _DAMAGED_FILE):
            raise DamagedTable(table.name, "a file of it cannot be read") from error
        if any(sign in text for sign in _DAMAGED_LOG):
            raise DamagedTable(table.name, "its log cannot be read") from error
        raise failure from error
