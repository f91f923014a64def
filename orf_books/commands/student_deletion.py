"""Deleting a student: from raw files, everything made of them, the database and the roster.

Belongs here: in which order it is deleted from where, so that a deletion that breaks off can be
repeated. Does not belong here: taking a student out of a file (`orf_books/transcripts/erasure.py`),
the rows of the database (`resources/database.py`), arguments and printing (`orf_books/cli.py`).

Whatever others said stays, without the student's name in it; it is scored anew.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from uuid import uuid4

import dagster as dg

from orf_books.assets.transcripts.step import SESSIONS
from orf_books.assets.uploads import UploadsConfig
from orf_books.batches.resource import BatchResource
from orf_books.commands.activity_deletion import activities_of_student, delete_activity
from orf_books.commands.local_runs import run_job
from orf_books.commands.runs_at_work import MOST_SECONDS, ran_since, wait_for_runs
from orf_books.failures import FixInput, OrfBooksError
from orf_books.instance import open_instance
from orf_books.jobs import ingest_transcripts, refresh_classes, retry_failed_transcripts
from orf_books.object_keys import (
    AGGREGATES,
    CORRECTIONS,
    NORMALIZED,
    SCORES,
    class_folder,
    class_page_key,
    rejected_sessions_folder,
    roster_key,
    session_metadata_key,
    session_outputs_folder,
    session_refusal_key,
    student_pages_folder,
)
from orf_books.records.raw_sessions import (
    SessionFound,
    classes_in,
    load_roster,
    naming_session,
    sessions_in,
)
from orf_books.records.sessions import WITHDRAWN, SessionRecords, SessionRow, SessionUpload
from orf_books.resources.database import Database, Deleted
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage
from orf_books.settings import Settings
from orf_books.transcripts.erasure import erase_from_roster, erase_from_session, mentions_student
from orf_books.transcripts.problems import UnusableTranscript
from orf_books.transcripts.publication import Access, Deletion
from orf_books.transcripts.roster import Roster, is_student_id, read_roster
from orf_books.transcripts.score_document import read_scores
from orf_books.transcripts.submission import metadata_of_key

_JOBS = (ingest_transcripts.name, retry_failed_transcripts.name, refresh_classes.name)
_STAGES = (NORMALIZED, SCORES, AGGREGATES, CORRECTIONS)


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
    readings_deleted: int = 0
    """Activities, with their recordings and reports."""

    def as_document(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def delete_student(
    settings: Settings,
    student_id: str,
    actor: str,
    batch: BatchResource,
    wait_seconds: float = MOST_SECONDS,
) -> StudentDeletion:
    """Delete a student from everywhere; sessions of their classes are scored anew.

    Args:
        settings: where everything is.
        student_id: the pseudonymous id.
        actor: who asks for it, for the log.
        batch: how sessions are scored anew.
        wait_seconds: how long to wait for runs at work.

    Raises:
        FixInput: it is no student's id, or nobody knows it.
        RetryLater: a run is at work on sessions, or the store or the database did not answer;
            repeat the deletion.
        NotAllDeletedError: a search afterwards still finds the student.
    """
    student_id = student_id.strip().lower()
    if not is_student_id(student_id):
        raise FixInput("The id of a student is a UUID, as on the roster.")
    records = SessionRecords(settings.open_storage())
    database = Database(settings.published_database.get_secret_value())
    deletion = Deletion(student_id, actor, str(uuid4()), datetime.now(UTC))
    readings = activities_of_student(records.storage, student_id)
    rosters = _rosters(records.storage, database, deletion, is_known=bool(readings))
    for activity in readings:
        delete_activity(settings, activity, wait_seconds)
    with open_instance(settings) as instance:
        wait_for_runs(instance, _JOBS, wait_seconds)
        began = datetime.now(UTC)
        erasure = _Erasure(records, database, instance, deletion)
        erasure.erase_from_classes(rosters)
        deleted = database.delete_student(deletion)
        # A run that began meanwhile may have read files before, and stored its scores after.
        wait_for_runs(instance, _JOBS, wait_seconds)
        if ran_since(instance, _JOBS, began):
            erasure.erase_from_classes(rosters)
            database.delete_student(deletion)
    # The rosters come last: without the name, whoever repeats the deletion would find less.
    for class_id in rosters:
        _erase_from_roster(records.storage, class_id, student_id)
    again = _score_again(settings, records.storage, list(rosters), batch)
    _see_that_nothing_is_left(records.storage, rosters, student_id)
    return replace(
        _deletion(deletion, rosters, erasure, deleted, again), readings_deleted=len(readings)
    )


def _rosters(
    storage: ObjectStorage, database: Database, deletion: Deletion, *, is_known: bool
) -> dict[str, Roster]:
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
        try:
            roster = load_roster(storage, class_id)
        except UnusableTranscript as error:
            # Nobody knows whether the student is on it.
            raise FixInput(f"{roster_key(class_id)}: {error}") from None
        if roster.student(deletion.student_id) or class_id in classes:
            rosters[class_id] = roster
    # Of a class whose roster is gone only the id can be looked for.
    rosters |= {class_id: Roster(()) for class_id in classes - rosters.keys()}
    if not rosters and not is_known:
        raise FixInput("No roster, no reading and no table knows a student of this id.")
    return rosters


@dataclass(slots=True)
class _Erasure:
    """Taking a student out of raw files and what was made of them."""

    _records: SessionRecords
    _database: Database
    _instance: dg.DagsterInstance
    _deletion: Deletion
    rewritten: int = 0
    """Of raw files, so far."""
    raw_deleted: int = 0
    deleted: int = 0
    _withdrawn: set[SessionFound] = field(default_factory=set)
    """By an earlier pass."""

    def erase_from_classes(self, rosters: Mapping[str, Roster]) -> None:
        """Erase the student from all objects of these classes but their rosters."""
        for found in list(self._withdrawn):
            self._withdraw(found)
        for class_id, roster in rosters.items():
            self._erase_from_class(class_id, roster)

    def _erase_from_class(self, class_id: str, roster: Roster) -> None:
        storage, student_id = self._records.storage, self._deletion.student_id
        for found in sessions_in(storage, class_folder(class_id)):
            # A new roster makes new versions of all of them; no sensor needs to see to that.
            self._records.claim(found.key)
            with naming_session(found.key):
                self._erase_from_session(found, roster)
        for key in _made_of(storage, class_id):
            if mentions_student(storage.get(key), roster, student_id):
                storage.delete(key)
                self.deleted += 1

    def _erase_from_session(self, found: SessionFound, roster: Roster) -> None:
        storage, student_id = self._records.storage, self._deletion.student_id
        metadata = session_metadata_key(found.raw_key)
        with suppress(ObjectNotFoundError):
            if mentions_student(storage.get(metadata), roster, student_id):
                storage.delete(metadata)
        content = storage.get(found.raw_key)
        left = _without_student(found, content, roster, student_id)
        key = _nameless(found.raw_key, roster, student_id)
        if left is None:
            self._withdraw(found)
            storage.delete(metadata, found.raw_key)
            self.raw_deleted += 1
        elif key != found.raw_key:
            self._withdraw(found)
            with suppress(ObjectNotFoundError):
                storage.copy(metadata, session_metadata_key(key))
            storage.put(key, left)
            storage.delete(metadata, found.raw_key)
            self.rewritten += 1
        elif left != content:
            storage.put(key, left)
            self.rewritten += 1

    def _withdraw(self, found: SessionFound) -> None:
        """Forget a session of which nothing will be left under its key.

        Before its file is deleted: whoever repeats the deletion does not find it any more.
        """
        self._withdrawn.add(found)
        now, job_id = datetime.now(UTC), self._deletion.request_id
        row = self._records.latest([found.key]).get(found.key)
        if row:
            self._withdraw_published(row, now)
            # Nothing of it waits for the database.
            self._records.note_publication([row])
            self._records.storage.delete(*row.output_keys)
        self._records.storage.delete(session_refusal_key(found.key))
        self._records.add_uploads([SessionUpload(found.key, found.version, WITHDRAWN, now, job_id)])
        self._instance.delete_dynamic_partition(str(SESSIONS.partitions.name), found.key)

    def _withdraw_published(self, row: SessionRow, now: datetime) -> None:
        """Take others out of what is published of a session; the student is deleted and counted."""
        # Without scores, an earlier try has come this far.
        with suppress(ObjectNotFoundError):
            scores = read_scores(self._records.storage.get(row.scores_key))
            own = {
                student: one
                for student, one in scores.session.students.items()
                if student == self._deletion.student_id
            }
            session = replace(scores.session, students=own, voided=())
            self._database.publish([replace(scores, session=session, scored_at=now)])


def _nameless(raw_key: str, roster: Roster, student_id: str) -> str:
    """The key of a raw file; of one that is named after the student, another one."""
    folder, _, name = raw_key.rpartition("/")
    if not mentions_student(name.encode(), roster, student_id):
        return raw_key
    # The same when repeated; nobody can guess the name from it, for ids are random.
    digest = hashlib.sha256(f"{student_id} {name}".encode()).hexdigest()[:12]
    return f"{folder}/{digest}{PurePosixPath(name).suffix}"


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
    folders = [session_outputs_folder(one, class_id) for one in _STAGES]
    folders += [student_pages_folder(class_id), rejected_sessions_folder(class_id)]
    for folder in folders:
        yield from [stored.key for stored in storage.list(folder)]
    with suppress(ObjectNotFoundError):
        yield storage.head(class_page_key(class_id)).key


def _erase_from_roster(storage: ObjectStorage, class_id: str, student_id: str) -> None:
    key = roster_key(class_id)
    try:
        content = storage.get(key)
    except ObjectNotFoundError:
        return
    left = erase_from_roster(content, student_id)
    if left == content:
        return
    try:
        read_roster(left)
    except UnusableTranscript:
        # Nobody is left on it; such a roster would stop every deletion.
        storage.delete(key)
    else:
        storage.put(key, left)


def _score_again(
    settings: Settings, storage: ObjectStorage, classes: list[str], batch: BatchResource
) -> int:
    """Score what is left of the classes, and make their figures, tables and pages anew."""
    uploads = [found for one in classes for found in sessions_in(storage, class_folder(one))]
    if uploads:
        config = UploadsConfig.noticed_now(uploads).run_config("requested_sessions")
        run_job(settings, "ingest_transcripts", config, batch)
    else:
        run_job(settings, "refresh_classes", {}, batch)
    return len(uploads)


def _see_that_nothing_is_left(
    storage: ObjectStorage, rosters: dict[str, Roster], student_id: str
) -> None:
    # Folders only: files may be named after other children.
    left = [
        key.rpartition("/")[0]
        for class_id, roster in rosters.items()
        for key in _everything_of(storage, class_id)
        if _is_found_in(storage, key, roster, student_id)
    ]
    if left:
        raise NotAllDeletedError(
            f"The student is still found in {len(left)} objects, below "
            f"{', '.join(sorted(set(left)))}. Repeat the deletion; if that does not help, delete "
            "these objects."
        )


def _is_found_in(storage: ObjectStorage, key: str, roster: Roster, student_id: str) -> bool:
    folder, _, name = key.rpartition("/")
    with naming_session(folder):
        content = storage.get(key)
    return any(mentions_student(one, roster, student_id) for one in (name.encode(), content))


def _everything_of(storage: ObjectStorage, class_id: str) -> Iterator[str]:
    yield from (one.key for one in storage.list(class_folder(class_id)))
    yield from _made_of(storage, class_id)


def _deletion(
    deletion: Deletion,
    rosters: dict[str, Roster],
    erasure: _Erasure,
    deleted: Deleted,
    scored_again: int,
) -> StudentDeletion:
    return StudentDeletion(
        student_id=deletion.student_id,
        deletion_id=deletion.deletion_id,
        classes=tuple(sorted(rosters)),
        raw_files_rewritten=erasure.rewritten,
        raw_files_deleted=erasure.raw_deleted,
        objects_deleted=erasure.deleted,
        assessments_deleted=deleted.assessment_count,
        evidence_deleted=deleted.evidence_count,
        sessions_scored_again=scored_again,
    )
