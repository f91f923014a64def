"""Who begins to speak where in a file: rows, as every form has them, become turns with a label.

A label that looks like a speaker's ends the turn before it, whether anybody is called so or not:
nobody's words are taken for those of somebody else.

Belongs here: which rows open a turn, and which continue one. Does not belong here: the forms of
files (`layout.py`), where labels stand (`openings.py`), which look like a speaker's
(`speaker_labels.py`), whom a label means (`speakers.py`).
"""

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from orf_books.transcripts.openings import (
    Form,
    Opening,
    is_change_of_speaker,
    is_notice,
    label_alone,
    name_first,
    opening_of,
    openings_inside,
    time_alone,
)
from orf_books.transcripts.problems import LineWarning, WarningCode
from orf_books.transcripts.speaker_labels import looks_like_speaker


@dataclass(frozen=True, slots=True)
class Row:
    """A line, caption, table row or record, before anyone is known."""

    line: int
    """Physical line of a text, row of a table, paragraph or record, from 1."""
    text: str = field(repr=False)
    """What stands there: of a line, all of it. Empty where it only repeats what was said."""
    label: str | None = field(default=None, repr=False)
    """As its own cell has it; None where it stands in the text, or nowhere."""
    timestamp: str | None = field(default=None, repr=False)
    """Unchecked, as are the next two."""
    student_id: str | None = field(default=None, repr=False)
    declared_role: str | None = field(default=None, repr=False)
    is_line: bool = False
    """Whether it may continue the row before, as the lines of a text do."""


@dataclass(frozen=True, slots=True, order=True)
class Piece:
    """Code points of the text of a row."""

    row: int
    """Index among all rows of the file."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody says until the next label."""

    line: int
    """On which its words start, or else its label."""
    label: str = field(repr=False)
    pieces: tuple[Piece, ...] = ()
    timestamp: str | None = field(default=None, repr=False)
    student_id: str | None = field(default=None, repr=False)
    declared_role: str | None = field(default=None, repr=False)
    rows: tuple[int, ...] = ()
    """Indices of all its rows, with those that have nothing but its label or time."""


@dataclass(frozen=True, slots=True)
class ReadTurns:
    """The turns of a file, and what became none."""

    turns: tuple[Turn, ...] = field(repr=False)
    warnings: tuple[LineWarning, ...]
    unread: tuple[int, ...]
    """Indices of rows that are in no turn."""


class KnowsLabels(Protocol):
    """Knows who is called how."""

    def is_label(self, label: str) -> bool:
        """Whether a label is known to be a speaker's."""
        ...

    def is_without_consent(self, label: str) -> bool:
        """Whether a label is, or may be, a student's whose words must not be kept."""
        ...


_ENDS_SENTENCE_INSIDE = re.compile(
    r"\b(?!(?:mr|mrs|ms|mx|dr|prof|st|sr|sra|jr)\b)[^\W\d_]{2,}[.!?]\s", re.IGNORECASE
)
"""`Yes. Noah` is an answer and a name, unlike `Noah R. Reed`, `Ms. Rivera`."""


def physical_lines(text: str) -> list[str]:
    """The lines of a file with their ends: line feeds, carriage returns, or both together."""
    return list(io.StringIO(text, newline=""))


def read_turns(rows: Sequence[Row], speakers: KnowsLabels) -> ReadTurns:
    """Divide the rows of a file into turns."""
    reader = _TurnReader(speakers, list(_known_openings(rows, speakers)))
    for index, row in enumerate(rows):
        reader.add(index, row)
    return reader.finished()


