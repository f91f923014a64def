"""What came of scoring a class session, with the evidence for each skill of each student.

Belongs here: shapes. Does not belong here: how it comes about (`scoring.py`), how it is stored
(`score_document.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from math import fsum

from orf_books.transcripts.cues import VetoReason
from orf_books.transcripts.firing import Tier
from orf_books.transcripts.skills import SKILL_NAMES, Skill
from orf_books.transcripts.student_scores import LEAST_UTTERANCES, Tally, score
from orf_books.transcripts.usual import UsualRate, UsualSource

_MUCH_ALIKE, _ALIKE = 0.7, 0.45
"""Similarities from which a sentence is said to be like another."""


class Judged(StrEnum):
    """What an educator said of a finding."""

    CONFIRMED = "confirmed"
    ADDED = "added"
    """The detector had missed it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words of a student that show a skill: `text[start:end]` of the utterance is `span_text`."""

    utterance_id: str
    line_number: int
    start: int
    """Code point of the verbatim text."""
    end: int
    """Behind the last code point."""
    span_text: str = field(repr=False)
    sentence: str = field(repr=False)
    """In which these words stand: a cue says little by itself."""
    skill: Skill
    probability: float
    """By the encoder, from 0 to 1."""
    tier: Tier
    cue: str | None
    """The pattern that matched; None where no cue was found."""
    exemplar_id: str
    similarity: float
    """Of the likeliest sentence to that exemplar."""
    margin: float
    """By how much the skill is likelier there than any other."""
    contribution: float
    """How much it counts towards the score: its calibrated probability, or 1 where an educator
    confirmed or added it."""
    exemplar: str = field(default="", repr=False)
    """The sentence of that id; empty where an educator added the finding, and in old documents."""
    judged: Judged | None = None
    """None where no educator has looked at it."""

    @property
    def rationale(self) -> str:
        """Why, in words that quote nobody of the class."""
        if self.judged is Judged.ADDED:
            return "An educator added it."
        name = SKILL_NAMES[self.skill].lower()
        reasons = [f"uses words that often show {name}"] if self.cue else []
        if self.exemplar:
            example = self.exemplar.removesuffix(".")
            reasons.append(f"{_likeness(self.similarity)} the example “{example}”")
        else:
            reasons.append(f"resembles examples of {name}")
        confirmed = " An educator confirmed it." if self.judged else ""
        return f"It {' and '.join(reasons)}.{confirmed}"


@dataclass(frozen=True, slots=True)
class VoidedHit:
    """What sounded like a skill and is none; kept to look into, never shown as evidence."""

    utterance_id: str
    line_number: int
    skill: Skill
    reason: VetoReason
    probability: float
    cue: str | None


@dataclass(frozen=True, slots=True)
class SkillScore:
    """One skill of one student in a session."""

    score: float | None
    """From 0 to 10, 5 is usual; None where nothing was found or too little was said."""
    confidence: float
    """From 0 to 1; 0 where there is no score."""
    evidence: tuple[Evidence, ...]
    utterances: int
    """How many were heard that could show the skill."""
    low: float | None = None
    """Between this and `high` the student's rate lies, on the scale of scores."""
    high: float | None = None

    @classmethod
    def of(cls, evidence: Sequence[Evidence], utterances: int, usual: UsualRate) -> "SkillScore":
        """The score that evidence leads to."""
        tally = tally_of(evidence, utterances)
        found = score(tally, usual)
        if found is None:
            return cls(None, 0.0, tuple(evidence), utterances)
        return cls(
            found.value, found.confidence, tuple(evidence), utterances, found.low, found.high
        )

    @property
    def is_insufficient(self) -> bool:
        """Whether too little was said to tell."""
        return self.utterances < LEAST_UTTERANCES

    @property
    def is_nothing_found(self) -> bool:
        """Whether enough was said, and nothing in it shows the skill."""
        return not self.evidence and not self.is_insufficient


def tally_of(evidence: Sequence[Evidence], utterances: int) -> Tally:
    """What counts for a score; several findings in one utterance are one."""
    by_utterance: dict[str, float] = {}
    for found in evidence:
        heaviest = max(found.contribution, by_utterance.get(found.utterance_id, 0.0))
        by_utterance[found.utterance_id] = heaviest
    return Tally(utterances, len(by_utterance), round(fsum(by_utterance.values()), 3))


def _likeness(similarity: float) -> str:
    if similarity >= _MUCH_ALIKE:
        return "is much like"
    return "is like" if similarity >= _ALIKE else "is remotely like"


@dataclass(frozen=True, slots=True)
class ScoredStudent:
    """One student in a session."""

    utterance_count: int
    scorable_count: int
    """Of these, how many can show a skill at all: English, and of three words or more."""
    words_spoken: int
    """Divided by white space."""
    skills: Mapping[Skill, SkillScore]


@dataclass(frozen=True, slots=True)
class ScoredSession:
    """One raw file, scored."""

    class_id: str
    day: date
    source_key: str
    source_sha256: str
    model_version: str
    config_hash: str
    utterance_count: int
    """Of everybody."""
    students: Mapping[str, ScoredStudent]
    """By student id, sorted."""
    voided: tuple[VoidedHit, ...]
    usual: UsualSource = UsualSource.SHIPPED
    """What scores are measured against."""


@dataclass(frozen=True, slots=True)
class StoredScores:
    """A scored session, and the run that scored it."""

    session: ScoredSession = field(repr=False)
    job_id: str
    scored_at: datetime
    """When the run began, not when it came to this session, or reruns would differ; tells which of
    two runs over a file is the newer."""
    normalized_key: str
    """The object that was scored."""
