"""Reading a reader's Goodreads export: bytes in, typed entries and refused rows out.

Belongs here: what makes a file no Goodreads export, rows and their cells, books that are in a file
twice. Does not belong here: the quirks of each column (`goodreads_columns.py`), what an export is
(`goodreads_export.py`), where the file lies.
"""

import codecs
import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from operator import attrgetter
from typing import Self

from orf_books.books.goodreads_columns import read_entries
from orf_books.books.goodreads_export import (
    COLUMNS_A,
    COLUMNS_B,
    COLUMNS_C,
    Export,
    LibraryEntry,
    NotAGoodreadsExport,
    RefusedRow,
    column_name,
)

MAX_BYTES = 50 * 1024 * 1024
"""Ten thousand books, each with a review of a page, stay below it."""


@dataclass(frozen=True, slots=True)
class _Record:
    row_number: int
    cells: list[str] | None
    """None where the quotation marks of the row contradict each other."""


_ROW_NUMBER = attrgetter("row_number")


def parse_export(content: bytes) -> Export:
    """Read an export of any of the three header generations.

    Raises:
        NotAGoodreadsExport: the file as a whole cannot be used.
    """
    text = _decoded(content)
    records = _records(text)
    names = _names(next(records, None))
    if _missing_columns(names):
        raise _no_goodreads_header(text, names)
    rows = list(records)
    _refuse_without_rows(rows, width=len(names))
    whole, broken = _apart_by_width(rows, width=len(names))
    accepted, nameless = read_entries(names, whole)
    entries, duplicates = _one_per_book(accepted)
    return Export(
        header_generation=_generation(names),
        rows=len(rows),
        entries=entries,
        refused=tuple(sorted([*broken, *nameless], key=_ROW_NUMBER)),
        duplicates=duplicates,
    )


# The file as a whole.

_GOODREADS_REMEDY = (
    "On goodreads.com open My Books, then Import and export, choose Export Library, and upload "
    "the file that it gives you."
)
_UNCHANGED_REMEDY = (
    "Upload the file exactly as Goodreads made it, without opening and saving it in a spreadsheet."
)
_OTHER_HEADERS = (
    ("a StoryGraph export", {"read status", "star rating"}),
    ("a LibraryThing export", {"primary author"}),
    ("a LibraryThing export", {"sort character"}),
    ("an Open Library reading log", {"work id", "edition id"}),
    ("a calibre catalogue", {"author_sort"}),
    ("an Openreads backup", {"title", "author", "readings"}),
    ("a BookWyrm export", {"author_text", "remote_id"}),
)
"""Column names, in lower case, that only this one service writes."""

_SEPARATORS = {"\t": "tabs", ";": "semicolons"}


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
        raise NotAGoodreadsExport(
            f"a file of more than {MAX_BYTES // 1024**2} MB, far larger than any library",
            "Upload only the export, which is rarely larger than a few MB.",
        )


def _refuse_binary(content: bytes) -> None:
    if content.startswith(b"PK\x03\x04"):
        raise NotAGoodreadsExport(
            "a spreadsheet (xlsx) or a ZIP archive",
            f"If the export is inside the archive, unpack it first. {_UNCHANGED_REMEDY}",
        )
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise NotAGoodreadsExport("text saved as UTF-16, not as UTF-8", _UNCHANGED_REMEDY)
    if b"\0" in content:
        raise NotAGoodreadsExport("a binary file, not text", _GOODREADS_REMEDY)


def _refuse_other_formats(content: bytes) -> None:
    opening = content.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if not opening:
        raise NotAGoodreadsExport("an empty file", _GOODREADS_REMEDY)
    if opening == b"<":
        raise NotAGoodreadsExport(
            "a web page, perhaps the sign-in page instead of the export",
            f"Sign in first. {_GOODREADS_REMEDY}",
        )
    if opening in b"{[":
        raise NotAGoodreadsExport("a JSON file", _GOODREADS_REMEDY)


def _not_utf8(content: bytes, error: UnicodeDecodeError) -> NotAGoodreadsExport:
    # A one-byte encoding leaves the header legible, whatever the file really is.
    legible = content.decode("latin-1")
    if service := _other_service(legible):
        return NotAGoodreadsExport(service, _GOODREADS_REMEDY)
    if error.reason == "unexpected end of data":
        return _cut_off("in the middle of a character")
    return NotAGoodreadsExport(
        "text in an older encoding (such as Latin-1 or Windows-1252), not in UTF-8",
        _UNCHANGED_REMEDY,
    )


def _cut_off(place: str) -> NotAGoodreadsExport:
    return NotAGoodreadsExport(
        f"one that was cut off {place}",
        "Upload the file again; if it is refused again, export it from Goodreads again.",
    )


