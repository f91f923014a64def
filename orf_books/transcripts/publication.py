"""What is published of scored sessions: rows of tables, whose ids are derived from their content.

Belongs here: what a row holds, and how its id is derived. Does not belong here: writing rows
(`orf_books/resources/database.py`), figures of classes (`aggregates.py`).

No row holds a student's name, only the pseudonymous id. What a student said is in `evidence` and
nowhere else. Corrections name the educator who made them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID, uuid5

from orf_books.transcripts.aggregates import StudentScore
from orf_books.transcripts.corrections import Correction
from orf_books.transcripts.scored_session import ScoredSession, StoredScores, tally_of
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.student_scores import Tally

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
    low_collaboration: float | None
    low_communication: float | None
    low_adaptability: float | None
    low_self_regulation: float | None
    low_empathy: float | None
    high_collaboration: float | None
    high_communication: float | None
    high_adaptability: float | None
    high_self_regulation: float | None
    high_empathy: float | None
    utterance_count: int | None
    """That could show a skill; None in rows of an earlier version, whose scores mean another
    thing."""
    usual: str | None
    """What scores are measured against: `shipped` or `learned` rates; None likewise."""
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
class CorrectionRow:
    """A row of `corrections`: what an educator said of a finding."""

    correction_id: str
    student_id: str
    class_id: str
    session: str
    """Partition of the session."""
    place: str
    """Of the utterance, `<line>:<n>`."""
    skill: str
    verdict: str
    """`right`, `wrong` or `missed`."""
    tier: str | None
    model_version: str
    corrected_by: str
    corrected_at: datetime


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
            **{f"low_{skill}": _rounded(skills[skill].low, 2) for skill in Skill},
            **{f"high_{skill}": _rounded(skills[skill].high, 2) for skill in Skill},
            utterance_count=student.scorable_count,
            usual=session.usual,
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


def correction_rows(corrections: Iterable[Correction]) -> Iterator[CorrectionRow]:
    """The rows of `corrections`."""
    for correction in corrections:
        yield CorrectionRow(
            correction_id=correction.correction_id,
            student_id=correction.student_id,
            class_id=correction.class_id,
            session=correction.session,
            place=correction.place,
            skill=correction.skill,
            verdict=correction.verdict,
            tier=correction.tier,
            model_version=correction.model_version,
            corrected_by=correction.corrected_by,
            corrected_at=correction.corrected_at,
        )


def scores_of(scores: StoredScores) -> Iterator[StudentScore]:
    """What was heard and found in a session, for sums over it, as exact as in the tables."""
    session = scores.session
    for student_id, student in session.students.items():
        for skill, score in student.skills.items():
            yield StudentScore(
                student_id,
                session.class_id,
                session.day,
                skill,
                tally_of(score.evidence, score.utterances),
            )


def student_scores(
    assessments: Iterable[Assessment], evidence: Mapping[tuple[str, str], tuple[int, float]]
) -> Iterator[StudentScore]:
    """What was heard and found according to rows of `assessments`, for sums over it.

    Args:
        assessments: the rows.
        evidence: the number and the weight of rows of `evidence`, by assessment id and skill; what
            is not in it has none.
    """
    for row in assessments:
        for skill in Skill:
            found, weight = evidence.get((row.assessment_id, skill), (0, 0.0))
            yield StudentScore(
                row.student_id,
                row.class_id,
                row.assessed_on,
                skill,
                None if row.utterance_count is None else Tally(row.utterance_count, found, weight),
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
