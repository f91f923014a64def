"""What educators look at, as an asset: pages of classes and students, and one over all classes.

Belongs here: collecting what a page shows, taking names out of quotes, storing, the log of who
gets to see which records. Does not belong here: what is on a page (`orf_books/pages`), figures
(`classes.py`).
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from orf_books.failures import FailureCategory
from orf_books.object_keys import (
    CLASSES_PAGE,
    class_page_key,
    student_page_key,
    student_pages_folder,
)
from orf_books.partition_keys import day_of_session
from orf_books.records.evidence import utterances_of
from orf_books.records.items import FailedItem
from orf_books.records.overviews import overviews_beside
from orf_books.records.raw_sessions import load_roster
from orf_books.records.sessions import (
    ClassSessions,
    SessionRecords,
    SessionRow,
    ShownClass,
)
from orf_books.resources.storage import ObjectStorage
from orf_books.transcripts.problems import ErrorCode, UnusableTranscript, WarningCode
from orf_books.transcripts.windows import windows_ending_with

if TYPE_CHECKING:
    from orf_books.pages.class_page import ClassReport, SessionLine
    from orf_books.pages.student_page import StudentReport
    from orf_books.resources.database import Database
    from orf_books.transcripts.aggregate_document import ClassFigures
    from orf_books.transcripts.aggregates import StudentTrend
    from orf_books.transcripts.corrections import MeasuredPrecision
    from orf_books.transcripts.quotes import Quotes
    from orf_books.transcripts.scored_session import ScoredSession, ScoredStudent, StoredScores
    from orf_books.transcripts.skills import Skill
    from orf_books.transcripts.usual import Usual


def put_class_pages(
    storage: ObjectStorage,
    database: "Database",
    material: "ClassMaterial",
    students: Sequence[str],
    run_id: str,
) -> None:
    """Log who gets to see which records, then put the pages of a class and its students.

    Without a roster that can be used nobody can be quoted, and the pages of students stay.

    Args:
        storage: where pages go.
        database: where accesses are logged.
        material: what the pages are made of.
        students: everybody who is in the scores.
        run_id: the run that makes the pages.

    Raises:
        OrfBooksError: the access could not be logged, so no page was made.
    """
    from orf_books.pages.class_page import render_class_page
    from orf_books.pages.student_page import render_student_page
    from orf_books.transcripts.publication import Access
    from orf_books.transcripts.quotes import Quotes
    from orf_books.transcripts.redaction import Redactor

    class_id = material.of_class.class_id
    _delete_pages_of_others(storage, class_id, students)
    database.log_access(
        Access(
            actor="orf_books",
            role="platform",
            action="make pages",
            record_ids=tuple(students),
            purpose=f"pages of class {class_id}",
            accessed_at=datetime.now(UTC),
            request_id=run_id,
        )
    )
    pages = {class_page_key(class_id): render_class_page(_class_report(material, students))}
    with suppress(UnusableTranscript):
        redactor = Redactor(load_roster(storage, class_id))

        @cache
        def quotes(row: SessionRow) -> Quotes:
            return Quotes(utterances_of(storage, row), redactor)

        pages |= {
            student_page_key(class_id, student): render_student_page(
                _student_report(material, student, quotes)
            )
            for student in students
        }
    for key, page in pages.items():
        storage.put(key, page.encode())


def _delete_pages_of_others(storage: ObjectStorage, class_id: str, students: Sequence[str]) -> None:
    """Delete pages of students who are in no scores any more, whatever comes of the others."""
    kept = {student_page_key(class_id, student) for student in students}
    earlier = {stored.key for stored in storage.list(student_pages_folder(class_id))}
    storage.delete(*(earlier - kept))


@dataclass(frozen=True, slots=True)
class ClassMaterial:
    """What the pages of a class are made of."""

    of_class: ClassSessions
    scores: "Sequence[StoredScores]" = field(repr=False)
    """Of `of_class.rows`, in the same order."""
    figures: "ClassFigures"
    made_at: datetime
    usual: "Usual"
    """What scores are measured against."""
    precision: "Mapping[Skill, MeasuredPrecision]"
    """Of findings in this store, as educators judged them."""

    def heard(self, student: str) -> "Iterator[tuple[SessionRow, ScoredSession, ScoredStudent]]":
        """The sessions in which a student was heard, by day."""
        for row, one in zip(self.of_class.rows, self.scores, strict=True):
            if found := one.session.students.get(student):
                yield row, one.session, found

    def trends(self, student: str) -> "list[StudentTrend]":
        """The trends of a student."""
        return [one for one in self.figures.trends if one.student_id == student]


def _class_report(material: ClassMaterial, students: Sequence[str]) -> "ClassReport":
    from orf_books.pages.class_page import ClassReport, StudentLine

    lines = []
    for student in students:
        heard = [found for _, _, found in material.heard(student)]
        lines.append(
            StudentLine(
                student,
                sessions=len(heard),
                utterances=sum(one.utterance_count for one in heard),
                words=sum(one.words_spoken for one in heard),
                trends=material.trends(student),
            )
        )
    return ClassReport(
        material.of_class.class_id,
        material.made_at,
        material.figures.aggregates,
        lines,
        list(_session_lines(material.of_class)),
        material.usual,
        material.precision,
    )


def _session_lines(of_class: ClassSessions) -> "Iterator[SessionLine]":
    """The lines of sessions; where one failed at last, earlier figures stand beside the reason."""
    from orf_books.pages.class_page import SessionLine, SessionStatus

    rows = {row.key: row for row in of_class.rows}
    for key in rows.keys() | of_class.failures.keys():
        row, failure = rows.get(key), of_class.failures.get(key)
        status = SessionStatus.SCORED
        if failure:
            status = SessionStatus.REFUSED if failure.code else SessionStatus.FAILED
        elif key in of_class.unpublished_keys:
            status = SessionStatus.NOT_PUBLISHED
        codes = json.loads(row.warnings_by_code) if row else None
        yield SessionLine(
            _short(key),
            day_of_session(key),
            status,
            utterances=row.utterances if row else None,
            students=row.students if row else None,
            words=row.words if row else None,
            without_consent=row.without_consent if row else None,
            warnings=None
            if codes is None
            else {WarningCode(code): count for code, count in codes.items()},
            seconds=row.seconds if row else None,
            reason=_reason(failure) if failure else None,
            remedy=failure.message if failure else "",
        )


def _reason(failure: FailedItem) -> FailureCategory | ErrorCode:
    return ErrorCode(failure.code) if failure.code else FailureCategory(failure.category)


def _student_report(
    material: ClassMaterial, student: str, quotes: "Callable[[SessionRow], Quotes]"
) -> "StudentReport":
    from orf_books.pages.student_page import SessionScores, ShownEvidence, StudentReport
    from orf_books.transcripts.corrections import place_of

    heard = list(material.heard(student))
    # Of what the longest window shows; a page with all words of a year nobody could read.
    since = windows_ending_with(heard[-1][0].day)[-1].start
    return StudentReport(
        material.of_class.class_id,
        student,
        material.made_at,
        [
            SessionScores(
                _short(row.key),
                row.day,
                found.utterance_count,
                found.words_spoken,
                found.skills,
                session.model_version,
            )
            for row, session, found in heard
        ],
        material.trends(student),
        [
            ShownEvidence(
                one.skill,
                one.tier,
                _short(row.key),
                row.day,
                one.line_number,
                place_of(one.utterance_id),
                quotes(row).quote(one),
                one.rationale,
                one.judged,
            )
            for row, _, found in heard
            if row.day >= since
            for score in found.skills.values()
            for one in score.evidence
        ],
        material.usual,
    )


def _short(session: str) -> str:
    """What tells sessions of one day apart."""
    return session.rpartition("/")[2]


def shown_class(of_class: ClassSessions, students: int) -> ShownClass:
    """The line of a class on the page over all classes."""
    return ShownClass(
        class_id=of_class.class_id,
        state=of_class.state,
        last_session=max(of_class.days, default=None),
        sessions=len({row.key for row in of_class.rows} | of_class.failures.keys()),
        students=students,
        failed=len(of_class.failures),
        not_published=len(of_class.unpublished),
        made_at=datetime.now(UTC),
    )


def put_index(records: SessionRecords, classes: Collection[str]) -> None:
    """Put the page over all classes."""
    from orf_books.pages.classes_index_page import ClassDigest, render_classes_index_page

    digests = [
        ClassDigest(
            one.class_id,
            one.last_session,
            one.sessions,
            one.students,
            one.failed,
            one.not_published,
        )
        for one in records.shown_classes().values()
        if one.class_id in classes
    ]
    page = render_classes_index_page(digests, overviews_beside(records.storage, CLASSES_PAGE))
    records.storage.put(CLASSES_PAGE, page.encode())
