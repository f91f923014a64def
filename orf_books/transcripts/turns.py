"""What every format of a transcript comes down to: turns with a label, before anyone is known.

Belongs here: the form that readers of formats agree on. Does not belong here: the formats, and who
a label means (`speakers.py`).
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orf_books.transcripts.problems import LineWarning, WarningCode


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn as the file has it."""

    line: int
    """Physical line on which the text starts, or the record, from 1."""
    label: str = field(repr=False)
    text: str = field(repr=False)
    offset: int | None = None
    """Code point of the line at which the text starts, without a byte order mark; only of txt."""
    timestamp: str | None = field(default=None, repr=False)
    """Unchecked."""
    student_id: str | None = field(default=None, repr=False)
    """Unchecked."""
    declared_role: str | None = field(default=None, repr=False)
    warnings: tuple[LineWarning, ...] = ()
    """Of lines that went into it."""


@dataclass(frozen=True, slots=True)
class ReadTurns:
    """A file, divided into turns."""

    lines: int
    """Lines or records that are not blank."""
    turns: tuple[Turn, ...] = field(repr=False)
    warnings: tuple[LineWarning, ...]
    """Of lines that became no turn."""


def physical_lines(text: str) -> list[str]:
    """The lines of a file with their ends. Only line feeds end them: others may be spoken of."""
    return list(io.StringIO(text, newline="\n"))


def turn_of_record(line: int, record: Mapping[str, object]) -> Turn | LineWarning:
    """The turn that a csv row or a JSON object stands for."""
    label, text = record.get("speaker"), record.get("text")
    if not isinstance(label, str) or not label.strip():
        return LineWarning(line, WarningCode.MISSING_SPEAKER)
    if not isinstance(text, str) or not text.strip():
        return LineWarning(line, WarningCode.MISSING_TEXT)
    return Turn(
        line,
        label,
        text,
        timestamp=_as_written(record.get("timestamp")),
        student_id=_as_written(record.get("student_id")),
        declared_role=_as_written(record.get("speaker_role")),
    )


def read_turns(records: Sequence[Turn | LineWarning], lines: int | None = None) -> ReadTurns:
    """What is read of a file whose records are turns or of no use, one a line if not told."""
    return ReadTurns(
        lines=len(records) if lines is None else lines,
        turns=tuple(record for record in records if isinstance(record, Turn)),
        warnings=tuple(record for record in records if isinstance(record, LineWarning)),
    )


def _as_written(value: object) -> str | None:
    return None if value is None else str(value).strip() or None
