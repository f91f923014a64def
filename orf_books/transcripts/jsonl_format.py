"""Transcripts as JSON lines: an object a line with `speaker` and `text`.

Optional are `timestamp`, `student_id` and `speaker_role`; all else is left out.

Belongs here: lines and objects. Does not belong here: what becomes of their fields (`turns.py`).
"""

import json

from orf_books.transcripts.problems import LineWarning, WarningCode
from orf_books.transcripts.turns import (
    ReadTurns,
    Turn,
    physical_lines,
    read_turns,
    turn_of_record,
)


def read_jsonl(text: str) -> ReadTurns:
    """The turns of a file; lines that are no such object become warnings."""
    return read_turns(
        [
            turn_of_line(number, line)
            for number, line in enumerate(physical_lines(text), start=1)
            if not line.isspace()
        ]
    )


def turn_of_line(number: int, line: str) -> Turn | LineWarning:
    """The turn in a line that is not blank, or why there is none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return LineWarning(number, WarningCode.BAD_JSON)
    if not isinstance(record, dict):
        return LineWarning(number, WarningCode.NOT_AN_OBJECT)
    return turn_of_record(number, record)


def text_of_line(lines: list[str], line: int) -> str:
    """What is said in a physical line, from 1, that became a turn."""
    return str(json.loads(lines[line - 1])["text"])
