"""How well genres agree with labels that a person gave.

Belongs here: reading a file of labelled books, and comparing the genres that are shown with them.
Does not belong here: where shown genres are stored (`orf_books/commands/evaluate_books.py`),
printing.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from orf_books.books.genres import GENRES, ancestors
from orf_books.books.isbn import read_isbn13
from orf_books.failures import FixInput
from orf_books.precision_recall import harmonic_mean, share

SHOWN_GENRES = 3
"""How many genres of a book are judged: people do not read more."""
COLUMNS = ("goodreads_id", "title", "author", "isbn13", "genres")


@dataclass(frozen=True, slots=True)
class LabelledBook:
    """A book and the genres that a reader recognises in it."""

    row_number: int
    """Line of the file as a spreadsheet shows it: the header is row 1."""
    goodreads_id: str
    title: str
    author: str
    isbn13: str | None
    genres: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JudgedBook:
    """A labelled book and the genres that are shown for it."""

    book: LabelledBook
    shown: tuple[str, ...]

    @property
    def wrong(self) -> tuple[str, ...]:
        """Genres that are neither a label nor broader than one.

        Science fiction is right for a dystopia. A genre narrower than a label is wrong: it says
        more than the reader did.
        """
        right = {name for label in self.book.genres for name in (label, *ancestors(label))}
        return tuple(genre for genre in self.shown if genre not in right)

    @property
    def missed(self) -> tuple[str, ...]:
        """Labels that are not shown; a broader genre does not stand for the label."""
        return tuple(genre for genre in self.book.genres if genre not in self.shown)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of a comparison."""

    judged: tuple[JudgedBook, ...]
    not_enriched: tuple[LabelledBook, ...]
    """Books that were never enriched; they are not judged."""

    @property
    def precision(self) -> float | None:
        """Share of the shown genres that are right; None where none is shown."""
        shown = sum(len(book.shown) for book in self.judged)
        return share(shown - sum(len(book.wrong) for book in self.judged), shown)

    @property
    def recall(self) -> float | None:
        """Share of the labels that are shown, including those of books without genres."""
        labels = sum(len(judged.book.genres) for judged in self.judged)
        return share(labels - sum(len(judged.missed) for judged in self.judged), labels)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of the two."""
        return harmonic_mean(self.precision, self.recall)

    @property
    def without_result(self) -> tuple[LabelledBook, ...]:
        """Books that show no genre."""
        return tuple(judged.book for judged in self.judged if not judged.shown)

    @property
    def differences(self) -> tuple[JudgedBook, ...]:
        """Books of which a genre is wrong or missing."""
        return tuple(judged for judged in self.judged if judged.wrong or judged.missed)


def evaluate_genres(
    books: Iterable[LabelledBook], genres: Mapping[str, Sequence[str]]
) -> Evaluation:
    """Compare the first `SHOWN_GENRES` genres of each book with its labels.

    Args:
        books: what a person labelled.
        genres: what the platform says, by Goodreads id, most certain genre first; empty for
            books of which it knows none.
    """
    judged: list[JudgedBook] = []
    not_enriched: list[LabelledBook] = []
    for book in books:
        if (shown := genres.get(book.goodreads_id)) is None:
            not_enriched.append(book)
        else:
            judged.append(JudgedBook(book, tuple(shown[:SHOWN_GENRES])))
    return Evaluation(tuple(judged), tuple(not_enriched))


def read_labels(content: bytes) -> tuple[LabelledBook, ...]:
    """Read a CSV file with the columns of `COLUMNS`, genres separated by `;`.

    Raises:
        FixInput: the file has other columns, no rows, or a row that cannot be used.
    """
    rows = csv.DictReader(io.StringIO(_decoded(content), newline=""), strict=True)
    try:
        missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise FixInput(
                f"A file of labels has the columns {', '.join(COLUMNS)}; this one lacks "
                f"{', '.join(missing)}."
            )
        books = [_labelled_book(number, row) for number, row in enumerate(rows, start=2)]
    except csv.Error:
        raise FixInput(
            f"The file of labels is not valid CSV from line {rows.line_num} on."
        ) from None
    if not books:
        raise FixInput("The file of labels has no rows below its header.")
    _refuse_repeated(books)
    return tuple(books)


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FixInput("The file of labels is not UTF-8; save it as CSV in UTF-8.") from None


def _labelled_book(row_number: int, row: Mapping[str, str | None]) -> LabelledBook:
    if any(row.get(column) is None for column in COLUMNS) or None in row:
        raise _refused(row_number, "does not have as many cells as the header")
    cells = {column: (row[column] or "").strip() for column in COLUMNS}
    for column in ("goodreads_id", "title", "genres"):
        if not cells[column]:
            raise _refused(row_number, f"has no {column}")
    isbn13 = read_isbn13(cells["isbn13"])
    if cells["isbn13"] and not isbn13:
        raise _refused(row_number, "has an isbn13 that is not valid")
    return LabelledBook(
        row_number=row_number,
        goodreads_id=cells["goodreads_id"],
        title=cells["title"],
        author=cells["author"],
        isbn13=isbn13,
        genres=_genres(row_number, cells["genres"]),
    )


def _genres(row_number: int, cell: str) -> tuple[str, ...]:
    by_key = {name.casefold(): name for name in GENRES}
    names: dict[str, None] = {}
    for place, text in enumerate(cell.split(";"), start=1):
        name = by_key.get(text.strip().casefold())
        if name is None:
            raise _refused(row_number, f"has an unknown genre as number {place}{_advice(text)}")
        names[name] = None
    return tuple(names)


def _advice(text: str) -> str:
    closest = get_close_matches(text.strip().title(), GENRES, n=1)
    return f" (perhaps {closest[0]})" if closest else "; docs/genres.md lists them"


def _refuse_repeated(books: Iterable[LabelledBook]) -> None:
    first_rows: dict[str, int] = {}
    for book in books:
        first = first_rows.setdefault(book.goodreads_id, book.row_number)
        if first != book.row_number:
            raise _refused(book.row_number, f"labels the book of row {first} again")


def _refused(row_number: int, reason: str) -> FixInput:
    return FixInput(f"Row {row_number} of the labels {reason}.")
