"""Which column of a table, or key of a record, holds what.

Belongs here: what schools' programs and meeting tools call the same thing. Does not belong here:
tables (`csv_format.py`) and records (`jsonl_format.py`) themselves.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from orf_books.transcripts.problems import LineWarning, WarningCode
from orf_books.transcripts.turns import Row

SPEAKER, TEXT, TIMESTAMP = "speaker", "text", "timestamp"
STUDENT_ID, SPEAKER_ROLE = "student_id", "speaker_role"

_MILLISECONDS = (
    *("start ms", "start millis", "start milliseconds", "start time ms", "time ms", "timestamp ms"),
    *("offset ms", "offset millis", "offset milliseconds", "startms", "begin ms"),
)
_FIRST_NAME = ("first name", "given name", "forename", "first")
_LAST_NAME = ("last name", "family name", "surname", "last")
"""Beside a first name."""
_NAMES: Mapping[str, Sequence[str]] = {
    # The first that is there counts.
    SPEAKER: (
        "speaker",
        "speaker name",
        "speaker names",
        "speaker label",
        "speaker display name",
        "speaker tag",
        "speakers",
        "spk",
        "participant",
        "name",
        "names",
        "full name",
        "display name",
        "user name",
        "username",
        "participant name",
        "student name",
        "speaker id",
        "who",
        "said by",
        "spoken by",
        "talker",
        "person",
        "user",
        "attendee",
        "author",
        "from",
        "student",
        "users",
        *_FIRST_NAME,
        "role",
        "channel",
    ),
    TEXT: (
        "text",
        "transcript",
        "transcript text",
        "transcription",
        "utterance",
        "utterances",
        "sentence",
        "sentences",
        "spoken text",
        "content",
        "contents",
        "caption",
        "captions",
        "dialogue",
        "dialog",
        "speech",
        "talk",
        "message",
        "statement",
        "words",
        "what was said",
        "said",
        "line",
        "turn text",
        "comment",
        "body",
        "utt",
        "display",
        "value",
        "punctuated word",
        "word",
    ),
    TIMESTAMP: (
        "timestamp",
        "time stamp",
        "timestamps",
        "start time",
        "start",
        "starts at",
        "begin",
        "begin time",
        "time",
        "time in",
        "timecode",
        "time code",
        "start s",
        "start sec",
        "start seconds",
        "offset",
        "time s",
        "elapsed",
        "elapsed time",
        "start timestamp",
        "start offset",
        "ts",
        "from time",
        "in",
        "t0",
        *_MILLISECONDS,
    ),
    STUDENT_ID: ("student id", "studentid"),
    SPEAKER_ROLE: ("speaker role", "role"),
}
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_APART = re.compile(r"[\W_]+")
_REMARK = re.compile(r"(?<=\S)\s*[(\[][^()\[\]]*[)\]]\s*$")


def columns_of(names: Iterable[str]) -> Mapping[str, str]:
    """Our name of each field to the name that it has here; fields that are missing have none."""
    return _columns(tuple(names))


@lru_cache(maxsize=1024)
def _columns(names: tuple[str, ...]) -> Mapping[str, str]:
    comparable = {_comparable(_REMARK.sub("", name)): name for name in reversed(names)}
    comparable |= {_comparable(name): name for name in reversed(names)}
    found = {
        field: comparable[known[0]]
        for field, called in _NAMES.items()
        if (known := [name for name in called if name in comparable])
    }
    if found.get(SPEAKER) == found.get(SPEAKER_ROLE):
        found.pop(SPEAKER_ROLE, None)
    return found


def row_of_record(
    line: int, record: Mapping[str, object], columns: Mapping[str, str]
) -> Row | LineWarning:
    """The row that a table row or a record stands for, or why there is none."""
    label = _label_of(record, columns)
    text = record.get(columns.get(TEXT, TEXT))
    if not isinstance(text, str) or not text.strip():
        return LineWarning(line, WarningCode.MISSING_TEXT if label else WarningCode.MISSING_SPEAKER)
    student_id, role = (
        _as_written(record.get(columns.get(field, field))) for field in (STUDENT_ID, SPEAKER_ROLE)
    )
    return Row(line, text, label, _as_written(time_of(record, columns)), student_id, role)


def time_of(record: Mapping[str, object], columns: Mapping[str, str]) -> object:
    """The time of a record as it stands there, or in seconds where its name says milliseconds."""
    name = columns.get(TIMESTAMP, TIMESTAMP)
    time = record.get(name)
    if _comparable(name) not in _MILLISECONDS or isinstance(time, bool):
        return time
    try:
        return float(time) / 1000 if isinstance(time, int | float | str) else time
    except (ValueError, OverflowError):
        return time


def _label_of(record: Mapping[str, object], columns: Mapping[str, str]) -> str | None:
    name = columns.get(SPEAKER, SPEAKER)
    label = _label(record.get(name))
    if label is None or _comparable(name) not in _FIRST_NAME:
        return label
    lasts = (record[key] for key in record if _comparable(key) in _LAST_NAME)
    return " ".join([label.strip(), *(last.strip() for last in lasts if isinstance(last, str))])


def _label(value: object) -> str | None:
    match value:
        case str():
            return value if value.strip() else None
        case bool() | float():
            return None
        case int():
            return f"Speaker {value}"
        case dict():
            names = columns_of([name for name in value if isinstance(name, str)])
            return _label(value.get(names.get(SPEAKER, SPEAKER)))
        case [dict(), *_]:
            labels = [label for one in value if (label := _label(one))]
            return " and ".join(labels) or None
        case _:
            return None


def _comparable(name: str) -> str:
    return _APART.sub(" ", _CAMEL.sub(" ", name)).strip().casefold()


def _as_written(value: object) -> str | None:
    return None if value is None else str(value).strip() or None
