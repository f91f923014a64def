"""Goodreads exports, and what spreadsheets and other tools make of them.

Belongs here: the columns of each generation of the export, and what they mean. Does not belong
here: how a cell is read, and files as a whole.
"""

import re
from collections.abc import Iterable

from orf_books.books.exports.cells import (
    CURRENTLY_READING,
    READ,
    TO_READ,
    in_lines,
    listed,
    read_count,
    read_flag,
    read_rating,
    read_year,
    shelf,
    single_spaced,
    split_rating,
)
from orf_books.books.exports.entries import GOODREADS, LibraryEntry
from orf_books.books.exports.kind import ExportKind
from orf_books.books.exports.readings import earlier_readings
from orf_books.books.exports.rows import Row

COLUMNS_A = (
    "Book Id",
    "Title",
    "Author",
    "Author l-f",
    "Additional Authors",
    "ISBN",
    "ISBN13",
    "My Rating",
    "Average Rating",
    "Publisher",
    "Binding",
    "Number of Pages",
    "Year Published",
    "Original Publication Year",
    "Date Read",
    "Date Added",
    "Bookshelves",
    "Bookshelves with positions",
    "Exclusive Shelf",
    "My Review",
    "Spoiler",
    "Private Notes",
    "Read Count",
    "Recommended For",
    "Recommended By",
    "Owned Copies",
    "Original Purchase Date",
    "Original Purchase Location",
    "Condition",
    "Condition Description",
    "BCID",
)
"""The export until the middle of 2022."""

COLUMNS_B = (*COLUMNS_A[: COLUMNS_A.index("Recommended For")], "Owned Copies")
"""The export from the end of 2022: without recommendations, purchases and conditions."""

COLUMNS_C = tuple(column for column in COLUMNS_B if column != "Average Rating")
"""The export since 2026."""

READ_DATES = "read dates"
"""What Enhance-GoodReads-Export appends: the start and end of each reading."""

_ALL = frozenset(column.casefold() for column in COLUMNS_A)
_UNUSED = frozenset(
    {
        "author l-f",
        "bookshelves with positions",
        "recommended for",
        "recommended by",
        "owned copies",
        "original purchase date",
        "original purchase location",
        "condition",
        "condition description",
        "bcid",
    }
)
_ENOUGH = frozenset({"exclusive shelf", "bookshelves", "book id"})
_OWN_SHELVES = (READ, TO_READ, CURRENTLY_READING)


def missing_columns(columns: Iterable[str]) -> list[str]:
    """What a header lacks to be that of a Goodreads export."""
    present = frozenset(columns)
    missing = [column for column in ("Title", "Author") if column.casefold() not in present]
    if present.isdisjoint(_ENOUGH):
        missing.append("Exclusive Shelf (or Bookshelves, or Book Id)")
    return missing


def generation(columns: Iterable[str]) -> str:
    """Which generation of the export has all its columns here: A, B, C or `other`."""
    present = set(columns)
    for name, of_generation in (("A", COLUMNS_A), ("B", COLUMNS_B), ("C", COLUMNS_C)):
        if present.issuperset(column.casefold() for column in of_generation):
            return name
    return "other"


def _read(row: Row) -> LibraryEntry:
    title, author = row.title_and_author()
    isbn, isbn13 = row.isbns("isbn", "isbn13")
    binding = row.text("binding")
    pages, hours = row.length("number of pages", binding)
    stars, fraction = split_rating(row.read("my rating", read_rating))
    ends = row.dates(READ_DATES, _ends)
    finished = row.partial_date("date read") or max(ends, key=str, default=None)
    times = row.read("read count", read_count) or 0
    shelves = listed(row.text("bookshelves") or "")
    status = _status(row, shelves, was_read=finished is not None or times > 0)
    earlier = earlier_readings(ends, finished)
    return LibraryEntry(
        row_number=row.number,
        goodreads_id=row.goodreads_id("book id"),
        title=title,
        author=author,
        additional_authors=listed(single_spaced(row.text("additional authors") or "") or ""),
        isbn=isbn,
        isbn13=isbn13,
        my_rating=stars,
        average_rating=row.read("average rating", read_rating),
        publisher=row.text("publisher"),
        binding=binding,
        num_pages=pages,
        year_published=row.read("year published", read_year),
        original_publication_year=row.read("original publication year", read_year),
        date_read=finished.whole if finished else None,
        date_added=row.day("date added"),
        reading_year=finished.year if finished else None,
        reading_month=finished.month if finished else None,
        bookshelves=tuple(name for name in shelves if shelf(name) != status),
        reading_status=status,
        my_review=row.read("my review", in_lines),
        private_notes=row.text("private notes"),
        has_spoilers=row.read("spoiler", read_flag) or False,
        read_count=max(times, len(earlier) + 1 if earlier else 0, int(status == READ)),
        rating_fraction=fraction,
        earlier_readings=earlier,
        audio_hours=hours,
    )


def _status(row: Row, shelves: Iterable[str], *, was_read: bool) -> str:
    if exclusive := row.text("exclusive shelf"):
        return shelf(exclusive)
    named = next((name for name in map(shelf, shelves) if name in _OWN_SHELVES), None)
    # Exports without Exclusive Shelf do not name the shelf "read" in Bookshelves either.
    return named or (READ if was_read else "unknown")


def _ends(cell: str) -> list[str]:
    """The ends of the readings in `start,end;start,end`; one without an end does not count."""
    ends = (re.split(r"[,|]", reading)[-1].strip() for reading in cell.split(";"))
    return [end for end in ends if end]


KIND = ExportKind(
    service=GOODREADS,
    is_header=lambda columns: not missing_columns(columns),
    read=_read,
    columns=_ALL - _UNUSED | {READ_DATES},
    dates=frozenset({"date read", "date added"}),
    unused=_UNUSED,
)
