"""How numerals are said: `1985` is `nineteen eighty five`.

Belongs here: words for numbers, all the usual ways. Does not belong here: how those words sound
(`phonemes.py`), and finding them in what was heard (`alignment.py`).
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, islice, product

Words = tuple[str, ...]

_NUMERAL = re.compile(r"(?P<currency>[$£€]?)(?P<digits>\d+)(?P<ending>st|nd|rd|th|s|%?)")
_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_CURRENCIES = {"$": "dollars", "£": "pounds", "€": "euros"}
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_ORDINAL_ENDINGS = ("st", "nd", "rd", "th")
_LONGEST = 6
"""Digits of a number that is said as one; longer ones are said digit by digit."""
_HUNDRED, _THOUSAND = 100, 1000
_YEARS = range(1100, 2000)
"""Said in two parts as a rule."""
_MOST_WAYS = 12
"""Of a word with hyphens, each part of which is said in several ways."""


def spoken(word: str) -> tuple[Words, ...]:
    """The ways in which a word with digits is said, the most usual first; none for other words.

    Knows whole numbers, ordinals (`3rd`), decades (`1980s`), `$5`, `50%`, and parts joined by
    hyphens (`5-year-old`).
    """
    # Most words have no digits, and are many.
    return () if word.isalpha() else _spoken(word)


@lru_cache(maxsize=1024)
def _spoken(word: str) -> tuple[Words, ...]:
    if not any(map(str.isdecimal, word)):
        return ()
    ways = [
        tuple(_numeral(part)) if any(map(str.isdecimal, part)) else ((part,),)
        for part in word.split("-")
        if part
    ]
    joined = (tuple(chain.from_iterable(way)) for way in islice(product(*ways), _MOST_WAYS))
    return tuple(dict.fromkeys(joined))


def _numeral(text: str) -> Iterator[Words]:
    match = _NUMERAL.fullmatch(text)
    if not match:
        return
    currency, ending = _CURRENCIES.get(match["currency"]), match["ending"]
    for way in _ways(match["digits"]):
        *before, last = way
        if ending in _ORDINAL_ENDINGS:
            yield (*before, _ordinal(last))
        elif ending == "s":
            yield (*before, _plural(last))
        elif ending == "%":
            yield (*way, "percent")
        elif currency:
            yield (*way, currency[:-1] if way == ("one",) else currency)
        else:
            yield way


def _ways(digits: str) -> Iterator[Words]:
    """The ways in which a number is said; digits are of any script."""
    if len(digits) <= _LONGEST:
        yield from _ways_of_number(int(digits), digits)
    one_by_one = tuple(_SMALL[int(digit)] for digit in digits)
    yield one_by_one
    yield tuple("oh" if word == "zero" else word for word in one_by_one)


def _ways_of_number(number: int, digits: str) -> Iterator[Words]:
    as_year = _in_two_parts(number)
    if number in _YEARS:
        yield as_year
    if str(number) == digits:
        yield _cardinal(number)
        yield _cardinal(number, joint=("and",))
        if number in {_HUNDRED, _THOUSAND}:
            yield "a", *_cardinal(number)[1:]
    if as_year:
        yield as_year


def _cardinal(number: int, joint: Words = ()) -> Words:
    """A number below a million; `joint` stands before what is below a hundred."""
    if number < len(_SMALL):
        return (_SMALL[number],)
    if number < _HUNDRED:
        tens, ones = divmod(number, 10)
        return _TENS[tens], *((_SMALL[ones],) if ones else ())
    size, name = (_THOUSAND, "thousand") if number >= _THOUSAND else (_HUNDRED, "hundred")
    rest = number % size
    before = *_cardinal(number // size, joint), name
    if not rest:
        return before
    return *before, *(joint if rest < _HUNDRED else ()), *_cardinal(rest, joint)


def _in_two_parts(number: int) -> Words:
    """As years, hours and house numbers are said; empty for numbers of other lengths."""
    first, rest = divmod(number, _HUNDRED)
    if not 0 < first < _HUNDRED:
        return ()
    if not rest:
        return (*_cardinal(first), "hundred") if first % 10 else ()
    return *_cardinal(first), *(("oh",) if rest < 10 else ()), *_cardinal(rest)  # noqa: PLR2004


def _ordinal(word: str) -> str:
    if word in _ORDINALS:
        return _ORDINALS[word]
    return f"{word[:-1]}ieth" if word.endswith("y") else f"{word}th"


def _plural(word: str) -> str:
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
