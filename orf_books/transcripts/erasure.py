"""Taking one student out of what was handed in: raw files and rosters.

Belongs here: which turns and mentions are a student's, and what stands in their place. Does not
belong here: where files lie, and what was made of them, which is made anew.
"""

import codecs
import csv
import html
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Set
from itertools import pairwise

from orf_books.transcripts.csv_format import Row, header_of, missing_columns, rows_of, turn_of_row
from orf_books.transcripts.jsonl_format import turn_of_line
from orf_books.transcripts.problems import ErrorCode, UnusableTranscript
from orf_books.transcripts.redaction import name_patterns, whole_name_pattern
from orf_books.transcripts.roster import Roster, RosterEntry, id_in, list_key_of
from orf_books.transcripts.speakers import Speakers
from orf_books.transcripts.submission import TranscriptFormat
from orf_books.transcripts.turns import Turn, physical_lines
from orf_books.transcripts.txt_format import openings_of
from orf_books.transcripts.utterance import SpeakerRole

REMOVED = "[removed]"

_LINE = re.compile(r"[^\r\n]+")
_WORD = re.compile(r"\S+")
_JSON_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_JSON_ESCAPES = re.compile(r'(?:\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt]))+')


def erase_from_session(
    content: bytes, transcript_format: TranscriptFormat, roster: Roster, student_id: str
) -> bytes:
    """A raw file without a student.

    Lines become blank where the student speaks, or may be the one who does, and where nothing can
    be read but a name of theirs. Where others mention them, `REMOVED` stands instead. All else
    stays on its line as it is, also names of others in which one of theirs stands.

    Args:
        content: the file.
        transcript_format: how it is written.
        roster: of its class, with the student: without them, only their id is known.
        student_id: of the student.

    Raises:
        UnusableTranscript: it is not UTF-8, so nobody can be found in it. Nothing can have been
            read from it either: remove the file.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnusableTranscript(
            ErrorCode.NOT_UTF8,
            "Nobody can be taken out of a file that is not UTF-8. Remove the file.",
        ) from None
    student = _Student(roster, student_id)
    lines = physical_lines(text)
    match transcript_format:
        case TranscriptFormat.TXT:
            _erase_from_txt(lines, student)
        case TranscriptFormat.CSV:
            _erase_from_csv(lines, student)
        case TranscriptFormat.JSONL:
            _erase_from_jsonl(lines, student)
    mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    return mark + "".join(lines).encode()


def erase_from_roster(content: bytes, student_id: str) -> bytes:
    """A roster without a student, and the same bytes if they are not on it.

    Maybe nobody is left, and `read_roster` refuses it.

    Raises:
        UnusableTranscript: it is no roster.
    """
    try:
        roster = json.loads(content)
    except (ValueError, RecursionError):
        roster = None
    listed = list_key_of(roster) if isinstance(roster, dict) else ""
    entries = roster.get(listed) if isinstance(roster, dict) else roster
    if not isinstance(entries, list):
        raise UnusableTranscript(
            ErrorCode.INVALID_ROSTER,
            "Nobody can be taken out of a roster that is no JSON list of entries. Mend it.",
        )
    others = [entry for entry in entries if not _is_entry_of(entry, student_id)]
    if len(others) == len(entries):
        return content
    left = {**roster, listed: others} if isinstance(roster, dict) else others
    # What UTF-8 cannot encode, JSON escapes in the same way.
    return f"{json.dumps(left, indent=2, ensure_ascii=False)}\n".encode(errors="backslashreplace")


def mentions_student(content: bytes, roster: Roster, student_id: str) -> bool:
    """Whether a stored object of any format holds the id or a name of a student.

    What someone else on the roster is called as a whole is no sign of the student. What is not
    UTF-8 is searched as far as it can be read.

    Args:
        content: the object.
        roster: of the class, with the student: without them, only their id is known.
        student_id: of the student.
    """
    return _Student(roster, student_id).is_surely_in(content.decode(errors="replace"))


class _Student:
    """A student as a roster has them: what they say, and where they are named."""

    def __init__(self, roster: Roster, student_id: str) -> None:
        self.speakers = Speakers(roster)
        self._roster = roster
        self._id = _comparable_id(student_id)
        self._entry = roster.student(student_id)
        others = [
            name for entry in roster.entries if entry != self._entry for name in _all_names(entry)
        ]
        names, labels = {re.escape(self._id)}, set[str]()
        if self._entry:
            names.update(name_patterns(self._entry))
            labels.update(*map(whole_name_pattern, _all_names(self._entry)))
        self._mentions = _Mentions(names, others)
        self._mentions_and_labels = _Mentions(names | labels, others)

    def speaks(self, turn: Turn) -> bool:
        """Whether a turn is the student's, or may be."""
        is_named = self._entry in self._roster.named(turn.label)
        if not is_named and _comparable_id(turn.student_id or "") != self._id:
            return False
        speaker = self.speakers.speaker_of(turn)
        return speaker.student_id == self._id or speaker.role is SpeakerRole.UNKNOWN

    def is_in_unread(self, text: str) -> bool:
        """Whether lines that became no turn name the student, be it by a label like `Student A`."""
        return any(self._mentions_and_labels.found(text))

    def is_surely_in(self, text: str) -> bool:
        """Whether a text names the student by what nobody else is called."""
        return any(not self._others_called(name) for name in self._mentions.found(text))

    def masked(self, text: str, label: str = "") -> str:
        """A text of as many lines without the student, unless it is the label of someone else."""
        if text == label and (named := self._roster.named(label)) and self._entry not in named:
            return text
        return self._mentions.masked(text)

    def _others_called(self, name: str) -> bool:
        return any(entry != self._entry for entry in self._roster.named(name))


