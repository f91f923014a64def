"""Transcripts as tables: the columns `speaker` and `text`, in any case and order.

Optional are `timestamp`, `student_id` and `speaker_role`; all else is left out. Cells are quoted as
in RFC 4180.

Belongs here: rows and cells. Does not belong here: what becomes of them (`turns.py`).
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orf_books.transcripts.problems import ErrorCode, LineWarning, UnusableTranscript, WarningCode
from orf_books.transcripts.turns import (
    ReadTurns,
    Turn,
    physical_lines,
    read_turns,
    turn_of_record,
)

_LONGEST_RECORD = 200
"""Physical lines. A quotation mark that is never closed must not swallow the rest of the file."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not blank."""

    line: int
    """Its first physical line, from 1."""
    end: int
    """Its last one."""
    cells: list[str] | None = field(repr=False)
    """None where its quotation marks contradict each other."""


def read_csv(text: str) -> ReadTurns:
    """The turns of a table; rows that are none become warnings.

    Raises:
        UnusableTranscript: the header lacks `speaker` or `text`.
    """
    rows = rows_of(physical_lines(text))
    header = header_of(next(rows, None))
    if missing := missing_columns(header):
        raise UnusableTranscript(
            ErrorCode.MISSING_COLUMNS,
            f"The first row has no column {' and no column '.join(missing)}. "
            "Name the columns, with commas between them.",
        )
    return read_turns([turn_of_row(row, header) for row in rows])


def text_of_line(lines: list[str], line: int) -> str:
    """What is said in the row that starts in a physical line, from 1, and became a turn."""
    header, row = next(rows_of(lines)), next(rows_of(lines, line - 1))
    return _record(row.cells or [], header_of(header))["text"]


def rows_of(lines: list[str], at: int = 0) -> Iterator[Row]:
    """The rows from the physical line with this index on."""
    while at < len(lines):
        reader = csv.reader(lines[at : at + _LONGEST_RECORD], strict=True)
        line = at + 1
        try:
            cells = next(reader)
        except csv.Error:
            at += 1  # The quotation mark may have taken in the next rows: free them.
            yield Row(line, line, None)
        else:
            at += reader.line_num
            if any(map(str.strip, cells)):
                yield Row(line, at, cells)


def header_of(row: Row | None) -> list[str]:
    """The columns that a row names."""
    return [cell.strip().casefold() for cell in (row.cells if row else None) or ()]


def missing_columns(header: list[str]) -> list[str]:
    """The columns without which a table cannot be read."""
    return [column for column in ("speaker", "text") if column not in header]


def turn_of_row(row: Row, header: list[str]) -> Turn | LineWarning:
    """The turn in a row, or why there is none."""
    if row.cells is None:
        return LineWarning(row.line, WarningCode.MALFORMED_ROW)
    if len(row.cells) < len(header):
        return LineWarning(row.line, WarningCode.SHORT_ROW)
    if len(row.cells) > len(header):
        return LineWarning(row.line, WarningCode.LONG_ROW)
    return turn_of_record(row.line, _record(row.cells, header))


def _record(cells: list[str], header: list[str]) -> Mapping[str, str]:
    return dict(zip(header, cells, strict=True))
