import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.books.isbn import read_isbn10, read_isbn13, to_isbn10, to_isbn13

nine_digits = st.from_regex(r"[0-9]{9}", fullmatch=True).filter(lambda stem: stem.strip("0"))


@st.composite
def isbn10s(draw: st.DrawFn) -> str:
    stem = draw(nine_digits)
    endings = [ending for ending in "0123456789X" if read_isbn10(stem + ending)]
    assert len(endings) == 1, "exactly one check character fits a stem"
    return stem + endings[0]


@pytest.mark.parametrize(
    ("cell", "isbn"),
    [
        ("0306825562", "0306825562"),
        ('="0306825562"', "0306825562"),
        ("0-306-82556-2", "0306825562"),
        ("0‐306‐82556‐2", "0306825562"),  # noqa: RUF001 - the hyphen of Unicode
        (" 0 306 82556 2 ", "0306825562"),
        ("'0306825562", "0306825562"),
        ("080442957X", "080442957X"),
        ("080442957x", "080442957X"),
        ("306825562", "0306825562"),
        ("306825562.0", "0306825562"),
        ("6480098", "0006480098"),
        ("306825563", None),
        ("0306825563", None),
        ("30682556", None),
        ("", None),
        ('=""', None),
        ("0", None),
        ("0000000000", None),
        ("AlexisGlyn", None),
        ("3.07E+08", None),
        ("9780306825569", None),
        ("٠٣٠٦٨٢٥٥٦٢", None),
        ("03068X5562", None),
    ],
)
def test_an_isbn10_is_read_or_absent(cell: str, isbn: str | None) -> None:
    assert read_isbn10(cell) == isbn


@pytest.mark.parametrize(
    ("cell", "isbn"),
    [
        ("9780306825569", "9780306825569"),
        ('="9780306825569"', "9780306825569"),
        ("978-0-306-82556-9", "9780306825569"),
        ("9780306825569.0", "9780306825569"),
        ("9791032305690", "9791032305690"),
        ("9780306825560", None),
        ("0785342510591", None),
        ("2940012572707", None),
        ("9.78E+12", None),
        ("9.78031E+12", None),
        ("Contributor", None),
        ("0306825562", None),
        ("", None),
        ('=""', None),
    ],
)
def test_an_isbn13_is_read_or_absent(cell: str, isbn: str | None) -> None:
    assert read_isbn13(cell) == isbn


@pytest.mark.parametrize(
    ("isbn10", "isbn13"), [("0306825562", "9780306825569"), ("080442957X", "9780804429573")]
)
def test_known_books_have_both_forms(isbn10: str, isbn13: str) -> None:
    assert to_isbn13(isbn10) == isbn13
    assert to_isbn10(isbn13) == isbn10


def test_an_isbn13_beginning_with_979_has_no_shorter_form() -> None:
    assert to_isbn10("9791032305690") is None


@given(isbn10s())
def test_the_longer_form_is_valid_and_leads_back(isbn10: str) -> None:
    isbn13 = to_isbn13(isbn10)
    assert read_isbn13(isbn13) == isbn13
    assert to_isbn10(isbn13) == isbn10


@given(isbn10s(), st.integers(0, 9), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_always_noticed(isbn10: str, place: int, digit: str) -> None:
    mistyped = isbn10[:place] + digit + isbn10[place + 1 :]
    assert read_isbn10(mistyped) == (isbn10 if mistyped == isbn10 else None)


@given(isbn10s(), st.integers(0, 8))
def test_two_swapped_neighbours_are_always_noticed(isbn10: str, place: int) -> None:
    swapped = isbn10[:place] + isbn10[place + 1] + isbn10[place] + isbn10[place + 2 :]
    assert read_isbn10(swapped) == (isbn10 if swapped == isbn10 else None)


@given(st.text())
def test_any_text_is_an_isbn_or_absent(text: str) -> None:
    isbn10, isbn13 = read_isbn10(text), read_isbn13(text)
    assert isbn10 is None or read_isbn10(isbn10) == isbn10
    assert isbn13 is None or read_isbn13(isbn13) == isbn13
