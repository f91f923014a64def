from orf_books.books.metadata import BookQuery, has_isbn_of, isbn_forms


def book(isbn: str | None = None, isbn13: str | None = None) -> BookQuery:
    return BookQuery("1", "1", "Dune", "Frank Herbert", isbn, isbn13)


def test_an_isbn_has_both_forms_the_long_one_first() -> None:
    assert isbn_forms(book(isbn="0441013597")) == ("9780441013593", "0441013597")
    assert isbn_forms(book(isbn13="9780441013593")) == ("9780441013593", "0441013597")
    assert isbn_forms(book(isbn="0441013597", isbn13="9780441013593")) == (
        "9780441013593",
        "0441013597",
    )
    assert isbn_forms(book(isbn13="9791032305690")) == ("9791032305690",)


def test_an_invalid_isbn_is_none() -> None:
    assert isbn_forms(book(isbn="0441013590", isbn13="0785342510591")) == ()


def test_a_record_is_tied_to_the_book_by_either_form_hyphens_or_not() -> None:
    asked = book(isbn13="9780441013593")
    assert has_isbn_of(asked, ["0-441-01359-7"])
    assert has_isbn_of(asked, ["9780553293357", "978-0441013593"])
    assert not has_isbn_of(asked, ["9780553293357"])
    assert not has_isbn_of(book(), ["9780441013593"])
