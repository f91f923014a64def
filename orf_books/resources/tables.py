"""Tables of typed rows in Delta Lake: append-only, the latest row of a key wins on reading.

Belongs here: appending, reading, upkeep, and the mapping between row classes and columns. Does
not belong here: which tables there are and what their columns mean (`orf_books/assets`).
"""

import json
import logging
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar
from urllib.parse import unquote

import stamina

from orf_books.resources.storage import RETRIES, ObjectStorage, failure_of

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable

logger = logging.getLogger(__name__)

_CHECKPOINTS = {"delta.checkpointInterval": "20"}
"""Opening a table reads every commit since the last checkpoint."""
KEPT_HOURS = 24 * 7
"""How long files that compaction replaced stay for readers that still use them."""


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


class Tables:
    """The tables below `tables/` of an object storage."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage = storage

    def append(self, table: Table[RowT], rows: Sequence[RowT]) -> None:
        """Add rows in one commit; appends of several processes at once lose nothing.

        Raises:
            RetryLater: the store did not take the commit.
        """
        import polars as pl
        from deltalake import WriterProperties, write_deltalake
        from deltalake.exceptions import CommitFailedError

        if not rows:
            return
        schema = _schema(table)
        values = {
            table.columns.get(name, name): [_stored(getattr(row, name)) for row in rows]
            for name in _field_names(table)
        }
        frame = pl.DataFrame(values, schema=schema)
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
        frame = self._scan(table, where)
        if frame is None:
            return []
        newest = frame.sort(table.latest_by).unique(table.keys, keep="last")
        return list(_rows(table, newest))

    def maintain(self, table: Table[Any]) -> Upkeep | None:
        """Compact the table's files and delete those that nobody has needed for a week."""
        opened = self._open(table)
        if opened is None:
            return None
        with _table_errors(table):
            before = len(opened.file_uris())
            opened.optimize.compact()
            deleted = opened.vacuum(retention_hours=KEPT_HOURS, dry_run=False)
            opened.create_checkpoint()
        return Upkeep(table.name, before, len(opened.file_uris()), len(deleted))

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

    def _open(self, table: Table[RowT]) -> "DeltaTable | None":
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        uri, options = self._storage.table_location(table.name)
        with _table_errors(table):
            try:
                return DeltaTable(uri, storage_options=options)
            except TableNotFoundError:
                return None


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


@contextmanager
def _table_errors(table: Table[RowT]) -> Iterator[None]:
    from deltalake.exceptions import DeltaError, TableNotFoundError

    try:
        yield
    except TableNotFoundError:
        raise
    except (DeltaError, OSError) as error:
        raise failure_of(error, f"table {table.name!r}") from error
