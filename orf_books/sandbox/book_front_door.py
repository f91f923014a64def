"""What stands before the services that know books: it tells which books a request asks about.

Belongs here: reading the books out of a request, and failing for the broken ones. Does not belong
here: what happens to requests of every service (`front_door.py`), answers about books.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from starlette.requests import Request
from starlette.types import ASGIApp

from orf_books.sandbox.behaviour import Behaviour, Counts
from orf_books.sandbox.catalogue import Catalogue, CatalogueBook, normalised
from orf_books.sandbox.front_door import FrontDoor, ServiceRules
from orf_books.sandbox.isbn import as_isbn13

_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?:\d-?){9}(?:(?:\d-?){3}\d|[0-9Xx])(?![0-9A-Za-z])")
_OPEN_LIBRARY_KEY = re.compile(r"\bOL\d+[MW]\b")
_GOODREADS_IDS = re.compile(r"id_goodreads:\s*(?:\(([^)]*)\)|(\d+))")
_TITLE = re.compile(r"\b(?:in)?title:")


@dataclass(frozen=True, slots=True)
class Question:
    """Which books a request asks about, whatever the endpoint."""

    isbns: frozenset[str]
    """ISBN-13s."""
    goodreads_ids: frozenset[str]
    keys: frozenset[str]
    """Keys of works and editions, and the volume id."""
    titles: int
    words: str
    """All parameters that name books, normalised."""

    @classmethod
    def of(cls, path: str, texts: Sequence[str]) -> "Question":
        """Read the path, and the parameters that name books."""
        text = "\n".join(texts)
        everything = f"{path}\n{text}"
        isbns = (as_isbn13(n.replace("-", "").upper()) for n in _NUMBER.findall(everything))
        groups = _GOODREADS_IDS.findall(text)
        keys = _OPEN_LIBRARY_KEY.findall(everything.upper())
        return cls(
            isbns=frozenset(filter(None, isbns)),
            goodreads_ids=frozenset(re.findall(r"\d+", " ".join(map(" ".join, groups)))),
            keys=frozenset((*keys, PurePosixPath(path).name)),
            titles=len(_TITLE.findall(text)),
            words=f" {normalised(text)} ",
        )

    @property
    def size(self) -> int:
        """How many books are asked about."""
        return max(1, len(self.isbns) + len(self.goodreads_ids) + self.titles)

    def concerns(self, book: CatalogueBook) -> bool:
        """Whether the book is among those that are asked about."""
        return (
            book.goodreads_id in self.goodreads_ids
            or not self.isbns.isdisjoint(book.isbns)
            or not self.keys.isdisjoint(_keys(book))
            or self._names(book)
        )

    def _names(self, book: CatalogueBook) -> bool:
        title = _without_article(normalised(book.title))
        names = [name for name in normalised(" ".join(book.authors)).split() if len(name) > 1]
        with_author = any(f" {name} " in self.words for name in names)
        is_whole_query = _without_article(self.words.strip()) == title
        return is_whole_query or (with_author and f" {title} " in self.words)


def _without_article(title: str) -> str:
    return re.sub(r"^(the|an?) ", "", title)


def _keys(book: CatalogueBook) -> set[str]:
    keys = set()
    if book.open_library:
        keys |= {book.open_library.work, book.open_library.edition}
    if book.google_books:
        keys.add(book.google_books.volume_id)
    return keys


class BookRules(ServiceRules, Protocol):
    """What the front door has to know of a service that knows books."""

    def naming_texts(self, request: Request, /) -> list[str]:
        """The parameters of a request that name books."""
        ...

    def batch_size(self, request: Request, /) -> int:
        """How many books the request lists in a way of the service's own; 0 when it does not."""
        ...


class BookFrontDoor(FrontDoor):
    """Counts the books that are asked about, and answers 500 for the broken ones."""

    def __init__(
        self,
        app: ASGIApp,
        rules: BookRules,
        catalogue: Catalogue,
        behaviour: Behaviour,
        counts: Counts,
    ) -> None:
        super().__init__(app, rules, behaviour, counts)
        self._book_rules = rules
        self._catalogue = catalogue

    def _items_in(self, path: str, request: Request) -> int:
        return self._book_rules.batch_size(request) or self._question(path, request).size

    def _is_broken(self, path: str, request: Request) -> bool:
        # The tuple is taken at once: other threads break and heal books meanwhile.
        broken = tuple(self._behaviour.broken_books)
        if not broken:
            return False
        question = self._question(path, request)
        return any(self._concerns(question, goodreads_id) for goodreads_id in broken)

    def _concerns(self, question: Question, goodreads_id: str) -> bool:
        book = self._catalogue.with_goodreads_id(goodreads_id)
        return goodreads_id in question.goodreads_ids or bool(book and question.concerns(book))

    def _question(self, path: str, request: Request) -> Question:
        return Question.of(path, self._book_rules.naming_texts(request))
