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

_MARKS = frozenset({"title", "author_text", "remote_id"})
_SHELVES = {
    "to-read": TO_READ,
    "reading": CURRENTLY_READING,
    "read": READ,
    "stopped-reading": "did-not-finish",
}
"""The shelves that every account has, by their identifiers."""


def _read(row: Row) -> LibraryEntry:
    title, names = row.title_and_author("author_text")
    author, *others = listed(names) or (names,)
    isbn, isbn13 = row.isbns("isbn_10", "isbn_13")
    stars, fraction = split_rating(row.read("rating", read_rating))
    finished = row.partial_date("finish_date")
    identifier, name = row.text("shelf") or "", row.text("shelf_name")
    status = _SHELVES.get(identifier) or shelf(name or identifier or "unknown")
    review = [text for column in ("review_name", "review_content") if (text := row.text(column))]
    return LibraryEntry(
        row_number=row.number,
        goodreads_id=row.goodreads_id("goodreads_key"),
        title=title,
        author=author,
        additional_authors=tuple(others),
        isbn=isbn,
        isbn13=isbn13,
        my_rating=stars,
        date_read=finished.whole if finished else None,
        date_added=row.day("shelf_date"),
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
            "author_text",
            "goodreads_key",
            "isbn_10",
            "isbn_13",
            "finish_date",
            "rating",
            "review_name",
            "review_content",
            "shelf",
            "shelf_name",
            "shelf_date",
        }
    ),
    dates=frozenset({"finish_date", "shelf_date"}),
    unused=frozenset(
        {
            "remote_id",
            "openlibrary_key",
            "finna_key",
            "inventaire_id",
            "librarything_key",
            "bnf_id",
            "viaf",
            "wikidata",
            "asin",
            "aasin",
            "isfdb",
            "isni",
            "oclc_number",
            "start_date",
            "stopped_date",
            "review_cw",
            "review_published",
        }
    ),
)
