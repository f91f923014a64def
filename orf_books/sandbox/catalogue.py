"""What the sandbox services know: works, editions, volumes.

Belongs here: the books as data, the indexes that the services search, the bundled sample. Does not
belong here: the shape of any answer (`open_library.py`, `google_books.py`) and invented libraries
(`synthetic_library.py`). Book numbers, titles and authors of the sample are real; keys of works,
editions, authors, volumes and covers are invented.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from orf_books.sandbox.isbn import as_isbn10, as_isbn13

SAMPLE_EXPORT = Path(__file__).with_name("sample_library.csv")
"""A Goodreads export of real books, for the demo and the tests."""
SAMPLE_CATALOGUE = Path(__file__).with_name("catalogue.json")


@dataclass(frozen=True, slots=True, eq=False)
class OpenLibraryRecord:
    """One work with its best edition, as Open Library keeps them."""

    work: str
    """Bare key, such as `OL893415W`."""
    edition: str
    authors: tuple[str, ...]
    """Bare author keys, in the order of the book's authors."""
    subjects: tuple[str, ...] = ()
    """Headings with all their noise."""
    cover_id: int | None = None
    description: str | None = None
    typed_description: bool = False
    """Whether the description comes as `{type, value}` instead of as text."""
    knows_goodreads_id: bool = True
    former_work: str | None = None
    """A work merged into this one: it answers with a redirect record."""
    orphaned: bool = False
    """Whether the edition has no work: the search does not find it and it has no subjects."""
    poisoned: bool = False
    """Whether the record is damaged and blanks every `/api/books` batch that holds it."""
    edition_titles: tuple[str, ...] = ()
    """Other titles under which editions of the work appeared, such as translations."""
    other_author_names: tuple[str, ...] = ()
    """Other spellings of the authors' names."""


@dataclass(frozen=True, slots=True, eq=False)
class GoogleBooksRecord:
    """One volume, as Google Books keeps it."""

    volume_id: str
    categories: tuple[str, ...] = ()
    """BISAC paths, such as `Fiction / Science Fiction / General`."""
    description: str | None = None
    has_cover: bool = True
    hidden_from_isbn_field: bool = False
    """Whether `isbn:` misses it although the bare digits find it."""
    wrongly_found_by: tuple[str, ...] = ()
    """ISBN-13s of other books for which `isbn:` answers with this one."""


@dataclass(frozen=True, slots=True, eq=False)
class CatalogueBook:
    """A book and what each service knows of it; None is a service that does not know it.

    Books that no service knows are listed too, so that they can be broken like any other.
    """

    goodreads_id: str
    title: str
    """Without subtitle and series."""
    authors: tuple[str, ...]
    subtitle: str | None = None
    isbns: tuple[str, ...] = ()
    """All ISBN-13s, also of editions that no reader has."""
    first_publish_year: int | None = None
    publisher: str | None = None
    publish_date: str | None = None
    pages: int | None = None
    open_library: OpenLibraryRecord | None = None
    google_books: GoogleBooksRecord | None = None

    @property
    def full_title(self) -> str:
        """Title and subtitle in one line."""
        return f"{self.title}: {self.subtitle}" if self.subtitle else self.title

    @property
    def isbns_in_both_forms(self) -> tuple[str, ...]:
        """Every ISBN-13, each followed by its ISBN-10."""
        return tuple(
            form for isbn in self.isbns for form in (isbn, as_isbn10(isbn)) if form is not None
        )


def normalised(text: str) -> str:
    """Lower-case words without accents and punctuation, one space between them."""
    decomposed = unicodedata.normalize("NFKD", text)
    without_accents = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", re.sub("['\u2019]", "", without_accents).casefold()))


class PhraseIndex:
    """Finds the books that have given words, in order, in one of their texts."""

    def __init__(self) -> None:
        self._texts: dict[CatalogueBook, tuple[str, ...]] = {}
        self._books_by_word: defaultdict[str, set[CatalogueBook]] = defaultdict(set)

    def add(self, book: CatalogueBook, texts: Iterable[str]) -> None:
        """List a book under its texts."""
        self._texts[book] = tuple(f" {normalised(text)} " for text in texts)
        for word in " ".join(self._texts[book]).split():
            self._books_by_word[word].add(book)

    def find(self, phrase: str) -> set[CatalogueBook]:
        """Books with the phrase in one text, whole words only; an empty phrase finds none."""
        words = normalised(phrase)
        if not words:
            return set()
        wanted = f" {words} "
        postings = [self._books_by_word.get(word, set()) for word in words.split()]
        with_all_words = set.intersection(*postings)
        return {book for book in with_all_words if any(wanted in t for t in self._texts[book])}


class Catalogue:
    """All books, found by number, by Goodreads id, by title and by author."""

    def __init__(self, books: Sequence[CatalogueBook]) -> None:
        self.books = tuple(books)
        self.titles = PhraseIndex()
        self.authors = PhraseIndex()
        self.edition_titles = PhraseIndex()
        self.other_author_names = PhraseIndex()
        self._by_isbn = {isbn: book for book in books for isbn in book.isbns}
        self._by_goodreads_id = {book.goodreads_id: book for book in books}
        for book in books:
            record = book.open_library
            self.titles.add(book, {book.title, book.full_title})
            self.authors.add(book, book.authors)
            self.edition_titles.add(book, record.edition_titles if record else ())
            self.other_author_names.add(book, record.other_author_names if record else ())

    def with_isbn(self, number: str) -> CatalogueBook | None:
        """The book of an ISBN in either form, without hyphens."""
        isbn13 = as_isbn13(number)
        return self._by_isbn.get(isbn13) if isbn13 else None

    def with_goodreads_id(self, goodreads_id: str) -> CatalogueBook | None:
        """The book of a Goodreads Book Id, whether or not a service knows that id."""
        return self._by_goodreads_id.get(goodreads_id)

    def __add__(self, other: "Catalogue") -> "Catalogue":
        """One catalogue with the books of both."""
        return Catalogue((*self.books, *other.books))


@cache
def sample_catalogue() -> Catalogue:
    """What the services know of the books of the sample export, and of other well-known ones."""
    books = TypeAdapter(tuple[CatalogueBook, ...]).validate_json(SAMPLE_CATALOGUE.read_bytes())
    return Catalogue(books)
