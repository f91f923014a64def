"""Who speaks: what a label and an id in a transcript mean in a class.

Belongs here: linking turns to the roster. Does not belong here: comparing names (`roster.py`). A
wrong name is worse than none, so whoever is not surely someone stays unknown.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from orf_books.transcripts.name_variants import without_additions
from orf_books.transcripts.problems import WarningCode
from orf_books.transcripts.roster import Roster, RosterEntry, comparable_name
from orf_books.transcripts.speaker_labels import is_related_to_somebody
from orf_books.transcripts.turns import Turn
from orf_books.transcripts.utterance import SpeakerRole

TEACHER = "teacher"

_ONE_OF_MANY = (
    r"(?:student|pupil|learner|child|kid|speaker|spk|participant|guest|attendee|caller|user|person|"
    r"voice|s|p)"
)
_UNLINKED_LABEL = re.compile(rf"(?P<who>{_ONE_OF_MANY})(?: [a-z]| ?\d{{1,3}})?|\d{{1,3}}")
"""`Student A`, `Speaker 2`, `SPEAKER_02`, `S3`, `3`, as `comparable_name` has them."""
_GROUP_LABEL = re.compile(
    r"(?:the |whole |entire |rest of |all )*(?:class|group|team|table|room)(?: [a-z]| ?\d{1,3})?"
    r"|(?:all|both|many|most|multiple|mult|several|some|various|other|more|the|a few|unknown|male|"
    r"female|unidentified|unnamed|another|different|new|background|off ?camera|student )*"
    r"(?: ?(?:students|student|pupils|kids|children|boys|girls|boy|girl|speakers|speaker|voices|"
    r"voice|people|participants|adults|adult))"
    r"|s{2,4}\d{0,2}|ss?n|sts?|sv|all|everyone|everybody|both|chorus|choral|audience|together|"
    r"unknown|unidentified|unnamed|anonymous|inaudible|unintelligible|indistinct|crosstalk|"
    r"overlapping|noise|silence|none|null|nan|n ?a|x{1,3}|narrator|video|recording|computer|music|"
    r"system"
)
_STAFF_LABEL = re.compile(
    r"(?:mr|mrs|ms|mx|miss|mister|dr|prof|professor|coach|educator|instructor|principal|teacher|"
    r"sr|sra|srta|señora?|señorita|maestr[oa]|profesora?|mme|madame|monsieur|herr|frau)\.?"
    r"(?: [^\W\d_][\w'\u2019.-]*){0,3}"
    r"|(?:t|tr|tchr|ta|teacher|educator|instructor)\.?(?:[ _-][a-z]|[ _-]?\d{1,2})?",
    re.IGNORECASE,
)
"""`T`, `Ms. Rivera`, `Teacher 2`: rosters of students often have no staff."""
_TOGETHER = re.compile(r"\s*(?:,|&|\+|/|\band\b|\by\b|\bwith\b)\s*", re.IGNORECASE)


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
        self._is_label: dict[str, bool] = {}

    def is_label(self, label: str) -> bool:
        """Whether someone on the roster is called so, or any class has such a label: `All`, `T`."""
        if (known := self._is_label.get(label)) is None:
            known = bool(self.called(label)) or _is_of_any_class(label) or self._is_group(label)
            self._is_label[label] = known
        return known

    def called(self, label: str) -> Sequence[RosterEntry]:
        """Everyone on the roster whom a label may mean."""
        return self._roster.called(label)

    def is_without_consent(self, label: str) -> bool:
        """Whether a label is, or may be, a student's whose words must not be kept."""
        return any(entry.is_without_consent for entry in self.called(label))

    def speaker_of(self, turn: Turn) -> Speaker:
        """Who speaks a turn.

        An id on the roster says more than a label, as long as the label is not someone else's name.
        """
        named = self.called(turn.label)
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
        if is_staff_label(turn.label) or turn.declared_role == SpeakerRole.TEACHER:
            return Speaker(TEACHER, SpeakerRole.TEACHER)
        if unlinked := _UNLINKED_LABEL.fullmatch(comparable_name(turn.label)):
            is_student = unlinked["who"] in ("student", "pupil", "learner", "child", "kid", "s")
            role = SpeakerRole.STUDENT if is_student else SpeakerRole.UNKNOWN
            return self._nobody(turn, WarningCode.UNLINKED_LABEL, role=role)
        if _is_of_any_class(turn.label) or self._is_group(turn.label):
            return self._nobody(turn, WarningCode.GROUP_LABEL)
        return self._nobody(turn, WarningCode.LABEL_NOT_ON_ROSTER)

    def _is_group(self, label: str) -> bool:
        """Whether a label names several people of the class: `Emma and Liam`."""
        parts = [part for part in _TOGETHER.split(label) if part]
        return len(parts) > 1 and all(
            self.called(part) or (_is_of_any_class(part) and not part.isdecimal()) for part in parts
        )

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
    """Whether a label is one that any class may have and no name: `Student A`, `All`, `Teacher`."""
    comparable = comparable_name(label)
    return bool(
        _UNLINKED_LABEL.fullmatch(comparable)
        or _GROUP_LABEL.fullmatch(comparable)
        or re.fullmatch(r"t|teacher(?: [a-z]| ?\d{1,2})?", comparable)
    )


def is_staff_label(label: str) -> bool:
    """Whether a label says that a member of staff speaks: `T`, `Ms. Rivera`, not her daughter."""
    is_staff = _STAFF_LABEL.fullmatch(without_additions(label)) is not None
    return is_staff and not is_related_to_somebody(label)


def _is_of_any_class(label: str) -> bool:
    return is_staff_label(label) or is_generic_label(without_additions(label))


def _known(entry: RosterEntry) -> Speaker:
    if entry.role is SpeakerRole.TEACHER or entry.student_id is None:
        return Speaker(TEACHER, SpeakerRole.TEACHER)
    return Speaker(
        entry.student_id,
        SpeakerRole.STUDENT,
        entry.student_id,
        is_without_consent=entry.is_without_consent,
    )
