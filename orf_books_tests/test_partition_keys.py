import re
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orf_books.assets.activities.step import ACTIVITIES
from orf_books.assets.books.step import BOOKS
from orf_books.assets.transcripts.step import SESSIONS
from orf_books.books.exports.entries import LibraryEntry
from orf_books.failures import FixInput
from orf_books.keys import LONGEST_KEY, safe_key, text_of_key
from orf_books.partition_keys import book_key, class_of_session, day_of_session, session_key

PLAIN = re.compile(r"[A-Za-z0-9._/:@%-]+")


def entry(
    goodreads_id: str | None = None,
    isbn13: str | None = None,
    title: str = "Dune",
    author: str = "Frank Herbert",
) -> LibraryEntry:
    return LibraryEntry(
        row_number=2,
        goodreads_id=goodreads_id,
        title=title,
        author=author,
        additional_authors=(),
        isbn=None,
        isbn13=isbn13,
        my_rating=None,
        average_rating=None,
        publisher=None,
        binding=None,
        num_pages=None,
        year_published=None,
        original_publication_year=None,
        date_read=None,
        date_added=None,
        reading_year=None,
        reading_month=None,
        bookshelves=(),
        reading_status="read",
        my_review=None,
        private_notes=None,
        has_spoilers=False,
        read_count=1,
    )


@given(st.text())
def test_any_text_is_a_plain_key_that_leads_back_or_is_refused(text: str) -> None:
    try:
        key = safe_key(text)
    except FixInput:
        assume(False)
    assert PLAIN.fullmatch(key)
    assert len(key) <= LONGEST_KEY
    assert text_of_key(key) == text


@pytest.mark.parametrize("half", ["\ud800", "a\udcffb"])
def test_half_a_character_is_refused_by_what_to_do(half: str) -> None:
    with pytest.raises(FixInput, match="write it in UTF-8"):
        safe_key(half)


@given(st.text(), st.text())
def test_different_texts_have_different_keys(one: str, other: str) -> None:
    try:
        keys = safe_key(one), safe_key(other)
    except FixInput:
        assume(False)
    assert (keys[0] == keys[1]) is (one == other)


@given(st.from_regex(r"[A-Za-z0-9_:@-]{1,50}(/[A-Za-z0-9_:@-]{1,50}){0,2}", fullmatch=True))
def test_plain_text_is_its_own_key(text: str) -> None:
    assert safe_key(text) == text


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("5907", "5907"),
        ("a b", "a%20b"),
        ("a,b|[c]", "a%2Cb%7C%5Bc%5D"),
        ("50%", "50%25"),
        ("~ann", "%7Eann"),
        ("ü", "%C3%BC"),
        ("a\n\0", "a%0A%00"),
        ("...", "..."),
        (".hidden", ".hidden"),
    ],
)
def test_what_is_not_plain_is_encoded(text: str, key: str) -> None:
    assert safe_key(text) == key


@pytest.mark.parametrize("text", ["", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "./a"])
def test_empty_and_relative_segments_are_refused(text: str) -> None:
    with pytest.raises(FixInput, match="segments"):
        safe_key(text)


def test_a_key_that_is_too_long_is_refused_after_encoding() -> None:
    assert safe_key("x" * LONGEST_KEY)
    with pytest.raises(FixInput, match="201"):
        safe_key("x" * (LONGEST_KEY + 1))
    with pytest.raises(FixInput, match="204"):
        safe_key("ü" * 34)


def test_a_book_is_known_by_its_goodreads_id_whatever_else_is_given() -> None:
    assert book_key(entry("44767458")) == "44767458"
    assert book_key(entry("44767458", "9780441172719", "Another")) == "44767458"


def test_without_an_id_the_isbn_stands_for_the_book() -> None:
    assert book_key(entry(isbn13="9780441172719")) == "isbn:9780441172719"


def test_without_id_and_isbn_title_and_author_stand_for_the_book() -> None:
    key = book_key(entry())

    assert re.fullmatch(r"title:[0-9a-f]{16}", key)
    assert book_key(entry(title="DUNE", author="frank herbert")) == key
    assert book_key(entry(title="Dune Messiah")) != key
    assert book_key(entry(author="Brian Herbert")) != key


def test_keys_stay_as_they_are_because_stored_results_are_found_by_them() -> None:
    assert book_key(entry()) == "title:c6018ae9c185a2ce"
    assert session_key("5B", date(2026, 1, 5), "raw/5B/a.txt") == "5B/2026-01-05/9b26b8eefff9"


def test_partition_sets_keep_their_names() -> None:
    sets = [kind.partitions.name for kind in (BOOKS, ACTIVITIES, SESSIONS)]
    assert sets == ["books", "activities", "sessions"]


def test_class_and_day_can_be_read_from_the_key_of_a_session() -> None:
    key = session_key("5 B", date(2026, 1, 5), "raw/5 B/2026-01-05/a.txt")
    assert (class_of_session(key), day_of_session(key)) == ("5 B", date(2026, 1, 5))
