"""The page of one reader's library.

Belongs here: what the page says, in which order and in which words. Does not belong here: the
figures themselves (`books/library.py`), storage. Reviews and private notes are left out on purpose:
they stay in the JSON.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orf_books.books.exports.cells import READ
from orf_books.books.genre_evidence import Evidence
from orf_books.books.library import (
    CellNote,
    DashboardBook,
    EnrichmentStatus,
    GenreCount,
    LibraryDashboard,
    PageCategory,
    years_read,
)
from orf_books.keys import text_of_key
from orf_books.pages.parts import Bar, bar_length, bars, choices
from orf_books.pages.templating import MONTHS, day_in_words, page_template, secure_address

_SHELF_NAMES = {"read": "Read", "to-read": "To read", "currently-reading": "Reading"}
_STATUS_NAMES: Mapping[str, str] = {
    EnrichmentStatus.FAILED: "Enrichment failed",
    EnrichmentStatus.NOT_FOUND: "Not found",
    EnrichmentStatus.PENDING: "Not enriched yet",
}
_EVIDENCE_NAMES: Mapping[Evidence, str] = {
    Evidence.SOURCE: "Open Library or Google Books",
    Evidence.EDITIONS: "another edition",
    Evidence.SHELVES: "my shelves",
    Evidence.SERIES: "the series",
    Evidence.AUTHOR: "other books of the author",
    Evidence.LAST_RESORT: "last resort",
}
_RATINGS = (5, 4, 3, 2, 1)
_FRACTIONS = {0.25: "¼", 0.5: "½", 0.75: "¾"}
_ROWS_NAMED = 20
_LONGEST_TIMELINE = 30


@dataclass(frozen=True, slots=True)
class BookRow:
    """One row of the table of books, in the words of the page."""

    book: DashboardBook
    cover: str | None
    initial: str
    """Stands where a cover is missing."""
    shelf: str
    trouble: str | None
    """Why the book is not enriched, in a few words."""
    date_read: str
    date_order: str
    """The date read as text that sorts by time; empty where it is unknown."""
    earlier: str
    """The years of earlier readings."""
    inferred_from: str | None
    """What the genres are inferred from, where no source names them."""


@dataclass(frozen=True, slots=True)
class UnreadCells:
    """Cells of one column that were not understood for the same reason."""

    column: str
    reason: str
    count: int
    rows: str
    """Their row numbers; of many only the first."""


def render_library_page(dashboard: LibraryDashboard) -> str:
    """Make the page of a library: one HTML file that loads nothing but cover images."""
    books = dashboard.books
    return page_template("library.html.jinja").render(
        library_id=dashboard.metadata.validation.library_id,
        library_name=text_of_key(dashboard.metadata.validation.library_id),
        metadata=dashboard.metadata,
        validation=dashboard.metadata.validation,
        summary=dashboard.summary,
        books_per_year=bars(_timeline(_books_per_year(books))),
        pages_per_year=bars(_timeline(_pages_per_year(books))),
        undated=sum(book.reading_year is None for book in _read(books)),
        ratings=bars(_books_per_rating(books)),
        lengths=bars(_books_per_length(books)),
        genres=_genre_bars(dashboard.summary.most_common_genres),
        failed=[book for book in books if book.enrichment_status is EnrichmentStatus.FAILED],
        shelves=choices((book.reading_status for book in books), shelf_name),
        troubles=choices(_troubles(books), _STATUS_NAMES.__getitem__),
        rows=_newest_first(map(_book_row, books)),
        unread=_unread_cells(dashboard.metadata.validation.unread_cells),
        stars=stars,
        genre_sources=[
            (_EVIDENCE_NAMES[counted.evidence], counted.count)
            for counted in dashboard.summary.genres_by_evidence
        ],
    )


def stars(rating: float) -> str:
    """A rating as stars, such as `★★★★½`; a fraction that has no sign is left out."""
    return "★" * int(rating) + _FRACTIONS.get(rating % 1, "")


def shelf_name(shelf: str) -> str:
    """An exclusive shelf as people say it; a reader's own shelf keeps its words."""
    return _SHELF_NAMES.get(shelf) or shelf.replace("-", " ").capitalize()


def _read(books: Iterable[DashboardBook]) -> Iterable[DashboardBook]:
    return (book for book in books if book.reading_status == READ)


