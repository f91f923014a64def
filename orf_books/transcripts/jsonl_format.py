"""Transcripts as JSON: an object a line, or one document as Whisper and other recognisers write it.

An object needs keys for the speaker and the text, under any of their usual names.

Belongs here: lines, documents and objects. Does not belong here: what keys are called
(`columns.py`), what becomes of their values (`turns.py`).
"""

import json
from collections.abc import Iterator, Mapping

from orf_books.transcripts.columns import (
    SPEAKER,
    SPEAKER_ROLE,
    STUDENT_ID,
    TEXT,
    TIMESTAMP,
    columns_of,
    row_of_record,
)
from orf_books.transcripts.problems import LineWarning, WarningCode
from orf_books.transcripts.turns import Row

_DEEPEST = 4
"""Levels below the document at which its list of segments is looked for."""


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
    return row_of_record(number, record, columns_of(list(record)))


def lines_of_document(text: str) -> str | None:
    """A JSON document as an object a line, with nothing but what is read of it.

    None where the text is no document with a list of objects that have a text.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    lists = [found for depth in range(_DEEPEST) for found in _lists(document, depth)]
    if not lists:
        return None
    segments = next(
        (found for found in lists if any(_has(SPEAKER, one) for one in found)), lists[0]
    )
    return "".join(f"{json.dumps(_as_read(segment))}\n" for segment in segments)


def _lists(value: object, depth: int) -> Iterator[list[object]]:
    """Lists of objects with a text, so many levels below a value."""
    if depth == 0:
        if isinstance(value, list) and any(_has(TEXT, one) for one in value):
            yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _lists(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _lists(inner, depth - 1)


def _has(field: str, value: object) -> bool:
    columns = columns_of(list(value)) if isinstance(value, dict) else {}
    if not isinstance(value, dict) or field not in columns:
        return False
    return field != TEXT or isinstance(value[columns[field]], str)


def _as_read(segment: object) -> Mapping[str, object]:
    if not isinstance(segment, dict):
        return {}
    columns = columns_of(list(segment))
    return {
        field: segment[columns[field]]
        for field in (SPEAKER, TEXT, TIMESTAMP, STUDENT_ID, SPEAKER_ROLE)
        if field in columns
    }
