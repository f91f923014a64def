"""A session as it is stored once read: `normalized/<class>/<date>/<job>.jsonl`.

The first line is an object whose only key is `manifest`; each further line is an utterance.

Belongs here: writing and reading that document. Does not belong here: reading a raw file
(`parsing.py`).
"""

from dataclasses import dataclass
from datetime import date

from pydantic import TypeAdapter, ValidationError

from orf_books.failures import FixInput
from orf_books.transcripts.parsing import ReadSession
from orf_books.transcripts.problems import LineWarning
from orf_books.transcripts.utterance import Session, Utterance
from orf_books.validation_messages import validation_messages


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a normalised session, without a word of it."""

    class_id: str
    day: date
    source_key: str
    source_sha256: str
    format: str
    source: str
    total_lines: int
    utterance_count: int
    without_consent: int
    student_count: int
    student_ids: tuple[str, ...]
    warning_count: int
    warnings: tuple[LineWarning, ...]
    unattributed: int = 0
    """Utterances of nobody on the roster, of which no words are kept."""


@dataclass(frozen=True, slots=True)
class _Header:
    manifest: Manifest


_HEADER = TypeAdapter(_Header)
_UTTERANCE = TypeAdapter(Utterance)


def manifest_of(read: ReadSession) -> Manifest:
    """The manifest of a session."""
    session = read.session
    return Manifest(
        class_id=session.class_id,
        day=session.day,
        source_key=session.source_key,
        source_sha256=session.source_sha256,
        format=session.format,
        source=session.source,
        total_lines=read.total_lines,
        utterance_count=len(session.utterances),
        without_consent=read.without_consent,
        student_count=len(read.student_ids),
        student_ids=read.student_ids,
        warning_count=len(read.warnings),
        warnings=read.warnings,
        unattributed=read.unattributed,
    )


def write_normalised(read: ReadSession) -> bytes:
    """The document of a session; the same bytes for the same session."""
    lines = [
        _HEADER.dump_json(_Header(manifest_of(read))),
        *map(_UTTERANCE.dump_json, read.session.utterances),
    ]
    return b"\n".join(lines) + b"\n"


def read_normalised(content: bytes) -> ReadSession:
    """The session of a document.

    Raises:
        FixInput: it is no such document, or part of it is missing.
    """
    header, *lines = content.splitlines() or [b""]
    try:
        manifest = _HEADER.validate_json(header).manifest
        utterances = tuple(map(_UTTERANCE.validate_json, lines))
    except ValidationError as refused:
        raise _damaged(validation_messages(refused)) from None
    if len(utterances) != manifest.utterance_count:
        raise _damaged(f"{len(utterances)} of {manifest.utterance_count} utterances are left")
    session = Session(
        class_id=manifest.class_id,
        day=manifest.day,
        source_key=manifest.source_key,
        source_sha256=manifest.source_sha256,
        format=manifest.format,
        utterances=utterances,
        source=manifest.source,
    )
    return ReadSession(session, manifest.total_lines, manifest.without_consent, manifest.warnings)


def _damaged(what: str) -> FixInput:
    return FixInput(f"A normalised session is damaged: {what}. Read its raw file again.")
