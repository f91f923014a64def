"""What lies in the store about class sessions: raw files, what is declared of them, rosters.

Belongs here: finding raw files, and loading all that the work on one session needs. Does not belong
here: what is made of it (`orf_books/transcripts`), runs (`assets/transcripts/step.py`).
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from orf_books.bounded_json import read_json
from orf_books.failures import FixConfiguration, FixInput, RetryLater
from orf_books.keys import text_of_key
from orf_books.object_keys import (
    RAW,
    class_folder,
    is_roster,
    is_session,
    roster_key,
    session_metadata_key,
)
from orf_books.partition_keys import class_of_session, session_key
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage
from orf_books.transcripts.problems import ErrorCode, UnusableTranscript
from orf_books.transcripts.roster import Roster, read_roster
from orf_books.transcripts.submission import (
    SessionMetadata,
    check_key,
    metadata_of_key,
    read_metadata,
    refuse_by_size,
)

SOURCE = "upload"
"""Of transcripts of which nobody declared where they come from."""
UNUSABLE = "unusable/"
"""Begins the keys of raw files whose own keys declare no session."""


@dataclass(frozen=True, slots=True)
class SessionFound:
    """A raw file as it lies in the store. Everything but its key is fit for logs."""

    key: str
    """The session's partition; `UNUSABLE` and a digest where its own key declares no session."""
    version: str
    """Changes with the file, its metadata, and the roster: who may be listened to, may change."""
    last_modified: datetime
    raw_key: str = field(repr=False)
    size: int
    problem: UnusableTranscript | None = None
    """Why it cannot be a session, whatever its content."""


@dataclass(frozen=True, slots=True)
class SessionInputs:
    """All that the work on one session needs."""

    content: bytes = field(repr=False)
    metadata: SessionMetadata
    roster: Roster = field(repr=False)


def sessions_in(storage: ObjectStorage, below: str = RAW) -> list[SessionFound]:
    """The raw files of all classes, or of the class whose folder is given."""
    stored = {one.key: one for one in storage.list(below)}
    # Where versions are digests of contents, a roster that is put back would go unnoticed.
    versions = {key: f"{one.version} {one.last_modified}" for key, one in stored.items()}
    return [
        _found(one.key, versions, one.last_modified, one.size)
        for one in stored.values()
        if is_session(one.key)
    ]


def session_at(storage: ObjectStorage, key: str) -> SessionFound:
    """The raw file of a session, by its partition key.

    Raises:
        UnusableTranscript: it is not there any more.
    """
    for found in sessions_in(storage, class_folder(class_of_session(key))):
        if found.key == key:
            return found
    raise _missing()


@contextmanager
def naming_session(key: str) -> Iterator[None]:
    """Name the session in what goes wrong with its raw file, which may be named after a child.

    Raises:
        UnusableTranscript: the raw file is not there.
        FixConfiguration: the store refuses access to it.
        RetryLater: the store does not answer.
    """
    try:
        yield
    except ObjectNotFoundError:
        raise _missing() from None
    except FixConfiguration:
        raise FixConfiguration(
            f"The object store refuses access to the raw file of {key}: check the credentials and "
            "the bucket, or the folder."
        ) from None
    except RetryLater as error:
        raise RetryLater(
            f"The object store did not answer for the raw file of {key}.", error.category
        ) from None


def load_session(storage: ObjectStorage, found: SessionFound) -> SessionInputs:
    """Load one session, and nothing else.

    Raises:
        UnusableTranscript: its metadata or the roster is missing or cannot be used.
        RetryLater: the store does not answer.
    """
    if found.problem:
        raise found.problem
    refuse_by_size(found.size)
    with naming_session(found.key):
        metadata = _metadata(storage, found.raw_key)
        # Before another class's roster is looked for.
        check_key(found.raw_key, metadata)
        content = storage.get(found.raw_key)
    return SessionInputs(content, metadata, load_roster(storage, metadata.class_id))


def load_roster(storage: ObjectStorage, class_id: str) -> Roster:
    """Who belongs to a class.

    Raises:
        UnusableTranscript: there is no roster, or it cannot be used.
    """
    key = roster_key(class_id)
    try:
        return read_roster(storage.get(key))
    except ObjectNotFoundError:
        raise UnusableTranscript(
            ErrorCode.INVALID_ROSTER, f"The class has no roster. Upload {key}."
        ) from None


def classes_in(storage: ObjectStorage) -> Iterator[str]:
    """Classes that have a roster."""
    for stored in storage.list(RAW):
        if is_roster(stored.key):
            yield text_of_key(stored.key.split("/")[1])


def _found(
    raw_key: str, versions: dict[str, str], last_modified: datetime, size: int
) -> SessionFound:
    problem = None
    try:
        declared = metadata_of_key(raw_key, SOURCE)
        key = session_key(declared.class_id, declared.day, raw_key)
        roster = roster_key(declared.class_id)
    except FixInput as error:
        problem = _unusable(error)
        key = f"{UNUSABLE}{hashlib.sha256(raw_key.encode()).hexdigest()[:12]}"
        roster = ""
    parts = [versions.get(one) for one in (raw_key, session_metadata_key(raw_key), roster)]
    version = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    return SessionFound(key, version, last_modified, raw_key, size, problem)


def _missing() -> UnusableTranscript:
    return UnusableTranscript(
        ErrorCode.MISSING_FILE, "Its raw file is gone. Upload it again, or delete the session."
    )


def _unusable(error: FixInput) -> UnusableTranscript:
    if isinstance(error, UnusableTranscript):
        return error
    return UnusableTranscript(ErrorCode.INVALID_KEY, str(error))


def _metadata(storage: ObjectStorage, raw_key: str) -> SessionMetadata:
    try:
        declared = read_json(storage.get(session_metadata_key(raw_key)))
    except ObjectNotFoundError:
        return metadata_of_key(raw_key, SOURCE)
    except ValueError:
        declared = None
    if not isinstance(declared, dict):
        raise UnusableTranscript(
            ErrorCode.INVALID_METADATA, "Its metadata is no JSON object. Correct it, or delete it."
        )
    return read_metadata(declared)
