"""What is published of scored sessions: rows of tables, whose ids anyone can work out again.

Belongs here: what a row holds, and which row a thing always is. Does not belong here: writing them
(`orf_books/resources/database.py`), figures of classes (`aggregates.py`).

No row holds a name. Of a person there is the pseudonymous id alone; what a student said stands in
evidence, and nowhere else.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID, uuid5

from orf_books.transcripts.aggregates import StudentScore
from orf_books.transcripts.scored_session import ScoredSession, StoredScores
from orf_books.transcripts.skills import Skill

_NAMESPACE = UUID("6a0d5a5e-3f0c-4b1e-9d57-0f4a3f1f6c11")


@dataclass(frozen=True, slots=True)
class Assessment:
    """A row of `assessments`: one student in one session."""

    assessment_id: str
    session_id: str
    student_id: str
    class_id: str
    assessed_on: date
    model_version: str
    collaboration: float | None
    communication: float | None
    adaptability: float | None
    self_regulation: float | None
    empathy: float | None
    confidence_collaboration: float | None
    confidence_communication: float | None
    confidence_adaptability: float | None
    confidence_self_regulation: float | None
    confidence_empathy: float | None
    job_id: str
    source_sha256: str
    config_hash: str
    scored_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """A row of `evidence`."""

    evidence_id: str
    assessment_id: str
    skill: str
    span_text: str = field(repr=False)
    span_location: str
    """For people; the columns after it say the same."""
    line_number: int
    start_char: int
    end_char: int
    utterance_id: str
    rationale: str = field(repr=False)
    score_contrib: float | None


@dataclass(frozen=True, slots=True)
class Access:
    """A row of `access_log`: who looked at or changed which records, and what for."""

    actor: str
    role: str
    action: str
    record_ids: tuple[str, ...]
    purpose: str
    accessed_at: datetime
    request_id: str
    origin: str | None = None
    """Address or session."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """A row of `deletion_log`, as far as whoever asks for it knows: whose records are deleted."""

    student_id: str
    actor: str
    request_id: str
    deleted_at: datetime

    @property
    def deletion_id(self) -> str:
        """The same however often the request is repeated."""
        return _id(self.student_id, self.request_id)


def session_id(scores: StoredScores) -> str:
    """The file, whatever its content; its key may say more than a table should."""
    return _id(scores.session.source_key)


def assessments_of(scores: StoredScores) -> Iterator[Assessment]:
    """The session's rows of `assessments`."""
    session = scores.session
    for student_id, student in session.students.items():
        skills = student.skills
        yield Assessment(
            assessment_id=_assessment_id(session, student_id),
            session_id=session_id(scores),
            student_id=student_id,
            class_id=session.class_id,
            assessed_on=session.day,
            model_version=session.model_version,
            job_id=scores.job_id,
            source_sha256=session.source_sha256,
            config_hash=session.config_hash,
            scored_at=scores.scored_at,
            **{skill: _rounded(skills[skill].score, 2) for skill in Skill},
            **{f"confidence_{skill}": _rounded(skills[skill].confidence, 3) for skill in Skill},
        )


def evidence_of(scores: StoredScores) -> Iterator[Evidence]:
    """The session's rows of `evidence`."""
    for student_id, student in scores.session.students.items():
        assessment_id = _assessment_id(scores.session, student_id)
        for skill, score in student.skills.items():
            for found in score.evidence:
                where = (found.start, found.end)
                yield Evidence(
                    evidence_id=_id(assessment_id, skill, found.utterance_id, *map(str, where)),
                    assessment_id=assessment_id,
                    skill=skill,
                    span_text=found.span_text,
                    span_location=f"line {found.line_number}, characters {where[0]} to {where[1]}",
                    line_number=found.line_number,
                    start_char=found.start,
                    end_char=found.end,
                    utterance_id=found.utterance_id,
                    rationale=found.rationale,
                    score_contrib=_rounded(found.contribution, 3),
                )


def scores_of(scores: StoredScores) -> Iterator[StudentScore]:
    """The scores of a session, for sums over them, as exact as in rows of `assessments`."""
    session = scores.session
    for student_id, student in session.students.items():
        for skill, score in student.skills.items():
            yield StudentScore(
                student_id,
                session.class_id,
                session.day,
                skill,
                score=_rounded(score.score, 2),
                confidence=round(score.confidence, 3),
                evidence_count=len(score.evidence),
            )


def student_scores(
    assessments: Iterable[Assessment], evidence_counts: Mapping[tuple[str, str], int]
) -> Iterator[StudentScore]:
    """The scores in rows of `assessments`, for sums over them.

    Args:
        assessments: the rows.
        evidence_counts: rows of `evidence` by assessment id and skill; what is not in it has none.
    """
    for row in assessments:
        for skill in Skill:
            yield StudentScore(
                row.student_id,
                row.class_id,
                row.assessed_on,
                skill,
                score=getattr(row, skill),
                confidence=getattr(row, f"confidence_{skill}"),
                evidence_count=evidence_counts.get((row.assessment_id, skill), 0),
            )


def _assessment_id(session: ScoredSession, student_id: str) -> str:
    return _id(
        student_id,
        session.class_id,
        session.day.isoformat(),
        session.source_sha256,
        session.model_version,
    )


def _id(*natural_key: str) -> str:
    # A line break is in no part of a key, so different parts never join to the same text.
    return str(uuid5(_NAMESPACE, "\n".join(natural_key)))


def _rounded(value: float | None, decimals: int) -> float | None:
    """As exact as the column: the same figures come out of a table as went in."""
    return None if value is None else round(value, decimals)
