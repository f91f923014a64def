"""Dates as services and spreadsheets write them.

Belongs here: the forms of dates, and whether the day or the month comes first in a file. Does not
belong here: which columns hold dates.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from orf_books.books.exports.cells import UnreadableCell

FIRST_YEAR = 1000
"""An earlier year was not written with four digits: a slip."""
_DIGITS_OF_SHORT_YEAR = 2
_LAST_TWO_DIGIT_YEAR = 69
"""`69` is 2069 and `70` is 1970, as POSIX reads two digits."""
_MONTHS = 12
_SHORT_DATES_THAT_AGREE = 2
"""One date such as `21/05/12` may have the year first; so many different ones do not."""


class DayOrder(Enum):
    """How the dates of a file are written where the year comes last."""

    DAY_FIRST = "day first"
    MONTH_FIRST = "month first"
    UNDECIDED = "undecided"
    """No date says it, or some dates say one and some the other."""


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date as exactly as it is known."""

    year: int
    month: int | None = None
    day: int | None = None
    doubt: str | None = None
    """Why day and month are not known though the cell has them."""

    @property
    def whole(self) -> date | None:
        """The day, where it is known."""
        if self.month is None or self.day is None:
            return None
        return date(self.year, self.month, self.day)

    def __str__(self) -> str:
        """As ISO 8601 has it: `2021`, `2021-05` or `2021-05-12`."""
        parts = [f"{self.year:04}", *(f"{part:02}" for part in (self.month, self.day) if part)]
        return "-".join(parts)


class _YearLast(NamedTuple):
    first: int
    second: int
    year: int
    may_be_year_first: bool
    """Of `21/05/12` each number could be the year."""


_TIME = re.compile(
    r"[T ]\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[ap]\.?m\.?)?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?$",
    re.IGNORECASE,
)
_YEAR_LAST = re.compile(r"(\d{1,2})([/.-])\s?(\d{1,2})\2\s?(\d{4}|\d{2})")
_NAMES = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_NAME = rf"(?P<name>{_NAMES})[a-z]*\.?,?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?"
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? ", re.IGNORECASE)
_DAY_COUNT = re.compile(r"(\d{5})(?:\.\d+)?")
_FIRST_DAY_COUNTED, _DAY_COUNTS = date(1899, 12, 30), range(20_000, 60_000)
"""Spreadsheets count days: a date whose format was lost is a number. These are 1954 to 2064."""
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})([/.-])\s?(?P<month>\d{1,2})\2\s?(?P<day>\d{1,2})\.?",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
        r"(?P<year>\d{4})(?:\.0)?",
        r"(?P<year>\d{4})[/.-](?P<month>\d{1,2})",
        r"(?P<month>\d{1,2})[/.-](?P<year>\d{4})",
        rf"{_DAY}[ /-]{_NAME}[ /-](?P<year>\d{{4}}|\d{{2}})",
        rf"{_NAME} {_DAY},? (?P<year>\d{{4}})",
        rf"{_NAME}[ -](?P<year>\d{{4}})",
    )
)
"""All but those with numbers alone and the year last, whose order only the file can tell."""

_NO_DATE = "It is not a date that can be read."
_NO_SUCH_DAY = "There is no such day."
_TWO_WAYS = "Its day and month could be either way round, so only its year is used."
_YEAR_ANYWHERE = "Any of its numbers could be the year."


def day_order(cells: Iterable[str]) -> DayOrder:
    """What the dates of a file say about their own order: a number above 12 is no month."""
    sure: set[DayOrder] = set()
    short: set[str] = set()
    for cell in set(cells):
        numbers = _year_last(cell)
        if numbers is None:
            continue
        if numbers.second > _MONTHS:
            sure.add(DayOrder.MONTH_FIRST)
        elif numbers.may_be_year_first:
            short.add(cell)
        elif numbers.first > _MONTHS:
            sure.add(DayOrder.DAY_FIRST)
    if len(short) >= _SHORT_DATES_THAT_AGREE or (short and sure):
        sure.add(DayOrder.DAY_FIRST)
    return sure.pop() if len(sure) == 1 else DayOrder.UNDECIDED


def needs_order(cell: str) -> bool:
    """Whether only the order of the file tells the day of this date from its month."""
    numbers = _year_last(cell)
    return numbers is not None and max(numbers.first, numbers.second) <= _MONTHS


@lru_cache(maxsize=16384)
def read_date(cell: str, order: DayOrder) -> PartialDate:
    """The date in a cell, as exactly as the cell gives it.

    Args:
        cell: without spaces around it.
        order: how the dates of the file are written where the year comes last.

    Raises:
        UnreadableCell: it is no date.
    """
    if numbers := _year_last(cell):
        return _in_order(numbers, order)
    text = _WEEKDAY.sub("", _TIME.sub("", cell)).strip()
    if (counted := _DAY_COUNT.fullmatch(text)) and int(counted[1]) in _DAY_COUNTS:
        day_counted = _FIRST_DAY_COUNTED + timedelta(days=int(counted[1]))
        return PartialDate(day_counted.year, day_counted.month, day_counted.day)
    match = next((match for form in _FORMS if (match := form.fullmatch(text))), None)
    if match is None:
        raise UnreadableCell(_NO_DATE)
    parts = {"month": None, "day": None, "name": None} | match.groupdict()
    name, month, day = parts["name"], parts["month"], parts["day"]
    if name:
        month = str(_NAMES.split("|").index(name.casefold()) + 1)
    return _valid(
        _full_year(match["year"]), None if month is None else int(month), int(day) if day else None
    )


def _year_last(cell: str) -> _YearLast | None:
    match = _YEAR_LAST.fullmatch(_TIME.sub("", cell).strip())
    if match is None:
        return None
    first, second = int(match[1]), int(match[3])
    may_be_year_first = len(match[4]) == len(match[1]) and first > _MONTHS >= second
    return _YearLast(first, second, _full_year(match[4]), may_be_year_first)


def _in_order(numbers: _YearLast, order: DayOrder) -> PartialDate:
    first, second, year, may_be_year_first = numbers
    if order is DayOrder.MONTH_FIRST:
        return _valid(year, first, second)
    if order is DayOrder.DAY_FIRST:
        return _valid(year, second, first)
    if may_be_year_first:
        raise UnreadableCell(_YEAR_ANYWHERE)
    if second > _MONTHS:
        return _valid(year, first, second)
    if first > _MONTHS or first == second:
        return _valid(year, second, first)
    return replace(_valid(year), doubt=_TWO_WAYS)


def _valid(year: int, month: int | None = None, day: int | None = None) -> PartialDate:
    if year < FIRST_YEAR:
        raise UnreadableCell(_NO_DATE)
    try:
        date(year, 1 if month is None else month, 1 if day is None else day)
    except ValueError:
        raise UnreadableCell(_NO_SUCH_DAY) from None
    return PartialDate(year, month, day)


def _full_year(digits: str) -> int:
    year = int(digits)
    if len(digits) > _DIGITS_OF_SHORT_YEAR:
        return year
    return year + (2000 if year <= _LAST_TWO_DIGIT_YEAR else 1900)
