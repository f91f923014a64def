"""Transcripts as tables: the columns `speaker` and `text`, in any case and order.

Optional are `timestamp`, `student_id` and `speaker_role`; all else is left out. Cells are quoted as
in RFC 4180.

Belongs here: rows and cells. Does not belong here: what becomes of them (`turns.py`).
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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
class _Row:
    line: int
    cells: list[str] | None
    """None where its quotation marks contradict each other."""


def read_csv(text: str, key: str) -> ReadTurns:
    """The turns of a table; rows that are none become warnings.

    Args:
        text: the whole table.
        key: what messages call it.

    Raises:
        UnusableTranscript: the header lacks `speaker` or `text`.
    """
    rows = _rows(physical_lines(text))
    header = _header(next(rows, None))
    if missing := [column for column in ("speaker", "text") if column not in header]:
        raise UnusableTranscript(
            ErrorCode.MISSING_COLUMNS,
            f"{key}: the first row has no column {' and no column '.join(missing)}. "
            "Name the columns, with commas between them.",
        )
    return read_turns([_turn(row, header) for row in rows])


def text_of_line(lines: list[str], line: int) -> str:
    """What is said in the row that starts in a physical line, from 1, and became a turn."""
    header, row = next(_rows(lines)), next(_rows(lines, line - 1))
    return _record(row.cells or [], _header(header))["text"]


def _rows(lines: list[str], at: int = 0) -> Iterator[_Row]:
    """The rows that are not blank, by the lines in which they start."""
    while at < len(lines):
        reader = csv.reader(lines[at : at + _LONGEST_RECORD], strict=True)
        line = at + 1
        try:
            cells = next(reader)
        except csv.Error:
            at += 1  # The quotation mark may have taken in the next rows: free them.
            yield _Row(line, None)
        else:
            at += reader.line_num
            if any(map(str.strip, cells)):
                yield _Row(line, cells)


def _header(row: _Row | None) -> list[str]:
    return [cell.strip().casefold() for cell in (row.cells if row else None) or ()]


def _turn(row: _Row, header: list[str]) -> Turn | LineWarning:
    if row.cells is None:
        return LineWarning(row.line, WarningCode.MALFORMED_ROW)
    if len(row.cells) < len(header):
        return LineWarning(row.line, WarningCode.SHORT_ROW)
    if len(row.cells) > len(header):
        return LineWarning(row.line, WarningCode.LONG_ROW)
    return turn_of_record(row.line, _record(row.cells, header))


def _record(cells: list[str], header: list[str]) -> Mapping[str, str]:
    return dict(zip(header, cells, strict=True))