def _books_per_year(books: Iterable[DashboardBook]) -> Mapping[int, int]:
    return Counter(year for book in _read(books) for year in years_read(book))


def _pages_per_year(books: Iterable[DashboardBook]) -> Mapping[int, int]:
    pages: Counter[int] = Counter()
    for book in _read(books):
        for year in years_read(book):
            pages[year] += book.num_pages or 0
    return pages


def _timeline(per_year: Mapping[int, int]) -> Mapping[int, int]:
    """Every year from the first to the last, so that a year without books shows as a gap.

    One mistyped year must not stretch the chart over centuries: then only the years that have
    books are shown.
    """
    if not per_year:
        return {}
    years = range(min(per_year), max(per_year) + 1)
    if len(years) > _LONGEST_TIMELINE:
        return dict(sorted(per_year.items()))
    return {year: per_year.get(year, 0) for year in years}


def _books_per_rating(books: Iterable[DashboardBook]) -> Mapping[str, int]:
    """Every whole number of stars, and the halves and quarters that were given."""
    rated = Counter(book.my_rating for book in books if book.my_rating is not None)
    given = sorted({*_RATINGS, *rated}, reverse=True)
    return {f"{rating:g}": rated[rating] for rating in given}


def _books_per_length(books: Iterable[DashboardBook]) -> Mapping[str, int]:
    lengths = Counter(book.page_category for book in _read(books) if book.page_category is not None)
    return {category: lengths[category] for category in PageCategory} if lengths else {}


def _genre_bars(genres: Sequence[GenreCount]) -> Sequence[Bar]:
    longest = max((genre.count for genre in genres), default=0)
    return [
        Bar(genre.genre, genre.count, bar_length(genre.count, longest), f"{genre.percentage:.1f}%")
        for genre in genres
    ]


def _troubles(books: Iterable[DashboardBook]) -> Iterable[str]:
    statuses = (book.enrichment_status for book in books)
    return (status for status in statuses if status in _STATUS_NAMES)


def _book_row(book: DashboardBook) -> BookRow:
    return BookRow(
        book=book,
        cover=secure_address(book.small_thumbnail_url) or secure_address(book.thumbnail_url),
        initial=next((sign for sign in book.title if sign.isalnum()), "·").upper(),
        shelf=shelf_name(book.reading_status),
        trouble=_STATUS_NAMES.get(book.enrichment_status),
        date_read=_date_read(book),
        date_order=_date_order(book),
        earlier=", ".join(str(year) for year in years_read(book)[1:])
        if book.earlier_readings and book.reading_year is not None
        else "",
        inferred_from=None
        if book.genre_evidence in {None, Evidence.SOURCE}
        else f"({_EVIDENCE_NAMES[book.genre_evidence]})",
    )


def _unread_cells(cells: Iterable[CellNote]) -> Sequence[UnreadCells]:
    """By column and reason, the most frequent first."""
    rows = defaultdict[tuple[str, str], list[int]](list)
    for cell in cells:
        rows[cell.column, cell.reason].append(cell.row_number)
    groups = [
        UnreadCells(column, reason, len(numbers), _row_numbers(numbers))
        for (column, reason), numbers in rows.items()
    ]
    return sorted(groups, key=lambda group: -group.count)


def _row_numbers(numbers: Sequence[int]) -> str:
    named = ", ".join(map(str, numbers[:_ROWS_NAMED]))
    more = len(numbers) - _ROWS_NAMED
    return f"{named} and {more:,} more" if more > 0 else named


def _date_read(book: DashboardBook) -> str:
    """The date read, as exactly as it is known."""
    if book.date_read is not None:
        return day_in_words(book.date_read)
    if book.reading_month_year is not None:
        year, month = book.reading_month_year.split("-")
        return f"{MONTHS[int(month) - 1]} {int(year)}"
    return "" if book.reading_year is None else str(book.reading_year)


def _date_order(book: DashboardBook) -> str:
    if book.date_read is not None:
        return book.date_read.isoformat()
    if book.reading_month_year is not None:
        return book.reading_month_year
    return "" if book.reading_year is None else f"{book.reading_year:04d}"


def _newest_first(rows: Iterable[BookRow]) -> Sequence[BookRow]:
    """By date read, the latest first and the undated last; by title within a day."""
    by_title = sorted(rows, key=lambda row: row.book.title.casefold())
    return sorted(by_title, key=lambda row: row.date_order, reverse=True)
