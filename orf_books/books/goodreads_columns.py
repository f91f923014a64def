"""The columns of a Goodreads export: from cells of text to typed entries.

Belongs here: the quirks of each column, read with Polars. Does not belong here: which files are
exports, how they divide into cells, and books that are in a file twice (`goodreads_csv.py`).
"""

import html
from collections.abc import Sequence
from typing import Any

import polars as pl

from orf_books.books.goodreads_export import COLUMNS_A, LibraryEntry, RefusedRow, column_name
from orf_books.books.isbn import read_isbn10, read_isbn13, to_isbn10, to_isbn13

_HIGHEST_RATING = 5
_FIRST_YEAR_OF_DATES = 1000
"""An earlier year was not written with four digits: a slip, or a day that stands first."""

_WHOLE_NUMBER = r"^([+-]?[0-9]{1,9})(?:\.0*)?$"
_YEAR = r"^([+-]?[0-9]{1,4})(?:\.0*)?$"
_YEAR_PERHAPS_MONTH = r"^([1-9][0-9]{3})(?:[/-](?:0?[1-9]|1[0-2]))?$"
_YEAR_AND_MONTH = r"^[1-9][0-9]{3}[/-](0?[1-9]|1[0-2])$"
_GOODREADS_SHELF = r"(?:^|,)\s*(read|to-read|currently-reading)\s*(?:,|$)"


def read_entries(
    names: Sequence[str], rows: Sequence[tuple[int, list[str]]]
) -> tuple[list[LibraryEntry], list[RefusedRow]]:
    """The entries of rows that are whole, and the rows that name no book.

    Args:
        names: the header, as `column_name` gives each cell.
        rows: row numbers, each with as many cells as there are names.
    """
    accepted: list[LibraryEntry] = []
    nameless: list[RefusedRow] = []
    for row in _typed(_frame(names, rows)).iter_rows(named=True):
        missing = [field for field in ("title", "author") if row[field] is None]
        if missing:
            reason = f"It has no {' and no '.join(missing)}."
            nameless.append(RefusedRow(row["row_number"], reason))
        else:
            accepted.append(_entry(row))
    return accepted, nameless


def _frame(names: Sequence[str], rows: Sequence[tuple[int, list[str]]]) -> pl.DataFrame:
    """The known columns as text; blank cells and absent columns are null."""
    columns: dict[str, list[Any]] = {"row_number": [row_number for row_number, _ in rows]}
    for column in COLUMNS_A:
        name = column_name(column)
        if name in names:
            position = names.index(name)
            columns[column] = [cells[position] for _, cells in rows]
        else:
            columns[column] = [None] * len(rows)
    schema = {"row_number": pl.Int64, **dict.fromkeys(COLUMNS_A, pl.String)}
    return pl.DataFrame(columns, schema=schema).with_columns(_filled(pl.col(COLUMNS_A)))


def _typed(cells: pl.DataFrame) -> pl.DataFrame:
    """One column for each field of `LibraryEntry`; lists and ISBNs are still as in the file."""
    return (
        cells.with_columns(date_read=_day("Date Read"), read_count=_read_count())
        .with_columns(reading_year=_reading_year(), reading_month=_reading_month())
        .with_columns(reading_status=_reading_status())
        .select(
            "row_number",
            "date_read",
            "reading_year",
            "reading_month",
            "reading_status",
            goodreads_id=pl.col("Book Id").str.extract("^([0-9]+)$"),
            title=_unescaped(pl.col("Title")),
            author=_single_spaced(_unescaped(pl.col("Author"))),
            additional_authors=_single_spaced(_unescaped(pl.col("Additional Authors"))),
            isbn="ISBN",
            isbn13="ISBN13",
            my_rating=_within(_number("My Rating"), 1, _HIGHEST_RATING),
            average_rating=_average_rating(),
            publisher="Publisher",
            binding="Binding",
            num_pages=_positive(_number("Number of Pages")),
            year_published=_year("Year Published"),
            original_publication_year=_year("Original Publication Year"),
            date_added=_day("Date Added"),
            bookshelves="Bookshelves",
            my_review=_unescaped(_broken_into_lines(pl.col("My Review"))),
            private_notes="Private Notes",
            has_spoilers=pl.col("Spoiler").str.to_lowercase().eq_missing("true"),
            read_count=_at_least_once_if_read(),
        )
    )


