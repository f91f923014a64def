"""What educators say of findings: right, wrong, or missed; and scores that honour it.

Belongs here: what a correction is, which one holds, scores after corrections, and how often the
detector was right by them. Does not belong here: where corrections are kept
(`orf_books/records/corrections.py`), the form on the page (`orf_books/pages`).

A correction holds no words. It points to an utterance by its place in the raw file, and applies as
long as the same student speaks there.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from orf_books.precision_recall import share, wilson_interval
from orf_books.transcripts.firing import Tier
from orf_books.transcripts.scored_session import (
    Evidence,
    Judged,
    ScoredStudent,
    SkillScore,
    StoredScores,
)
from orf_books.transcripts.skills import Skill
from orf_books.transcripts.usual import SHIPPED, Usual
from orf_books.transcripts.utterance import Utterance


class Verdict(StrEnum):
    """What an educator says of a skill in an utterance."""

    RIGHT = "right"
    """The finding holds."""
    WRONG = "wrong"
    """The utterance does not show the skill."""
    MISSED = "missed"
    """It does, and the detector did not find it."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One verdict of one educator."""

    class_id: str
    session: str
    """Partition of the session."""
    place: str
    """Of the utterance: `<line>:<n>`, the end of its id."""
    student_id: str
    skill: Skill
    verdict: Verdict
    corrected_by: str
    corrected_at: datetime
    tier: Tier | None = None
    """Of the finding; None where the detector had found nothing."""
    model_version: str = ""
    """Of that detector."""

    @property
    def correction_id(self) -> str:
        """The same for the same verdict, so that handing it in twice changes nothing."""
        parts = (*self._about, self.verdict, self.corrected_by, self.corrected_at.isoformat())
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]

    @property
    def _about(self) -> tuple[str, str, str, str]:
        return self.session, self.place, self.student_id, self.skill


@dataclass(frozen=True, slots=True)
class MeasuredPrecision:
    """How often findings were right, of those that educators looked at."""

    right: int
    judged: int
    missed: int
    """Findings that educators added."""

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where none was looked at."""
        return share(self.right, self.judged)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, of 95 %; all there is where none was looked at."""
        return wilson_interval(self.right, self.judged) or (0.0, 1.0)


def standing(corrections: Iterable[Correction]) -> list[Correction]:
    """The latest verdict on each skill in each utterance."""
    latest = {
        (correction.session, correction.place, correction.student_id, correction.skill): correction
        for correction in sorted(
            corrections, key=lambda correction: (correction.corrected_at, correction.correction_id)
        )
    }
    return list(latest.values())


def measured_precision(corrections: Iterable[Correction]) -> dict[Skill, MeasuredPrecision]:
    """By skill, how often the detector's findings were right."""
    latest = standing(corrections)
    return {
        skill: MeasuredPrecision(
            right=sum(correction.verdict is Verdict.RIGHT for correction in judged),
            judged=len(judged),
            missed=sum(
                correction.verdict is Verdict.MISSED and correction.skill is skill
                for correction in latest
            ),
        )
        for skill in Skill
        for judged in [
            [
                correction
                for correction in latest
                if correction.skill is skill
                and correction.tier
                and correction.verdict is not Verdict.MISSED
            ]
        ]
    }


def corrected(
    scores: StoredScores,
    corrections: Iterable[Correction],
    utterances: Iterable[Utterance] = (),
    usual: Usual = SHIPPED,
) -> StoredScores:
    """The scores of a session as educators corrected them, against what is usual now.

    Args:
        scores: as the detector left them.
        corrections: of this session.
        utterances: of this session; only needed for findings that educators added.
        usual: what scores are measured against.
    """
    said = {place_of(utterance.utterance_id): utterance for utterance in utterances}
    by_student: dict[tuple[str, Skill], list[Correction]] = {}
    for correction in standing(corrections):
        by_student.setdefault((correction.student_id, correction.skill), []).append(correction)
    students = {
        student_id: replace(
            student,
            skills={
                skill: _corrected_skill(
                    student, skill, by_student.get((student_id, skill), ()), said, usual
                )
                for skill in student.skills
            },
        )
        for student_id, student in scores.session.students.items()
    }
    return replace(scores, session=replace(scores.session, students=students, usual=usual.source))


def place_of(utterance_id: str) -> str:
    """Where an utterance stands, in whatever version of its file."""
    return utterance_id.partition(":")[2]


def _corrected_skill(
    student: ScoredStudent,
    skill: Skill,
    corrections: Sequence[Correction],
    said: Mapping[str, Utterance],
    usual: Usual,
) -> SkillScore:
    verdicts = {correction.place: correction.verdict for correction in corrections}
    evidence = []
    for found in student.skills[skill].evidence:
        verdict = verdicts.pop(place_of(found.utterance_id), None)
        if verdict is None:
            evidence.append(found)
        elif verdict is not Verdict.WRONG:
            evidence.append(replace(found, contribution=1.0, judged=Judged.CONFIRMED))
    evidence += [
        _added(skill, said[correction.place])
        for correction in corrections
        if verdicts.get(correction.place) is Verdict.MISSED
        and correction.place in said
        and said[correction.place].student_id == correction.student_id
    ]
    evidence.sort(key=lambda found: (found.line_number, found.utterance_id, found.start))
    return SkillScore.of(evidence, student.scorable_count, usual.rates[skill])


def _added(skill: Skill, utterance: Utterance) -> Evidence:
    return Evidence(
        utterance_id=utterance.utterance_id,
        line_number=utterance.line_number,
        start=0,
        end=len(utterance.text),
        span_text=utterance.text,
        sentence=utterance.text,
        skill=skill,
        probability=1.0,
        tier=Tier.STRONG,
        cue=None,
        exemplar_id="",
        similarity=0.0,
        margin=0.0,
        contribution=1.0,
        judged=Judged.ADDED,
    )
