"""A small class and its sessions, for the tests of reading."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from orf_books.transcripts.parsing import ReadSession, read_session
from orf_books.transcripts.roster import Roster, read_roster
from orf_books.transcripts.submission import SessionMetadata, TranscriptFormat
from orf_books.transcripts.utterance import Utterance

FORMATS = (TranscriptFormat.TXT, TranscriptFormat.CSV, TranscriptFormat.JSONL)
"""In which each line is a turn; `forms.py` has all."""
DAY = date(2026, 3, 2)
EMMA, LIAM, OTHER_EMMA, ZORA = (f"{digit}0000000-0000-4000-8000-000000000000" for digit in "1234")
"""Zora has not consented."""

ENTRIES: list[dict[str, Any]] = [
    {"student_id": EMMA, "names": ["Emma Johnson"], "aliases": ["Emma", "EJ"], "consent": True},
    {"student_id": LIAM, "names": ["Liam O'Brien"], "aliases": ["Student A"], "consent": True},
    {"student_id": OTHER_EMMA, "names": ["Emma Marsh"], "aliases": ["Emma"], "consent": True},
    {"student_id": ZORA, "names": ["Zora Quill"], "aliases": ["Marsh"]},
    {"names": ["Ms. Rivera"], "role": "teacher"},
]

Line = tuple[str, str]
"""Label and text."""


def roster(*entries: dict[str, Any]) -> Roster:
    """A roster of these entries, or of the small class."""
    return read_roster(json.dumps(entries or ENTRIES).encode())


def key(transcript_format: str) -> str:
    """Where the session of a format lies."""
    return f"raw/5B/{DAY}/morning.{transcript_format}"


def metadata(transcript_format: str) -> SessionMetadata:
    """What is declared of that session."""
    return SessionMetadata("5B", DAY, TranscriptFormat(transcript_format), "manual")


def read(
    content: str | bytes,
    transcript_format: str = "txt",
    of: Roster | None = None,
    largest_unattributed_share: float = 1.0,
) -> ReadSession:
    """Read a session, however little of it can be attributed."""
    if isinstance(content, str):
        content = content.encode()
    return read_session(
        content,
        key(transcript_format),
        metadata(transcript_format),
        of or roster(),
        largest_unattributed_share,
    )


def write(lines: Iterable[Line], transcript_format: str) -> bytes:
    """Lines in a format, with only what every format has."""
    match TranscriptFormat(transcript_format):
        case TranscriptFormat.TXT:
            return "".join(f"{label}: {text}\n" for label, text in lines).encode()
        case TranscriptFormat.CSV:
            table = io.StringIO(newline="")
            csv.writer(table).writerows([("speaker", "text"), *lines])
            return table.getvalue().encode()
        case TranscriptFormat.JSONL:
            records = ({"speaker": label, "text": text} for label, text in lines)
            return "".join(f"{json.dumps(record)}\n" for record in records).encode()
        case other:
            raise ValueError(other)


def warned(session: ReadSession) -> list[tuple[int, str]]:
    """Lines and codes of the warnings."""
    return [(warning.line, warning.code.value) for warning in session.warnings]


def texts(session: ReadSession) -> list[str]:
    """What is said."""
    return [one.text for one in session.session.utterances]


def apart_from_place(session: ReadSession) -> list[Utterance]:
    """Utterances without what depends on the physical file."""
    return [
        replace(one, utterance_id="", line_number=0, raw_offset=None, pieces=())
        for one in session.session.utterances
    ]
