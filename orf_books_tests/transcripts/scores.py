"""Scores that nobody's transcript led to, for the tests of publishing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from orf_books.transcripts.corrections import Correction, Verdict
from orf_books.transcripts.firing import Tier
from orf_books.transcripts.scored_session import (
    Evidence,
    ScoredSession,
    ScoredStudent,
    SkillScore,
    StoredScores,
)
from orf_books.transcripts.skills import Skill

WORDS = "how are you feeling"
EVENING = datetime(2026, 11, 16, 18, tzinfo=UTC)
MONDAY = EVENING.date()


def evidence(
    line: int = 1, start: int = 0, words: str = WORDS, skill: Skill = Skill.EMPATHY
) -> Evidence:
    """Words that show a skill."""
    return Evidence(
        utterance_id=f"5f2c:{line}:0",
        line_number=line,
        start=start,
        end=start + len(words),
        span_text=words,
        sentence=f"So, {words}",
        skill=skill,
        probability=0.93,
        tier=Tier.STRONG,
        cue="cue 7",
        exemplar_id=f"{skill}-7",
        similarity=0.8,
        margin=0.5,
        contribution=0.91649,
    )


def student(
    value: float | None = None,
    confidence: float = 0.0,
    found: Mapping[Skill, Sequence[Evidence]] | None = None,
    utterances: int = 3,
) -> ScoredStudent:
    """A student with the same score for every skill."""
    skills = {
        skill: SkillScore(
            value, confidence, tuple((found or {}).get(skill, ())), utterances, value, value
        )
        for skill in Skill
    }
    return ScoredStudent(
        utterance_count=utterances + 1, scorable_count=utterances, words_spoken=20, skills=skills
    )


def correction(student_id: str, verdict: Verdict = Verdict.WRONG, line: int = 1) -> Correction:
    """What an educator said of empathy on a line."""
    return Correction(
        class_id="class-7",
        session="class-7/2026-11-16/5f2c",
        place=f"{line}:0",
        student_id=student_id,
        skill=Skill.EMPATHY,
        verdict=verdict,
        corrected_by="Ms. Rivera",
        corrected_at=EVENING,
        tier=None if verdict is Verdict.MISSED else Tier.STRONG,
        model_version="1.0.0",
    )


def stored_scores(
    students: Mapping[str, ScoredStudent],
    *,
    class_id: str = "class-7",
    day: date = MONDAY,
    file: str = "morning.txt",
    sha256: str = "5f2c" * 16,
    model_version: str = "1.0.0+ab12cd34",
    job_id: str = "job-1",
    scored_at: datetime = EVENING,
) -> StoredScores:
    """The scores of a session as a run stored them."""
    session = ScoredSession(
        class_id=class_id,
        day=day,
        source_key=f"raw/{class_id}/{day}/{file}",
        source_sha256=sha256,
        model_version=model_version,
        config_hash="77aa",
        utterance_count=9,
        students=students,
        voided=(),
    )
    return StoredScores(session, job_id, scored_at, f"normalized/{class_id}/{day}/{job_id}.jsonl")
