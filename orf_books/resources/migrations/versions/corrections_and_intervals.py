"""Scores have intervals and say how much was heard; educators' corrections have a table.

Rows from before stay as they are: what is new in them is null.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SKILLS = ("collaboration", "communication", "adaptability", "self_regulation", "empathy")


def upgrade() -> None:
    """Add the columns, and make the table."""
    for end in ("low", "high"):
        for skill in _SKILLS:
            op.add_column("assessments", sa.Column(f"{end}_{skill}", sa.Numeric(4, 2)))
    op.add_column("assessments", sa.Column("utterance_count", sa.Integer()))
    op.add_column("assessments", sa.Column("usual", sa.Text()))
    op.create_table(
        "corrections",
        sa.Column("correction_id", sa.Text(), primary_key=True),
        sa.Column(
            "student_id",
            sa.Uuid(),
            sa.ForeignKey("students.student_id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("class_id", sa.Text(), nullable=False, index=True),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("skill", sa.Text(), nullable=False, index=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text()),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("corrected_by", sa.Text(), nullable=False, index=True),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.now(),
        ),
        sa.CheckConstraint("verdict IN ('right', 'wrong', 'missed')"),
    )
