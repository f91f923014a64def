"""Roster entries for labels that no roster has yet, to be filled in by whoever knows the class.

Belongs here: which labels need an entry, and of whom they may be further names. Does not belong
here: files (`orf_books/commands/suggest_roster.py`). What is suggested holds names.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import uuid4

from orf_books.transcripts.name_variants import readings_of
from orf_books.transcripts.problems import WarningCode
from orf_books.transcripts.roster import Roster, RosterEntry, comparable_name
from orf_books.transcripts.speaker_labels import looks_like_speaker
from orf_books.transcripts.speakers import Speakers, is_generic_label
from orf_books.transcripts.turns import Row, read_turns
from orf_books.transcripts.utterance import SpeakerRole

_NEEDS_ENTRY = (WarningCode.LABEL_NOT_ON_ROSTER, WarningCode.UNLINKED_LABEL)


class _AnyLabel:
    """Takes for a label what is one, or looks like one."""

    def __init__(self, speakers: Speakers) -> None:
        self._speakers = speakers

    def is_label(self, label: str) -> bool:
        return self._speakers.is_label(label) or looks_like_speaker(label)

    def is_without_consent(self, label: str) -> bool:
        return self._speakers.is_without_consent(label)


def suggest_entries(sessions: Iterable[Sequence[Row]], roster: Roster) -> list[RosterEntry]:
    """Suggest entries for the labels in some sessions, the most frequent label first.

    They are new people, without consent, and people of the roster with a further alias.

    Args:
        sessions: the rows of each.
        roster: of the class, as far as there is one.
    """
    counts, written = Counter[str](), dict[str, str]()
    for rows in sessions:
        speakers = Speakers(roster)
        for turn in read_turns(rows, _AnyLabel(speakers)).turns:
            if turn.student_id is None and speakers.speaker_of(turn).warning in _NEEDS_ENTRY:
                *_, whole = readings_of(turn.label)
                name = comparable_name(whole)
                counts[name] += 1
                written.setdefault(name, turn.label.strip())
    entries: dict[str | None, RosterEntry] = {}
    for name, _ in counts.most_common():
        entry = _with_label(written[name], entries, roster)
        entries[entry.student_id] = entry
    return list(entries.values())


def _with_label(label: str, entries: dict[str | None, RosterEntry], roster: Roster) -> RosterEntry:
    *_, whole = readings_of(label)
    namesakes = [entry for entry in roster.entries if _may_be(entry, whole)]
    if len(namesakes) == 1 and namesakes[0].student_id:
        entry = entries.get(namesakes[0].student_id, namesakes[0])
        return replace(entry, aliases=(*entry.aliases, label))
    student_id = str(uuid4())
    if is_generic_label(label):
        return RosterEntry((), student_id, (label,))
    return RosterEntry((whole,), student_id)


def _may_be(entry: RosterEntry, name: str) -> bool:
    """Whether a name is the first one of somebody, alone: the roster decides that, not we."""
    words = comparable_name(name).split()
    firsts = {comparable_name(one).split()[0] for one in (*entry.names, *entry.aliases)}
    return entry.role is SpeakerRole.STUDENT and len(words) == 1 and words[0] in firsts
