"""Deleting rows of a table for good: from its present version, its older ones and its log.

Belongs here: what a Delta table keeps of deleted rows, and getting rid of it. Does not belong here:
which rows to delete, and everyday upkeep (`tables.py`).

A table keeps the files of older versions, and its log holds the smallest and largest values of
each file and the conditions of deletions. So deleting rows takes four steps: write the files that
hold such rows anew, delete the old files, make a checkpoint, and take the values out of the log.
Commits stay, without these values, since a writer could otherwise reuse the number of one.
"""

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import stamina

from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage, failure_of
from orf_books.resources.tables import Table

_BEING_WRITTEN = timedelta(hours=1)
"""Files of this age that no version knows may still be committed by a writer."""


def value_in(column: str, values: Collection[str]) -> str:
    """The SQL condition that a column has one of these values."""
    return f"{column} IN ({', '.join(map(_quoted, values))})" if values else "false"


def list_holds(column: str, value: str) -> str:
    """The SQL condition that a column of lists holds this value."""
    return f"array_has({column}, {_quoted(value)})"


def delete_rows(storage: ObjectStorage, table: Table[Any], where: str) -> int:
    """Delete rows for good; returns how many there were. Nobody may read the table meanwhile.

    Args:
        storage: where the table lies.
        table: which one; it need not exist.
        where: an SQL condition on columns.

    Raises:
        RetryLater: the store did not answer; repeat the deletion.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

    uri, options = storage.table_location(table.name)
    deleted = 0
    try:
        # Appends of others may come in between.
        for attempt in stamina.retry_context(on=CommitFailedError, wait_initial=0.05):
            with attempt:
                opened = DeltaTable(uri, storage_options=options)
                deleted = int(opened.delete(where)["num_deleted_rows"] or 0)
        opened.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
        opened.create_checkpoint()
    except TableNotFoundError:
        return 0
    except (DeltaError, OSError) as error:
        raise failure_of(error, f"table {table.name!r}") from error
    present = {unquote(name).rpartition("/")[2] for name in opened.file_uris()}
    _delete_unknown_files(storage, table, present)
    _clear_log(storage, table, opened.version())
    return deleted


def _quoted(value: str) -> str:
    return "'{}'".format(value.replace("'", "''"))


def _delete_unknown_files(storage: ObjectStorage, table: Table[Any], present: set[str]) -> None:
    """Delete files that no version knows any more: of writers that broke off, or long forgotten."""
    folder = f"tables/{table.name}/"
    before = datetime.now(UTC) - _BEING_WRITTEN
    for found in list(storage.list(folder)):
        name = found.key.removeprefix(folder)
        is_data = name.endswith(".parquet") and "/" not in name
        if is_data and name not in present and found.last_modified < before:
            storage.delete(found.key)


def _clear_log(storage: ObjectStorage, table: Table[Any], version: int) -> None:
    """Take all values out of the log."""
    folder = f"tables/{table.name}/_delta_log/"
    for found in list(storage.list(folder)):
        name = found.key.removeprefix(folder)
        number = name.partition(".")[0]
        if ".checkpoint" in name and number.isdecimal() and int(number) < version:
            storage.delete(found.key)
        elif name == f"{number}.json" and number.isdecimal():
            _clear_commit(storage, found.key)


def _clear_commit(storage: ObjectStorage, key: str) -> None:
    try:
        content = storage.get(key)
    except ObjectNotFoundError:
        # Others tidy up, too.
        return
    cleared = b"".join(_without_values(line) for line in content.splitlines(keepends=True))
    if cleared != content:
        storage.put(key, cleared)


def _without_values(line: bytes) -> bytes:
    """One action of a commit, without values of rows."""
    if b'"stats"' not in line and b'"predicate"' not in line:
        return line
    action = json.loads(line)
    action.get("add", {}).pop("stats", None)
    action.get("remove", {}).pop("stats", None)
    action.get("commitInfo", {}).get("operationParameters", {}).pop("predicate", None)
    return json.dumps(action).encode() + b"\n"
