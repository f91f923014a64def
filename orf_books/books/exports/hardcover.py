"""Hardcover exports.

Belongs here: their columns and what they mean. Does not belong here: how a cell is read.
"""

from orf_books.books.exports.cells import (
    READ,
    in_lines,
    listed,
    read_count,
    read_rating,
    shelf,
    split_rating,
)
from orf_books.books.exports.entries import LibraryEntry
from orf_books.books.exports.kind import ExportKind
from orf_books.books.exports.rows import Row

_MARKS = frozenset({"title", "author", "status"})
_OWN = frozenset({"hardcover book id", "hardcover edition id", "date finished", "isbn 13"})


def _read(row: Row) -> LibraryEntry:
    title, names = row.title_and_author()
    author, *others = listed(names) or (names,)
    isbn, isbn13 = row.isbns("isbn 10", "isbn 13")
    binding = row.text("binding")
    pages, hours = row.length("pages", binding)
    stars, fraction = split_rating(row.read("rating", read_rating))
    finished = row.partial_date("date finished")
    status = shelf(row.text("status") or "unknown")
    times = row.read("read count", read_count) or 0
    return LibraryEntry(
        row_number=row.number,
        goodreads_id=None,
        title=_with_series(title, row.text("series")),
        author=author,
        additional_authors=tuple(others),
        isbn=isbn,
        isbn13=isbn13,
        my_rating=stars,
        publisher=row.text("publisher"),
        binding=binding,
        num_pages=pages,
        date_read=finished.whole if finished else None,
        date_added=row.day("date added"),
        reading_year=finished.year if finished else None,
        reading_month=finished.month if finished else None,
        bookshelves=listed(row.text("lists") or ""),
        reading_status=status,
        my_review=row.read("review", in_lines),
        private_notes=row.text("private notes"),
        read_count=max(times, int(status == READ)),
        rating_fraction=fraction,
        audio_hours=hours,
    )


def _with_series(title: str, series: str | None) -> str:
    """The title as Goodreads writes it, with the series after it."""
    return f"{title} ({series})" if series and "(" not in title else title


KIND = ExportKind(
    service="Hardcover",
    is_header=lambda columns: columns >= _MARKS and not columns.isdisjoint(_OWN),
    read=_read,
    columns=frozenset(
        {
            "title",
            "series",
            "author",
            "status",
            "date added",
            "date finished",
            "rating",
            "review",
            "lists",
            "publisher",
            "pages",
            "binding",
            "isbn 10",
            "isbn 13",
            "private notes",
            "read count",
        }
    ),
    dates=frozenset({"date added", "date finished"}),
    unused=frozenset(
        {
            "book type",
            "privacy",
            "date started",
            "hardcover book id",
            "hardcover edition id",
            "image",
        }
    ),
)
