"""The published tables, as SQLAlchemy knows them.

Belongs here: columns, keys and what refers to what. Does not belong here: how a database gets
these tables (`migrations/`, which change together with them), transactions (`database.py`).
"""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    func,
)

from orf_books.transcripts.skills import Skill

METADATA = MetaData()
CREATED_AT = "created_at"

_ID = Uuid(as_uuid=False)


class UtcTime(TypeDecorator[datetime]):
    """A moment; in SQLite too, which keeps no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """In UTC."""
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """In UTC."""
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC) if value else None


def _number(name: str, digits: int, decimals: int) -> Column[float]:
    return Column(name, Numeric(digits, decimals, asdecimal=False))


def _required(name: str, *, index: bool = False) -> Column[str]:
    return Column(name, Text, nullable=False, index=index)


def _reference(target: Column[Any]) -> Column[str]:
    """A column of the same name; its row goes with the row that it refers to."""
    return Column(
        target.name, _ID, ForeignKey(target, ondelete="CASCADE"), nullable=False, index=True
    )


def _moment(name: str) -> Column[datetime]:
    return Column(name, UtcTime, nullable=False)


def _created_at() -> Column[datetime]:
    return Column(CREATED_AT, UtcTime, nullable=False, server_default=func.now())


STUDENTS = Table(
    "students",
    METADATA,
    Column("student_id", _ID, primary_key=True),
    _required("class_id", index=True),
    # Who the student is stands in the roster alone.
    Column("name", Text),
    Column("external_ref", Text, index=True),
    _created_at(),
)

ASSESSMENTS = Table(
    "assessments",
    METADATA,
    Column("assessment_id", _ID, primary_key=True),
    Column("session_id", _ID, nullable=False, index=True),
    _reference(STUDENTS.c.student_id),
    _required("class_id", index=True),
    Column("assessed_on", Date, nullable=False, index=True),
    _required("model_version"),
    *(_number(skill.value, 4, 2) for skill in Skill),
    *(_number(f"confidence_{skill}", 4, 3) for skill in Skill),
    *(_number(f"{end}_{skill}", 4, 2) for end in ("low", "high") for skill in Skill),
    # Both null in rows from before revision 0002, whose scores mean another thing.
    Column("utterance_count", Integer),
    Column("usual", Text),
    _required("job_id"),
    _required("source_sha256"),
    _required("config_hash"),
    _moment("scored_at"),
    _created_at(),
    UniqueConstraint("student_id", "class_id", "assessed_on", "source_sha256", "model_version"),
    *(CheckConstraint(f"{skill} BETWEEN 0 AND 10") for skill in Skill),
    *(CheckConstraint(f"confidence_{skill} BETWEEN 0 AND 1") for skill in Skill),
)

EVIDENCE = Table(
    "evidence",
    METADATA,
    Column("evidence_id", _ID, primary_key=True),
    _reference(ASSESSMENTS.c.assessment_id),
    _required("skill", index=True),
    _required("span_text"),
    _required("span_location"),
    Column("line_number", Integer, nullable=False),
    Column("start_char", Integer, nullable=False),
    Column("end_char", Integer, nullable=False),
    _required("utterance_id"),
    _required("rationale"),
    _number("score_contrib", 5, 3),
    _created_at(),
    UniqueConstraint("assessment_id", "skill", "utterance_id", "start_char", "end_char"),
)

CORRECTIONS = Table(
    "corrections",
    METADATA,
    Column("correction_id", Text, primary_key=True),
    _reference(STUDENTS.c.student_id),
    _required("class_id", index=True),
    _required("session"),
    _required("place"),
    _required("skill", index=True),
    _required("verdict"),
    Column("tier", Text),
    _required("model_version"),
    _required("corrected_by", index=True),
    _moment("corrected_at"),
    _created_at(),
    CheckConstraint("verdict IN ('right', 'wrong', 'missed')"),
)

CLASS_AGGREGATES = Table(
    "class_aggregates",
    METADATA,
    Column("class_id", Text, primary_key=True),
    Column("window_start", Date, primary_key=True),
    Column("window_end", Date, primary_key=True),
    Column("metric_name", Text, primary_key=True),
    _number("metric_value", 10, 4),
    _created_at(),
)

ACCESS_LOG = Table(
    "access_log",
    METADATA,
    Column("access_id", _ID, primary_key=True, default=lambda: str(uuid4())),
    _required("actor", index=True),
    _required("role"),
    _required("action"),
    # No foreign keys: who saw which records is kept longer than the records.
    Column("record_ids", JSON, nullable=False),
    _required("purpose"),
    Column("accessed_at", UtcTime, nullable=False, index=True),
    _required("request_id", index=True),
    Column("origin", Text),
)

DELETION_LOG = Table(
    "deletion_log",
    METADATA,
    Column("deletion_id", _ID, primary_key=True),
    Column("student_id", _ID, nullable=False, index=True),
    _required("actor"),
    _required("request_id"),
    _moment("deleted_at"),
    Column("assessment_count", Integer, nullable=False),
    Column("evidence_count", Integer, nullable=False),
)
