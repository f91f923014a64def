"""The published tables in Postgres, or in a file where there is no server.

Belongs here: one transaction for each kind of change. Does not belong here: what the rows say
(`orf_books/transcripts/publication.py`), the columns (`published_tables.py`), what errors of the
database mean (`database_failures.py`).

Transactions that write run one after the other: the figures of a class are computed from all its
rows, so none may change meanwhile. No content of a row gets into a message: the driver's errors
quote rows and are never passed on.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from orf_books.failures import FixConfiguration, FixInput
from orf_books.resources import migrations
from orf_books.resources.database_failures import failure_of
from orf_books.resources.published_tables import (
    ACCESS_LOG,
    ASSESSMENTS,
    CLASS_AGGREGATES,
    CORRECTIONS,
    CREATED_AT,
    DELETION_LOG,
    EVIDENCE,
    STUDENTS,
)
from orf_books.resources.tables import Row
from orf_books.transcripts.aggregates import ClassAggregate, StudentScore, class_aggregates
from orf_books.transcripts.corrections import Correction
from orf_books.transcripts.publication import (
    Access,
    Assessment,
    CorrectionRow,
    Deletion,
    Evidence,
    assessments_of,
    correction_rows,
    evidence_of,
    session_id,
    student_scores,
)
from orf_books.transcripts.roster import is_student_id
from orf_books.transcripts.scored_session import StoredScores
from orf_books.transcripts.usual import SHIPPED, Usual

# SQLAlchemy would log rows for whoever logs everything.
logging.getLogger(f"sqlalchemy.engine.Engine.{__name__}").setLevel(logging.WARNING)

_FILE, _SERVER = "sqlite", "postgresql"
_DRIVERS = {_FILE, f"{_FILE}+pysqlite", _SERVER, f"{_SERVER}+psycopg"}
_INSERT: dict[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]] = {
    _FILE: sqlite.insert,
    _SERVER: postgresql.insert,
}
_NOT_NAMED = (None, "", ":memory:")
"""Names of databases that would be gone with their connection, or that depend on the user."""
_BUSY_SECONDS = 60
_CONNECTING: dict[str, dict[str, Any]] = {
    # The driver is to begin no transactions of its own: ours begin with the lock.
    _FILE: {"timeout": _BUSY_SECONDS, "isolation_level": None},
    # A server that is suddenly cut off is noticed within a minute.
    _SERVER: {
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    },
}
_ALONE = {
    _FILE: ("BEGIN IMMEDIATE",),
    _SERVER: (
        f"SET LOCAL lock_timeout = '{_BUSY_SECONDS}s'",
        "SELECT pg_advisory_xact_lock(7236838)",
    ),
}
"""What makes a transaction the only one of this project that writes."""

_RowT = TypeVar("_RowT", bound=Row)


@dataclass(frozen=True, slots=True)
class Published:
    """What publishing came to."""

    session_count: int
    superseded_count: int
    """Sessions left out: a newer run over the same file is published, or a student's deletion
    withdrew them."""
    assessment_count: int
    evidence_count: int


@dataclass(frozen=True, slots=True)
class Deleted:
    """What deleting a student came to."""

    assessment_count: int
    evidence_count: int


@dataclass(frozen=True, slots=True)
class StudentRecords:
    """All that is published of one student."""

    assessments: list[Assessment]
    evidence: list[Evidence] = field(repr=False)
    corrections: list[CorrectionRow]


def upgrade(url: str) -> str | None:
    """Bring the tables of a database up to date; its revision then.

    Raises:
        FixConfiguration: there is no such database, or it lets nobody in.
        RetryLater: it does not answer.
    """
    with _writing(_engine(url)) as connection:
        migrations.upgrade(connection)
        return migrations.current(connection)


def current(url: str) -> str | None:
    """The revision of a database's tables; None if it has none.

    Raises:
        FixConfiguration: there is no such database, or it lets nobody in.
        RetryLater: it does not answer.
    """
    with _transaction(_engine(url)) as connection:
        return migrations.current(connection)


class Database:
    """The published tables.

    All methods raise RetryLater where the database does not answer, FixConfiguration where it lets
    nobody in or has tables of another version, FixInput where it refuses a row.

    Args:
        url: `postgresql+psycopg://user:password@host/database` or `sqlite:///file`. One without
            tables gets them; those of an earlier version are upgraded by a person, in a file by
            themselves.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def publish(
        self,
        sessions: Collection[StoredScores],
        corrections: Collection[Correction] = (),
        usual: Usual = SHIPPED,
    ) -> Published:
        """Write what was found in the sessions, and the figures of their classes: all or nothing.

        Publishing again changes nothing. A newer run over the same file replaces what an older one
        published, never the other way round. Scores from before a student's deletion are left out.

        Args:
            sessions: as educators corrected them.
            corrections: of these educators.
            usual: what scores are measured against.
        """
        with _writing(self._engine) as connection:
            newest = _newest(connection, sessions)
            assessments = _without_deleted_students(
                connection, [row for session in newest for row in assessments_of(session)]
            )
            kept = {row.assessment_id for row in assessments}
            evidence = [
                row
                for session in newest
                for row in evidence_of(session)
                if row.assessment_id in kept
            ]
            of_sessions = ASSESSMENTS.c.session_id.in_(set(map(session_id, newest)))
            _add_students(connection, assessments)
            _replace(connection, ASSESSMENTS, assessments, of_sessions)
            _replace(
                connection,
                EVIDENCE,
                evidence,
                EVIDENCE.c.assessment_id.in_(
                    sa.select(ASSESSMENTS.c.assessment_id).where(of_sessions)
                ),
            )
            _tidy_students(connection, {row.student_id for row in assessments})
            _add_corrections(connection, corrections)
            _sum_up(connection, {scores.session.class_id for scores in newest}, usual)
        return Published(len(newest), len(sessions) - len(newest), len(assessments), len(evidence))

    def delete_student(self, deletion: Deletion) -> Deleted:
        """Delete all that is published of a student; sum up their classes from what is left.

        What was disclosed to whom must stay on record: the log of accesses names the deletion
        instead of the student, and the log of deletions alone keeps the pseudonymous id. Without
        the roster nothing leads from it to a person. Figures of classes are against shipped rates
        until they are published again.
        """
        with _writing(self._engine) as connection:
            found = _records(connection, deletion.student_id)
            deleted = Deleted(len(found.assessments), len(found.evidence))
            # Assessments, evidence and corrections go with the student.
            connection.execute(
                sa.delete(STUDENTS).where(STUDENTS.c.student_id == deletion.student_id)
            )
            _sum_up(connection, {row.class_id for row in found.assessments}, SHIPPED)
            _forget_accesses(connection, deletion)
            connection.execute(
                _insert(connection, DELETION_LOG).on_conflict_do_nothing(),
                {"deletion_id": deletion.deletion_id, **_values(deletion), **_values(deleted)},
            )
        return deleted

    def student_records(self, student_id: str, access: Access) -> StudentRecords:
        """All that is published of a student; who wants to know is logged, or nothing is told."""
        with _writing(self._engine) as connection:
            _add_access(connection, access)
            return _records(connection, student_id)

    def class_aggregates(self, class_id: str) -> list[ClassAggregate]:
        """The figures of a class."""
        with _transaction(self._engine) as connection:
            return _rows(connection, ClassAggregate, CLASS_AGGREGATES.c.class_id == class_id)

    def log_access(self, access: Access) -> None:
        """Add an entry to the log of accesses, to which one can only add."""
        with _writing(self._engine) as connection:
            _add_access(connection, access)

    @cached_property
    def _engine(self) -> sa.Engine:
        engine = _engine(self._url)
        found = None if engine.dialect.name == _FILE else current(self._url)
        if found is None:
            upgrade(self._url)
        elif found != migrations.newest():
            raise FixConfiguration(
                f"The tables in {_place(engine)} are of revision {found}, and"
                f" {migrations.newest()} is needed: run `orf-books database upgrade`."
            )
        return engine


