"""What a Goodreads export holds: its columns in each generation, and its rows once they are read.

Belongs here: shapes. Does not belong here: reading them out of a file (`goodreads_csv.py`), what a
dashboard makes of an entry (`library.py`).
"""

from dataclasses import dataclass
from datetime import date

from orf_books.failures import FixInput

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


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """One row of an export: one book in one reader's library."""

    row_number: int
    """Line of the file as a spreadsheet shows it: the header is row 1."""
    goodreads_id: str | None
    title: str
    author: str
    additional_authors: tuple[str, ...]
    isbn: str | None
    """ISBN-10, checked."""
    isbn13: str | None
    """ISBN-13, checked; derived from the ISBN-10 where only that is given."""
    my_rating: int | None
    """1 to 5; None is unrated."""
    average_rating: float | None
    publisher: str | None
    binding: str | None
    num_pages: int | None
    year_published: int | None
    original_publication_year: int | None
    date_read: date | None
    """Only where the export gives a whole day."""
    date_added: date | None
    reading_year: int | None
    """From the date read, also where that is only a year or a month."""
    reading_month: int | None
    bookshelves: tuple[str, ...]
    reading_status: str
    """The exclusive shelf: read, to-read, currently-reading or the reader's own."""
    my_review: str | None
    private_notes: str | None
    has_spoilers: bool
    read_count: int


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that could not become an entry. The reason never quotes the row."""

    row_number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Export:
    """A whole export, read."""

    header_generation: str
    rows: int
    """Data rows in the file: accepted, merged duplicates and refused add up to it."""
    entries: tuple[LibraryEntry, ...]
    refused: tuple[RefusedRow, ...]
    duplicates: tuple[RefusedRow, ...]
    """Rows merged into another of the same book; the reason names the row that stayed."""


class NotAGoodreadsExport(FixInput):
    """The file as a whole is refused: `looks_like` and `remedy` say what it is and what to do."""

    def __init__(self, looks_like: str, remedy: str) -> None:
        super().__init__(f"This is no Goodreads export: it looks like {looks_like}. {remedy}")
        self.looks_like = looks_like
        self.remedy = remedy


def column_name(cell: str) -> str:
    """A header's cell in the form in which names are compared."""
    return cell.strip().casefold()