@dataclass(slots=True)
class _OpenTurn:
    """A turn that may go on."""

    begun: Turn
    """With its label and its first row."""
    pieces: list[Piece] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    line: int = 0
    """On which its words start; 0 before they do."""

    def add(self, index: int, row: Row, piece: Piece) -> None:
        """Take what stands in a row between two places."""
        if index not in self.rows[-1:]:
            self.rows.append(index)
        text = row.text[piece.start : piece.end]
        if text.strip():
            start = piece.start + len(text) - len(text.lstrip())
            self.pieces.append(Piece(index, start, start + len(text.strip())))
            self.line = self.line or row.line

    def closed(self) -> Turn:
        """The turn as it is."""
        return replace(
            self.begun,
            line=self.line or self.begun.line,
            pieces=tuple(self.pieces),
            rows=tuple(self.rows),
        )


class _TurnReader:
    """The turns of a file, one row after the other."""

    def __init__(self, speakers: KnowsLabels, known: Sequence[Opening]) -> None:
        self._speakers, self._forms = speakers, _further_forms(known)
        self._is_uncapitalised = _is_uncapitalised(known)
        self._turns: list[Turn] = []
        self._warnings: list[LineWarning] = []
        self._unread: list[int] = []
        self._current: _OpenTurn | None = None
        self._time: str | None = None
        """What a line before said and nothing else."""
        self._last_line = 0
        self._is_after_gap = False

    def add(self, index: int, row: Row) -> None:
        """Take the next row."""
        self._is_after_gap = row.line > self._last_line + 1
        self._last_line = row.line
        if row.label is not None:
            turn = Turn(row.line, row.label, (), row.timestamp, row.student_id, row.declared_role)
            self._open(turn, index)
            self._time = None
        elif not row.is_line:
            self._close()
        else:
            self._time = row.timestamp or self._time
        if self._current and not row.text:
            # It repeats what was said: where the speaker is deleted, so is this.
            self._current.rows.append(index)
        start = 0
        for number, line in enumerate(physical_lines(row.text)):
            self._add_line(index, row, line, start, has_cell=bool(row.label) and number == 0)
            start += len(line)

    def _add_line(self, index: int, row: Row, line: str, start: int, *, has_cell: bool) -> None:
        if row.is_line and is_notice(line):
            return
        if row.is_line and (time := time_alone(line)):
            self._time, self._is_after_gap = time, True
            return
        end = 0
        if not has_cell and (opening := self._opening(line, is_line=row.is_line)):
            # A line's own time says more than that of the line or caption before.
            time = opening.timestamp or self._time or row.timestamp
            self._time, end = None, opening.end
            self._open(Turn(row.line, opening.label, timestamp=time), index)
        if (has_cell or end) and self._current and (nested := self._nested(line[end:])):
            end += nested.end
            time = self._current.begun.timestamp
            self._current = _OpenTurn(Turn(row.line, nested.label, timestamp=time), rows=[index])
        if not (has_cell or end) and row.is_line and is_change_of_speaker(line):
            self._close()
        if self._current:
            for at, inner in openings_inside(line, end):
                if at >= end and self._is_accepted(inner, is_line=row.is_line):
                    self._current.add(index, row, Piece(index, start + end, start + at))
                    time = inner.timestamp or self._current.begun.timestamp
                    self._open(Turn(row.line, inner.label, timestamp=time), index)
                    end = at + inner.end
            self._current.add(index, row, Piece(index, start + end, start + len(line)))
        elif line.strip():
            self._unread.append(index)
            self._warnings.append(LineWarning(row.line, WarningCode.MISSING_SPEAKER))

    def _opening(self, line: str, *, is_line: bool) -> Opening | None:
        """What opens a turn in a line, if anything does."""
        readings = [opening_of(line)]
        if readings[0] and readings[0].form is Form.DASH:
            readings.append(opening_of(line, may_end_by_dash=False))
        for opening in readings:
            if opening and self._is_accepted(opening, is_line=is_line):
                return opening
        alone = label_alone(line) if is_line else None
        if alone and Form.ALONE in self._forms:
            # What follows a label directly is said.
            is_text = self._current is not None and not self._current.pieces
            is_set_apart = self._is_after_gap or " " in alone.label
            is_foreign = is_set_apart and not is_text and self._looks_like_speaker(alone)
            if self._speakers.is_label(alone.label) or is_foreign:
                return alone
        return self._unusual_opening(line, readings[0]) if is_line else None

    def _unusual_opening(self, line: str, reading: Opening | None) -> Opening | None:
        """A whole name in a form that the file does not use elsewhere.

        Its words must not become somebody else's. A name without any mark behind it is one only
        where nothing may be kept of whoever is called so.
        """
        if (
            reading
            and reading.form is not Form.COLON
            and line[reading.end :].strip()
            and self._is_first_and_last_name(reading)
        ):
            return reading
        alone = label_alone(line)
        if alone and self._is_after_gap and self._is_first_and_last_name(alone):
            return alone
        bare = name_first(line)
        return bare if bare and self._speakers.is_without_consent(bare.label) else None

    def _nested(self, text: str) -> Opening | None:
        """A second label behind the first: several children at one device, as a rule."""
        opening = opening_of(text)
        if opening is None or opening.form is not Form.COLON or opening.label.isdecimal():
            return None
        if _ENDS_SENTENCE_INSIDE.search(opening.label):
            return None
        is_full_name = " " in opening.label and self._looks_like_speaker(opening)
        return opening if is_full_name or self._speakers.is_label(opening.label) else None

    def _is_first_and_last_name(self, opening: Opening) -> bool:
        words = [word for word in opening.label.split() if word[0].isalpha()]
        return len(words) > 1 and self._looks_like_speaker(opening)

    def _is_accepted(self, opening: Opening, *, is_line: bool) -> bool:
        is_known = self._speakers.is_label(opening.label)
        match opening.form:
            case Form.COLON | Form.TIMED:
                return is_known or self._looks_like_speaker(opening)
            case Form.TIMED_INSIDE:
                return is_known
            case form:
                # `[laughs]` begins a line, too.
                is_direction = form is Form.WRAPPED and opening.label.islower()
                looks_so = self._looks_like_speaker(opening) and not is_direction
                return is_line and form in self._forms and (is_known or looks_so)

    def _looks_like_speaker(self, opening: Opening) -> bool:
        return looks_like_speaker(opening.label, is_uncapitalised=self._is_uncapitalised)

    def _open(self, turn: Turn, index: int) -> None:
        self._close()
        self._current = _OpenTurn(turn, rows=[index])

    def _close(self) -> None:
        if self._current and self._current.pieces:
            self._turns.append(self._current.closed())
        elif self._current:
            self._warnings.append(LineWarning(self._current.begun.line, WarningCode.MISSING_TEXT))
            self._unread += self._current.rows
        self._current = None

    def finished(self) -> ReadTurns:
        """All turns that there are."""
        self._close()
        return ReadTurns(tuple(self._turns), tuple(self._warnings), tuple(self._unread))


_FURTHER_FORMS = (Form.DASH, Form.TAB, Form.WRAPPED, Form.ALONE)


def _further_forms(known: Iterable[Opening]) -> frozenset[Form]:
    """The forms of labels, besides those that are always read, that a file uses throughout.

    A dash, a tab or a name alone on a line would elsewhere be taken for labels too often.
    """
    times = Counter(opening.form for opening in known)
    usual = times[Form.COLON] + times[Form.TIMED]
    return frozenset(form for form in _FURTHER_FORMS if times[form] > max(usual, 1))


def _is_uncapitalised(known: Iterable[Opening]) -> bool:
    """Whether a file writes the names of people on the roster without capitals."""
    is_lower = [opening.label.islower() for opening in known]
    return bool(is_lower) and all(is_lower)


def _known_openings(rows: Iterable[Row], speakers: KnowsLabels) -> Iterator[Opening]:
    """What opens the rows that somebody known speaks."""
    for row in rows:
        if row.is_line and row.label is None:
            opening = opening_of(row.text)
            if opening and speakers.is_label(opening.label):
                yield opening
            elif (alone := label_alone(row.text)) and speakers.is_label(alone.label):
                yield alone
