"""Taking one student out of what was handed in: raw files and rosters.

Belongs here: which turns and mentions are a student's, and what stands in their place. Does not
belong here: where files lie, and what was made of them, which is made anew.
"""

import csv
import html
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import pairwise

from orf_books.bounded_json import read_json
from orf_books.transcripts.columns import TIMESTAMP
from orf_books.transcripts.csv_format import Table, TableRow, rows_of_table, table_rows
from orf_books.transcripts.jsonl_format import row_of_line
from orf_books.transcripts.layout import Layout, RawFile, recognise_raw_file
from orf_books.transcripts.problems import ErrorCode, LineWarning, UnusableTranscript
from orf_books.transcripts.raw_text import decode_text, is_package
from orf_books.transcripts.redaction import name_patterns, whole_name_pattern
from orf_books.transcripts.roster import Roster, RosterEntry, id_in, list_key_of
from orf_books.transcripts.speakers import Speakers
from orf_books.transcripts.spoken import REMOVED
from orf_books.transcripts.submission import TranscriptFormat
from orf_books.transcripts.turns import Row, Turn, physical_lines, read_turns
from orf_books.transcripts.utterance import SpeakerRole

_SPEECH_REMOVED = "[words removed]"
"""Stands for captions. It is read as a stage direction."""
_LINE = re.compile(r"[^\r\n]+")
_WORD = re.compile(r"\S+")
_JSON_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_JSON_ESCAPES = re.compile(r'(?:\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt]))+')


def erase_from_session(
    content: bytes, transcript_format: TranscriptFormat, roster: Roster, student_id: str
) -> bytes:
    """A raw file without a student.

    Lines become blank where the student speaks, or may be the one who does, and where nothing can
    be read but a name of theirs. Where others mention them, `REMOVED` stands instead, and for their
    captions `[words removed]`. All else stays on its line as it is, also names of others in which
    one of theirs stands.

    A document of Word or Excel, and a JSON document, is replaced by the text that is read of it,
    whether they are in it or not: nobody can search all that such a document holds besides, such as
    comments, earlier versions, hidden sheets and lists of words.

    Args:
        content: the file.
        transcript_format: how it is named.
        roster: of its class, with the student: without them, only their id is known.
        student_id: of the student.

    Raises:
        UnusableTranscript: it cannot be read, so nobody can be found in it. Nothing can have been
            read from it either: remove the file.
    """
    student = _Student(roster, student_id)
    raw = recognise_raw_file(content, transcript_format)
    lines = raw.lines
    match raw.layout:
        case Layout.LINES:
            _erase_from_lines(lines, raw, student, blank="")
        case Layout.CAPTIONS:
            # A blank line would end the caption.
            _erase_from_lines(lines, raw, student, blank=_SPEECH_REMOVED)
        case Layout.TABLE:
            _erase_from_table(lines, raw.table, student)
        case Layout.RECORDS:
            _erase_from_records(lines, student)
    return raw.decoded.encode("".join(lines))


def erase_from_roster(content: bytes, student_id: str) -> bytes:
    """A roster without a student, and the same bytes if they are not on it.

    Maybe nobody is left, and `read_roster` refuses it.

    Raises:
        UnusableTranscript: it is no roster.
    """
    try:
        roster = read_json(content)
    except ValueError:
        roster = None
    listed = list_key_of(roster) if isinstance(roster, dict) else ""
    entries = roster.get(listed) if isinstance(roster, dict) else roster
    if not isinstance(entries, list):
        raise UnusableTranscript(
            ErrorCode.INVALID_ROSTER,
            "Nobody can be taken out of a roster that is no JSON list of entries. Correct it.",
        )
    others = [entry for entry in entries if not _is_entry_of(entry, student_id)]
    if len(others) == len(entries):
        return content
    left = {**roster, listed: others} if isinstance(roster, dict) else others
    # What UTF-8 cannot encode, JSON escapes in the same way.
    return f"{json.dumps(left, indent=2, ensure_ascii=False)}\n".encode(errors="backslashreplace")


def mentions_student(content: bytes, roster: Roster, student_id: str) -> bool:
    """Whether a stored object of any format holds the id or a name of a student.

    What someone else on the roster is called as a whole is no sign of the student. A document of
    Word or Excel is taken to hold them, as nobody can search all of it; what else is no text is
    searched as far as it can be read.

    Args:
        content: the object.
        roster: of the class, with the student: without them, only their id is known.
        student_id: of the student.
    """
    if is_package(content):
        return True
    try:
        text = decode_text(content).text
    except UnusableTranscript:
        text = content.decode(errors="replace")
    return _Student(roster, student_id).is_surely_in(text)


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
        """Whether a turn is the student's, or may be: one of a group, or of `Liam's brother`."""
        called = self.speakers.called(turn.label)
        is_named = self._entry in called or (not called and any(self._mentions.found(turn.label)))
        if not is_named and _comparable_id(turn.student_id or "") != self._id:
            return False
        speaker = self.speakers.speaker_of(turn)
        return speaker.student_id == self._id or speaker.role is SpeakerRole.UNKNOWN

    def speaks_in(self, row: Row) -> bool | None:
        """Whether any of a table row or record is, or may be, the student's; None: nobody's."""
        turns = read_turns([row], self.speakers).turns
        return any(map(self.speaks, turns)) if turns else None

    def is_label_of_other(self, label: str) -> bool:
        """Whether a label is what someone else is called."""
        called = self.speakers.called(label)
        return bool(called) and self._entry not in called

    def is_in_unread(self, text: str) -> bool:
        """Whether lines that became no turn name the student, be it by a label like `Student A`."""
        return any(self._mentions_and_labels.found(text))

    def is_surely_in(self, text: str) -> bool:
        """Whether a text names the student by what nobody else is called."""
        return any(not self._others_called(name) for name in self._mentions.found(text))

    def masked(self, text: str, label: str = "") -> str:
        """A text of as many lines without the student, unless it is the label of someone else."""
        if text == label and self.is_label_of_other(label):
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
        } | {re.escape(REMOVED), re.escape(_SPEECH_REMOVED)}
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


