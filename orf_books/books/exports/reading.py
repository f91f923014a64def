"""Reading an export: bytes in, typed entries out, with a note on everything that was not read.

Belongs here: files as a whole, from the first byte to one entry per book. Does not belong here:
cells and quotation marks (`table.py`), what columns mean (a module for each kind), where the file
lies.
"""

import codecs
import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from orf_books.books.exports.dates import DayOrder, day_order, needs_order
from orf_books.books.exports.entries import (
    GOODREADS,
    Export,
    LibraryEntry,
    RefusedRow,
    UnreadableExport,
    UnreadCell,
)
from orf_books.books.exports.goodreads import generation, missing_columns
from orf_books.books.exports.kind import ExportKind
from orf_books.books.exports.readings import merge_readings
from orf_books.books.exports.registry import is_kindle_clippings, kind_of, service_not_read
from orf_books.books.exports.rows import NoBook, Row
from orf_books.books.exports.table import (
    LINES_ABOVE_HEADER,
    Record,
    Table,
    column_name,
    fit,
    read_table,
    records,
    shortened,
)

MAX_BYTES = 50 * 1024 * 1024
"""Ten thousand books, each with a review of a page, stay below it."""
MAX_ROWS = 50_000
"""No reader has read so many."""
MAX_LINES = 2_000_000
"""A review has many lines, but rarely so many."""
MAX_COMMAS = 3_000_000
"""Twice as many as the cells of `MAX_ROWS` need: the rest are in reviews."""
LEAST_SHARE_READ = 0.5
"""A file of which fewer rows can be read is refused: it would make the library worse."""

_ROW_NUMBER = attrgetter("row_number")


def parse_export(content: bytes) -> Export:
    """Read an export of any service in the registry.

    Raises:
        UnreadableExport: the file as a whole cannot be used.
    """
    text = _decoded(content)
    _refuse_by_counts(text)
    table = read_table(text, lambda columns: kind_of(columns) is not None, MAX_ROWS)
    columns = frozenset(map(column_name, table.header)) if table else frozenset[str]()
    kind = kind_of(columns)
    if table is None or kind is None:
        raise _no_header(text)
    _refuse_by_rows(table)
    rows = _read_rows(table, kind)
    if len(rows.entries) < LEAST_SHARE_READ * len(table.rows):
        raise _too_few_rows(table, rows)
    entries, duplicates = _one_per_book(rows.entries)
    return Export(
        header_generation=generation(columns) if kind.service == GOODREADS else kind.service,
        rows=len(table.rows),
        entries=entries,
        refused=tuple(sorted(rows.refused, key=_ROW_NUMBER)),
        duplicates=duplicates,
        unread=tuple(rows.unread),
        notes=tuple(rows.notes),
    )


# The file as a whole.

_EXPORT_REMEDY = (
    "On goodreads.com open My Books, then Import and export, choose Export Library, and upload "
    "the file that you get. Exports of StoryGraph, BookWyrm and Hardcover are read, too."
)
_UNCHANGED_REMEDY = (
    "Upload the file exactly as you downloaded it, without saving it in a spreadsheet."
)
_SEPARATORS = {"\t": "tabs", ";": "semicolons"}
_EXPORT_WIDTHS = frozenset({23, 24, 31})
"""How many columns the generations of the Goodreads export have."""


def _decoded(content: bytes) -> str:
    refuse_by_size(len(content))
    _refuse_binary(content)
    _refuse_other_formats(content)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(content, error) from None


def refuse_by_size(size: int) -> None:
    """Refuse a file of so many bytes without reading it, if it is too large for an export."""
    if size > MAX_BYTES:
        raise UnreadableExport(
            f"a file of more than {MAX_BYTES // 1024**2} MB, far larger than any library",
            "Upload only the export, which is rarely larger than a few MB.",
        )


def _refuse_binary(content: bytes) -> None:
    if content.startswith(b"PK\x03\x04"):
        raise UnreadableExport(
            "a spreadsheet (xlsx) or a ZIP archive",
            f"If the export is inside the archive, unpack it first. {_UNCHANGED_REMEDY}",
        )
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableExport("text saved as UTF-16, not as UTF-8", _UNCHANGED_REMEDY)
    if b"\0" in content:
        raise UnreadableExport("a binary file, not text", _EXPORT_REMEDY)


def _refuse_other_formats(content: bytes) -> None:
    opening = content.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if not opening:
        raise UnreadableExport("an empty file", _EXPORT_REMEDY)
    if opening == b"<":
        raise UnreadableExport(
            "a web page, perhaps the sign-in page instead of the export",
            f"Sign in first. {_EXPORT_REMEDY}",
        )
    if opening in b"{[":
        raise UnreadableExport("a JSON file", _EXPORT_REMEDY)