# What happens within a transaction


def _newest(connection: sa.Connection, sessions: Iterable[StoredScores]) -> list[StoredScores]:
    """One session a file: the newest, unless a newer one is published or it was withdrawn."""
    by_file: dict[str, StoredScores] = {}
    for session in sorted(sessions, key=lambda session: session.scored_at):
        by_file[session_id(session)] = session
    found = connection.execute(
        sa.select(ASSESSMENTS.c.session_id, sa.func.max(ASSESSMENTS.c.scored_at))
        .where(ASSESSMENTS.c.session_id.in_(by_file))
        .group_by(ASSESSMENTS.c.session_id)
    )
    published_at = dict(found.all())
    students = {student for session in by_file.values() for student in session.session.students}
    deleted_at = _deletions(connection, students)
    return [
        session
        for file, session in by_file.items()
        if (
            published_at[file] <= session.scored_at
            if file in published_at
            else not _is_from_before(session, deleted_at)
        )
    ]


def _is_from_before(session: StoredScores, deleted_at: Mapping[str, datetime]) -> bool:
    """Whether the session was scored before the deletion of one of its students.

    Unless it is still published, the deletion withdrew it: what is left of it was scored again.
    """
    return any(
        session.scored_at <= deleted_at[student]
        for student in session.session.students
        if student in deleted_at
    )


def _deletions(connection: sa.Connection, students: Collection[str]) -> dict[str, datetime]:
    """When those of the students who were deleted were, the last time."""
    found = connection.execute(
        sa.select(DELETION_LOG.c.student_id, sa.func.max(DELETION_LOG.c.deleted_at))
        .where(DELETION_LOG.c.student_id.in_(students))
        .group_by(DELETION_LOG.c.student_id)
    )
    return dict(found.all())


