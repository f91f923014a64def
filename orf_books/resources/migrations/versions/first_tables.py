"""The first tables: students, assessments, evidence, class aggregates, and the two logs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SKILLS = ("collaboration", "communication", "adaptability", "self_regulation", "empathy")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "students",
        sa.Column("student_id", sa.Uuid(), primary_key=True),
        sa.Column("class_id", sa.Text(), nullable=False, index=True),
        sa.Column("name", sa.Text()),
        sa.Column("external_ref", sa.Text(), index=True),
        _created_at(),
    )
    op.create_table(
        "assessments",
        sa.Column("assessment_id", sa.Uuid(), primary_key=True),
        sa.Column("session_id", sa.Uuid(), nullable=False, index=True),
        _reference("student_id", "students.student_id"),
        sa.Column("class_id", sa.Text(), nullable=False, index=True),
        sa.Column("assessed_on", sa.Date(), nullable=False, index=True),
        sa.Column("model_version", sa.Text(), nullable=False),
        *(sa.Column(skill, sa.Numeric(4, 2)) for skill in _SKILLS),
        *(sa.Column(f"confidence_{skill}", sa.Numeric(4, 3)) for skill in _SKILLS),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("config_hash", sa.Text(), nullable=False),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=False),
        _created_at(),
        sa.UniqueConstraint(
            "student_id", "class_id", "assessed_on", "source_sha256", "model_version"
        ),
        *(sa.CheckConstraint(f"{skill} BETWEEN 0 AND 10") for skill in _SKILLS),
        *(sa.CheckConstraint(f"confidence_{skill} BETWEEN 0 AND 1") for skill in _SKILLS),
    )
    op.create_table(
        "evidence",
        sa.Column("evidence_id", sa.Uuid(), primary_key=True),
        _reference("assessment_id", "assessments.assessment_id"),
        sa.Column("skill", sa.Text(), nullable=False, index=True),
        sa.Column("span_text", sa.Text(), nullable=False),
        sa.Column("span_location", sa.Text(), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column("start_char", sa.Integer(), nullable=False),
        sa.Column("end_char", sa.Integer(), nullable=False),
        sa.Column("utterance_id", sa.Text(), nullable=False),
        sa.Column("rationale", sa.Text(), nullable=False),
        sa.Column("score_contrib", sa.Numeric(5, 3)),
        _created_at(),
        sa.UniqueConstraint("assessment_id", "skill", "utterance_id", "start_char", "end_char"),
    )
    op.create_table(
        "class_aggregates",
        sa.Column("class_id", sa.Text(), primary_key=True),
        sa.Column("window_start", sa.Date(), primary_key=True),
        sa.Column("window_end", sa.Date(), primary_key=True),
        sa.Column("metric_name", sa.Text(), primary_key=True),
        sa.Column("metric_value", sa.Numeric(10, 4)),
        _created_at(),
    )
    op.create_table(
        "access_log",
        sa.Column("access_id", sa.Uuid(), primary_key=True),
        sa.Column("actor", sa.Text(), nullable=False, index=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("record_ids", sa.JSON(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("accessed_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("request_id", sa.Text(), nullable=False, index=True),
        sa.Column("origin", sa.Text()),
    )
    op.create_table(
        "deletion_log",
        sa.Column("deletion_id", sa.Uuid(), primary_key=True),
        sa.Column("student_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assessment_count", sa.Integer(), nullable=False),
        sa.Column("evidence_count", sa.Integer(), nullable=False),
    )


def _reference(name: str, target: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.Uuid(), sa.ForeignKey(target, ondelete="CASCADE"), nullable=False, index=True
    )


def _created_at() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    )