def _not_utf8(content: bytes, error: UnicodeDecodeError) -> UnreadableExport:
    # A one-byte encoding leaves the header legible, whatever the file really is.
    if service := _other_service(content.decode("latin-1")):
        return UnreadableExport(service, _EXPORT_REMEDY)
    if error.reason == "unexpected end of data":
        return _cut_off("in the middle of a character")
    return UnreadableExport(
        "text in an older encoding (such as Latin-1 or Windows-1252), not in UTF-8",
        _UNCHANGED_REMEDY,
    )


def _cut_off(place: str) -> UnreadableExport:
    return UnreadableExport(
        f"one that was cut off {place}",
        "Upload the file again; if it is refused again, export your library again.",
    )


def _no_header(text: str) -> UnreadableExport:
    if service := _other_service(text):
        return UnreadableExport(service, _EXPORT_REMEDY)
    for separator, plural in _SEPARATORS.items():
        if any(kind_of(names) for names in _headers(text, separator)):
            return UnreadableExport(
                f"an export saved again with {plural} between its cells", _UNCHANGED_REMEDY
            )
    if any(kind_of(names) for names in _headers(text, ",")):
        return UnreadableExport(
            "an export saved again with quotation marks that hide its cells", _UNCHANGED_REMEDY
        )
    first = next(records(text), None)
    cells = first.cells if first and first.cells else []
    if len(cells) in _EXPORT_WIDTHS and cells[0].strip().isdecimal():
        return UnreadableExport(
            "an export without its header: its first row is a book, not the names of the columns",
            _UNCHANGED_REMEDY,
        )
    if len(cells) <= 1:
        return UnreadableExport("text without columns", _EXPORT_REMEDY)
    missing = ", ".join(missing_columns(map(column_name, cells)))
    return UnreadableExport(f"a table without the columns {missing}", _EXPORT_REMEDY)


def _other_service(text: str) -> str | None:
    if is_kindle_clippings(text):
        return "the clippings of a Kindle (My Clippings.txt)"
    headers = [names for separator in (",", *_SEPARATORS) for names in _headers(text, separator)]
    return next((name for names in headers if (name := service_not_read(names))), None)


def _headers(text: str, separator: str) -> Iterator[frozenset[str]]:
    """The names of columns that each of the first lines would have with this separator."""
    for line in text[:10_000].splitlines()[:LINES_ABOVE_HEADER]:
        yield frozenset(column_name(cell.strip('\r"')) for cell in line.split(separator))


def _refuse_by_counts(text: str) -> None:
    if max(text.count("\n"), text.count("\r")) > MAX_LINES:
        raise UnreadableExport(
            f"a file of more than {MAX_LINES:,} lines, far more than any library has",
            "Upload only the export of one library.",
        )
    if text.count(",") > MAX_COMMAS:
        raise UnreadableExport(
            f"a file of more than {MAX_COMMAS:,} cells, far more than any library has",
            "Upload only the export of one library.",
        )


def _refuse_by_rows(table: Table) -> None:
    if not table.rows:
        raise UnreadableExport(
            "an export without books",
            "The export holds no book: add books to your shelves, then export again.",
        )
    if len(table.rows) > MAX_ROWS:
        raise UnreadableExport(
            f"a file of more than {MAX_ROWS:,} rows, far more than any library has",
            "Upload only the export of one library.",
        )


def _too_few_rows(table: Table, rows: "_Rows") -> UnreadableExport:
    first = min(rows.refused, key=_ROW_NUMBER)
    cause = " Spaces align its columns, so its cells cannot be told apart."
    return UnreadableExport(
        f"a damaged one: {len(rows.refused)} of {len(table.rows)} rows cannot be read. "
        f"Row {first.row_number}: {first.reason}{cause if table.is_padded else ''} "
        "The library stays as it was",
        _UNCHANGED_REMEDY,
    )


# Rows. Polars fills short rows with nulls, drops surplus cells and gives up the file at one stray
# quotation mark, so the standard library divides the text into cells.


@dataclass(slots=True)
class _Rows:
    entries: list[LibraryEntry]
    refused: list[RefusedRow]
    unread: list[UnreadCell]
    notes: list[str]


def _read_rows(table: Table, kind: ExportKind) -> _Rows:
    names = {column_name(name): name for name in reversed(table.header)}
    columns = [column_name(name) for name in table.header]
    cells, padded = _cells_by_row(table, [name not in kind.columns for name in columns])
    filled = {number: _filled(columns, row) for number, row in cells.items()}
    dates = [row[name] for row in filled.values() for name in kind.dates if name in row]
    order = day_order(dates)
    notes = [
        *_order_notes(dates, order),
        *_unknown_columns(filled, names, kind),
        *_columns_there_twice(columns, cells, names),
    ]
    read = _Rows([], [], [], notes)
    for record in table.rows:
        if record.number not in cells:
            read.refused.append(RefusedRow(record.number, _why_not_whole(record, len(columns))))
            continue
        row = Row(record.number, filled[record.number], names, order)
        try:
            entry = kind.read(row)
        except NoBook as reason:
            read.refused.append(RefusedRow(record.number, str(reason)))
            continue
        if row.unread and record.number in padded:
            # Cells that do not fit their columns: it is not the last ones that are missing.
            read.refused.append(RefusedRow(record.number, _why_not_whole(record, len(columns))))
            continue
        read.entries.append(entry)
        read.unread += row.unread
    return read