def _without_deleted_students(
    connection: sa.Connection, assessments: list[Assessment]
) -> list[Assessment]:
    # A run that began before the deletion may still hold scores, or be published late.
    deleted_at = _deletions(connection, {row.student_id for row in assessments})
    return [
        row
        for row in assessments
        if row.student_id not in deleted_at or row.scored_at > deleted_at[row.student_id]
    ]


def _add_students(connection: sa.Connection, assessments: Iterable[Assessment]) -> None:
    students = {row.student_id: row.class_id for row in assessments}
    if students:
        connection.execute(
            _insert(connection, STUDENTS).on_conflict_do_nothing(),
            [
                {"student_id": student_id, "class_id": class_id}
                for student_id, class_id in students.items()
            ],
        )


def _tidy_students(connection: sa.Connection, assessed: Collection[str]) -> None:
    """A student is of the class they were last heard in, and gone if nothing of them is left."""
    of_student = ASSESSMENTS.c.student_id == STUDENTS.c.student_id
    last_class = (
        sa.select(ASSESSMENTS.c.class_id)
        .where(of_student)
        .order_by(ASSESSMENTS.c.assessed_on.desc(), ASSESSMENTS.c.class_id)
        .limit(1)
        .scalar_subquery()
    )
    connection.execute(
        sa.update(STUDENTS)
        .where(STUDENTS.c.student_id.in_(assessed), STUDENTS.c.class_id != last_class)
        .values(class_id=last_class)
    )
    connection.execute(sa.delete(STUDENTS).where(~sa.exists().where(of_student)))


def _add_corrections(connection: sa.Connection, corrections: Collection[Correction]) -> None:
    """Add corrections of students of whom something is published."""
    students = set(
        connection.scalars(
            sa.select(STUDENTS.c.student_id).where(
                STUDENTS.c.student_id.in_({one.student_id for one in corrections})
            )
        )
    )
    rows = [_values(row) for row in correction_rows(corrections) if row.student_id in students]
    if rows:
        connection.execute(_insert(connection, CORRECTIONS).on_conflict_do_nothing(), rows)


def _sum_up(connection: sa.Connection, classes: Iterable[str], usual: Usual) -> None:
    """Make the figures of the classes those of their published scores."""
    for class_id in classes:
        of_class = CLASS_AGGREGATES.c.class_id == class_id
        rows = class_aggregates(_scores(connection, class_id), usual)
        _replace(connection, CLASS_AGGREGATES, rows, of_class)


def _scores(connection: sa.Connection, class_id: str) -> Iterator[StudentScore]:
    of_class = ASSESSMENTS.c.class_id == class_id
    sums = connection.execute(
        sa.select(
            EVIDENCE.c.assessment_id,
            EVIDENCE.c.skill,
            sa.func.count(),
            sa.func.sum(EVIDENCE.c.score_contrib),
        )
        .join(ASSESSMENTS)
        .where(of_class)
        .group_by(EVIDENCE.c.assessment_id, EVIDENCE.c.skill)
    )
    return student_scores(
        _rows(connection, Assessment, of_class),
        {
            (assessment_id, skill): (count, round(float(weight or 0), 3))
            for assessment_id, skill, count, weight in sums
        },
    )


def _add_access(connection: sa.Connection, access: Access) -> None:
    """Log an access; one to a student of whom nothing is left names the deletion instead."""
    deletions = connection.execute(
        sa.select(DELETION_LOG.c.student_id, DELETION_LOG.c.deletion_id)
        .where(
            DELETION_LOG.c.student_id.in_(filter(is_student_id, access.record_ids)),
            DELETION_LOG.c.student_id.not_in(sa.select(STUDENTS.c.student_id)),
        )
        .order_by(DELETION_LOG.c.deleted_at)
    )
    marks = {student: _mark(deletion_id) for student, deletion_id in deletions}
    record_ids = [marks.get(record, record) for record in access.record_ids]
    connection.execute(sa.insert(ACCESS_LOG), _values(access) | {"record_ids": record_ids})


def _mark(deletion_id: str) -> str:
    """What the log of accesses has in the place of a deleted student."""
    return f"deletion {deletion_id}"


def _forget_accesses(connection: sa.Connection, deletion: Deletion) -> None:
    """Put the deletion where the log of accesses has the student."""
    found = connection.execute(
        sa.select(ACCESS_LOG.c.access_id, ACCESS_LOG.c.record_ids).where(
            sa.cast(ACCESS_LOG.c.record_ids, sa.Text).contains(deletion.student_id)
        )
    )
    for access_id, record_ids in found.all():
        forgotten = [
            _mark(deletion.deletion_id) if record_id == deletion.student_id else record_id
            for record_id in record_ids
        ]
        connection.execute(
            sa.update(ACCESS_LOG)
            .where(ACCESS_LOG.c.access_id == access_id)
            .values(record_ids=forgotten)
        )


