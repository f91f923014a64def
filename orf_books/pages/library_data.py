"""The books of a library as the script of its page reads them: compact JSON inside the page.

Belongs here: which columns there are, and the addresses of books. Does not belong here: what the
script does with them, the figures of the page (`orf_books/books/figures.py`).

The JSON has one list for each column, in the order of the books, so that no name is repeated for
every book. What is unknown is 0 or empty.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orf_books.books.facets import Facet, Groups, readings_of, times_read
from orf_books.books.genre_evidence import Evidence
from orf_books.books.library import DashboardBook
from orf_books.books.series import series_volume
from orf_books.pages.templating import secure_address

_LONGEST_SLUG = 60


@dataclass(frozen=True, slots=True)
class Words:
    """What the page calls things."""

    groups: Mapping[Facet, Mapping[str, str]]
    """By facet, those that are not called by their name."""
    evidence: Mapping[Evidence, str]
    """Where genres come from."""


class _Names:
    """Gives each name a number, so that a name used often is written once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers))

    def numbers(self, names: Iterable[str]) -> list[int]:
        return [self.number(name) for name in names]

    def all(self) -> list[str]:
        return list(self._numbers)


def book_addresses(books: Sequence[DashboardBook]) -> list[str]:
    """What stands for each book in the address of its view: its Goodreads id, or its name.

    They stay the same when a library grows, so that readers can keep an address.
    """
    taken: set[str] = set()
    addresses = []
    for book in books:
        name = book.goodreads_id or _slug(f"{book.title} {book.author}")
        address, copies = name, 1
        while address in taken:
            copies += 1
            address = f"{name}-{copies}"
        taken.add(address)
        addresses.append(address)
    return addresses


def library_data(
    books: Sequence[DashboardBook],
    addresses: Sequence[str],
    groups: Sequence[Groups],
    latest_first: Sequence[int],
    words: Words,
) -> str:
    """The JSON, safe to stand inside a `<script>` element.

    Args:
        books: of the library, in the order that the figures refer to.
        addresses: of the books.
        groups: of each book.
        latest_first: the places of the books, in the order in which the page shows them at first.
        words: of the page.
    """
    text = json.dumps(
        {
            "facets": _facets(groups, words.groups),
            "latest": latest_first,
            "books": _columns(books, addresses, words.evidence),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return text.replace("<", "\\u003c")


def _facets(
    groups: Sequence[Groups], labels: Mapping[Facet, Mapping[str, str]]
) -> dict[str, object]:
    names = {facet: _Names() for facet in Facet}
    members: dict[Facet, list[list[int]]] = {facet: [] for facet in Facet}
    for of_book in groups:
        for facet, of_facet in of_book.items():
            members[facet].append(names[facet].numbers(of_facet))
    return {
        facet: {
            "names": names[facet].all(),
            "labels": labels.get(facet, {}),
            "of": members[facet],
        }
        for facet in Facet
    }


def _columns(
    books: Sequence[DashboardBook],
    addresses: Sequence[str],
    evidence_names: Mapping[Evidence, str],
) -> dict[str, object]:
    folders, texts = _Names(), _Names()
    covers = [secure_address(book.thumbnail_url or book.small_thumbnail_url) for book in books]
    return {
        "address": addresses,
        "title": [book.title for book in books],
        "readings": [readings_of(book) for book in books],
        "times": [times_read(book) for book in books],
        "rating": [book.my_rating or 0 for book in books],
        "average": [book.average_rating or 0 for book in books],
        "pages": [book.num_pages or 0 for book in books],
        "hours": [book.audio_hours or 0 for book in books],
        "published": [
            "" if book.publication_year is None else book.publication_year for book in books
        ],
        "volume": [_volume(book) for book in books],
        "added": ["" if book.date_added is None else str(book.date_added) for book in books],
        "isbn": [book.isbn13 or book.isbn or 0 for book in books],
        "goodreads": [1 if book.goodreads_id else 0 for book in books],
        "review": [book.my_review or 0 for book in books],
        "spoilers": [1 if book.has_spoilers else 0 for book in books],
        "note": [book.private_notes or 0 for book in books],
        "error": [book.enrichment_error or 0 for book in books],
        "genres": [texts.numbers(book.genres) for book in books],
        "evidence": [
            texts.number(
                evidence_names[book.genre_evidence]
                if book.genre_evidence not in {None, Evidence.SOURCE}
                else ""
            )
            for book in books
        ],
        "topics": [texts.numbers(book.topics) for book in books],
        "binding": [texts.number(book.binding or "") for book in books],
        "publisher": [texts.number(book.publisher or "") for book in books],
        "cover": [_cover(cover, folders) for cover in covers],
        "texts": texts.all(),
        "folders": folders.all(),
    }


def _cover(address: str | None, folders: _Names) -> object:
    """The number of the folder, and the file in it; most covers lie in the same folder."""
    if address is None:
        return 0
    folder, _, file = address.rpartition("/")
    return [folders.number(folder), file]


def _volume(book: DashboardBook) -> float:
    volume = series_volume(book.title)
    return (volume.first or 0) if volume else 0


def _slug(text: str) -> str:
    words = "-".join(re.findall(r"\w+", text.casefold()))
    return words[:_LONGEST_SLUG].strip("-") or "book"