class _Mentions:
    """Where a text names someone, and no one else whose name is longer."""

    def __init__(self, patterns: Set[str], names_of_others: Iterable[str]) -> None:
        alone = re.compile("|".join(patterns), re.IGNORECASE)
        longer = {
            pattern
            for name in names_of_others
            if alone.search(name) and not alone.fullmatch(name)
            for pattern in whole_name_pattern(name)
        } | {re.escape(REMOVED)}
        self._pattern = re.compile(
            "|".join(
                f"({pattern})" if pattern in patterns else pattern
                for pattern in sorted(patterns | longer, key=lambda one: (-len(one), one))
            ),
            re.IGNORECASE,
        )

    def found(self, text: str) -> Iterator[str]:
        """What names them, also as JSON and HTML escape it."""
        unescaped = _JSON_ESCAPES.sub(lambda found: str(json.loads(f'"{found[0]}"')), text)
        for reading in {unescaped, html.unescape(unescaped)}:
            for found in self._pattern.finditer(_composed(reading)):
                if found.lastindex:
                    yield found[0]

    def masked(self, text: str) -> str:
        """A text with `REMOVED` for what names them, on each of its lines."""
        composed = masked = _composed(text)
        # A name right before another one may hide it.
        while (further := self._pattern.sub(_mark, masked)) != masked:
            masked = further
        # What is escaped twice is no text of which a part could be left.
        if any(self.found(masked)):
            masked = _WORD.sub(
                lambda word: REMOVED if any(self.found(word[0])) else word[0], masked
            )
        return text if masked == composed else masked


def _mark(found: re.Match[str]) -> str:
    return _LINE.sub(REMOVED, found[0]) if found.lastindex else found[0]


def _erase_from_txt(lines: list[str], student: _Student) -> None:
    openings = {
        index: opening
        for index, opening in openings_of(lines).items()
        if student.speakers.is_label(opening.label)
    }
    for index in range(min(openings, default=len(lines))):
        _erase_if_unread(lines, slice(index, index + 1), student)
    for start, end in pairwise([*openings, len(lines)]):
        place, opening = slice(start, end), openings[start]
        passage = "".join(lines[place])
        label, text = passage[: opening.end], passage[opening.end :]
        if student.speaks(Turn(start + 1, opening.label, text)):
            _erase(lines, place)
        else:
            lines[place] = physical_lines(label + student.masked(text))


def _erase_from_csv(lines: list[str], student: _Student) -> None:
    rows = list(rows_of(lines))
    header = header_of(rows[0] if rows else None)
    if not missing_columns(header):
        _mask_row(lines, rows.pop(0), student)
    for row in reversed(rows):
        turn = turn_of_row(row, header)
        if not isinstance(turn, Turn):
            _erase_if_unread(lines, _place(row), student)
        elif student.speaks(turn):
            _erase(lines, _place(row))
        else:
            _mask_row(lines, row, student, turn.label)
        # Without a mark further down, a quotation mark may take in the rows of others.
        if row.cells is None and next(rows_of(lines, row.line - 1), None) != row:
            _erase(lines, _place(row))


def _mask_row(lines: list[str], row: Row, student: _Student, label: str = "") -> None:
    cells = row.cells or []
    masked = [student.masked(cell, label) for cell in cells]
    if masked != cells:
        written = io.StringIO(newline="")
        csv.writer(written, lineterminator="\r\n").writerow(masked)
        line_end = _line_end(lines[row.end - 1])
        lines[_place(row)] = physical_lines(written.getvalue().removesuffix("\r\n") + line_end)


def _place(row: Row) -> slice:
    return slice(row.line - 1, row.end)


def _erase_from_jsonl(lines: list[str], student: _Student) -> None:
    for index, line in enumerate(lines):
        place = slice(index, index + 1)
        turn = None if line.isspace() else turn_of_line(index + 1, line)
        if not isinstance(turn, Turn):
            _erase_if_unread(lines, place, student)
        elif student.speaks(turn):
            _erase(lines, place)
        else:
            lines[index] = _mask_strings(line, student, turn.label)


def _mask_strings(line: str, student: _Student, label: str) -> str:
    def masked(found: re.Match[str]) -> str:
        text = json.loads(found[0])
        left = student.masked(text, label)
        return found[0] if left == text else json.dumps(left)

    return _JSON_STRING.sub(masked, line)


def _erase_if_unread(lines: list[str], place: slice, student: _Student) -> None:
    if student.is_in_unread("".join(lines[place])):
        _erase(lines, place)


def _erase(lines: list[str], place: slice) -> None:
    lines[place] = map(_line_end, lines[place])


def _line_end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _all_names(entry: RosterEntry) -> tuple[str, ...]:
    return tuple(map(_composed, (*entry.names, *entry.aliases)))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _comparable_id(student_id: str) -> str:
    return student_id.strip().lower()


def _is_entry_of(entry: object, student_id: str) -> bool:
    found = id_in(entry)
    return found is not None and _comparable_id(found) == _comparable_id(student_id)
