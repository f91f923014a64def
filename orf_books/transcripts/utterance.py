"""What is said in a class session, one utterance after the other.

Belongs here: the canonical form of an utterance and of a session. Does not belong here: how a file
becomes utterances (`parsing.py`), what they show (`scoring.py`).
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class SpeakerRole(StrEnum):
    """Who speaks, as far as scoring needs to know."""

    STUDENT = "student"
    TEACHER = "teacher"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Utterance:
    """One turn of one speaker, verbatim."""

    utterance_id: str
    """`<first 12 of the source's sha256>:<line>:<n>`."""
    line_number: int
    """Physical line of the raw file, from 1."""
    speaker_id: str
    """The student's pseudonymous id, `teacher`, or `unknown:<k>`; never a name."""
    speaker_role: SpeakerRole
    student_id: str | None
    timestamp: str | None
    """HH:MM:SS."""
    text: str = field(repr=False)
    """What was said, never cleaned."""
    raw_offset: int | None
    """Code point of the physical line at which the text starts; only of txt files."""
    lang: str
    lang_conf: float
    warnings: tuple[str, ...] = ()
    """Codes."""


@dataclass(frozen=True, slots=True)
class Session:
    """One raw file, read: one class session."""

    class_id: str
    day: date
    source_key: str
    source_sha256: str
    format: str
    """`txt`, `csv` or `jsonl`."""
    utterances: tuple[Utterance, ...] = field(repr=False)
    """Without those of students who have not consented."""
    source: str = ""
    """Where the transcript comes from, as declared: `Zoom`, `manual`."""
