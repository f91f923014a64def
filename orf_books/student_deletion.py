"""Deleting a student: from raw files, everything made of them, the database and the roster.

Belongs here: in which order it is deleted from where, so that a deletion that breaks off can be
repeated. Does not belong here: taking a student out of a file (`orf_books/transcripts/erasure.py`),
the rows of the database (`resources/database.py`), arguments and printing (`orf_books/cli.py`).

Whatever others said stays, without the student's name in it; it is scored anew.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from orf_books import partitions
from orf_books.assets.session_inputs import SessionFound, classes_in, load_roster, sessions_in
from orf_books.assets.session_records import WITHDRAWN, SessionRecords, SessionUpload
from orf_books.assets.uploads import UploadsConfig
from orf_books.failures import FixInput, OrfBooksError
from orf_books.instance import open_instance
from orf_books.local_runs import run_job
from orf_books.object_keys import (
    AGGREGATES,
    NORMALIZED,
    SCORES,
    class_folder,
    class_page_key,
    rejected_sessions_folder,
    roster_key,
    session_outputs_folder,
    student_pages_folder,
)
from orf_books.resources.batch import BatchResource
from orf_books.resources.database import Database, Deleted
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage
from orf_books.settings import Settings
from orf_books.transcripts.erasure import erase_from_roster, erase_from_session, mentions_student
from orf_books.transcripts.problems import UnusableTranscript
from orf_books.transcripts.publication import Access, Deletion
from orf_books.transcripts.roster import Roster
from orf_books.transcripts.submission import metadata_of_key

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class NotAllDeletedError(OrfBooksError):
    """A search after the deletion still found the student."""


@dataclass(frozen=True, slots=True)
class StudentDeletion:
    """What was deleted."""

    student_id: str
    deletion_id: str
    """In the log of deletions."""
    classes: tuple[str, ...]
    raw_files_rewritten: int
    raw_files_deleted: int
    """Nothing of use to anybody else was in them."""
    objects_deleted: int
    """Of what was made of raw files; most are made anew, without the student."""
    assessments_deleted: int
    evidence_deleted: int
    sessions_scored_again: int

    def as_document(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


@dataclass(slots=True)
class _Erased:
    """What was erased so far."""

    rewritten: int = 0
    raw_deleted: int = 0
    deleted: int = 0
    withdrawn: list[SessionFound] = field(default_factory=list)


def delete_student(
    settings: Settings, student_id: str, actor: str, batch: BatchResource
) -> StudentDeletion:
    """Delete a student from everywhere; sessions of their classes are scored anew.

    Args:
        settings: where everything is.
        student_id: the pseudonymous id.
        actor: who asks for it, for the log.
        batch: how sessions are scored anew.

    Raises:
        FixInput: it is no student's id, or nobody knows it.
        RetryLater: the store or the database did not answer; repeat the deletion.
        NotAllDeletedError: a search afterwards still finds the student.
    """
    student_id = student_id.strip().lower()
    if not _UUID.fullmatch(student_id):
        raise FixInput("The id of a student is a UUID, as on the roster.")
    records = SessionRecords(settings.open_storage())
    database = Database(settings.published_database.get_secret_value())
    deletion = Deletion(student_id, actor, str(uuid4()), datetime.now(UTC))
    rosters = _rosters(records.storage, database, deletion)
    erased = _Erased()
    for class_id, roster in rosters.items():
        _erase_from_class(records, class_id, roster, student_id, erased)
    deleted = database.delete_student(deletion)
    # The rosters come last: without the name, whoever repeats the deletion would find less.
    for class_id in rosters:
        _erase_from_roster(records, class_id, student_id)
    _withdraw(settings, records, erased.withdrawn, deletion.request_id)
    again = _score_again(settings, records, list(rosters), batch)
    _see_that_nothing_is_left(records.storage, rosters, student_id)
    return _deletion(deletion, rosters, erased, deleted, again)


def _rosters(storage: ObjectStorage, database: Database, deletion: Deletion) -> dict[str, Roster]:
    """The classes that the student is or was in, with their rosters as they are."""
    access = Access(
        actor=deletion.actor,
        role="operator",
        action="delete",
        record_ids=(deletion.student_id,),
        purpose="deletion of a student",
        accessed_at=deletion.deleted_at,
        request_id=deletion.request_id,
    )
    published = database.student_records(deletion.student_id, access)
    classes = {row.class_id for row in published.assessments}
    rosters: dict[str, Roster] = {}
    for class_id in classes_in(storage):
        roster = load_roster(storage, class_id)
        if roster.student(deletion.student_id) or class_id in classes:
            rosters[class_id] = roster
    if not rosters:
        raise FixInput("No roster and no table knows a student of this id.")
    return rosters


def _erase_from_class(
    records: SessionRecords, class_id: str, roster: Roster, student_id: str, erased: _Erased
) -> None:
    storage = records.storage
    for found in sessions_in(storage, class_folder(class_id)):
        # A new roster makes new versions of all of them; no sensor needs to see to that.
        records.claim(found.key)
        content = storage.get(found.raw_key)
        left = _without_student(found, content, roster, student_id)
        if left is None:
            storage.delete(found.raw_key)
            erased.raw_deleted += 1
            erased.withdrawn.append(found)
        elif left != content:
            storage.put(found.raw_key, left)
            erased.rewritten += 1
    for key in _made_of(storage, class_id):
        if mentions_student(storage.get(key), roster, student_id):
            storage.delete(key)
            erased.deleted += 1


def _without_student(
    found: SessionFound, content: bytes, roster: Roster, student_id: str
) -> bytes | None:
    """What is left of a raw file; None where that is of no use to anybody."""
    try:
        written_as = metadata_of_key(found.raw_key, "deletion").format
        left = erase_from_session(content, written_as, roster, student_id)
    except UnusableTranscript:
        # It cannot be read, so it cannot be searched either.
        return content if not mentions_student(content, roster, student_id) else None
    lines = [line for line in left.splitlines() if line.strip()]
    said = lines[1:] if written_as == "csv" else lines
    return left if said or left == content else None


def _made_of(storage: ObjectStorage, class_id: str) -> Iterator[str]:
    """Keys of all objects that were made of the sessions of a class."""
    folders = [session_outputs_folder(one, class_id) for one in (NORMALIZED, SCORES, AGGREGATES)]
    folders += [student_pages_folder(class_id), rejected_sessions_folder(class_id)]
    for folder in folders:
        yield from [stored.key for stored in storage.list(folder)]
    with suppress(ObjectNotFoundError):
        yield storage.head(class_page_key(class_id)).key


def _erase_from_roster(records: SessionRecords, class_id: str, student_id: str) -> None:
    key = roster_key(class_id)
    content = records.storage.get(key)
    left = erase_from_roster(content, student_id)
    if left != content:
        records.storage.put(key, left)


def _withdraw(
    settings: Settings, records: SessionRecords, sessions: list[SessionFound], job_id: str
) -> None:
    """Forget sessions of which nothing is left."""
    now = datetime.now(UTC)
    records.add_uploads(
        [SessionUpload(one.key, one.version, WITHDRAWN, now, job_id) for one in sessions]
    )
    with open_instance(settings) as instance:
        for one in sessions:
            instance.delete_dynamic_partition(str(partitions.sessions.name), one.key)


def _score_again(
    settings: Settings, records: SessionRecords, classes: list[str], batch: BatchResource
) -> int:
    """Score what is left of the classes, and make their figures, tables and pages anew."""
    uploads = [
        found for one in classes for found in sessions_in(records.storage, class_folder(one))
    ]
    if uploads:
        config = UploadsConfig.noticed_now(uploads).run_config("requested_sessions")
        run_job(settings, "ingest_transcripts", config, batch)
    else:
        run_job(settings, "refresh_classes", {}, batch)
    return len(uploads)


def _see_that_nothing_is_left(
    storage: ObjectStorage, rosters: dict[str, Roster], student_id: str
) -> None:
    left = [
        key
        for class_id, roster in rosters.items()
        for key in _everything_of(storage, class_id)
        if mentions_student(storage.get(key), roster, student_id)
    ]
    if left:
        raise NotAllDeletedError(
            f"The student is still found in {len(left)} objects, first {left[0]}. Repeat the "
            "deletion; if that does not help, delete these objects."
        )


def _everything_of(storage: ObjectStorage, class_id: str) -> Iterator[str]:
    yield from (one.key for one in storage.list(class_folder(class_id)))
    yield from _made_of(storage, class_id)


def _deletion(
    deletion: Deletion,
    rosters: dict[str, Roster],
    erased: _Erased,
    deleted: Deleted,
    scored_again: int,
) -> StudentDeletion:
    return StudentDeletion(
        student_id=deletion.student_id,
        deletion_id=deletion.deletion_id,
        classes=tuple(sorted(rosters)),
        raw_files_rewritten=erased.rewritten,
        raw_files_deleted=erased.raw_deleted,
        objects_deleted=erased.deleted,
        assessments_deleted=deleted.assessment_count,
        evidence_deleted=deleted.evidence_count,
        sessions_scored_again=scored_again,
    )
