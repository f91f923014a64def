"""What stands before a text on its line: the label of a speaker, a time, or both.

Belongs here: the forms in which tools and people write that. Does not belong here: which labels
look like a speaker's (`speaker_labels.py`), whom a label means (`speakers.py`), what follows from
one (`turns.py`).
"""

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from orf_books.transcripts.speaker_labels import is_phone_number
from orf_books.transcripts.timestamps import TIME

LONGEST_LABEL = 60
"""Code points, with additions such as `(she/her)`."""


class Form(Enum):
    """How a label is set apart from what is said."""

    COLON = auto()
    """`Name: text`, `[0:05] Name: text`, `**11:00 Name:** text`."""
    TIMED = auto()
    """`Name (0:05)`, `[Name] 00:00:05`, with the text behind it or below."""
    TIMED_INSIDE = auto()
    """`Name 0:05 text`."""
    DASH = auto()
    """`Name - text`."""
    TAB = auto()
    WRAPPED = auto()
    """`[Name] text`, `<Name> text`."""
    ALONE = auto()
    """`Name` on a line of its own, and the text below."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What stands before a text."""

    form: Form
    label: str = field(repr=False)
    end: int
    """Code points of the line that it takes."""
    timestamp: str | None = field(default=None, repr=False)
    """Unchecked."""


_UNREAD = r"\d{1,3}(?::[\d:.,]{1,15}|(?:\.\d{1,6})?\s?s)(?:\s?[apAP]\.?[mM]\.?)?"
"""What is a time in brackets, be it one that nobody can read."""
_TO = r"\s{0,3}(?:-->|[-\u2013\u2014])\s{0,3}"
_BRACKETED = rf"[\[(<]\s?{_UNREAD}(?:{_TO}{_UNREAD})?\s?[\])>]"
_RANGE = rf"(?:{_BRACKETED}|{TIME}(?:{_TO}{TIME})?)"
_BEFORE = re.compile(
    rf"\s*+(?:(?:>>+|[-\u2022\u2013\u2014#>]++)\s++|>>+)?(?P<mark>[*_]{{1,3}}(?=[\S]))?"
    rf"(?:(?P<time>{_RANGE})\s*+(?:[-\u2013\u2014|,:]\s*+)?+)?+(?P<mark2>[*_]{{1,3}}(?=\S))?"
)
"""Bullets, marks of emphasis, and a time before a label."""
_LABEL = rf"(?P<label>[^\n:\uff1a\t]{{1,{LONGEST_LABEL}}}?)"
_UP_TO_TEXT = (
    rf"(?:\[(?P<bracketed>[^\[\]\n:]{{1,{LONGEST_LABEL}}})\]"
    rf"|<(?P<angled>[^<>\n:]{{1,{LONGEST_LABEL}}})>|{_LABEL})"
    r"(?:"
    # `Name:`, `Name (0:05):`
    rf"[*_]{{0,3}}(?:[\s,|]*(?P<stamp>{_RANGE}))?[*_]{{0,3}}\s{{0,3}}"
    r"(?:(?<!\d)|(?!.\d))[:\uff1a](?!//)(?P<colon>)"
    # `Name  0:05` on a line of its own
    rf"|[*_]{{0,3}}[\s,|\u2013\u2014-]{{1,9}}(?P<alone>{_RANGE})[*_\s]*+$"
    # `Name (0:05) text`, `[Name] 0:05 text`
    rf"|[*_]{{0,3}}\s{{1,3}}(?P<inline>{_BRACKETED})[\s\u2013\u2014-]*+"
    rf"|(?<=\])\s{{0,3}}(?P<behind>{TIME})[\s\u2013\u2014-]*+"
    # `Name 0:05 text`
    rf"|\s{{1,3}}(?P<bare>{TIME})\s++(?=\S)"
    r"|(?P<dash>\s{1,3}[-\u2013\u2014|]{1,2}\s{1,3}{never})"
    # `[Name] text`
    r"|(?P<wrapped>(?:(?(bracketed)|(?!))|(?(angled)|(?!)))\s{1,3})(?=\S)"
    r"|(?P<tab>\s*+(?<=\t)\s*+|\t\s*+)"
    r")"
)
_AFTER_LABEL = re.compile(_UP_TO_TEXT.replace("{never}", "(?!)"))
_AFTER_LABEL_OR_DASH = re.compile(_UP_TO_TEXT.replace("{never}", ""))
_FORMS_OF_GROUPS = {"dash": Form.DASH, "wrapped": Form.WRAPPED, "tab": Form.TAB}
_TIME_BEHIND = re.compile(rf"\s*+{_BRACKETED}")
_ONLY_TIME = re.compile(rf"[*_>\s-]*+{_RANGE}[*_\s.]*+$")
_NOTICE = re.compile(
    r"\W*(?:"
    r"meeting ended after\b.*"
    r"|(?:this )?(?:editable )?transcript(?:ion)? was (?:computer|automatically) generated\b.*"
    r"|.{0,80}\b(?:started|stopped|ended|paused|resumed) (?:the )?"
    r"(?:transcription|transcript|recording)"
    r"|(?:transcription|transcript|recording) (?:has )?(?:started|stopped|ended)\b.{0,40}"
    r"|transcribed by https?://\S+"
    r"|end of transcript(?:ion)?"
    r")\W*",
    re.IGNORECASE,
)


def opening_of(line: str, *, may_end_by_dash: bool = True) -> Opening | None:
    """What may open a turn, whoever is meant; a label alone on its line is `label_alone`.

    Args:
        line: what stands there.
        may_end_by_dash: whether a dash ends a label: `Noah - text`, or else `Noah - parent: text`.
    """
    before = _BEFORE.match(line)
    at = before.end() if before else 0
    found = (_AFTER_LABEL_OR_DASH if may_end_by_dash else _AFTER_LABEL).match(line, at)
    time = before["time"] if before else None
    if not found:
        return None
    label = (found["bracketed"] or found["angled"] or found["label"]).strip(" \t*_")
    if not _may_be_label(label):
        return None
    end = found.end()
    if found["colon"] is not None:
        marks = (before["mark"] or before["mark2"] or "") if before else ""
        if marks and line.startswith(marks, end):
            end += len(marks)
        behind = _TIME_BEHIND.match(line, end)
        end = behind.end() if behind else end
        stamp = found["stamp"] or time or (behind[0].strip() if behind else None)
        return Opening(Form.COLON, label, end, stamp)
    if stamp := found["alone"] or found["inline"] or found["behind"]:
        return Opening(Form.TIMED, label, end, stamp)
    if found["bare"]:
        return Opening(Form.TIMED_INSIDE, label, end, found["bare"])
    form = next(form for group, form in _FORMS_OF_GROUPS.items() if found[group])
    return Opening(form, label, end, time)


def label_alone(line: str) -> Opening | None:
    """A line that may be a label and nothing else, with or without a time before it."""
    before = _BEFORE.match(line)
    at = before.end() if before else 0
    label = line[at:].strip(" \t\r\n*_[]")
    if len(label) > LONGEST_LABEL or not _may_be_label(label):
        return None
    return Opening(Form.ALONE, label, len(line), before["time"] if before else None)


def _may_be_label(text: str) -> bool:
    return any(map(str.isalpha, text)) or is_phone_number(text)


def time_alone(line: str) -> str | None:
    """The time that a line says and nothing else."""
    return line.strip() if _ONLY_TIME.match(line) else None


def is_notice(line: str) -> bool:
    """Whether a line is what a meeting tool writes about itself."""
    return bool(_NOTICE.fullmatch(line.strip()))
