"""What stands before a text on its line: the label of a speaker, a time, or both.

Belongs here: the forms in which tools and people write that. Does not belong here: which labels
look like a speaker's (`speaker_labels.py`), whom a label means (`speakers.py`), what follows from
one (`turns.py`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from orf_books.transcripts.speaker_labels import is_phone_number, looks_like_speaker
from orf_books.transcripts.timestamps import TIME

LONGEST_LABEL = 60
"""Code points, with additions such as `(she/her)`."""


class Form(Enum):
    """How a label is set apart from what is said."""

    COLON = auto()
    """`Name: text`, `[0:05] Name: text`, `**11:00 Name:** text`."""
    TIMED = auto()
    """`Name (0:05)`, `[Name] 00:00:05`, with the text behind it or below; `Name 0:05 0:11 text`."""
    TIMED_INSIDE = auto()
    """`Name 0:05 text`."""
    DASH = auto()
    """`Name - text`."""
    TAB = auto()
    WRAPPED = auto()
    """`[Name] text`, `(Name) text`, `<Name> text`."""
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


_DATE = r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}),?[ T]\s?"
_UNREAD = (
    rf"(?:(?:{_DATE})?\d{{1,3}}(?::[\d:.,]{{1,15}}|(?:\.\d{{1,6}})?\s?s)"
    r"(?:\s?[apAP]\.?[mM]\.?)?|\d{1,6}\.\d{1,6})"
)
"""What is a time in brackets, be it one that nobody can read."""
_UNITS = (
    r"(?:\d{1,2}\s?h(?:ours?|rs?)?,?\s)?\d{1,3}\s?m(?:in(?:ute)?s?)?,?\s"
    r"\d{1,2}(?:\.\d{1,6})?\s?s(?:ec(?:ond)?s?)?"
)
"""`0 minutes 5 seconds`: a time beside a label, elsewhere perhaps an answer."""
_TO = r"\s{0,3}(?:-->|[-\u2013\u2014])\s{0,3}"
_BRACKETED = rf"[\[(<]\s?(?:{_UNREAD}(?:{_TO}{_UNREAD})?|{_UNITS})\s?[\])>]"
_RANGE = rf"(?:{_BRACKETED}|(?:{_DATE})?{TIME}(?:{_TO}{TIME})?)"
_BEFORE = re.compile(
    rf"\s*+(?:\d{{1,5}}+(?:[.)]\s++|\s{{2,}}+|\t\s*+))?+"
    rf"(?:(?:>>+|[-\u2022\u2013\u2014#>]++)\s++|>>+)?(?P<mark>[*_]{{1,3}}(?=[\S]))?"
    rf"(?:(?P<time>{_RANGE}|\d{{1,6}}\.\d{{1,6}}(?:\s\d{{1,6}}\.\d{{1,6}})?(?=\s))\s*+"
    rf"(?:[-\u2013\u2014|,:]\s*+)?+)?+(?P<mark2>[*_]{{1,3}}(?=\S))?"
)
"""Numbers of lines, bullets, marks of emphasis, and a time before a label."""
_LABEL = rf"(?P<label>[^\n:\uff1a\t]{{1,{LONGEST_LABEL}}}?)"
_UP_TO_TEXT = (
    rf"(?:\[(?P<bracketed>[^\[\]\n:]{{1,{LONGEST_LABEL}}})\]"
    rf"|\((?P<rounded>[^\W\d][^()\n:]{{1,{LONGEST_LABEL}}})\)"
    rf"|<(?P<angled>[^<>\n:]{{1,{LONGEST_LABEL}}})>|{_LABEL})"
    r"(?:"
    # `Name:`, `Name (0:05):`
    rf"[*_]{{0,3}}(?:(?:[\s,|]|\s(?:at|@)\s)*(?P<stamp>{_RANGE}))?[*_]{{0,3}}\s{{0,3}}"
    r"(?:(?<!\d)|(?!.\d))[:\uff1a](?!//)(?P<colon>)"
    # `Name  0:05` on a line of its own
    rf"|[*_]{{0,3}}(?:[\s,|\u2013\u2014-]{{1,9}}|\s(?:at|@)\s)(?P<alone>{_RANGE}|{_UNITS})[*_\s]*+$"
    # `Name (0:05) text`, `[Name] 0:05 text`
    rf"|[*_]{{0,3}}\s{{1,3}}(?P<inline>{_BRACKETED})[\s\u2013\u2014-]*+"
    rf"|(?<=\])\s{{0,3}}(?P<behind>{TIME})[\s\u2013\u2014-]*+"
    # `Name 0:05 text`
    rf"|\s{{1,3}}(?P<bare>{TIME}(?P<until>(?:{_TO}|\s){TIME})?)\s++(?=\S)"
    # `Name - text`, `Name -> text`, `Name; text`, `Name> text`, `Name....text`, `Name   text`
    r"|(?P<dash>(?:\s{1,3}(?:[-\u2013\u2014|]{1,3}|[-=]>|[=\u2192])\s{1,3}|\s?;\s{1,3}|>\s{1,3}"
    r"|\s?\.{3,9}\s?|[ \xa0]{2,60}+(?=\S)){never})"
    # `[Name] text`
    r"|(?P<wrapped>(?:(?(bracketed)|(?(angled)|(?(rounded)|(?!)))))\s{1,3})(?=\S)"
    r"|(?P<tab>\s*+(?<=\t)\s*+|\t\s*+)"
    r")"
)
_AFTER_LABEL = re.compile(_UP_TO_TEXT.replace("{never}", "(?!)"))
_AFTER_LABEL_OR_DASH = re.compile(_UP_TO_TEXT.replace("{never}", ""))
_FORMS_OF_GROUPS = {"dash": Form.DASH, "wrapped": Form.WRAPPED, "tab": Form.TAB}
_IS_SAID = re.compile(r"\s+[^\W\d]")
_TIME_BEHIND = re.compile(rf"\s*+{_BRACKETED}")
_TIME_OF_MESSAGE = re.compile(rf"\s*+{TIME}\s*$")
_GAP = re.compile(r"(?<!\s)\s++(?=[^\s:])")
_ENDS_SENTENCE = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]]{0,3}$")
_LEAST_WIDE_GAP = 3
_COLON = re.compile(r"[:\uff1a]")
_LINE_SEPARATORS = frozenset("\v\f\x1c\x1d\x1e\x85\u2028\u2029")
"""Of other programs: in a text they are no ends of lines, but set labels apart."""
_LONGEST_OPENING = 2 * LONGEST_LABEL
_CHANGE_OF_SPEAKER = re.compile(r"\s*>>")
_ONLY_TIME = re.compile(rf"[*_>\s-]*+{_RANGE}[*_\s.]*+$")
_SENT = re.compile(
    r"from\s+(?P<from>\S.*?)(?P<to>\s+to\s+(?P<everyone>everyone|me)?.*)?", re.IGNORECASE
)
"""As chats have it: `From Emma Johnson to Everyone`."""
_TO_SOMEBODY = re.compile(r"(?P<who>\S.*?)\s(?:to|[-=]>|\u2192)\s(?P<to>.*\S)")
_SAYS = re.compile(
    r"(?P<who>\S+\s\S.*?),?\s(?:add|answer|ask|call|continue|explain|repl(?=y|ie)|respond|say|said|"
    r"shout|whisper)(?:s|d|ed|y|ies|ied)?"
)
"""Of a full name: `Emma said:` is what somebody tells."""
_TAG = re.compile(r"</?[a-z]{1,6}\b[^<>]{0,40}>")
_TWO_WORDS = re.compile(r"(?P<name>[^\W\d_][\w'\u2019-]{0,30}\s[^\W\d_][\w'\u2019-]{0,30})[.,]?\s+")
_NUMBER = re.compile(r"\d{1,3}")
_NOTICE = re.compile(
    r"[>|_\s-]+"
    r"|(?:(?:mon|tue|wed|thu|fri|sat|sun)\w{0,6},?\s)?"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w{0,6}\.?\s\d{1,2},?\s\d{4}"
    rf"(?:,?\s(?:at\s)?{TIME}(?:\s\W\s.{{0,20}})?)?"
    r"|\W*(?:"
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
    label, is_message = _label_of(found, is_timed=time is not None)
    end = found.end()
    if found["colon"] is not None:
        marks = (before["mark"] or before["mark2"] or "") if before else ""
        if marks and line.startswith(marks, end):
            end += len(marks)
        behind = (_TIME_OF_MESSAGE if is_message else _TIME_BEHIND).match(line, end)
        end = behind.end() if behind else end
        stamp = found["stamp"] or time or (behind[0].strip() if behind else None)
        opening = Opening(Form.COLON, label, end, stamp)
    elif stamp := found["alone"] or found["inline"] or found["behind"]:
        opening = Opening(Form.TIMED, label, end, stamp)
    elif found["bare"]:
        form = Form.TIMED if found["until"] else Form.TIMED_INSIDE
        opening = Opening(form, label, end, found["bare"])
    else:
        form = next(form for group, form in _FORMS_OF_GROUPS.items() if found[group])
        opening = Opening(form, label, end, time)
    is_numbered_speaker = opening.form is Form.COLON and _is_number_of_speaker(label, line, end)
    return opening if is_numbered_speaker or _may_be_label(label) else None


def openings_inside(line: str, start: int) -> Iterator[tuple[int, Opening]]:
    """Where labels with a colon may stand within what is said, and what opens a turn there.

    They stand behind the end of a sentence or a wide gap, as two columns of a page have, or several
    turns in a cell.
    """
    if not _COLON.search(line, start):
        return
    for gap in _GAP.finditer(line, start):
        at = gap.end()
        is_set_apart = len(gap[0]) >= _LEAST_WIDE_GAP or not _LINE_SEPARATORS.isdisjoint(gap[0])
        if is_set_apart or _ENDS_SENTENCE.search(line, max(start, gap.start() - 4), gap.start()):
            opening = opening_of(line[at : at + _LONGEST_OPENING], may_end_by_dash=False)
            if opening and opening.form is Form.COLON and not opening.label.isdecimal():
                yield at, opening


def is_change_of_speaker(line: str) -> bool:
    """Whether a line says that somebody else begins to speak, and not who: `>> Yes.`."""
    return bool(_CHANGE_OF_SPEAKER.match(line))


def _label_of(found: re.Match[str], *, is_timed: bool) -> tuple[str, bool]:
    """The label, and whether a chat says who sent what to whom."""
    label = found["bracketed"] or found["rounded"] or found["angled"] or found["label"]
    label = _without_addressee(_TAG.sub("", label).strip(" \t*_"))
    sent = _SENT.fullmatch(label)
    is_message = sent is not None and (is_timed or sent["everyone"] is not None)
    return (sent["from"] if sent and is_message else label), is_message


def _without_addressee(label: str) -> str:
    """`Emma Johnson to Liam`, `Emma Johnson said` without what is behind the name."""
    if (spoken := _TO_SOMEBODY.fullmatch(label)) and looks_like_speaker(spoken["to"]):
        label = spoken["who"] if looks_like_speaker(spoken["who"]) else label
    elif (spoken := _SAYS.fullmatch(label)) and looks_like_speaker(spoken["who"]):
        label = spoken["who"]
    return label


def _is_number_of_speaker(label: str, line: str, end: int) -> bool:
    """Whether a number stands for somebody: `2: text`; but `2:3` and `2: 3` are ratios."""
    return bool(_NUMBER.fullmatch(label) and _IS_SAID.match(line, end))


def label_alone(line: str) -> Opening | None:
    """A line that may be a label and nothing else, with or without a time before it."""
    before = _BEFORE.match(line)
    at = before.end() if before else 0
    label = line[at:].strip(" \t\r\n*_[]")
    if len(label) > LONGEST_LABEL or not _may_be_label(label):
        return None
    return Opening(Form.ALONE, label, len(line), before["time"] if before else None)


def name_first(line: str) -> Opening | None:
    """The first two words of a line, as if they were the name of who speaks: `Noah Reed. Yes.`."""
    before = _BEFORE.match(line)
    found = _TWO_WORDS.match(line, before.end() if before else 0)
    return Opening(Form.ALONE, found["name"], found.end()) if found else None


def _may_be_label(text: str) -> bool:
    return any(map(str.isalpha, text)) or is_phone_number(text)


def time_alone(line: str) -> str | None:
    """The time that a line says and nothing else."""
    return line.strip() if _ONLY_TIME.match(line) else None


def is_notice(line: str) -> bool:
    """Whether a line is what a meeting tool writes about itself."""
    return bool(_NOTICE.fullmatch(line.strip()))
