"""What can be wrong with a transcript: codes of warnings, and why a file is refused.

Belongs here: codes, and how people are told about them. Does not belong here: finding them; the
module that reads the part knows best.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orf_books.failures import FixInput


class WarningCode(StrEnum):
    """What is wrong in one line of a file that can be used."""

    BAD_JSON = "bad_json"
    NOT_AN_OBJECT = "not_an_object"
    MALFORMED_ROW = "malformed_row"
    """Quotation marks that contradict each other, or one that is never closed."""
    SHORT_ROW = "short_row"
    LONG_ROW = "long_row"
    """More cells than the header: a comma in the text, and no quotation marks around it."""
    MISSING_SPEAKER = "missing_speaker"
    MISSING_TEXT = "missing_text"
    INVALID_TEXT = "invalid_text"
    """Characters that no database takes: NUL, halves of surrogate pairs."""
    BAD_TIMESTAMP = "bad_timestamp"
    TIME_GOES_BACK = "time_goes_back"
    DUPLICATE_LINE = "duplicate_line"
    LABEL_NOT_ON_ROSTER = "label_not_on_roster"
    GROUP_LABEL = "group_label"
    """`All`, `Students`, `Emma and Liam`: nobody's words in particular."""
    AMBIGUOUS_LABEL = "ambiguous_label"
    """Several people on the roster are called so."""
    UNLINKED_LABEL = "unlinked_label"
    """`Student 3` or `SPEAKER_02`, and no alias on the roster says who that is."""
    UNKNOWN_STUDENT_ID = "unknown_student_id"
    CONTRADICTORY_SPEAKER = "contradictory_speaker"
    """The label is the name of someone other than the student with the given id."""
    NOT_ENGLISH = "not_english"


@dataclass(frozen=True, slots=True, order=True)
class LineWarning:
    """Something wrong in one line. It never quotes the line."""

    line: int
    """Physical line of the raw file, from 1."""
    code: WarningCode


class ErrorCode(StrEnum):
    """Why a file as a whole cannot be used."""

    INVALID_KEY = "invalid_key"
    MISSING_FILE = "missing_file"
    INVALID_METADATA = "invalid_metadata"
    KEY_MISMATCH = "key_mismatch"
    """The key names another class, day or format than the metadata."""
    INVALID_ROSTER = "invalid_roster"
    TOO_LARGE = "too_large"
    EMPTY_FILE = "empty_file"
    NOT_TEXT = "not_text"
    """It is neither text nor a document that can be read."""
    MISSING_COLUMNS = "missing_columns"
    NO_UTTERANCES = "no_utterances"
    NOT_ATTRIBUTED = "not_attributed"
    """Next to nothing of it can be attributed to anybody."""

    @classmethod
    def _missing_(cls, value: object) -> "ErrorCode | None":
        # Tables still hold codes of earlier versions.
        earlier = {"not_utf8": cls.NOT_TEXT, "too_many_warnings": cls.NOT_ATTRIBUTED}
        return earlier.get(str(value))


_CAUSES: Mapping[WarningCode, str] = {
    WarningCode.BAD_JSON: "not valid JSON",
    WarningCode.NOT_AN_OBJECT: "JSON, but not an object",
    WarningCode.MALFORMED_ROW: "quotation marks that do not match",
    WarningCode.SHORT_ROW: "fewer cells than the header",
    WarningCode.LONG_ROW: "more cells than the header",
    WarningCode.MISSING_SPEAKER: "no speaker",
    WarningCode.MISSING_TEXT: "no text",
    WarningCode.INVALID_TEXT: "characters that cannot be stored",
    WarningCode.BAD_TIMESTAMP: "a time that cannot be read",
    WarningCode.TIME_GOES_BACK: "a time before the previous one",
    WarningCode.DUPLICATE_LINE: "a repeated line",
    WarningCode.LABEL_NOT_ON_ROSTER: "a label that is not on the roster",
    WarningCode.GROUP_LABEL: "the label of a group",
    WarningCode.AMBIGUOUS_LABEL: "a label that several people on the roster have",
    WarningCode.UNLINKED_LABEL: "a label such as `Student 3` without an alias on the roster",
    WarningCode.UNKNOWN_STUDENT_ID: "an id that is not on the roster",
    WarningCode.CONTRADICTORY_SPEAKER: "the label of one person and the id of another",
    WarningCode.NOT_ENGLISH: "another language than English",
}
_LINES_NAMED = 3


class UnusableTranscript(FixInput):
    """A session cannot be read, and will not be until someone changes what was handed in."""

    code: ErrorCode

    def __init__(self, code: ErrorCode, message: str, warnings: Sequence[LineWarning] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.warnings = tuple(warnings)
        """What is wrong in its lines, as far as they were read."""


def causes_of(warnings: Sequence[LineWarning]) -> str:
    """Which causes there are, the most frequent first, each with its count and first lines."""
    lines: defaultdict[WarningCode, set[int]] = defaultdict(set)
    for warning in warnings:
        lines[warning.code].add(warning.line)
    by_count = sorted(lines.items(), key=lambda cause: (-len(cause[1]), cause[0]))
    return "; ".join(
        f"{len(found)} with {_CAUSES[code]} ({_first(found)})" for code, found in by_count
    )


def _first(lines: set[int]) -> str:
    first = ", ".join(map(str, sorted(lines)[:_LINES_NAMED]))
    return f"line{'s' * (len(lines) > 1)} {first}{', ...' * (len(lines) > _LINES_NAMED)}"
