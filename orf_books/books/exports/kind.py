"""What a kind of export is: the interface between a service's columns and our entries.

Belongs here: what every kind supplies. Does not belong here: the columns of a kind, which have a
module each, and the list of all kinds (`registry.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from orf_books.books.exports.entries import LibraryEntry
from orf_books.books.exports.rows import Row


@dataclass(frozen=True, slots=True)
class ExportKind:
    """A service's export; names of columns are those of `table.column_name` throughout."""

    service: str
    is_header: Callable[[frozenset[str]], bool]
    """Whether these columns are the header of such an export."""
    read: Callable[[Row], LibraryEntry]
    """Raises `NoBook` for a row that names no book."""
    columns: frozenset[str]
    """What `read` reads."""
    dates: frozenset[str]
    """Those of them that hold one date each."""
    unused: frozenset[str]
    """Columns that the service writes and a dashboard has no use for."""