def _filled(text: pl.Expr) -> pl.Expr:
    trimmed = text.str.strip_chars()
    return pl.when(trimmed != "").then(trimmed)


def _unescaped(text: pl.Expr) -> pl.Expr:
    return _filled(text.map_elements(html.unescape, return_dtype=pl.String))


def _single_spaced(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all(r"\s+", " ")


def _broken_into_lines(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all(r"(?i)<br\s*/?>", "\n")


def _number(column: str, pattern: str = _WHOLE_NUMBER) -> pl.Expr:
    return pl.col(column).str.extract(pattern).cast(pl.Int64, strict=False)


def _within(number: pl.Expr, lowest: float, highest: float) -> pl.Expr:
    return pl.when(number.is_between(lowest, highest)).then(number)


def _positive(number: pl.Expr) -> pl.Expr:
    return pl.when(number > 0).then(number)


def _average_rating() -> pl.Expr:
    rating = pl.col("Average Rating").cast(pl.Float64, strict=False)
    return _positive(_within(rating, 0, _HIGHEST_RATING))


def _year(column: str) -> pl.Expr:
    # Years before Christ are negative; there is no year 0.
    year = _number(column, _YEAR)
    return pl.when(year != 0).then(year)


def _day(column: str) -> pl.Expr:
    text = pl.col(column)
    day = pl.coalesce(
        text.str.to_date("%Y/%m/%d", strict=False),
        text.str.to_date("%Y-%m-%d", strict=False),
        text.str.to_date("%m/%d/%Y", strict=False),
    )
    return pl.when(day.dt.year() >= _FIRST_YEAR_OF_DATES).then(day)


def _reading_year() -> pl.Expr:
    return pl.coalesce(pl.col("date_read").dt.year(), _number("Date Read", _YEAR_PERHAPS_MONTH))


def _reading_month() -> pl.Expr:
    return pl.coalesce(pl.col("date_read").dt.month(), _number("Date Read", _YEAR_AND_MONTH))


def _reading_status() -> pl.Expr:
    # Exports without Exclusive Shelf do not name the shelf "read" in Bookshelves either.
    was_read = pl.col("reading_year").is_not_null() | (pl.col("read_count") > 0)
    return pl.coalesce(
        pl.col("Exclusive Shelf").str.to_lowercase(),
        pl.col("Bookshelves").str.to_lowercase().str.extract(_GOODREADS_SHELF),
        pl.when(was_read).then(pl.lit("read")).otherwise(pl.lit("unknown")),
    )


def _read_count() -> pl.Expr:
    return _number("Read Count").clip(lower_bound=0).fill_null(0)


def _at_least_once_if_read() -> pl.Expr:
    times = pl.col("read_count")
    is_read = pl.col("reading_status") == "read"
    return pl.when(is_read).then(times.clip(lower_bound=1)).otherwise(times)


def _entry(row: dict[str, Any]) -> LibraryEntry:
    isbn, isbn13 = _both_isbns(row["isbn"] or "", row["isbn13"] or "")
    authors = _listed(row["additional_authors"])
    shelves = _listed(row["bookshelves"])
    lists = {
        "additional_authors": authors,
        "bookshelves": tuple(name for name in shelves if name.lower() != row["reading_status"]),
    }
    return LibraryEntry(**(row | lists | {"isbn": isbn, "isbn13": isbn13}))


def _both_isbns(isbn_cell: str, isbn13_cell: str) -> tuple[str | None, str | None]:
    isbn = read_isbn10(isbn_cell)
    isbn13 = read_isbn13(isbn13_cell) or read_isbn13(isbn_cell)
    if isbn is None and isbn13 is not None:
        isbn = to_isbn10(isbn13)
    elif isbn is not None and isbn13 is None:
        isbn13 = to_isbn13(isbn)
    return isbn, isbn13


def _listed(cell: str | None) -> tuple[str, ...]:
    parts = map(str.strip, (cell or "").split(","))
    return tuple(dict.fromkeys(part for part in parts if part))
