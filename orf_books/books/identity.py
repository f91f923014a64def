"""Which rows of different libraries are one book.

Belongs here: recognising a book without a Goodreads Book Id where another library has the id. Does
not belong here: partition keys (`partition_keys.py`), records of services (`similarity.py`).
"""

import re
from collections.abc import Iterable

from orf_books.books.exports.entries import LibraryEntry
from orf_books.books.similarity import main_title, volume_words


def known_goodreads_ids(
    entries: Iterable[LibraryEntry], others: Iterable[LibraryEntry]
) -> dict[int, str]:
    """The Goodreads Book Ids that other libraries have of entries without one, by row number.

    An entry is the same book as another with its ISBN, or else with its title and author. Where
    other libraries have several ids, the first counts.
    """
    by_isbn: dict[str, str] = {}
    by_name: dict[tuple[str, ...], str] = {}
    for other in others:
        if other.goodreads_id:
            by_name.setdefault(_name(other), other.goodreads_id)
            if other.isbn13:
                by_isbn.setdefault(other.isbn13, other.goodreads_id)
    found = {
        entry.row_number: by_isbn.get(entry.isbn13 or "") or by_name.get(_name(entry))
        for entry in entries
        if not entry.goodreads_id
    }
    return {row_number: known for row_number, known in found.items() if known}


def _name(entry: LibraryEntry) -> tuple[str, ...]:
    """Title and author without what services write differently: series, subtitle, punctuation."""
    title, author = _folded(main_title(entry.title)), _folded(entry.author)
    return (title, *volume_words(entry.title), author)


def _folded(text: str) -> str:
    return "".join(re.findall(r"\w+", text.casefold()))
