"""Which services' exports are known: those that are read, and those that are only recognised.

Belongs here: the list of kinds, and what identifies the files of other services. Does not belong
here: what the columns of a kind mean, which have a module each.
"""

from collections.abc import Set as AbstractSet

from orf_books.books.exports import bookwyrm, goodreads, hardcover, storygraph
from orf_books.books.exports.kind import ExportKind

KINDS: tuple[ExportKind, ...] = (storygraph.KIND, bookwyrm.KIND, hardcover.KIND, goodreads.KIND)
"""Those with the most telling header first: Goodreads needs the fewest columns."""

_NOT_READ = (
    ("a LibraryThing export", {"primary author"}),
    ("a LibraryThing export", {"sort character"}),
    ("an Open Library reading log", {"work id", "edition id"}),
    ("a calibre catalogue", {"author sort"}),
    ("a calibre catalogue", {"title", "authors", "tags"}),
    ("a calibre catalogue", {"title", "authors", "formats"}),
    ("a calibre catalogue", {"title", "authors", "pubdate"}),
    ("an Openreads backup", {"title", "author", "readings"}),
    ("a Libib export", {"item type", "creators"}),
    ("a Libib export", {"ean isbn13"}),
)
"""Names of columns that only this one service writes."""


def kind_of(columns: frozenset[str]) -> ExportKind | None:
    """The kind of export that has these columns; None where no kind has."""
    return next((kind for kind in KINDS if kind.is_header(columns)), None)


def service_not_read(columns: AbstractSet[str]) -> str | None:
    """What a file with these columns is, where it is known but not read."""
    return next((name for name, marks in _NOT_READ if marks <= columns), None)


def is_kindle_clippings(text: str) -> bool:
    """Whether a text is the file `My Clippings.txt` of a Kindle."""
    return "==========" in text[:4000] and text.lstrip("\ufeff").count("\n- ", 0, 4000) > 0