def _records(connection: sa.Connection, student_id: str) -> StudentRecords:
    of_student = ASSESSMENTS.c.student_id == student_id
    its_assessments = sa.select(ASSESSMENTS.c.assessment_id).where(of_student)
    return StudentRecords(
        _rows(connection, Assessment, of_student),
        _rows(connection, Evidence, EVIDENCE.c.assessment_id.in_(its_assessments)),
        _rows(connection, CorrectionRow, CORRECTIONS.c.student_id == student_id),
    )


# Rows and tables

_TABLES: dict[type[Row], sa.Table] = {
    Assessment: ASSESSMENTS,
    Evidence: EVIDENCE,
    CorrectionRow: CORRECTIONS,
    ClassAggregate: CLASS_AGGREGATES,
}


def _rows(
    connection: sa.Connection, row: type[_RowT], where: sa.ColumnElement[bool]
) -> list[_RowT]:
    table = _TABLES[row]
    columns = [table.c[column.name] for column in fields(row)]
    found = connection.execute(sa.select(*columns).where(where).order_by(*table.primary_key))
    return [row(**values) for values in found.mappings()]


def _replace(
    connection: sa.Connection,
    table: sa.Table,
    rows: Iterable[Row],
    where: sa.ColumnElement[bool],
) -> None:
    """Make these the only rows for which the condition holds; those that are so stay untouched."""
    key = list(table.primary_key)
    wanted = {tuple(values[part.name] for part in key): values for values in map(_values, rows)}
    found = connection.execute(sa.select(*key).where(where)).mappings()
    if surplus := [dict(old) for old in found if tuple(old.values()) not in wanted]:
        is_old = (part == sa.bindparam(part.name) for part in key)
        connection.execute(sa.delete(table).where(*is_old), surplus)
    if wanted:
        connection.execute(_upsert(connection, table), list(wanted.values()))


def _upsert(connection: sa.Connection, table: sa.Table) -> sa.Insert:
    insert = _insert(connection, table)
    new = {
        column: insert.excluded[column.name]
        for column in table.columns
        if not column.primary_key and column.name != CREATED_AT
    }
    return insert.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={column.name: value for column, value in new.items()},
        where=sa.or_(*(column.is_distinct_from(value) for column, value in new.items())),
    )


def _insert(connection: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    return _INSERT[connection.dialect.name](table)


def _values(row: Row) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in fields(row)}


# Connections


def _engine(url: str) -> sa.Engine:
    parsed = _parsed(url)
    kind = parsed.get_backend_name()
    options = {name: value for name, value in _CONNECTING[kind].items() if name not in parsed.query}
    engine = sa.create_engine(
        parsed,
        connect_args=options,
        # Nobody closes a database, and a server should not be left with open connections.
        poolclass=sa.NullPool,
        hide_parameters=True,
        logging_name=__name__,
    )
    if kind == _FILE:
        sa.event.listen(engine, "connect", _configured)
        try:
            file = Path(str(parsed.database))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
        except OSError as error:
            raise FixConfiguration(
                f"{_place(engine)} cannot be written: {error.strerror}. Choose another file."
            ) from None
    return engine


def _parsed(url: str) -> sa.URL:
    with suppress(sa.exc.ArgumentError, ValueError):
        parsed = sa.make_url(url)
        if parsed.drivername in _DRIVERS and parsed.database not in _NOT_NAMED:
            return parsed
    raise FixConfiguration(
        "The URL of the database cannot be used: write"
        " postgresql+psycopg://user:password@host/database or sqlite:///file."
    )


def _configured(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's connection
    connection.execute("PRAGMA foreign_keys=ON")
    # What is deleted is overwritten, or it could still be read in the file.
    connection.execute("PRAGMA secure_delete=ON")


@contextmanager
def _writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction while which no other one writes."""
    with _transaction(engine) as connection:
        for statement in _ALONE[engine.dialect.name]:
            connection.exec_driver_sql(statement)
        yield connection


@contextmanager
def _transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    try:
        with engine.begin() as connection:
            yield connection
    except (sa.exc.IntegrityError, sa.exc.DataError):
        raise FixInput(
            f"{_place(engine)} refuses a row: its values are not such as a scorer gives."
        ) from None
    except sa.exc.DBAPIError as error:
        raise failure_of(error, _place(engine)) from None


def _place(engine: sa.Engine) -> str:
    """Where a database is: no user and no password."""
    url = engine.url
    place = sa.URL.create(url.drivername, host=url.host, port=url.port, database=url.database)
    return f"The database {place}"
