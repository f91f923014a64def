"""StoryGraph exports.

Belongs here: their columns and what they mean. Does not belong here: how a cell is read.
"""

import re

from orf_books.books.exports.cells import (
    READ,
    in_lines,
    listed,
    read_count,
    read_rating,
    shelf,
    single_spaced,
    split_rating,
)
from orf_books.books.exports.entries import LibraryEntry
from orf_books.books.exports.kind import ExportKind
from orf_books.books.exports.readings import earlier_readings
from orf_books.books.exports.rows import Row

_MARKS = frozenset({"title", "read status", "star rating"})
_RANGE = re.compile(r"(?<=\d)\s*[-\u2013]\s*(?=\d{4})|\s+to\s+")
"""Between the start and the end of a reading, but not within `2021-05-12`."""


def _read(row: Row) -> LibraryEntry:
    authors = "authors" if "authors" in row.names else "author"
    title, names = row.title_and_author(authors)
    author, *others = listed(names) or (names,)
    isbn, isbn13 = row.isbns(*(name for name in ("isbn/uid", "isbn") if name in row.names))
    stars, fraction = split_rating(row.read("star rating", read_rating))
    ends = row.dates("dates read", _ends)
    last = row.partial_date("last date read") or max(ends, key=str, default=None)
    earlier = earlier_readings(ends, last)
    status = shelf(row.text("read status") or "unknown")
    times = row.read("read count", read_count) or 0
    contributors = listed(single_spaced(row.text("contributors") or "") or "")
    return LibraryEntry(
        row_number=row.number,
        goodreads_id=None,
        title=title,
        author=author,
        additional_authors=tuple(dict.fromkeys((*others, *contributors))),
        isbn=isbn,
        isbn13=isbn13,
        my_rating=stars,
        binding=row.text("format"),
        date_read=last.whole if last else None,
        date_added=row.day("date added"),
        reading_year=last.year if last else None,
        reading_month=last.month if last else None,
        bookshelves=listed(row.text("tags") or ""),
        reading_status=status,
        my_review=row.read("review", in_lines),
        read_count=max(times, len(earlier) + 1 if earlier else 0, int(status == READ)),
        rating_fraction=fraction,
        earlier_readings=earlier,
    )


def _ends(cell: str) -> list[str]:
    """The ends of the readings in `2021/01/02-2021/02/01, 2023/05/04`; `2024/01/02-` has none."""
    spans = (span.strip() for span in cell.split(","))
    return [_RANGE.split(span)[-1].strip() for span in spans if span and not span.endswith("-")]


KIND = ExportKind(
    service="StoryGraph",
    is_header=lambda columns: columns >= _MARKS and not columns.isdisjoint({"authors", "author"}),
    read=_read,
    columns=frozenset(
        {
            "title",
            "authors",
            "author",
            "contributors",
            "isbn/uid",
            "isbn",
            "format",
            "read status",
            "date added",
            "last date read",
            "dates read",
            "read count",
            "star rating",
            "review",
            "tags",
        }
    ),
    dates=frozenset({"date added", "last date read"}),
    unused=frozenset(
        {
            "moods",
            "pace",
            "character- or plot-driven?",
            "strong character development?",
            "loveable characters?",
            "diverse characters?",
            "flawed characters?",
            "content warnings",
            "content warning description",
            "owned?",
        }
    ),
)
