"""Whether a label is written like a speaker's: `Noah R.`, `Liam's mom`, `+1 555-0100`.

Whoever it means, nobody's words may be taken for those of the child who spoke before. A label too
many costs a line; a label too few keeps the words of somebody who has not consented.

Belongs here: how names, relatives, devices and phone numbers are written as labels, in any script.
Does not belong here: where a label stands on its line (`openings.py`), whom it means
(`speakers.py`).
"""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from orf_books.transcripts.name_variants import without_additions
from orf_books.transcripts.spoken import REMOVED

_MOST_WORDS_OF_A_NAME = 5
_MOST_WORDS_OF_A_DESCRIPTION = 8
_MOST_WORDS_OF_A_RELATION = 3

_PHONE = re.compile(
    r"\s*(?:\+(?=(?:\D*\d){7})[\d().\s-]+"
    r"|\+?[\d().\s-]*[*x\u2022]{3,}[\d().\s*x\u2022-]*\d{2}"
    r"|(?:1[-.\s]?)?(?:\(?\d{3}\)?[-.\s]?)?\d{3}[-.]\d{4}"
    r"|\d{9,15})\s*",
    re.IGNORECASE,
)
"""International, with hidden digits, American, and a run of digits too long for a sum."""
_WORD = re.compile(r"[^\s&/+,|]+")
_AROUND_WORDS = ".()[]\"'@*?!#-"
_NAME_MARKS = frozenset(f"&/+,|{_AROUND_WORDS}")
_AS_IN_ENGLISH = str.maketrans(
    "\u2018\u2019\u2032\u00b4\u02bc\uff07`\u201c\u201d\u00ab\u00bb\u2010\u2011\u2012\u2013\u2014\u2015"
    "\u00b7\u30fb\uff08\uff09\u3010\u3011\uff06\u3001\uff0c\u060c",
    "''''''''\"\"\"--------()()&,,,",
)
_AROUND_NAMES = ("Cf", "So", "Sk")
"""Categories of what tools and people put around a name: marks of direction, emoji."""
_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_AGE_OR_PLACE = re.compile(
    r"(?<=\S),?\s+(?:age[ds]?|class|grade|group|period|room|table|year)\s+\w{1,3}$"
    r"|,\s*\d{1,2}(?:st|nd|rd|th)?\s+(?:grader?|years?(?:\s+old)?)$",
    re.IGNORECASE,
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PARTICLES = _words("al and bin da de del der di do dos du el la van von y")
_PEOPLE = _words(
    "adult aide assistant aunt auntie baby babysitter boy brother caller carer caregiver child "
    "classmate coach counselor counsellor cousin dad daddy daughter father friend girl grandfather "
    "grandma grandmother grandpa granny guardian guest guy helper husband kid lady librarian mama "
    "man mom mommy mother mum mummy nan nanny neighbor neighbour nephew niece nurse observer papa "
    "para paraprofessional parent participant partner person principal pupil sibling sister sitter "
    "son speaker stepdad stepmom student sub substitute teacher therapist tutor twin uncle user "
    "visitor voice volunteer wife woman abuela abuelo hermana hermano mam\u00e1 pap\u00e1"
)
_SEVERAL_PEOPLE = _words("children classmates family friends group kids parents people team")
_DEVICES = _words(
    "android chromebook computer device headset ipad iphone laptop macbook mic microphone pc phone "
    "smartphone tablet zoom"
)
_WHOSE = _words("her his their")
_WHICH = _words(
    "another big elder foster grand little new older other second step third twin unidentified "
    "unknown unnamed younger"
)
_BESIDE_PEOPLE = _WHOSE | _WHICH | _PARTICLES
_ARTICLES = _words("a an another some the")
_WHERE = _words("at behind beside by de from in near of off on outside with")
_SPEECH = _words(Path(__file__).with_name("words_before_colons.txt").read_text(encoding="utf-8"))
"""With these people begin what they say, or write on a board, before a colon; no names."""


def looks_like_speaker(label: str, *, is_uncapitalised: bool = False) -> bool:
    """Whether a label may be somebody's: `Noah R.`, `noah`, `Liam's mom`, `boy at the window`.

    What people say before a colon is none: `step one`, `Three things`, `Note`, `Liam's answer`.

    Args:
        label: what stands before a colon, a dash, a tab or a time.
        is_uncapitalised: whether the file writes names without capitals.
    """
    if is_phone_number(label):
        return True
    label = without_additions(_plain(label.replace(REMOVED, "Removed")))
    label = _AGE_OR_PLACE.sub("", _BRACKETED.sub(" ", label).strip() or label)
    if not all(map(_may_be_in_name, label)):
        return False
    parts = _WORD.findall(label)
    words = [word for part in parts if (word := part.strip(_AROUND_WORDS))[:1].isalpha()]
    if all(word.casefold() in _SPEECH for word in words):
        return False
    names = [word for word in words if word.casefold() not in _PARTICLES]
    is_short = len(names) > 0 and len(parts) - len(words) + len(names) <= _MOST_WORDS_OF_A_NAME
    if is_short and _is_name(names, is_uncapitalised=is_uncapitalised):
        return True
    return len(parts) <= _MOST_WORDS_OF_A_DESCRIPTION and _describes_somebody(words)


def is_phone_number(label: str) -> bool:
    """Whether a label is a phone number, with digits hidden perhaps: `+1 555-0100`, `1******00`."""
    return bool(_PHONE.fullmatch(label))


def is_related_to_somebody(label: str) -> bool:
    """Whether a label names somebody by somebody else: `Ms. Rivera's son`, `Mrs. O'Neil, mom`."""
    words = [part.strip(_AROUND_WORDS).casefold() for part in _WORD.findall(_plain(label))]
    is_possessive = any(word.endswith("'s") for word in words[:-1])
    return is_possessive or bool(_PEOPLE & set(words[2:]))  # `Dr. Guest`


def _plain(label: str) -> str:
    """With the apostrophes, quotes, dashes and brackets of English, and without emoji."""
    kept = (one for one in label if unicodedata.category(one) not in _AROUND_NAMES)
    return "".join(kept).translate(_AS_IN_ENGLISH).strip()


def _may_be_in_name(character: str) -> bool:
    """Letters with their marks, which `str.isalnum` does not take for letters, and punctuation."""
    return (
        character.isalnum()
        or character.isspace()
        or character in _NAME_MARKS
        or unicodedata.category(character) in ("Mn", "Mc", "Pc", "Cc")
    )


def _is_name(words: Sequence[str], *, is_uncapitalised: bool) -> bool:
    if all(not word.islower() for word in words) or _is_name_elsewhere(words):
        return True
    if not all(word.islower() for word in words) or words[0] in _SPEECH:
        return False
    # A file may be written without capitals; then a name is one word, with an initial perhaps.
    if all(len(word.strip(".")) == 1 for word in words[1:]):
        return True
    return is_uncapitalised and len(words) == 2 and words[1] not in _SPEECH  # noqa: PLR2004


def _is_name_elsewhere(words: Sequence[str]) -> bool:
    """Whether words of another script than ours are a name, or a relation to one."""
    is_foreign = not any(one.isascii() and one.isalpha() for word in words for one in word)
    return is_foreign and not words[-1].islower() and len(words) <= _MOST_WORDS_OF_A_RELATION


def _describes_somebody(words: Sequence[str]) -> bool:
    """Whether words name somebody by relation, device or place: `Liam's mom`, `boy at the door`."""
    folded = [word.casefold() for word in words]
    has_article = folded[0] in _ARTICLES
    folded, words = folded[has_article:], words[has_article:]
    nouns = _PEOPLE if has_article else _PEOPLE | _SEVERAL_PEOPLE | _DEVICES
    if nouns.isdisjoint(folded):
        return False
    if folded[0] in _PEOPLE and folded[1:2] and folded[1] in _WHERE:
        return True
    others = (one for one in zip(words, folded, strict=True) if one[1] not in nouns)
    return all(word in _BESIDE_PEOPLE or _may_own(written, word) for written, word in others)


def _may_own(written: str, word: str) -> bool:
    """Whether a word is a name, or whose something is: `Liam`, `liam's`."""
    return word not in _SPEECH and (word.endswith(("'s", "s'")) or not written.islower())
