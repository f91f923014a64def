"""Cells of an export: text in, values out, and why a cell gives none.

Belongs here: numbers, ratings, identifiers and shelves as services and spreadsheets write them.
Does not belong here: dates (`dates.py`), and which column holds what (`goodreads.py` and the other
kinds).
"""

import html
import re
from functools import lru_cache

from orf_books.books.isbn import read_isbn10, read_isbn13

HIGHEST_RATING = 5
READ, TO_READ, CURRENTLY_READING = "read", "to-read", "currently-reading"

_GROUPED = re.compile(r"[0-9]{1,3}(?:[,. \u00a0\u202f'][0-9]{3})+")
"""`1,189`; no count of pages has decimals, so neither has `1.189`."""
_WHOLE = re.compile(r"([+-]?[0-9]{1,9})(?:[.,]0*)?")
_PAGES = re.compile(r"(.*?)\s*(?:pages?|pp?\.?|p\.)", re.IGNORECASE)
_DECIMAL = re.compile(r"[+-]?[0-9]{1,4}(?:[.,][0-9]*)?")
_OF_FIVE = re.compile(r"\s*(?:(?:/|of|out of)\s*5)?\s*(?:stars?)?", re.IGNORECASE)
_STAR_SIGNS = re.compile("(★{1,5})(½?)☆*")
_LAST_YEAR = 9999
_HIDDEN = re.compile(r"#+")
_EMPTY_ISBN = re.compile(r"=?\"*'?0*")
_SHORTENED = re.compile(r"[0-9](?:[.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)
_LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_GOODREADS_ID = re.compile("[0-9]{1,20}")
_HOURS = re.compile(
    r"(?:(\d+(?:[.,]\d+)?)\s*(?:h|hrs?|hours?)\.?)?,?\s*(?:and\s*)?(?:(\d+)\s*(?:m|mins?|minutes?)\.?)?",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d)(?::[0-5]\d)?")
_SHELVES = {
    "want to read": TO_READ,
    "to read": TO_READ,
    "currently reading": CURRENTLY_READING,
    "did not finish": "did-not-finish",
}
_AUDIO = re.compile(r"audio|audible|mp3|cassette|hörbuch|playaway|\bcds?\b")
MOST_DISCS = 60
"""The longest novels fill so many discs, or hours; no printed novel has so few pages."""


class UnreadableCell(Exception):
    """A filled cell cannot be understood; the message says why and never quotes the cell."""


def unescaped(text: str) -> str | None:
    """Text without HTML entities; None where nothing is left."""
    return (html.unescape(text).strip() or None) if "&" in text else text


def single_spaced(text: str) -> str | None:
    """A name with single spaces and without HTML entities; None where nothing is left."""
    plain = unescaped(text)
    return " ".join(plain.split()) if plain else None


def in_lines(text: str) -> str | None:
    """A review with line ends where the export has tags for them."""
    return unescaped(_LINE_BREAK.sub("\n", text).strip()) or None


def listed(cell: str) -> tuple[str, ...]:
    """The names in a list with commas, each once."""
    return tuple(dict.fromkeys(name for part in cell.split(",") if (name := part.strip())))


@lru_cache(maxsize=4096)
def read_whole_number(cell: str) -> int:
    """A number without decimals, `1,189` included."""
    _refuse_hidden(cell)
    if _GROUPED.fullmatch(cell):
        return int(re.sub(r"[^0-9]", "", cell))
    if match := _WHOLE.fullmatch(cell):
        return int(match[1])
    raise UnreadableCell("It is not a whole number.")


@lru_cache(maxsize=4096)
def read_pages(cell: str) -> int | None:
    """A number of pages; None for 0, which stands for unknown."""
    match = _PAGES.fullmatch(cell)
    pages = read_whole_number(match[1] if match else cell)
    if pages < 0:
        raise UnreadableCell("It is below zero.")
    return pages or None


def read_count(cell: str) -> int:
    """How often something was done."""
    number = read_whole_number(cell)
    if number < 0:
        raise UnreadableCell("It is below zero.")
    return number


def read_year(cell: str) -> int | None:
    """A year, negative before Christ; None for 0, which stands for unknown."""
    _refuse_hidden(cell)
    match = _WHOLE.fullmatch(cell)
    if match is None or abs(year := int(match[1])) > _LAST_YEAR:
        raise UnreadableCell("It is not a year.")
    return year or None


@lru_cache(maxsize=4096)
def read_rating(cell: str) -> float | None:
    """Stars, above 0 and up to 5; None for 0, which stands for unrated."""
    _refuse_hidden(cell)
    if signs := _STAR_SIGNS.fullmatch(cell):
        rating = len(signs[1]) + 0.5 * len(signs[2])
    elif (number := _DECIMAL.match(cell)) and _OF_FIVE.fullmatch(cell[number.end() :]):
        rating = float(number[0].replace(",", "."))
    else:
        raise UnreadableCell("It is not a number of stars.")
    if not 0 <= rating <= HIGHEST_RATING:
        raise UnreadableCell("It is not from 0 to 5.")
    return rating or None


def split_rating(rating: float | None) -> tuple[int | None, float]:
    """Whole stars, and what half and quarter stars add to them."""
    return (None, 0.0) if rating is None else (int(rating), rating % 1)


def read_goodreads_id(cell: str) -> str:
    """A Goodreads Book Id."""
    if not _GOODREADS_ID.fullmatch(cell):
        raise UnreadableCell(
            "It is not a Goodreads Book Id, which has at most 20 digits and nothing else."
        )
    return cell


def read_isbn(cell: str) -> str | None:
    """An ISBN-10 or ISBN-13, checked; None where a spreadsheet wrote an empty one."""
    _refuse_hidden(cell)
    if _EMPTY_ISBN.fullmatch(cell):
        return None
    if isbn := read_isbn13(cell) or read_isbn10(cell):
        return isbn
    if _SHORTENED.fullmatch(cell):
        raise UnreadableCell("A spreadsheet has rounded it.")
    raise UnreadableCell("It is not an ISBN, or its check digit is wrong.")


def read_flag(cell: str) -> bool:
    """Yes or no."""
    answer = cell.casefold()
    if answer in {"true", "yes", "1"}:
        return True
    if answer in {"false", "no", "0"}:
        return False
    raise UnreadableCell("It says neither yes nor no.")


def read_hours(cell: str) -> float:
    """The length of a recording: `11 hrs and 30 mins`, `11.5 hours`, `11:30:00`."""
    match = _HOURS.fullmatch(cell)
    if match is None or not any(match.groups()):
        match = _CLOCK.fullmatch(cell)
    if match is None:
        raise UnreadableCell("It is neither a number of pages nor a length in hours.")
    return float((match[1] or "0").replace(",", ".")) + int(match[2] or 0) / 60


def shelf(name: str) -> str:
    """A shelf as Goodreads writes it: `Want to Read` is `to-read`; other names in lower case."""
    plain = " ".join(name.casefold().split())
    return _SHELVES.get(plain.replace("-", " ").replace("_", " "), plain)


def is_audio(binding: str | None) -> bool:
    """Whether an edition is listened to."""
    return binding is not None and bool(_AUDIO.search(binding.casefold()))


def _refuse_hidden(cell: str) -> None:
    if _HIDDEN.fullmatch(cell):
        raise UnreadableCell("The column was too narrow when a spreadsheet saved the file.")
