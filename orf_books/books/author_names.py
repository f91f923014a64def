"""How alike two names of authors are.

Belongs here: what names are made of, and how surely two of them mean one person. Does not belong
here: titles (`similarity.py`).
"""

import re
from functools import lru_cache

from orf_books.books.words import SAME_WORD, folded, same_word

_NAME_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "ph.d", "md", "m.d"})
_FORMS_OF_ADDRESS = frozenset({"sir", "dame", "dr", "prof", "professor", "mr", "mrs", "rev"})
_MASTER = re.compile(r"[ -](?:tzu|tze|tse)\b")
"""`Sun Tzu` and `Lao Tse` are Sunzi and Laozi today."""
_NOBODY = {("unknown",), ("anonymous",), ("various",)}
"""Whom Goodreads names where a book has no author."""
_INITIAL_ONLY = 0.97
_SHORT_FORM = 0.95
_NAME_LEFT_OUT = 0.95
_LAST_NAME_ONLY = 0.9
_NO_AUTHOR = 0.9
_FORMS_OF_FIRST_NAMES = (
    {"leo", "lev", "lew", "leon"},
    {"andy", "andrew", "andrei", "andrey"},
    {"bill", "will", "william"},
    {"bob", "rob", "robert"},
    {"jim", "james"},
    {"tom", "thomas"},
    {"mike", "michael"},
    {"steve", "stephen", "steven"},
    {"dan", "daniel"},
    {"dave", "david"},
    {"chris", "christopher"},
    {"alex", "alexander", "alexandre"},
    {"nick", "nicholas"},
    {"joe", "joseph"},
    {"kate", "katherine", "catherine"},
    {"liz", "elizabeth"},
)


def last_name(author: str) -> str:
    """What to search an author by: services write initials in too many ways."""
    words = [word for word in author.split() if folded(word).strip(".,") not in _NAME_SUFFIXES]
    return words[-1].strip(",") if words else ""


def author_similarity(asked: str, other: str) -> float:
    """How surely two names mean one author, from 0 to 1."""
    some, others = _name(asked), _name(other)
    if not some or not others:
        return 0.0
    if sorted(some) == sorted(others):
        return 1.0
    if some in _NOBODY:
        return _NO_AUTHOR
    return _name_similarity(some, others)


def _name_similarity(some: tuple[str, ...], others: tuple[str, ...]) -> float:
    is_same_last_name = same_word(some[-1], others[-1]) >= SAME_WORD
    shorter, longer = sorted((some, others), key=len)
    if len(shorter) == 1:  # `Dante`, `Dante Alighieri`
        is_same = is_same_last_name or shorter[0] in longer
        return _LAST_NAME_ONLY if is_same else 0.0
    if is_same_last_name:
        return _first_name_similarity(some[0], others[0])
    # `Miguel de Cervantes`, `Miguel de Cervantes Saavedra`
    is_beginning = len(shorter[0]) > 1 and longer[: len(shorter)] == shorter
    return _NAME_LEFT_OUT if is_beginning else 0.0


def _first_name_similarity(one: str, other: str) -> float:
    if len(one) == 1 or len(other) == 1:
        return _INITIAL_ONLY if one[0] == other[0] else 0.0
    if any({one, other} <= forms for forms in _FORMS_OF_FIRST_NAMES):
        return _SHORT_FORM
    return 1.0 if same_word(one, other) >= SAME_WORD else 0.0


@lru_cache(maxsize=4096)
def _name(author: str) -> tuple[str, ...]:
    """The words of a name in the order it is spoken, initials apart: `j r r tolkien`."""
    last, comma, first = folded(author).partition(",")
    spoken = f"{first} {last}" if comma and first.strip(" .") not in _NAME_SUFFIXES else last
    words = re.findall(r"\w+", _MASTER.sub("zi", spoken.replace("'", "")))
    return tuple(word for word in words if word not in _NAME_SUFFIXES | _FORMS_OF_ADDRESS)
