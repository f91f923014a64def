"""Words as titles and names are compared by.

Belongs here: one spelling for each word, and how alike two spellings are. Does not belong here:
what titles and names are made of (`similarity.py`, `author_names.py`).
"""

import unicodedata
from difflib import SequenceMatcher

SAME_WORD = 0.85
"""Similarity of letters from which two words are spellings of one."""
_LETTERS_WITHOUT_ACCENT = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}
)
"""Letters that are not composed of a plain one and an accent."""


def same_word(one: str, other: str) -> float:
    """How alike two spellings are, from 0 to 1; other digits make another word."""
    if one == other:
        return 1.0
    if any(letter.isdigit() for letter in one + other):
        return 0.0
    letters = SequenceMatcher(None, one, other, autojunk=False)
    return letters.ratio() if letters.real_quick_ratio() >= SAME_WORD else 0.0


def folded(text: str) -> str:
    """Lower case, without accents, with plain apostrophes."""
    apart = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).casefold()
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return plain.translate(_LETTERS_WITHOUT_ACCENT)
