"""The query language of Open Library's search: fields, phrases, groups, AND and OR.

Belongs here: reading a query into a tree, and finding the books it means. Does not belong here:
the answer's shape. Like the real search it forgives: what cannot be read is taken as words.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from orf_books.sandbox.catalogue import Catalogue, CatalogueBook

Books = set[CatalogueBook]

_TOKEN = re.compile(
    r"""
    (?P<open>\() | (?P<close>\))
    | (?P<field>[a-z_]+):(?=\S)
    | "(?P<phrase>(?:\\.|[^"\\])*)"
    | (?P<word>(?:\\.|[^\s()"\\])+)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a query: its kind and its text without quotes and escapes."""

    kind: str
    text: str


def tokens(query: str) -> list[Token]:
    """The pieces of a query, in order."""
    found = []
    for match in _TOKEN.finditer(query):
        kind = match.lastgroup or "word"
        found.append(Token(kind, re.sub(r"\\(.)", r"\1", match[kind])))
    return found


class Search:
    """Finds the books that a query means, term by term."""

    def __init__(self, catalogue: Catalogue, query: str) -> None:
        self._catalogue = catalogue
        self._tokens = tokens(query)
        self._fields: dict[str, Callable[[str], Books]] = {
            "isbn": self._with_isbn,
            "id_goodreads": self._with_goodreads_id,
            "key": self._with_key,
            "title": self._with_title,
            "author_alternative_name": catalogue.other_author_names.find,
            "author": catalogue.authors.find,
            "author_name": catalogue.authors.find,
        }

    def books(self) -> Books:
        """All books that match."""
        found: Books = set()
        while self._tokens:
            found |= self._either(None)
            self._tokens[:1] = []  # a bracket that nothing opened
        return {book for book in found if _is_searchable(book)}

    def _either(self, field: str | None) -> Books:
        found = self._all(field)
        while self._next_is("word", "OR"):
            self._tokens.pop(0)
            found |= self._all(field)
        return found

    def _all(self, field: str | None) -> Books:
        found: Books | None = None
        while self._tokens and not (self._next_is("close") or self._next_is("word", "OR")):
            if self._next_is("word", "AND"):
                self._tokens.pop(0)
                continue
            term = self._term(field)
            found = term if found is None else found & term
        return found or set()

    def _term(self, field: str | None) -> Books:
        token = self._tokens.pop(0)
        if token.kind == "open":
            found = self._either(field)
            self._tokens[:1] = []  # the closing bracket
            return found
        if token.kind == "field":
            if self._next_is("word") and token.text == "isbn":
                return self._with_isbn(self._tokens.pop(0).text.replace("-", ""))
            return self._term(token.text) if self._tokens else set()
        return self._fields.get(field or "", self._anywhere)(token.text)

    def _next_is(self, kind: str, text: str | None = None) -> bool:
        first = self._tokens[0] if self._tokens else None
        return first is not None and first.kind == kind and text in (None, first.text)

    def _anywhere(self, text: str) -> Books:
        found = self._catalogue.titles.find(text) | self._catalogue.authors.find(text)
        return found | self._with_isbn(text.replace("-", ""))

    def _with_title(self, phrase: str) -> Books:
        """Works with an edition of this title: the field stands for the titles of all editions."""
        return self._catalogue.titles.find(phrase) | self._catalogue.edition_titles.find(phrase)

    def _with_isbn(self, number: str) -> Books:
        book = self._catalogue.with_isbn(number)
        return {book} if book else set()

    def _with_goodreads_id(self, goodreads_id: str) -> Books:
        book = self._catalogue.with_goodreads_id(goodreads_id)
        knows = book is not None and book.open_library and book.open_library.knows_goodreads_id
        return {book} if book and knows else set()

    def _with_key(self, key: str) -> Books:
        work = key.rsplit("/", 1)[-1]
        return {b for b in self._catalogue.books if b.open_library and b.open_library.work == work}


def _is_searchable(book: CatalogueBook) -> bool:
    return book.open_library is not None and not book.open_library.orphaned
