"""One row of an export by the names of its columns.

Belongs here: reading cells so that none that is filled is lost without a note, and the parts of an
entry that several kinds of export share. Does not belong here: how a single cell is read
(`cells.py`, `dates.py`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from orf_books.books.exports.cells import (
    MOST_DISCS,
    UnreadableCell,
    is_audio,
    read_goodreads_id,
    read_hours,
    read_isbn,
    read_pages,
    single_spaced,
    unescaped,
)
from orf_books.books.exports.dates import DayOrder, PartialDate, read_date
from orf_books.books.exports.entries import UnreadCell
from orf_books.books.isbn import to_isbn10, to_isbn13

Value = TypeVar("Value")


class NoBook(Exception):
    """A row does not name a book; the message says what is missing."""


@dataclass(slots=True)
class Row:
    """A row of an export, and notes on what could not be read in it."""

    number: int
    cells: Mapping[str, str]
    """By `table.column_name`; only filled cells, without spaces around them."""
    names: Mapping[str, str]
    """The name of each column as the file has it."""
    order: DayOrder
    unread: list[UnreadCell] = field(default_factory=list)

    def text(self, column: str) -> str | None:
        """The cell as it is; None where it is empty."""
        return self.cells.get(column)

    def read(self, column: str, read: Callable[[str], Value]) -> Value | None:
        """What a filled cell means; None with a note where it is not understood."""
        cell = self.cells.get(column)
        if cell is None:
            return None
        try:
            return read(cell)
        except UnreadableCell as why:
            self.note(column, str(why))
            return None

    def partial_date(self, column: str) -> PartialDate | None:
        """The date in a cell, with a note where it is not read in full."""
        day = self.read(column, lambda cell: read_date(cell, self.order))
        if day is not None and day.doubt:
            self.note(column, day.doubt)
        return day

    def dates(self, column: str, divide: Callable[[str], Iterable[str]]) -> list[PartialDate]:
        """The dates in a cell that holds several, with a note for each that is not read in full."""
        found = []
        for text in divide(self.cells.get(column, "")):
            try:
                day = read_date(text, self.order)
            except UnreadableCell as why:
                self.note(column, str(why))
                continue
            if day.doubt:
                self.note(column, day.doubt)
            found.append(day)
        return found

    def day(self, column: str) -> date | None:
        """The whole day in a cell, with a note where it has less."""
        known = self.partial_date(column)
        if known is not None and known.whole is None and not known.doubt:
            self.note(column, "It is not a whole day.")
        return known.whole if known else None

    def note(self, column: str, reason: str) -> None:
        """Remember that a filled cell was not understood, or only in part."""
        self.unread.append(UnreadCell(self.number, self.names[column], reason))

    def title_and_author(self, author_column: str = "author") -> tuple[str, str]:
        """What every book needs.

        Raises:
            NoBook: one of them is missing.
        """
        title, author = self._plain("title", unescaped), self._plain(author_column, single_spaced)
        if title and author:
            return title, author
        missing = [name for name, value in (("title", title), ("author", author)) if not value]
        raise NoBook(f"It has no {' and no '.join(missing)}.")

    def goodreads_id(self, column: str) -> str | None:
        """A Goodreads Book Id."""
        return self.read(column, read_goodreads_id)

    def isbns(self, *columns: str) -> tuple[str | None, str | None]:
        """The ISBN-10 and the ISBN-13; the one that is missing is derived from the other."""
        read = [isbn for column in columns if (isbn := self.read(column, read_isbn))]
        isbn = next((isbn for isbn in read if len(isbn) == 10), None)  # noqa: PLR2004 - ISBN-10
        isbn13 = next((isbn for isbn in reversed(read) if len(isbn) == 13), None)  # noqa: PLR2004
        if isbn is None and isbn13 is not None:
            isbn = to_isbn10(isbn13)
        elif isbn is not None and isbn13 is None:
            isbn13 = to_isbn13(isbn)
        return isbn, isbn13

    def length(self, column: str, binding: str | None) -> tuple[int | None, float | None]:
        """Pages, and hours of a recording: few "pages" of a recording are its discs or hours."""
        if not is_audio(binding):
            return self.read(column, read_pages), None
        cell = self.cells.get(column)
        if cell is None:
            return None, None
        try:
            pages = read_pages(cell)
        except UnreadableCell:
            return None, self.read(column, read_hours)
        if pages is not None and pages <= MOST_DISCS:
            self.note(column, "So few pages of a recording are its discs or hours.")
            return None, None
        return pages, None

    def _plain(self, column: str, tidy: Callable[[str], str | None]) -> str | None:
        cell = self.cells.get(column)
        return tidy(cell) if cell else None
