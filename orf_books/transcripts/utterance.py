"""What is said in a class session, one utterance after the other.

Belongs here: the canonical form of an utterance and of a session. Does not belong here: how a file
becomes utterances (`parsing.py`), what they show (`scoring.py`).
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from orf_books.transcripts.turns import Piece


class SpeakerRole(StrEnum):
    """Who speaks, as far as scoring needs to know."""

    STUDENT = "student"
    TEACHER = "teacher"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one speaker says until somebody else does.

    However a file divides that (into captions, sentences or lines), it is one utterance.
    """

    utterance_id: str
    """`<first 12 of the source's sha256>:<line>:<n>`."""
    line_number: int
    """Line, table row or record of the raw file on which it starts, from 1."""
    speaker_id: str
    """The student's pseudonymous id, `teacher`, or `unknown:<k>`; never a name."""
    speaker_role: SpeakerRole
    student_id: str | None
    timestamp: str | None
    """HH:MM:SS."""
    text: str = field(repr=False)
    """What was said, word for word, without stage directions and surplus spaces.

    Empty where nobody of the class can be told to speak: nobody's words are kept.
    """
    raw_offset: int | None
    """Code point of the physical line at which the text starts; only of plain text."""
    lang: str
    lang_conf: float
    warnings: tuple[str, ...] = ()
    """Codes."""
    pieces: tuple[Piece, ...] = ()
    """Where it stands in the raw file."""


@dataclass(frozen=True, slots=True)
class Session:
    """One raw file, read: one class session."""

    class_id: str
    day: date
    source_key: str
    source_sha256: str
    format: str
    """The extension of the raw file."""
    utterances: tuple[Utterance, ...] = field(repr=False)
    """Without those of students who have not consented, which are only counted."""
    source: str = ""
    """Where the transcript comes from, as declared: `Zoom`, `manual`."""
