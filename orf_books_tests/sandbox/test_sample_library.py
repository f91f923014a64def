import csv
import io
import re

from orf_books.books.exports.goodreads import COLUMNS_B
from orf_books.sandbox.catalogue import SAMPLE_EXPORT, CatalogueBook, sample_catalogue
from orf_books.sandbox.isbn import as_isbn13, is_isbn
from orf_books.sandbox.synthetic_library import synthetic_library

SHELVES = {"read", "to-read", "currently-reading", "did-not-finish"}


def rows_of(export: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(export.decode())))


def sample_rows() -> list[dict[str, str]]:
    return rows_of(SAMPLE_EXPORT.read_bytes())


def isbn_in(cell: str) -> str:
    quoted = re.fullmatch(r'="([0-9X]*)"', cell)
    assert quoted is not None, cell
    return quoted[1]


def test_the_sample_has_the_24_columns_of_a_goodreads_export_in_order() -> None:
    header = SAMPLE_EXPORT.read_bytes().splitlines()[0].decode()
    assert header.split(",") == list(COLUMNS_B)
    assert len(COLUMNS_B) == 24


def test_the_sample_is_utf8_without_byte_order_mark_and_with_bare_line_feeds() -> None:
    content = SAMPLE_EXPORT.read_bytes()
    assert not content.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in content


def test_the_sample_has_many_books_each_with_an_id_of_its_own() -> None:
    ids = [row["Book Id"] for row in sample_rows()]
    assert len(ids) >= 60
    assert len(set(ids)) == len(ids)


def test_every_isbn_of_the_sample_has_the_right_check_digit_in_both_forms() -> None:
    for row in sample_rows():
        isbn10, isbn13 = isbn_in(row["ISBN"]), isbn_in(row["ISBN13"])
        assert bool(isbn10) == bool(isbn13)
        if isbn10:
            assert is_isbn(isbn10), row["Title"]
            assert as_isbn13(isbn10) == isbn13, row["Title"]


def test_the_sample_has_the_quirks_of_real_exports() -> None:
    rows = sample_rows()
    read = [row for row in rows if row["Exclusive Shelf"] == "read"]
    years = {row["Date Read"][:4] for row in read if row["Date Read"]}
    assert {row["Exclusive Shelf"] for row in rows} == SHELVES
    assert len(years) >= 6
    assert sum(isbn_in(row["ISBN"]) == "" for row in rows) >= 12
    assert any(row["My Rating"] == "0" for row in read)
    assert any(not row["Date Read"] for row in read)
    assert {row["Read Count"] for row in rows} >= {"0", "1", "2", "3"}
    assert any(int(row["Original Publication Year"]) < 0 for row in rows)
    assert any("  " in row["Author"] for row in rows)
    assert any(row["Spoiler"] == "true" for row in rows)
    assert any("<br/>" in row["My Review"] for row in rows)


def test_the_catalogue_lists_every_book_of_the_sample() -> None:
    catalogue = sample_catalogue()
    for row in sample_rows():
        book = catalogue.with_goodreads_id(row["Book Id"])
        assert book is not None, row["Title"]
        isbn = isbn_in(row["ISBN"])
        assert not isbn or catalogue.with_isbn(isbn) is book


def test_some_books_are_known_to_one_service_only_or_to_none() -> None:
    books = sample_catalogue().books
    unknown = [book for book in books if not book.open_library and not book.google_books]
    google_only = [book for book in books if book.google_books and not book.open_library]
    bare = [book for book in books if book.open_library and not book.open_library.subjects]
    assert (len(unknown), len(google_only), len(bare)) == (3, 6, 4)


def test_open_library_knows_the_goodreads_id_of_about_four_in_five_works() -> None:
    records = [book.open_library for book in sample_catalogue().books if book.open_library]
    share = sum(record.knows_goodreads_id for record in records) / len(records)
    assert 0.75 <= share <= 0.9


def test_keys_are_unique_over_the_catalogue() -> None:
    keys = [key for book in sample_catalogue().books for key in keys_of(book)]
    assert len(set(keys)) == len(keys)


def keys_of(book: CatalogueBook) -> list[str]:
    keys = [book.open_library.work, book.open_library.edition] if book.open_library else []
    return [*keys, book.google_books.volume_id] if book.google_books else keys


def test_a_synthetic_library_has_the_wanted_size_and_unique_books() -> None:
    export, catalogue = synthetic_library(565)
    rows = rows_of(export)
    assert len(rows) == len(catalogue.books) == 565
    assert tuple(rows[0]) == COLUMNS_B
    assert len({row["Book Id"] for row in rows}) == 565
    assert len({(row["Title"], row["Author"]) for row in rows}) == 565


def test_a_synthetic_library_has_isbns_for_about_three_quarters_all_valid() -> None:
    isbns = [isbn_in(row["ISBN13"]) for row in rows_of(synthetic_library(2000)[0])]
    given = [isbn for isbn in isbns if isbn]
    assert all(map(is_isbn, given))
    assert len(set(given)) == len(given)
    assert 0.73 <= len(given) / len(isbns) <= 0.79


def test_nine_of_ten_synthetic_books_are_known_somewhere() -> None:
    books = synthetic_library(2000)[1].books
    known = [book for book in books if book.open_library or book.google_books]
    assert 0.88 <= len(known) / len(books) <= 0.92


def test_the_same_seed_gives_the_same_library_and_another_seed_another() -> None:
    assert synthetic_library(50, seed=1)[0] == synthetic_library(50, seed=1)[0]
    assert synthetic_library(50, seed=1)[0] != synthetic_library(50, seed=2)[0]