def _cells_by_row(
    table: Table, unused: Sequence[bool]
) -> tuple[dict[int, list[str]], frozenset[int]]:
    """The cells of each row that has as many as the header, and the rows that were padded."""
    width = len(unused)
    cells = {row.number: found for row in table.rows if (found := fit(row, width)) is not None}
    short = shortened(table.rows, list(cells.values()), unused)
    padded = {
        row.number: [*row.cells, *[""] * (width - len(row.cells))]
        for row in table.rows
        if row.number not in cells and row.cells and len(row.cells) in short
    }
    last = table.rows[-1]
    is_whole = last.number in cells or last.number in padded
    if not is_whole and last.cells is not None and len(last.cells) < width:
        raise _cut_off(f"in its last row, row {last.number}")
    return cells | padded, frozenset(padded)


def _filled(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """The filled cells by column; of columns with the same name the first counts."""
    pairs = [
        (name, text) for name, cell in zip(columns, cells, strict=True) if (text := cell.strip())
    ]
    return dict(reversed(pairs))


def _why_not_whole(record: Record, width: int) -> str:
    if record.cells is None:
        return (
            "Its cells cannot be told apart: a quotation mark has no partner, or a cell has more "
            f"than {csv.field_size_limit():,} characters."
        )
    return f"It has {len(record.cells)} cells where the header has {width}."


def _order_notes(dates: Sequence[str], order: DayOrder) -> Iterator[str]:
    doubtful = sum(map(needs_order, dates))
    if not doubtful:
        return
    if order is DayOrder.UNDECIDED:
        yield (
            f"Nothing in the file shows whether the day or the month comes first in {doubtful} of "
            "its dates, so only their years are used."
        )
    else:
        yield (
            f"Dates such as 3/4/2020 are read with the {order.value}, as other dates in the file "
            "show."
        )


def _unknown_columns(
    rows: Mapping[int, Mapping[str, str]], names: Mapping[str, str], kind: ExportKind
) -> Iterator[str]:
    unknown = [name for name in names if name not in kind.columns | kind.unused]
    filled = {name for row in rows.values() for name in row}
    named = sorted(names[name] or "one without a name" for name in unknown if name in filled)
    if named:
        yield f"Columns that are not read: {', '.join(named)}."


def _columns_there_twice(
    columns: Sequence[str], cells: Mapping[int, Sequence[str]], names: Mapping[str, str]
) -> Iterator[str]:
    """Columns of one name that are both filled in a row: only the first of them is read."""
    if len(set(columns)) == len(columns):
        return
    filled = (
        Counter(name for name, cell in zip(columns, row, strict=True) if cell.strip())
        for row in cells.values()
    )
    twice = {name for row in filled for name, times in row.items() if times > 1}
    if twice:
        named = ", ".join(sorted(names[name] or "one without a name" for name in twice))
        yield f"Columns that are there twice, of which the first is read: {named}."


# Books that are in the file more than once.


def _one_per_book(
    entries: Iterable[LibraryEntry],
) -> tuple[tuple[LibraryEntry, ...], tuple[RefusedRow, ...]]:
    books: defaultdict[tuple[str, ...], list[LibraryEntry]] = defaultdict(list)
    for entry in entries:
        books[_identity(entry)].append(entry)
    kept: list[LibraryEntry] = []
    duplicates: list[RefusedRow] = []
    for copies in books.values():
        stays = max(copies, key=_last_read)
        reason = f"Row {stays.row_number} is the same book and stayed."
        duplicates += [RefusedRow(copy.row_number, reason) for copy in copies if copy is not stays]
        kept.append(merge_readings(stays, copies) if len(copies) > 1 else stays)
    return tuple(sorted(kept, key=_ROW_NUMBER)), tuple(sorted(duplicates, key=_ROW_NUMBER))


def _identity(entry: LibraryEntry) -> tuple[str, ...]:
    if entry.goodreads_id:
        return ("Book Id", entry.goodreads_id)
    if entry.isbn13:
        return ("ISBN13", entry.isbn13)
    return ("Title and Author", entry.title.casefold(), entry.author.casefold())


def _last_read(entry: LibraryEntry) -> tuple[int, int, int, int]:
    day = entry.date_read.day if entry.date_read else 0
    return (entry.reading_year or 0, entry.reading_month or 0, day, entry.row_number)
