"""BookWyrm exports.

Belongs here: their columns and what they mean. Does not belong here: how a cell is read.
"""

from orf_books.books.exports.cells import (
    CURRENTLY_READING,
    READ,
    TO_READ,
    in_lines,
    listed,
    read_rating,
    shelf,
    split_rating,
)
from orf_books.books.exports.entries import LibraryEntry
from orf_books.books.exports.kind import ExportKind
from orf_books.books.exports.rows import Row

_MARKS = frozenset({"title", "author text", "remote id"})
_SHELVES = {
    "to-read": TO_READ,
    "reading": CURRENTLY_READING,
    "read": READ,
    "stopped-reading": "did-not-finish",
}
"""The shelves that every account has, by their identifiers."""


def _read(row: Row) -> LibraryEntry:
    title, names = row.title_and_author("author text")
    author, *others = listed(names) or (names,)
    isbn, isbn13 = row.isbns("isbn 10", "isbn 13")
    stars, fraction = split_rating(row.read("rating", read_rating))
    finished = row.partial_date("finish date")
    identifier, name = row.text("shelf") or "", row.text("shelf name")
    status = _SHELVES.get(identifier) or shelf(name or identifier or "unknown")
    review = [text for column in ("review name", "review content") if (text := row.text(column))]
    return LibraryEntry(
        row_number=row.number,
        goodreads_id=row.goodreads_id("goodreads key"),
        title=title,
        author=author,
        additional_authors=tuple(others),
        isbn=isbn,
        isbn13=isbn13,
        my_rating=stars,
        date_read=finished.whole if finished else None,
        date_added=row.day("shelf date"),
        reading_year=finished.year if finished else None,
        reading_month=finished.month if finished else None,
        bookshelves=(),
        reading_status=status,
        my_review=in_lines("\n".join(review)) if review else None,
        read_count=int(status == READ),
        rating_fraction=fraction,
    )


KIND = ExportKind(
    service="BookWyrm",
    is_header=lambda columns: columns >= _MARKS,
    read=_read,
    columns=frozenset(
        {
            "title",
            "author text",
            "goodreads key",
            "isbn 10",
            "isbn 13",
            "finish date",
            "rating",
            "review name",
            "review content",
            "shelf",
            "shelf name",
            "shelf date",
        }
    ),
    dates=frozenset({"finish date", "shelf date"}),
    unused=frozenset(
        {
            "remote id",
            "openlibrary key",
            "finna key",
            "inventaire id",
            "librarything key",
            "bnf id",
            "viaf",
            "wikidata",
            "asin",
            "aasin",
            "isfdb",
            "isni",
            "oclc number",
            "start date",
            "stopped date",
            "review cw",
            "review published",
        }
    ),
)
