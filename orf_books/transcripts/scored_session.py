"""What came of scoring a class session, with the evidence for each skill of each student.

Belongs here: shapes. Does not belong here: how it comes about (`scoring.py`), how it is stored
(`score_document.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from orf_books.transcripts.cues import VetoReason
from orf_books.transcripts.firing import Tier
from orf_books.transcripts.skills import Skill


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
    """How much it counts towards the score: its calibrated probability."""

    @property
    def rationale(self) -> str:
        """Why, in a sentence that quotes nobody."""
        closest = (
            f"closest cue sentence {self.exemplar_id}, similarity {self.similarity:.2f}, "
            f"margin {self.margin:+.2f}"
        )
        return f"matches the cue `{self.cue}`; {closest}" if self.cue else closest


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
    """From 0 to 10, 5 is usual; None where the student said too little to tell."""
    confidence: float
    """From 0 to 1."""
    evidence: tuple[Evidence, ...]

    @property
    def is_insufficient(self) -> bool:
        """Whether too little was said to tell."""
        return self.score is None


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
