"""Who belongs to a class: names, pseudonymous ids, and who may be listened to.

Belongs here: reading `raw/<class>/roster.json`, and whom a name means. Does not belong here: what
a label in a transcript means beyond names (`speakers.py`), taking names out of texts
(`redaction.py`).
"""

import codecs
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    Strict,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from orf_books.transcripts.name_variants import plain_name, readings_of, short_forms
from orf_books.transcripts.problems import ErrorCode, UnusableTranscript
from orf_books.transcripts.utterance import SpeakerRole
from orf_books.validation_messages import validation_messages

_Item = TypeVar("_Item")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_JOINING = ("Pc", "Pd")
"""Categories of punctuation that stand for a space: `Anne-Marie`, `anne_marie`."""
_AROUND_NAMES = ("Cf", "So", "Sk")
_LISTS = ("student_roster", "roster", "students")
_IDS = ("student_id", "id")
"""What schools' programs call the same, too; the first is ours."""
_ROLES = {
    "student": SpeakerRole.STUDENT,
    **dict.fromkeys(("teacher", "educator", "staff"), SpeakerRole.TEACHER),
}


def comparable_name(name: str) -> str:
    """A name or label as names are compared: without case, punctuation and surplus spaces.

    Emoji and marks of direction around a name do not tell people apart, but may be all of one.
    """
    folded = unicodedata.normalize("NFC", name).casefold()
    compared = " ".join("".join(map(_compared, unicodedata.normalize("NFC", folded))).split())
    return "".join(filter(_is_of_name, compared)).strip() or compared


def _compared(character: str) -> str:
    if character.isalnum():
        return character
    category = unicodedata.category(character)
    if category in _JOINING:
        return " "
    return "" if category.startswith("P") else character


def _is_of_name(character: str) -> bool:
    return character.isascii() or unicodedata.category(character) not in _AROUND_NAMES


def _name(name: str) -> str:
    if not comparable_name(name):
        raise PydanticCustomError("name", "Input should have letters or digits")
    return name


def is_student_id(text: str) -> bool:
    """Whether a text can be the pseudonymous id of a student."""
    return bool(_UUID.fullmatch(text.lower()))


def _student_id(text: str) -> str:
    if not is_student_id(text):
        raise PydanticCustomError("uuid", "Input should be a UUID")
    return text.lower()


def _role(value: object) -> object:
    role = _ROLES.get(value.lower()) if isinstance(value, str) else None
    if role is None:
        raise PydanticCustomError("role", "Input should be 'student' or 'teacher'")
    return role


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _not_empty(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
    # A minimal length would be missed, too, where an item is refused.
    if not items:
        raise PydanticCustomError("empty", "Input should not be empty")
    return items


_Names = Annotated[tuple[Annotated[str, AfterValidator(_name)], ...], BeforeValidator(_several)]


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """A student or a member of staff."""

    names: Annotated[
        _Names,
        Field(validation_alias=AliasChoices("names", "name", "display_names", "display_name")),
    ] = field(default=(), repr=False)
    student_id: Annotated[
        Annotated[str, AfterValidator(_student_id)] | None,
        Field(validation_alias=AliasChoices(*_IDS)),
    ] = None
    """Opaque: random or keyed, never made from a name. Every student has one."""
    aliases: _Names = field(default=(), repr=False)
    """What else transcripts call them, such as `Student A` or a nickname."""
    role: Annotated[SpeakerRole, BeforeValidator(_role)] = SpeakerRole.STUDENT
    consent: Annotated[bool, Strict()] = False
    """Whether a student's words may be kept, scored and quoted."""

    @property
    def is_without_consent(self) -> bool:
        """Whether nothing that is said under this name may be kept."""
        return self.role is SpeakerRole.STUDENT and not self.consent


class Roster:
    """The people of one class, found by name or id."""

    def __init__(self, entries: Sequence[RosterEntry]) -> None:
        self.entries = tuple(entries)
        self._students = {entry.student_id: entry for entry in entries if entry.student_id}
        self._named: defaultdict[str, list[RosterEntry]] = defaultdict(list)
        for entry in entries:
            for name in {comparable_name(name) for name in (*entry.names, *entry.aliases)}:
                self._named[name].append(entry)
        self._short: defaultdict[str, set[RosterEntry]] = defaultdict(set)
        for name, named in self._named.items():
            for form in short_forms(name.split()):
                self._short[form].update(named)

    def named(self, label: str) -> Sequence[RosterEntry]:
        """Everyone who is called exactly so, by name or alias."""
        return self._named.get(comparable_name(label), ())

    def called(self, label: str) -> Sequence[RosterEntry]:
        """Everyone whom a label may mean, as meeting tools write names.

        Whoever is called exactly so comes first; otherwise `Johnson, Emma`, `Emma J. (she/her)`,
        `Emma Johnson (Guest)` and `Zoe` for `Zoë` are understood. A first name alone is not.
        """
        parts = [part for part in label.split(",") if part.strip()]
        if len(parts) > 1 and all(map(self.named, parts)):
            return ()  # Several people.
        readings = [comparable_name(reading) for reading in readings_of(label)]
        for reading in readings:
            if named := self._named.get(reading):
                return named
        for reading in readings:
            words = reading.split()
            if found := self._short.get(plain_name(words)):
                return sorted(found, key=self.entries.index)
            if len(words) == 3 and (named := self._named.get(f"{words[0]} {words[-1]}")):  # noqa: PLR2004
                return named
        return ()

    def student(self, student_id: str) -> RosterEntry | None:
        """The student with this id."""
        return self._students.get(student_id.strip().lower())


def _list_of_entries(content: object) -> object:
    return content.get(list_key_of(content)) if isinstance(content, dict) else content


def list_key_of(document: Mapping[str, object]) -> str:
    """Under which name a document has the list of entries."""
    return next((key for key in _LISTS if key in document), _LISTS[0])


def id_in(entry: object) -> str | None:
    """The student's id in an entry as it is written."""
    written = entry if isinstance(entry, dict) else {}
    found = next((written[key] for key in _IDS if key in written), None)
    return found if isinstance(found, str) else None


_Entries = Annotated[
    tuple[RosterEntry, ...], AfterValidator(_not_empty), BeforeValidator(_list_of_entries)
]
_ENTRIES = TypeAdapter[tuple[RosterEntry, ...]](_Entries)


def read_roster(content: bytes) -> Roster:
    """Read a roster: a list of entries, or an object with that list as `student_roster`.

    An entry needs a name or an alias.

    Raises:
        UnusableTranscript: it is no such JSON; the message says in which entry and field.
    """
    try:
        entries = _ENTRIES.validate_json(content.removeprefix(codecs.BOM_UTF8))
    except ValidationError as refused:
        raise _unusable(validation_messages(refused)) from None
    for index, entry in enumerate(entries):
        if not (entry.names or entry.aliases):
            raise _unusable(f"`[{index}].names`: Everybody needs a name or an alias")
        if entry.role is SpeakerRole.STUDENT and not entry.student_id:
            raise _unusable(f"`[{index}].student_id`: A student needs one")
    times = Counter(entry.student_id for entry in entries)
    for index, entry in enumerate(entries):
        if entry.student_id and times[entry.student_id] > 1:
            raise _unusable(f"`[{index}].student_id`: Another entry has the same")
    return Roster(entries)


def _unusable(what: str) -> UnusableTranscript:
    return UnusableTranscript(
        ErrorCode.INVALID_ROSTER,
        f"The roster cannot be used: {what}. Fix it, and the session is read again.",
    )
