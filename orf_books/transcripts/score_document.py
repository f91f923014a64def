"""A scored session as it is stored: `scores/<class>/<date>/<job>.json`.

Belongs here: that document. Does not belong here: the scores (`scored_session.py`). It quotes
students, so it is for those who may see their records.
"""

import json
from datetime import datetime
from typing import Any

from orf_books.transcripts.scored_session import (
    Evidence,
    ScoredSession,
    ScoredStudent,
    SkillScore,
    VoidedHit,
)


def write_scores(
    scored: ScoredSession,
    *,
    job_id: str,
    normalized_key: str,
    generated_at: datetime | None = None,
) -> bytes:
    """The document; the same bytes for the same arguments.

    Args:
        scored: what was found.
        job_id: the run that found it.
        normalized_key: the object that was scored.
        generated_at: when the run began, not now, or reruns differ; left out where it is None.
    """
    document: dict[str, Any] = {
        "job_id": job_id,
        "class_id": scored.class_id,
        "date": scored.day.isoformat(),
        "model_version": scored.model_version,
        "config_hash": scored.config_hash,
    }
    if generated_at:
        document["generated_at"] = generated_at.isoformat()
    document["students"] = {student: _student(one) for student, one in scored.students.items()}
    document["voided"] = [_voided(one) for one in scored.voided]
    document["metadata"] = {
        "line_count": scored.utterance_count,
        "normalized_key": normalized_key,
        "source_key": scored.source_key,
        "source_sha256": scored.source_sha256,
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _student(student: ScoredStudent) -> dict[str, Any]:
    return {
        "scores": {skill: _score(one) for skill, one in student.skills.items()},
        "evidence": {
            skill: [_evidence(found) for found in one.evidence]
            for skill, one in student.skills.items()
        },
        "utterance_count": student.utterance_count,
        "scorable_count": student.scorable_count,
        "words_spoken": student.words_spoken,
    }


def _score(score: SkillScore) -> dict[str, Any]:
    return {
        "score": score.score,
        "confidence": score.confidence,
        "evidence_count": len(score.evidence),
        "insufficient_evidence": score.is_insufficient,
    }


def _evidence(found: Evidence) -> dict[str, Any]:
    return {
        "utterance_id": found.utterance_id,
        "line_number": found.line_number,
        "start": found.start,
        "end": found.end,
        "text": found.span_text,
        "p": found.probability,
        "tier": found.tier,
        "cue": found.cue,
        "exemplar_id": found.exemplar_id,
        "similarity": found.similarity,
        "rationale": found.rationale,
        "score_contrib": found.contribution,
    }


def _voided(hit: VoidedHit) -> dict[str, Any]:
    return {
        "utterance_id": hit.utterance_id,
        "line_number": hit.line_number,
        "skill": hit.skill,
        "reason": hit.reason,
        "p": hit.probability,
        "cue": hit.cue,
    }
