"""Whether evidence stands where it is said to stand.

Belongs here: looking evidence up in utterances and in the raw file. Does not belong here: finding
evidence (`scoring.py`), and what follows when it is not there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from orf_books.transcripts.scored_session import Evidence, ScoredSession
from orf_books.transcripts.source_text import SourceText
from orf_books.transcripts.utterance import Session


@dataclass(frozen=True, slots=True)
class Resolution:
    """How much evidence there is, and how much of it stands where it should."""

    evidence: int
    resolved: int

    @property
    def is_complete(self) -> bool:
        """Whether all of it does."""
        return self.evidence == self.resolved

    def __add__(self, other: "Resolution") -> "Resolution":
        return Resolution(self.evidence + other.evidence, self.resolved + other.resolved)


def resolve(content: bytes, session: Session, scored: ScoredSession) -> Resolution:
    """Look all evidence of a session up.

    Args:
        content: the raw file.
        session: what was read from it.
        scored: what was found in that.
    """
    utterances = {one.utterance_id: one for one in session.utterances}
    raw = SourceText(content, session.format)

    def stands(found: Evidence) -> bool:
        said = utterances.get(found.utterance_id)
        return said is not None and (
            said.text[found.start : found.end]
            == raw.span(said, found.start, found.end)
            == found.span_text
        )

    resolved = [stands(found) for found in _evidence_of(scored)]
    return Resolution(len(resolved), sum(resolved))


def _evidence_of(scored: ScoredSession) -> Iterator[Evidence]:
    for student in scored.students.values():
        for score in student.skills.values():
            yield from score.evidence
