"""Invented libraries of any size, with the catalogue that knows most of their books.

Belongs here: exports for benchmarks and load, all of it made up and the same for the same seed.
Does not belong here: the sample of real books.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

from pydantic import TypeAdapter

from orf_books.books.exports.goodreads import COLUMNS_B
from orf_books.sandbox.catalogue import (
    Catalogue,
    CatalogueBook,
    GoogleBooksRecord,
    OpenLibraryRecord,
)
from orf_books.sandbox.isbn import as_isbn10, isbn13_check_digit

SHARE_WITH_ISBN = 0.76
SHARE_KNOWN = 0.9
SHARE_IN_OPEN_LIBRARY = 0.95
SHARE_IN_GOOGLE_BOOKS = 0.7
SHARE_WITH_GOODREADS_ID = 0.8
SHARE_WITH_TYPED_DESCRIPTION = 0.5
SHARE_OF_READ_WITH_DATE = 0.76
FIRST_GOODREADS_ID = 900_000_000
LAST_DAY = date(2026, 6, 30)
DAYS_OF_READING = 3650

_BINDINGS = ("Paperback", "Hardcover", "Mass Market Paperback")
_SHELVES = ("read", "read", "read", "to-read", "currently-reading", "did-not-finish")


@dataclass(frozen=True, slots=True)
class Topic:
    """What an invented book is about, as Open Library and as Google Books put it."""

    subjects: tuple[str, ...]
    category: str


@dataclass(frozen=True, slots=True)
class Words:
    """What titles, names and subjects are made of."""

    adjectives: tuple[str, ...]
    nouns: tuple[str, ...]
    places: tuple[str, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    topics: tuple[Topic, ...]
    noise: tuple[str, ...]


_WORDS = TypeAdapter(Words).validate_json(
    Path(__file__).with_name("invented_words.json").read_bytes()
)


@dataclass(frozen=True, slots=True)
class InventedBook:
    """A made-up book and whether readers' exports have its ISBN."""

    number: int
    title: str
    author: str
    isbn13: str
    exported_with_isbn: bool
    year: int
    pages: int


def synthetic_library(
    rows: int, seed: int = 0, open_library_share: float = SHARE_IN_OPEN_LIBRARY
) -> tuple[bytes, Catalogue]:
    """An export with this many rows, and a catalogue that knows about nine of ten of its books.

    Of those, Open Library knows the share given, and the same share of these with subjects.

    About 76 % of the rows have ISBNs. Of the others that the services know, about 80 % are known
    by their Goodreads id too, the rest only by title and author.
    """
    chance = Random(seed)  # noqa: S311 - repeatable on purpose
    books = list(_invented_books(rows, chance))
    catalogue = Catalogue([_catalogue_book(book, open_library_share, chance) for book in books])
    return _export(books, chance), catalogue


def _invented_books(rows: int, chance: Random) -> Iterator[InventedBook]:
    titles = _numbers_of(
        len(_WORDS.adjectives) * len(_WORDS.nouns) * len(_WORDS.places), rows, chance
    )
    authors = _numbers_of(len(_WORDS.first_names) * len(_WORDS.last_names), rows, chance)
    for number, (title, author) in enumerate(zip(titles, authors, strict=True)):
        first_twelve = f"9781{number:08}"
        yield InventedBook(
            number=number,
            title=_title(title),
            author=_author(author),
            isbn13=first_twelve + isbn13_check_digit(first_twelve),
            exported_with_isbn=chance.random() < SHARE_WITH_ISBN,
            year=chance.randint(1950, 2025),
            pages=chance.randint(90, 900),
        )


def _numbers_of(possible: int, wanted: int, chance: Random) -> list[int]:
    """Numbers below `possible` in random order, all different until every one is used up."""
    numbers: list[int] = []
    while len(numbers) < wanted:
        numbers += chance.sample(range(possible), min(possible, wanted - len(numbers)))
    return numbers


def _title(number: int) -> str:
    rest, adjective = divmod(number, len(_WORDS.adjectives))
    place, noun = divmod(rest, len(_WORDS.nouns))
    thing = f"{_WORDS.adjectives[adjective]} {_WORDS.nouns[noun]}"
    return f"The {thing} of {_WORDS.places[place]}"


