"""What an export of a library holds once it is read.

Belongs here: entries, refused rows, cells that could not be read, and the refusal of a whole file.
Does not belong here: how they are read out of a file (`reading.py`), what a dashboard makes of them
(`books/library.py`).
"""

from dataclasses import dataclass
from datetime import date

from orf_books.failures import FixInput

GOODREADS = "Goodreads"


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """One row of an export: one book in one reader's library."""

    row_number: int
    """Row of the file as a spreadsheet shows it: the first line is row 1."""
    goodreads_id: str | None
    title: str
    author: str
    isbn: str | None
    """ISBN-10, checked."""
    isbn13: str | None
    """ISBN-13, checked; derived from the ISBN-10 where only that is given."""
    my_rating: int | None
    """Whole stars, 0 to 5; None is unrated. See `rating`."""
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
    read_count: int
    additional_authors: tuple[str, ...] = ()
    average_rating: float | None = None
    publisher: str | None = None
    binding: str | None = None
    num_pages: int | None = None
    year_published: int | None = None
    original_publication_year: int | None = None
    private_notes: str | None = None
    has_spoilers: bool = False
    rating_fraction: float = 0.0
    """What half and quarter stars add to the whole ones."""
    earlier_readings: tuple[str, ...] = ()
    """When the book was finished before, as ISO dates, months or years; the earliest first."""
    audio_hours: float | None = None

    @property
    def rating(self) -> float | None:
        """The reader's rating, above 0 and up to 5; a whole number where it is one."""
        if self.my_rating is None:
            return None
        return self.my_rating + self.rating_fraction if self.rating_fraction else self.my_rating


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that could not become an entry. The reason never quotes the row."""

    row_number: int
    reason: str


@dataclass(frozen=True, slots=True)
class UnreadCell:
    """A filled cell that was not understood, or only in part. The reason never quotes the cell."""

    row_number: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Export:
    """A whole export, read."""

    header_generation: str
    """Of a Goodreads export A, B or C, or `other`; of another service its name."""
    rows: int
    """Data rows in the file: accepted, merged duplicates and refused add up to it."""
    entries: tuple[LibraryEntry, ...]
    refused: tuple[RefusedRow, ...]
    duplicates: tuple[RefusedRow, ...]
    """Rows merged into another of the same book; the reason names the row that stayed."""
    unread: tuple[UnreadCell, ...] = ()
    notes: tuple[str, ...] = ()
    """What holds for the file as a whole, such as the order of day and month in its dates."""


class UnreadableExport(FixInput):
    """The file as a whole is refused: `looks_like` and `remedy` say what it is and what to do."""

    def __init__(self, looks_like: str, remedy: str) -> None:
        super().__init__(
            f"This file cannot be read as the export of a library: it looks like {looks_like}. "
            f"{remedy}"
        )
        self.looks_like = looks_like
        self.remedy = remedy
