"""Correcting findings: an educator's verdicts are stored, and scores follow.

Belongs here: reading the marks that a student's page makes, finding what they point to, and what is
done anew. Does not belong here: what a correction means (`orf_books/transcripts/corrections.py`),
marks on words of a reading (`word_corrections.py`), arguments and printing (`orf_books/cli.py`).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from orf_books.batches.resource import BatchResource
from orf_books.commands.local_runs import run_job
from orf_books.commands.published_records import access_of
from orf_books.commands.word_corrections import ReadingMarks, WordCorrectionsRun, correct_words
from orf_books.failures import FixInput
from orf_books.records.corrections import corrections_of, put_corrections
from orf_books.records.evidence import utterances_of
from orf_books.records.sessions import SessionRecords, SessionRow
from orf_books.resources.database import Database
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage
from orf_books.settings import Settings
from orf_books.transcripts.corrections import Correction, Verdict, place_of
from orf_books.transcripts.firing import Tier
from orf_books.transcripts.roster import is_student_id
from orf_books.transcripts.score_document import read_scores
from orf_books.transcripts.skills import Skill
from orf_books.validation_messages import validation_messages


@dataclass(frozen=True, slots=True)
class Mark:
    """One verdict, as a person gives it."""

    session: str
    """`<date>`, or `<date>/<id>` where a day has several sessions."""
    skill: Skill
    verdict: Verdict
    place: str | None = None
    """Of the utterance, `<line>:<n>`; or else `line`."""
    line: int | None = None
    """Of the transcript, on which the utterance begins."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What the page of a student hands out."""

    class_id: str
    student_id: str
    corrected_by: str
    corrected_at: datetime
    corrections: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class CorrectionsRun:
    """What came of handing in corrections."""

    class_id: str
    stored: int
    sessions: int
    """That were published again."""
    published: str
    """`yes` or `no`: then they are published once the database answers."""

    def as_document(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


_MARKS = TypeAdapter(Marks)
_READING_MARKS = TypeAdapter(ReadingMarks)


def read_marks(content: bytes) -> Marks | ReadingMarks:
    """The marks in a file that was downloaded from the page of a student or of an activity.

    Raises:
        FixInput: it is no such file.
    """
    try:
        if b'"activity_id"' in content:
            return _READING_MARKS.validate_json(content)
        return _MARKS.validate_json(content)
    except ValidationError as refused:
        raise FixInput(
            f"This is no file of marks: {validation_messages(refused)}. Download it from the page "
            "of a student or of an activity."
        ) from None


def marks_of(  # noqa: PLR0913, PLR0917 - a mark has that many parts
    class_id: str | None,
    session: str | None,
    student_id: str | None,
    line: int | None,
    skill: str | None,
    verdict: str,
    by: str,
) -> Marks:
    """One mark, from the parts that a person wrote.

    Raises:
        FixInput: a part is missing, or no such skill or verdict exists.
    """
    parts = {
        "--class": class_id,
        "--session": session,
        "--student": student_id,
        "--line": line,
        "--skill": skill,
    }
    if missing := [name for name, part in parts.items() if part is None]:
        raise FixInput(f"Without a file of marks a correction needs {', '.join(missing)}, too.")
    mark = {"session": session, "line": line, "skill": skill, "verdict": verdict}
    try:
        return _MARKS.validate_python(
            {
                "class_id": class_id,
                "student_id": student_id,
                "corrected_by": by,
                "corrected_at": datetime.now(UTC),
                "corrections": [mark],
            }
        )
    except ValidationError as refused:
        raise FixInput(f"{validation_messages(refused)}.") from None


def correct(
    settings: Settings, marks: Marks | ReadingMarks, batch: BatchResource
) -> CorrectionsRun | WordCorrectionsRun:
    """Store corrections; make figures, tables and pages of the class or of the reading anew.

    Raises:
        FixInput: a mark points to no such session, utterance or finding, or to no such word.
            Nothing is stored then.
        RetryLater: the store or the database does not answer, so that nothing can be logged.
    """
    if isinstance(marks, ReadingMarks):
        return correct_words(settings, marks, batch)
    student_id, by = marks.student_id.strip().lower(), marks.corrected_by.strip()
    if not is_student_id(student_id):
        raise FixInput("The id of a student is a UUID, as on the roster.")
    if not by or not marks.corrections:
        raise FixInput("Corrections need the name of who makes them, and at least one mark.")
    records = SessionRecords(settings.open_storage())
    found = records.classes().get(marks.class_id)
    if found is None:
        raise FixInput(f"No session of class {marks.class_id} has scores.")
    known = corrections_of(records.storage, marks.class_id)
    corrections, rows = list[Correction](), dict[str, SessionRow]()
    for mark in marks.corrections:
        row = _session_of(mark, found.rows)
        rows[row.key] = row
        bare = Correction(
            class_id=marks.class_id,
            session=row.key,
            place=_place(records.storage, row, mark, student_id),
            student_id=student_id,
            skill=mark.skill,
            verdict=mark.verdict,
            corrected_by=by,
            corrected_at=marks.corrected_at.astimezone(UTC),
        )
        corrections.append(_about_finding(records.storage, row, bare, known))
    database = Database(settings.published_database.get_secret_value())
    database.log_access(access_of("correct", student_id, f"{len(corrections)} corrections"))
    put_corrections(records.storage, corrections)
    records.publish_again(rows.values(), "Corrections are to be published.")
    run_job(settings, "refresh_classes", {}, batch)
    waiting = {
        publication.key for publication in records.publications() if not publication.is_published
    }
    return CorrectionsRun(
        marks.class_id, len(corrections), len(rows), "no" if waiting & rows.keys() else "yes"
    )


def _session_of(mark: Mark, rows: Sequence[SessionRow]) -> SessionRow:
    day, _, digest = mark.session.partition("/")
    fitting = [
        row
        for row in rows
        if row.day.isoformat() == day and row.key.rpartition("/")[2].startswith(digest)
    ]
    if len(fitting) != 1:
        problem = "There is no such session" if not fitting else "Several sessions fit"
        ids = ", ".join(row.key.partition("/")[2] for row in fitting)
        raise FixInput(
            f"{problem} as {mark.session!r}: write <date>/<id>{f', one of {ids}' if ids else ''}."
        )
    return fitting[0]


def _place(storage: ObjectStorage, row: SessionRow, mark: Mark, student_id: str) -> str:
    for utterance in utterances_of(storage, row):
        place = place_of(utterance.utterance_id)
        if utterance.student_id == student_id and (
            place == mark.place or (mark.place is None and utterance.line_number == mark.line)
        ):
            return place
    raise FixInput(
        f"No utterance of the student begins at line {mark.line or mark.place} of session "
        f"{mark.session}: look the line up in the transcript."
    )


def _about_finding(
    storage: ObjectStorage, row: SessionRow, correction: Correction, known: Sequence[Correction]
) -> Correction:
    """The correction with what the detector had found there, if it had."""
    try:
        session = read_scores(storage.get(row.scores_key)).session
    except ObjectNotFoundError:
        raise FixInput(
            f"The scores of session {row.key} are gone: run `orf-books retry transcripts`."
        ) from None
    student = session.students.get(correction.student_id)
    evidence = student.skills[correction.skill].evidence if student else ()
    tier: Tier | None = next(
        (found.tier for found in evidence if place_of(found.utterance_id) == correction.place), None
    )
    if tier:
        is_missed = correction.verdict is Verdict.MISSED
        return replace(
            correction,
            verdict=Verdict.RIGHT if is_missed else correction.verdict,
            tier=tier,
            model_version=session.model_version,
        )
    was_added = any(
        (earlier.session, earlier.place, earlier.skill)
        == (correction.session, correction.place, correction.skill)
        for earlier in known
    )
    if correction.verdict is not Verdict.MISSED and not was_added:
        raise FixInput(
            f"Nothing of {correction.skill} was found at {correction.place} of session {row.key}; "
            "a finding that was missed is added with the verdict `missed`."
        )
    return replace(correction, model_version=session.model_version)