def _erase_from_lines(lines: list[str], raw: RawFile, student: _Student, blank: str) -> None:
    rows = [row for row in raw.rows() if isinstance(row, Row)]
    read = read_turns(rows, student.speakers)
    unread = {rows[index].line - 1 for index in read.unread}
    turns = {rows[turn.rows[0]].line - 1: turn for turn in read.turns}
    spoken = set[int]()
    for one in read.turns:
        # Without the line of its label, a turn would go on with what somebody said before.
        if student.speaks(one) or rows[one.rows[0]].line - 1 in spoken:
            spoken.update(rows[index].line - 1 for index in one.rows)
    starts = sorted({0, *turns, *unread})
    # From the end: an empty line may become one with the next.
    for start, end in reversed([*pairwise([*starts, len(lines)])]):
        place = slice(start, end)
        if start in unread and student.is_in_unread("".join(lines[place])):
            _erase(lines, place, blank)
            continue
        for index in range(start, end):
            if index in spoken:
                _erase(lines, slice(index, index + 1), blank)
        # A name may go over the end of a line.
        passage, turn = "".join(lines[place]), turns.get(start)
        label = turn.label if turn and student.is_label_of_other(turn.label) else ""
        before, label, after = passage.partition(label) if label else ("", "", passage)
        lines[place] = physical_lines(student.masked(before) + label + student.masked(after))


def _erase_from_table(lines: list[str], table: Table | None, student: _Student) -> None:
    delimiter = table.delimiter if table else ","
    before = max(table.header.line - 1, 0) if table else len(lines)
    if table:
        rows = zip(table.rows(lines), rows_of_table(table, lines), strict=True)
        for row, said in reversed(list(rows)):
            _erase_row(lines, row, said, table, student)
        _mask_row(lines, table.header, delimiter, student)
    for row in reversed(list(table_rows(lines[:before], delimiter))):
        _erase_if_unread(lines, _place(row), student)


def _erase_row(
    lines: list[str], row: TableRow, said: Row | LineWarning, table: Table, student: _Student
) -> None:
    is_spoken = student.speaks_in(said) if isinstance(said, Row) else None
    if is_spoken is None:
        _erase_if_unread(lines, _place(row), student)
    elif is_spoken:
        _erase(lines, _place(row))
        if not table.header.line:
            lines[row.line - 1] = _shape_of(row, table) + lines[row.line - 1]
    else:
        label = said.label if isinstance(said, Row) else None
        _mask_row(lines, row, table.delimiter, student, label or "")
    # Without a mark further down, a quotation mark may take in the rows of others.
    if row.cells is None and next(table_rows(lines, table.delimiter, row.line - 1), None) != row:
        _erase(lines, _place(row))


def _mask_row(
    lines: list[str], row: TableRow, delimiter: str, student: _Student, label: str = ""
) -> None:
    cells = row.cells or []
    masked = [student.masked(cell, label) for cell in cells]
    if masked != cells:
        line_end = _line_end(lines[row.end - 1])
        lines[_place(row)] = physical_lines(_written(masked, delimiter) + line_end)


def _shape_of(row: TableRow, table: Table) -> str:
    """A row without its cells: where a table has no header, rows tell which column is which."""
    time = table.columns.get(TIMESTAMP)
    cells = [cell if str(at) == time else REMOVED for at, cell in enumerate(row.cells or [])]
    return _written(cells, table.delimiter)


def _written(cells: Sequence[str], delimiter: str) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator="").writerow(cells)
    return file.getvalue()


def _place(row: TableRow) -> slice:
    return slice(row.line - 1, row.end)


def _erase_from_records(lines: list[str], student: _Student) -> None:
    for index, line in enumerate(lines):
        place = slice(index, index + 1)
        said = None if line.isspace() else row_of_line(index + 1, line)
        is_spoken = student.speaks_in(said) if isinstance(said, Row) else None
        if is_spoken is None:
            _erase_if_unread(lines, place, student)
        elif is_spoken:
            _erase(lines, place)
        else:
            label = said.label if isinstance(said, Row) else None
            lines[index] = _mask_strings(line, student, label or "")


def _mask_strings(line: str, student: _Student, label: str) -> str:
    def masked(found: re.Match[str]) -> str:
        text = json.loads(found[0])
        left = student.masked(text, label)
        return found[0] if left == text else json.dumps(left)

    return _JSON_STRING.sub(masked, line)


def _erase_if_unread(lines: list[str], place: slice, student: _Student) -> None:
    if student.is_in_unread("".join(lines[place])):
        _erase(lines, place)


def _erase(lines: list[str], place: slice, blank: str = "") -> None:
    lines[place] = [blank + _line_end(line) for line in lines[place]]


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
