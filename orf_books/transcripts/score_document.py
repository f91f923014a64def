"""A scored session as it is stored: `scores/<class>/<date>/<job>.json`.

Belongs here: writing and reading that document. Does not belong here: the scores
(`scored_session.py`). It quotes students, so it is for those who may see their records.

Documents of earlier versions lack some fields and are read all the same; their scores are worked
out anew wherever they are used (`corrections.py`).
"""

import json
from datetime import date, datetime
from typing import Any

from orf_books.failures import FixInput
from orf_books.transcripts.cues import VetoReason
from orf_books.transcripts.firing import Tier
from orf_books.transcripts.scored_session import (
    Evidence,
    Judged,
    ScoredSession,
    ScoredStudent,
    SkillScore,
    StoredScores,
    VoidedHit,
)
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.usual import UsualSource


def write_scores(scores: StoredScores) -> bytes:
    """The document; the same bytes for the same scores."""
    scored = scores.session
    document: dict[str, Any] = {
        "job_id": scores.job_id,
        "class_id": scored.class_id,
        "date": scored.day.isoformat(),
        "model_version": scored.model_version,
        "config_hash": scored.config_hash,
        "usual": scored.usual,
        "generated_at": scores.scored_at.isoformat(),
        "students": {
            student: _student_document(scored_student)
            for student, scored_student in scored.students.items()
        },
        "voided": [_voided_document(hit) for hit in scored.voided],
        "metadata": {
            "line_count": scored.utterance_count,
            "normalized_key": scores.normalized_key,
            "source_key": scored.source_key,
            "source_sha256": scored.source_sha256,
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def read_scores(content: bytes) -> StoredScores:
    """The scores of a document.

    Raises:
        FixInput: it is no such document.
    """
    try:
        document = json.loads(content)
        metadata = document["metadata"]
        session = ScoredSession(
            class_id=document["class_id"],
            day=date.fromisoformat(document["date"]),
            source_key=metadata["source_key"],
            source_sha256=metadata["source_sha256"],
            model_version=document["model_version"],
            config_hash=document["config_hash"],
            utterance_count=metadata["line_count"],
            students={name: _student(student) for name, student in document["students"].items()},
            voided=tuple(map(_voided, document["voided"])),
            usual=UsualSource(document.get("usual", UsualSource.SHIPPED)),
        )
        return StoredScores(
            session,
            document["job_id"],
            datetime.fromisoformat(document["generated_at"]),
            metadata["normalized_key"],
        )
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        # The error would quote the document.
        raise FixInput("Stored scores are damaged: score the session again.") from None


def _student_document(student: ScoredStudent) -> dict[str, Any]:
    return {
        "scores": {skill: _score_document(score) for skill, score in student.skills.items()},
        "evidence": {
            skill: [_evidence_document(found) for found in score.evidence]
            for skill, score in student.skills.items()
        },
        "utterance_count": student.utterance_count,
        "scorable_count": student.scorable_count,
        "words_spoken": student.words_spoken,
    }


def _student(document: dict[str, Any]) -> ScoredStudent:
    return ScoredStudent(
        document["utterance_count"],
        document["scorable_count"],
        document["words_spoken"],
        {
            skill: SkillScore(
                document["scores"][skill]["score"],
                document["scores"][skill]["confidence"],
                tuple(_evidence(skill, found) for found in document["evidence"][skill]),
                document["scorable_count"],
                document["scores"][skill].get("low"),
                document["scores"][skill].get("high"),
            )
            for skill in Skill
        },
    )


def _score_document(score: SkillScore) -> dict[str, Any]:
    return {
        "score": score.score,
        "low": score.low,
        "high": score.high,
        "confidence": score.confidence,
        "evidence_count": len(score.evidence),
        "utterances": score.utterances,
        "nothing_found": score.is_nothing_found,
        "insufficient_evidence": score.is_insufficient,
    }


def _evidence_document(found: Evidence) -> dict[str, Any]:
    return {
        "utterance_id": found.utterance_id,
        "line_number": found.line_number,
        "start": found.start,
        "end": found.end,
        "text": found.span_text,
        "sentence": found.sentence,
        "p": found.probability,
        "tier": found.tier,
        "cue": found.cue,
        "exemplar_id": found.exemplar_id,
        "exemplar": found.exemplar,
        "similarity": found.similarity,
        "margin": found.margin,
        "rationale": found.rationale,
        "score_contrib": found.contribution,
        "judged": found.judged,
    }


def _evidence(skill: Skill, document: dict[str, Any]) -> Evidence:
    return Evidence(
        document["utterance_id"],
        document["line_number"],
        document["start"],
        document["end"],
        document["text"],
        document["sentence"],
        skill,
        document["p"],
        Tier(document["tier"]),
        document["cue"],
        document["exemplar_id"],
        document["similarity"],
        document["margin"],
        document["score_contrib"],
        document.get("exemplar", ""),
        Judged(judged) if (judged := document.get("judged")) else None,
    )


def _voided_document(hit: VoidedHit) -> dict[str, Any]:
    return {
        "utterance_id": hit.utterance_id,
        "line_number": hit.line_number,
        "skill": hit.skill,
        "reason": hit.reason,
        "p": hit.probability,
        "cue": hit.cue,
    }


def _voided(document: dict[str, Any]) -> VoidedHit:
    return VoidedHit(
        document["utterance_id"],
        document["line_number"],
        Skill(document["skill"]),
        VetoReason(document["reason"]),
        document["p"],
        document["cue"],
    )