def _names(header: _Record | None) -> list[str]:
    cells = header.cells if header else None
    return [column_name(cell) for cell in cells or ()]


def _missing_columns(names: Iterable[str]) -> list[str]:
    present = set(names)
    missing = [column for column in ("Title", "Author") if column.casefold() not in present]
    if present.isdisjoint({"exclusive shelf", "bookshelves", "book id"}):
        missing.append("Exclusive Shelf (or Bookshelves, or Book Id)")
    return missing


def _no_goodreads_header(text: str, names: Sequence[str]) -> NotAGoodreadsExport:
    if service := _other_service(text):
        return NotAGoodreadsExport(service, _GOODREADS_REMEDY)
    for separator, plural in _SEPARATORS.items():
        if not _missing_columns(_header_names(text, separator)):
            return NotAGoodreadsExport(
                f"an export saved again with {plural} between its cells", _UNCHANGED_REMEDY
            )
    if len(names) <= 1:
        return NotAGoodreadsExport("text without columns", _GOODREADS_REMEDY)
    missing = ", ".join(_missing_columns(names))
    return NotAGoodreadsExport(f"a table without the columns {missing}", _GOODREADS_REMEDY)


def _other_service(text: str) -> str | None:
    for separator in (",", *_SEPARATORS):
        names = _header_names(text, separator)
        for service, marks in _OTHER_HEADERS:
            if marks <= names:
                return service
    return None


def _header_names(text: str, separator: str) -> set[str]:
    first_line = text.lstrip("\ufeff\r\n").partition("\n")[0]
    return {column_name(cell.strip('\r"')) for cell in first_line.split(separator)}


def _generation(names: Iterable[str]) -> str:
    present = set(names)
    for generation, columns in (("A", COLUMNS_A), ("B", COLUMNS_B), ("C", COLUMNS_C)):
        if present.issuperset(map(column_name, columns)):
            return generation
    return "other"


# Rows. Polars fills short rows with nulls, drops surplus cells and gives up the file at one stray
# quotation mark, so the standard library divides the text into cells and Polars reads the columns.


class _Lines:
    """The lines of a text, for a reader that may have to go back to one of them."""

    _most_read_again = 10_000  # A file made to be read again and again must not cost minutes.

    def __init__(self, text: str) -> None:
        self._lines = list(io.StringIO(text, newline=""))
        self._read_again = 0
        self.position = 0
        self.ran_out = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        if self.position == len(self._lines):
            self.ran_out = True
            raise StopIteration
        self.position += 1
        return self._lines[self.position - 1]

    def go_back_to(self, position: int) -> None:
        self._read_again += self.position - position
        if self._read_again <= self._most_read_again:
            self.position = position


def _records(text: str) -> Iterator[_Record]:
    """The header and the rows that are not blank, numbered as a spreadsheet numbers them."""
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True)
    for row_number in count(1):
        first_line = lines.position
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            if lines.ran_out:
                yield _Record(row_number, [])  # The end cut a cell: none of them can be trusted.
                return
            # A quotation mark that was never closed has taken the next rows with it: free them.
            lines.go_back_to(first_line + 1)
            yield _Record(row_number, None)
        else:
            if any(map(str.strip, cells)):
                yield _Record(row_number, cells)


def _refuse_without_rows(rows: Sequence[_Record], width: int) -> None:
    if not rows:
        raise NotAGoodreadsExport(
            "an export without books",
            "The export holds no book: add books to your shelves, then export again.",
        )
    last = rows[-1]
    if last.cells is not None and len(last.cells) < width:
        raise _cut_off(f"in its last row, row {last.row_number}")


def _apart_by_width(
    rows: Iterable[_Record], width: int
) -> tuple[list[tuple[int, list[str]]], list[RefusedRow]]:
    whole: list[tuple[int, list[str]]] = []
    broken: list[RefusedRow] = []
    for row in rows:
        if row.cells is None:
            reason = "Its cells cannot be told apart: a quotation mark has no partner."
            broken.append(RefusedRow(row.row_number, reason))
        elif len(row.cells) != width:
            reason = f"It has {len(row.cells)} cells where the header has {width}."
            broken.append(RefusedRow(row.row_number, reason))
        else:
            whole.append((row.row_number, row.cells))
    return whole, broken


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
        kept.append(_read_as_often_as_any(stays, copies))
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


def _read_as_often_as_any(entry: LibraryEntry, copies: Iterable[LibraryEntry]) -> LibraryEntry:
    times = max(copy.read_count for copy in copies)
    return entry if times == entry.read_count else replace(entry, read_count=times)
