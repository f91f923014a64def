"""What can be wrong with a transcript: codes of warnings, and why a file is refused.

Belongs here: codes and how they are told. Does not belong here: noticing them; the module that
reads the part knows best.
"""

from collections.abc import Sequence
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
    AMBIGUOUS_LABEL = "ambiguous_label"
    """Several people on the roster are called so."""
    UNLINKED_LABEL = "unlinked_label"
    """`Student A` or `Speaker 2`, and no alias says who that is."""
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
    NOT_UTF8 = "not_utf8"
    MISSING_COLUMNS = "missing_columns"
    NO_UTTERANCES = "no_utterances"
    TOO_MANY_WARNINGS = "too_many_warnings"


class UnusableTranscript(FixInput):
    """A session cannot be read, and will not be until someone changes what was handed in."""

    code: ErrorCode

    def __init__(self, code: ErrorCode, message: str, warnings: Sequence[LineWarning] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.warnings = tuple(warnings)
        """What is wrong in its lines, as far as they were read."""
