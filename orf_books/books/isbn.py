"""ISBNs as people and spreadsheets write them: cleaned, checked, turned into the other form.

Belongs here: what makes a text an ISBN. Does not belong here: which column or service it came from.
"""

import re

_WRAPPING = re.compile(r"""[\s="'\u2010-\u2015-]""")
"""What surrounds or separates digits: the `="..."` of spreadsheets, quotes, spaces and hyphens."""

_ISBN10 = re.compile(r"[0-9]{6,9}[0-9X]")
"""Seven to ten characters: publishers with three leading zeros exist, but hardly any with more."""

_ISBN13 = re.compile(r"97[89][0-9]{10}")


def read_isbn10(text: str) -> str | None:
    """The ISBN-10 in a cell, its lost leading zeros restored; None where it fails its checksum."""
    bare = _bare(text)
    if not _ISBN10.fullmatch(bare):
        return None
    isbn10 = bare.zfill(10)
    if not isbn10.strip("0") or isbn10[-1] != _check_character_10(isbn10[:9]):
        return None
    return isbn10


def read_isbn13(text: str) -> str | None:
    """The ISBN-13 in a cell; None where it fails its checksum or is a number of another kind."""
    bare = _bare(text)
    if not _ISBN13.fullmatch(bare) or bare[-1] != _check_digit_13(bare[:12]):
        return None
    return bare


def to_isbn13(isbn10: str) -> str:
    """The ISBN-13 of a checked ISBN-10."""
    stem = f"978{isbn10[:9]}"
    return stem + _check_digit_13(stem)


def to_isbn10(isbn13: str) -> str | None:
    """The ISBN-10 of a checked ISBN-13; None for 979, which has no shorter form."""
    if not isbn13.startswith("978"):
        return None
    stem = isbn13[3:12]
    return stem + _check_character_10(stem)


def _bare(text: str) -> str:
    # `.0` is what programs add that took the column for numbers; no digit is lost by it.
    return _WRAPPING.sub("", text).removesuffix(".0").upper()


def _check_character_10(stem: str) -> str:
    total = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), stem, strict=True))
    remainder = -total % 11
    return "X" if remainder == 10 else str(remainder)  # noqa: PLR2004 - X is how ISBN writes ten


def _check_digit_13(stem: str) -> str:
    total = sum(map(int, stem[::2])) + 3 * sum(map(int, stem[1::2]))
    return str(-total % 10)