def _author(number: int) -> str:
    last, first = divmod(number, len(_WORDS.first_names))
    return f"{_WORDS.first_names[first]} {_WORDS.last_names[last]}"


def _catalogue_book(book: InventedBook, open_library_share: float, chance: Random) -> CatalogueBook:
    topic = chance.choice(_WORDS.topics)
    is_known = chance.random() < SHARE_KNOWN
    in_open_library = chance.random() < open_library_share
    # A known book is known somewhere.
    in_google_books = not in_open_library or chance.random() < SHARE_IN_GOOGLE_BOOKS
    has_subjects = chance.random() < open_library_share
    subjects = topic.subjects if has_subjects else ()
    open_library = _open_library_record(book, subjects, chance)
    google_books = GoogleBooksRecord(f"inv{book.number:09}", (topic.category,), _description(book))
    return CatalogueBook(
        goodreads_id=_goodreads_id(book),
        title=book.title,
        authors=(book.author,),
        isbns=(book.isbn13,),
        first_publish_year=book.year,
        publisher="Invented House",
        publish_date=str(book.year),
        pages=book.pages,
        open_library=open_library if is_known and in_open_library else None,
        google_books=google_books if is_known and in_google_books else None,
    )


def _open_library_record(
    book: InventedBook, subjects: tuple[str, ...], chance: Random
) -> OpenLibraryRecord:
    headings = [*subjects, *chance.sample(_WORDS.noise, chance.randint(1, 6))]
    chance.shuffle(headings)
    return OpenLibraryRecord(
        work=f"OL{80_000_000 + book.number}W",
        edition=f"OL{90_000_000 + book.number}M",
        authors=(f"OL{70_000_000 + book.number}A",),
        subjects=tuple(headings) if subjects else (),
        cover_id=60_000_000 + book.number,
        description=_description(book),
        typed_description=chance.random() < SHARE_WITH_TYPED_DESCRIPTION,
        knows_goodreads_id=chance.random() < SHARE_WITH_GOODREADS_ID,
    )


def _description(book: InventedBook) -> str:
    return f"{book.author} tells what happened at {book.title.rsplit(' ', 1)[-1]} in {book.year}."


def _goodreads_id(book: InventedBook) -> str:
    return str(FIRST_GOODREADS_ID + book.number)


def _export(books: list[InventedBook], chance: Random) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS_B, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(book, chance) for book in books)
    return text.getvalue().encode()


def _row(book: InventedBook, chance: Random) -> dict[str, object]:
    shelf = chance.choice(_SHELVES)
    first, last = book.author.split(" ", 1)
    has_isbn = book.exported_with_isbn
    isbn10 = as_isbn10(book.isbn13) or ""
    return {
        "Book Id": _goodreads_id(book),
        "Title": book.title,
        "Author": book.author,
        "Author l-f": f"{last}, {first}",
        "ISBN": f'="{isbn10 if has_isbn else ""}"',
        "ISBN13": f'="{book.isbn13 if has_isbn else ""}"',
        "Average Rating": f"{chance.uniform(3.2, 4.7):.2f}",
        "Publisher": "Invented House",
        "Binding": chance.choice(_BINDINGS) if has_isbn else "Kindle Edition",
        "Number of Pages": book.pages,
        "Year Published": book.year,
        "Original Publication Year": book.year,
        "Bookshelves": "" if shelf == "read" else shelf,
        "Bookshelves with positions": "" if shelf == "read" else f"{shelf} (#{book.number + 1})",
        "Exclusive Shelf": shelf,
        "Owned Copies": 0,
        **_reading(shelf, chance),
    }


def _reading(shelf: str, chance: Random) -> dict[str, object]:
    was_read = shelf == "read"
    added = LAST_DAY - timedelta(days=chance.randrange(DAYS_OF_READING))
    finished = added + timedelta(days=chance.randint(2, 60))
    return {
        "My Rating": chance.randint(0, 5) if was_read else 0,
        "Date Read": f"{finished:%Y/%m/%d}"
        if was_read and chance.random() < SHARE_WITH_ISBN
        else "",
        "Date Added": f"{added:%Y/%m/%d}",
        "Read Count": 1 if was_read else 0,
    }
