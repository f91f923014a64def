"""A JSON document as rows: what meeting tools and speech recognisers write.

Recognisers list segments with a speaker (Whisper, AssemblyAI, Azure), single words with one
(Deepgram, Google, Amazon, Speechmatics), or words below a speaker (Rev). Pandas writes columns, or
an object for each row.

Belongs here: finding the list that holds what was said, and joining words. Does not belong here:
what keys are called (`columns.py`), lines of JSON (`jsonl_format.py`).
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TypeAlias

from orf_books.transcripts.columns import (
    SPEAKER,
    SPEAKER_ROLE,
    STUDENT_ID,
    TEXT,
    TIMESTAMP,
    columns_of,
    time_of,
)

_DEEPEST = 10
"""Levels below the document at which its list is looked for."""
_ALTERNATIVES = ("alternatives", "nBest")
"""What a recogniser may have heard, the likeliest first; only that counts."""
_MOST_OF_A_WORD = 1.2
"""Words in a text, on average, if a list is one of single words."""
_SLOWEST_SPEECH = 0.01
"""Words a second. Whole numbers that say so are milliseconds."""
_LONGEST = 10**9
"""Milliseconds of a session."""

_MARKS = ".,;:!?\u2026 "
"""Of punctuation, which some recognisers list like words."""

_Path: TypeAlias = tuple[str, ...]
"""Keys that lead to a list, without the places within other lists."""


@dataclass(frozen=True, slots=True)
class _Said:
    """An object that has a text."""

    text: str = field(repr=False)
    speaker: object = field(default=None, repr=False)
    timestamp: object = None
    others: tuple[tuple[str, object], ...] = field(default=(), repr=False)
    """Its student's id and the role of who speaks."""

    @property
    def as_line(self) -> str:
        """A line of JSON."""
        read = {SPEAKER: self.speaker, TEXT: self.text, TIMESTAMP: self.timestamp} | dict(
            self.others
        )
        return f"{json.dumps({key: value for key, value in read.items() if value is not None})}\n"


def lines_of_document(text: str) -> str | None:
    """A JSON document as an object a line, with nothing but what is read of it.

    None where the text is no document with a list of objects that have a text.
    """
    try:
        document = _by_rows(json.loads(text))
        lists: defaultdict[_Path, list[list[_Said]]] = defaultdict(list)
        for path, said in _lists(document, (), None):
            lists[path].append(said)
    except (ValueError, RecursionError):
        return None
    candidates = [_of_one_path(found) for _, found in sorted(lists.items(), key=_depth)]
    if not candidates:
        return None
    # Segments say more clearly than words what belongs together, and speakers more than channels.
    chosen = min(
        candidates,
        key=lambda said: (not _has_speakers(said), _is_of_words(said), -_count_speakers(said)),
    )
    if _is_of_words(chosen):
        chosen = list(_joined(chosen))
    return "".join(one.as_line for one in _in_seconds(chosen))


def _by_rows(document: object) -> object:
    """What pandas writes by column or by number, as a list of objects."""
    if not isinstance(document, dict) or not document:
        return document
    values = list(document.values())
    if all(isinstance(value, dict) and TEXT in columns_of(value) for value in values):
        return values
    columns = columns_of(document)
    lists = {
        key: list(value.values()) if isinstance(value, dict) else value
        for key, value in document.items()
        if key in columns.values() and isinstance(value, list | dict)
    }
    is_table = columns.get(TEXT) in lists and columns.get(SPEAKER) in lists
    if not is_table or len({len(one) for one in lists.values()}) > 1:
        return document
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def _lists(value: object, path: _Path, speaker: object) -> Iterator[tuple[_Path, list[_Said]]]:
    """Lists of objects with a text below a value, and where they are.

    Args:
        value: of the document.
        path: to the value.
        speaker: of the segment that the value is a part of.
    """
    if len(path) > _DEEPEST:
        return
    if isinstance(value, list):
        members = value[:1] if path and path[-1] in _ALTERNATIVES else value
        read = [_said(one, speaker) for one in members]
        if any(read):
            yield path, [one or _Said("") for one in read]
        for one in members:
            own = one.get(columns_of(one).get(SPEAKER)) if isinstance(one, dict) else None
            has_own = isinstance(own, str | int) and not any(read)
            yield from _lists(one, (*path, ""), own if has_own else speaker)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _lists(inner, (*path, key), speaker)


def _said(value: object, speaker: object) -> _Said | None:
    """What an object says; None where it has no text."""
    if not isinstance(value, dict):
        return None
    likeliest = next(
        (
            of[0]
            for name in _ALTERNATIVES
            if isinstance(of := value.get(name), list) and of and isinstance(of[0], dict)
        ),
        {},
    )
    fields: Mapping[str, object] = likeliest | value
    columns = columns_of(fields)
    text = fields.get(columns.get(TEXT, TEXT))
    if not isinstance(text, str):
        return None
    others = ((key, fields[columns[key]]) for key in (STUDENT_ID, SPEAKER_ROLE) if key in columns)
    own = fields.get(columns.get(SPEAKER, SPEAKER))
    return _Said(text, speaker if own is None else own, time_of(fields, columns), tuple(others))


def _depth(found: tuple[_Path, object]) -> int:
    return len(found[0])


def _of_one_path(lists: Sequence[list[_Said]]) -> list[_Said]:
    """What stands in all lists at the same place in a document."""
    *others, last = lists
    # Google's last result has all words once more, and only there each has a speaker.
    if _has_speakers(last) and not any(map(_has_speakers, others)):
        return last
    return [said for of_list in lists for said in of_list]


def _has_speakers(said: Sequence[_Said]) -> bool:
    return any(one.speaker is not None for one in said)


def _count_speakers(said: Sequence[_Said]) -> int:
    return len({json.dumps(one.speaker) for one in said if one.speaker is not None})


def _is_of_words(said: Sequence[_Said]) -> bool:
    spoken = [len(one.text.split()) for one in said if not _is_mark(one)]
    return sum(spoken) <= _MOST_OF_A_WORD * len(spoken)


def _is_mark(said: _Said) -> bool:
    return not said.text.strip(_MARKS)


def _joined(words: Sequence[_Said]) -> Iterator[_Said]:
    """One for each speaker's words in a row; marks stand right behind the word before them."""
    has_spaces = any(one.text[:1].isspace() for one in words)
    for _, of_speaker in groupby(words, key=lambda one: json.dumps(one.speaker)):
        first, *others = of_speaker
        text = first.text + "".join(
            one.text if has_spaces or _is_mark(one) else f" {one.text}" for one in others
        )
        times = (one.timestamp for one in (first, *others) if one.timestamp is not None)
        yield replace(first, text=text, timestamp=next(times, None))


def _in_seconds(said: Sequence[_Said]) -> Sequence[_Said]:
    times = [one.timestamp for one in said if one.timestamp is not None]
    whole = [time for time in times if isinstance(time, int) and 0 <= time < _LONGEST]
    words = sum(len(one.text.split()) for one in said)
    if len(whole) < len(times) or not whole or words > _SLOWEST_SPEECH * max(whole):
        return said
    return [
        replace(one, timestamp=one.timestamp / 1000) if isinstance(one.timestamp, int) else one
        for one in said
    ]
