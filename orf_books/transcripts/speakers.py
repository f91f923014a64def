"""Who speaks: what a label and an id in a transcript mean in a class.

Belongs here: linking turns to the roster. Does not belong here: comparing names (`roster.py`). A
wrong name is worse than none, so whoever is not surely someone stays unknown.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from orf_books.transcripts.problems import WarningCode
from orf_books.transcripts.roster import Roster, RosterEntry, comparable_name
from orf_books.transcripts.turns import Turn
from orf_books.transcripts.utterance import SpeakerRole

TEACHER = "teacher"

_GENERIC_LABEL = re.compile(r"(student|speaker|teacher)(?: [a-z]| ?\d{1,3})?")
"""`Student A`, `Speaker 2`, `Teacher`, as `comparable_name` has them."""
_STAFF_LABEL = re.compile(
    r"(?:mr|mrs|ms|mx|miss|dr|prof|professor|coach|educator|instructor|principal|teacher)\.?"
    r"(?: [^\W\d_][\w'\u2019.-]*){0,3}",
    re.IGNORECASE,
)
"""`Ms. Rivera`, `Educator`: rosters of students often have no staff."""
_GENERIC_ROLES = {
    "student": SpeakerRole.STUDENT,
    "speaker": SpeakerRole.UNKNOWN,
    "teacher": SpeakerRole.TEACHER,
}


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks a turn, as far as is known."""

    speaker_id: str
    """As in `Utterance`."""
    role: SpeakerRole
    student_id: str | None = None
    is_without_consent: bool = False
    """Whether it is, or may be, a student whose words must not be kept."""
    warning: WarningCode | None = None


class Speakers:
    """The speakers of one session; those unknown are numbered as they appear."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._unknown: dict[str, str] = {}

    def is_label(self, label: str) -> bool:
        """Whether someone on the roster is called so, or anyone as in `Student A`, `Ms. Rivera`."""
        return bool(self._roster.named(label)) or _generic_role(label) is not None

    def speaker_of(self, turn: Turn) -> Speaker:
        """Who speaks a turn.

        An id on the roster says more than a label, as long as the label is not someone else's name.
        """
        named = self._roster.named(turn.label)
        if turn.student_id is None:
            return self._speaker_by_label(turn, named)
        student = self._roster.student(turn.student_id)
        if student is None:
            return self._nobody(turn, WarningCode.UNKNOWN_STUDENT_ID, named)
        if named and student not in named:
            return self._nobody(turn, WarningCode.CONTRADICTORY_SPEAKER, [student, *named])
        return _known(student)

    def _speaker_by_label(self, turn: Turn, named: Sequence[RosterEntry]) -> Speaker:
        if len(named) == 1:
            return _known(named[0])
        if named:
            return self._nobody(turn, WarningCode.AMBIGUOUS_LABEL, named)
        role = _generic_role(turn.label)
        if SpeakerRole.TEACHER in (role, turn.declared_role):
            return Speaker(TEACHER, SpeakerRole.TEACHER)
        if role is None:
            return self._nobody(turn, WarningCode.LABEL_NOT_ON_ROSTER)
        return self._nobody(turn, WarningCode.UNLINKED_LABEL, role=role)

    def _nobody(
        self,
        turn: Turn,
        warning: WarningCode,
        perhaps: Sequence[RosterEntry] = (),
        role: SpeakerRole = SpeakerRole.UNKNOWN,
    ) -> Speaker:
        is_without_consent = any(entry.is_without_consent for entry in perhaps)
        label = comparable_name(turn.label)
        speaker_id = self._unknown.setdefault(label, f"unknown:{len(self._unknown) + 1}")
        return Speaker(speaker_id, role, is_without_consent=is_without_consent, warning=warning)


def is_generic_label(label: str) -> bool:
    """Whether a label is one that any class may have: `Student A`, `Speaker 2`, `Teacher`."""
    return bool(_GENERIC_LABEL.fullmatch(comparable_name(label)))


def _known(entry: RosterEntry) -> Speaker:
    if entry.role is SpeakerRole.TEACHER or entry.student_id is None:
        return Speaker(TEACHER, SpeakerRole.TEACHER)
    return Speaker(
        entry.student_id,
        SpeakerRole.STUDENT,
        entry.student_id,
        is_without_consent=entry.is_without_consent,
    )


def _generic_role(label: str) -> SpeakerRole | None:
    if found := _GENERIC_LABEL.fullmatch(comparable_name(label)):
        return _GENERIC_ROLES[found[1]]
    return SpeakerRole.TEACHER if _STAFF_LABEL.fullmatch(label.strip()) else None
