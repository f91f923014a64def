"""One name as different tools write it: `Johnson, Emma`, `Emma J. (she/her)`, `Emma (Guest)`.

Belongs here: what tools add to a name, and which shorter forms of a name still tell people apart.
Does not belong here: who is called so (`roster.py`).
"""

import re
import unicodedata
from collections.abc import Iterator

_ADDITION = (
    r"(?:guest|external|unverified|host|co-?host|organi[sz]er|presenter|participant|attendee|"
    r"me|you|student|pupil|teacher|staff|he|she|they|ze|xe|him|her|hers|his|them|theirs|ella|él|elle|"
    r"any(?: pronouns)?)"
)
_ADDITIONS = rf"{_ADDITION}(?:\s*[/,|&-]\s*{_ADDITION}){{0,3}}"
_TRAILING = re.compile(
    rf"\s*(?:[\[(<]\s*{_ADDITIONS}\s*[\])>]|\s[-\u2013\u2014|/]\s*{_ADDITIONS}"
    r"|,?\s*\b(?:external|unverified)\b)\s*$",
    re.IGNORECASE,
)
_LEADING = re.compile(rf"^[\[(<]\s*{_ADDITIONS}\s*[\])>]\s*(?=\S)", re.IGNORECASE)
_MANNER = re.compile(
    r"\s*[\[(](?!(?:sibling|family)\b)"
    r"(?:[a-z]+(?:ing|ly)|aloud|again|continued|cont\.?|cont'd)(?:\sto\s[^()\[\]]{1,40})?[\])]\s*$"
)
"""How somebody speaks: `(quietly)`, `[whispering to Liam]`; in small letters, as names are not."""
_MARKS = " \t*_`\"'\u201c\u201d"


def without_additions(label: str) -> str:
    """A label without what is added to a name: pronouns, `(Guest)`, `External`, `(quietly)`."""
    bare = _LEADING.sub("", label.strip(_MARKS), count=1)
    if len(bare) > 1 and bare[0] + bare[-1] in ("[]", "<>", "()"):
        bare = bare[1:-1].strip(_MARKS)
    while (shorter := _MANNER.sub("", _TRAILING.sub("", bare))) != bare and shorter:
        bare = shorter
    return bare


def readings_of(label: str) -> Iterator[str]:
    """What a label may stand for as a whole name, the likeliest first."""
    yield label
    bare = without_additions(label)
    yield bare
    last, comma, first = bare.partition(",")
    if comma and last.strip() and first.strip() and "," not in first:
        yield f"{without_additions(first)} {last.strip()}"


def short_forms(words: list[str]) -> Iterator[str]:
    """A name without accents, and what is left of it without middle names: `zoe quill`, `zoe q`.

    Args:
        words: of the whole name, as names are compared.
    """
    yield plain_name(words)
    if len(words) > 1:
        yield plain_name([words[0], words[-1]])
        yield plain_name([words[0], words[-1][0]])


def plain_name(words: list[str]) -> str:
    """A name without accents."""
    decomposed = unicodedata.normalize("NFD", " ".join(words))
    return "".join(one for one in decomposed if not unicodedata.combining(one))
