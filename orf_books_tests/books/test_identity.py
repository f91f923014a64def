"""A book without a Goodreads id is the book of another library that has the id."""

from dataclasses import replace

import pytest

from orf_books.books.exports.entries import LibraryEntry
from orf_books.books.exports.reading import parse_export
from orf_books.books.identity import known_goodreads_ids

(ELSEWHERE,) = parse_export(
    b'Book Id,Title,Author,ISBN13\n77,"The Lamp: A Novel (Lights, #1)",J.R. Quill,9780441013593\n'
).entries
HERE = replace(ELSEWHERE, goodreads_id=None, isbn=None, isbn13=None, row_number=5)


@pytest.mark.parametrize(
    "entry",
    [
        replace(HERE, isbn13="9780441013593", title="Die Lampe"),
        replace(HERE, title="The Lamp"),
        replace(HERE, title="The lamp (Lights #1)", author="J. R. Quill"),
    ],
    ids=["same ISBN", "same title", "other spelling"],
)
def test_it_is_recognised_by_isbn_or_title_and_author(entry: LibraryEntry) -> None:
    assert known_goodreads_ids([entry], [ELSEWHERE]) == {5: "77"}


@pytest.mark.parametrize(
    "entry",
    [
        replace(HERE, title="The Other Lamp"),
        replace(HERE, title="The Lamp, Volume 2"),
        replace(HERE, author="Bo Sample"),
        replace(HERE, goodreads_id="78"),
    ],
    ids=["another title", "another volume", "another author", "it has an id"],
)
def test_another_book_keeps_its_own_key(entry: LibraryEntry) -> None:
    assert known_goodreads_ids([entry], [ELSEWHERE]) == {}


def test_a_library_without_ids_tells_nothing() -> None:
    assert known_goodreads_ids([HERE], [replace(HERE, row_number=6)]) == {}
