"""Transcripts as lines of JSON, an object each.

An object needs keys for the speaker and the text, under any of their usual names.

Belongs here: lines and objects. Does not belong here: what keys are called (`columns.py`), JSON
documents (`json_document.py`), what becomes of values (`turns.py`).
"""

import json

from orf_books.transcripts.columns import columns_of, row_of_record
from orf_books.transcripts.problems import LineWarning, WarningCode
from orf_books.transcripts.turns import Row


def rows_of_lines(lines: list[str]) -> list[Row | LineWarning]:
    """What lines of JSON say; lines that are no such object become warnings."""
    return [
        row_of_line(number, line)
        for number, line in enumerate(lines, start=1)
        if not line.isspace()
    ]


def row_of_line(number: int, line: str) -> Row | LineWarning:
    """The row in a line that is not blank, or why there is none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return LineWarning(number, WarningCode.BAD_JSON)
    if not isinstance(record, dict):
        return LineWarning(number, WarningCode.NOT_AN_OBJECT)
    return row_of_record(number, record, columns_of(record))
