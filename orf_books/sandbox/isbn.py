"""Book numbers in both forms, as the catalogues of the services keep them.

Belongs here: check digits and turning one form into the other. Does not belong here: reading
numbers out of exports. This is on purpose not shared with the client side: a mistake there must
not be answered by the same mistake here.
"""

ISBN10_LENGTH = 10
ISBN13_LENGTH = 13


def isbn10_check_digit(first_nine: str) -> str:
    """The tenth character: a digit or X."""
    total = sum((10 - place) * int(digit) for place, digit in enumerate(first_nine))
    return "0123456789X"[-total % 11]


def isbn13_check_digit(first_twelve: str) -> str:
    """The thirteenth digit."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(first_twelve))
    return str(-total % 10)


def is_isbn(number: str) -> bool:
    """Whether the number has the form and the check digit of an ISBN-10 or ISBN-13."""
    body, check = number[:-1], number[-1:].upper()
    if not (body.isascii() and body.isdigit()):
        return False
    if len(number) == ISBN10_LENGTH:
        return check == isbn10_check_digit(body)
    is_book = number.startswith(("978", "979")) and len(number) == ISBN13_LENGTH
    return is_book and check == isbn13_check_digit(body)


def as_isbn13(number: str) -> str | None:
    """The ISBN-13 of a number in either form, None when it is no ISBN."""
    if not is_isbn(number):
        return None
    if len(number) == ISBN13_LENGTH:
        return number
    first_twelve = "978" + number[:-1]
    return first_twelve + isbn13_check_digit(first_twelve)


def as_isbn10(isbn13: str) -> str | None:
    """The ISBN-10 of an ISBN-13; None outside 978, where there is none."""
    if not isbn13.startswith("978"):
        return None
    first_nine = isbn13[3:12]
    return first_nine + isbn10_check_digit(first_nine)
