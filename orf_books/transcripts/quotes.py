"""What a student said, with the turns before and after it, for people to read.

Belongs here: which turns stand around a finding, and who is said to speak. Does not belong here:
taking names out (`redaction.py`), the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orf_books.transcripts.redaction import Redactor
from orf_books.transcripts.scored_session import Evidence
from orf_books.transcripts.utterance import SpeakerRole, Utterance

TURNS_BEFORE, TURNS_AFTER = 2, 1
LONGEST_TURN = 300
"""Characters of a turn beside the quoted one."""


@dataclass(frozen=True, slots=True)
class QuotedTurn:
    """A turn beside the quoted one."""

    speaker: str
    """`Teacher`, `The student`, `Another student` or `Somebody`."""
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence with a finding in its place; nobody is named in it any more."""

    text: str = field(repr=False)
    before: Sequence[QuotedTurn] = field(default=(), repr=False)
    after: Sequence[QuotedTurn] = field(default=(), repr=False)


class Quotes:
    """Quotes out of one session."""

    def __init__(self, utterances: Sequence[Utterance], redactor: Redactor) -> None:
        self._utterances, self._redactor = utterances, redactor
        self._places: Mapping[str, int] = {
            utterance.utterance_id: place for place, utterance in enumerate(utterances)
        }

    def quote(self, evidence: Evidence) -> Quote:
        """The sentence of a finding; without turns beside it where its utterance is not there."""
        text = self._redactor.redact(evidence.sentence)
        place = self._places.get(evidence.utterance_id)
        if place is None:
            return Quote(text)
        student_id = self._utterances[place].student_id
        before = self._utterances[max(place - TURNS_BEFORE, 0) : place]
        after = self._utterances[place + 1 : place + 1 + TURNS_AFTER]
        return Quote(text, self._turns(before, student_id), self._turns(after, student_id))

    def _turns(
        self, utterances: Sequence[Utterance], student_id: str | None
    ) -> tuple[QuotedTurn, ...]:
        return tuple(
            QuotedTurn(_speaker(utterance, student_id), self._shortened(utterance.text))
            for utterance in utterances
        )

    def _shortened(self, text: str) -> str:
        # Redacted first: half a name would not be found.
        redacted = self._redactor.redact(text)
        if len(redacted) <= LONGEST_TURN:
            return redacted
        return redacted[:LONGEST_TURN].rsplit(maxsplit=1)[0] + " …"


def _speaker(utterance: Utterance, student_id: str | None) -> str:
    match utterance.speaker_role:
        case SpeakerRole.TEACHER:
            return "Teacher"
        case SpeakerRole.STUDENT if utterance.student_id:
            return "The student" if utterance.student_id == student_id else "Another student"
        case _:
            return "Somebody"
