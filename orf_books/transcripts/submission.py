"""A class session as it is handed in: where it lies, what is declared of it, how large it may be.

Belongs here: keys, metadata and limits of a raw file. Does not belong here: what is in it
(`parsing.py`).
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from orf_books.keys import text_of_key
from orf_books.transcripts.problems import ErrorCode, UnusableTranscript
from orf_books.validation_messages import validation_messages

MAX_BYTES = 50 * 1024 * 1024
_LONGEST_NAME = 255
_RAW_KEY = re.compile(r"raw/([^/]+)/([^/]+)/([^/]+)")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class TranscriptFormat(StrEnum):
    """What a transcript is named as: the extension of its file.

    What is in it decides how it is read (`layout.py`): captions are often named `.txt`.
    """

    TXT = "txt"
    CSV = "csv"
    JSONL = "jsonl"
    VTT = "vtt"
    SRT = "srt"
    SBV = "sbv"
    DOCX = "docx"
    XLSX = "xlsx"
    JSON = "json"
    TSV = "tsv"
    MD = "md"


EXTENSIONS = ", ".join(f".{one}" for one in TranscriptFormat)
"""For messages."""


def _class_id(text: str) -> str:
    if "/" in text or ".." in text or not text.strip():
        raise PydanticCustomError("class_id", "Input should have no '/' and no '..'")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise PydanticCustomError("class_id", "Input should have no control characters")
    return text


def _iso_day(value: object) -> object:
    if isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise PydanticCustomError("day", "Input should be a date as YYYY-MM-DD")


@dataclass(frozen=True, slots=True)
class SessionMetadata:
    """What is declared of a session."""

    class_id: Annotated[str, Field(max_length=100), AfterValidator(_class_id)]
    day: Annotated[date, BeforeValidator(_iso_day), Field(validation_alias="date")]
    format: TranscriptFormat
    source: Annotated[str, Field(min_length=1, max_length=100)]
    """Where the transcript comes from: `Zoom`, `manual`."""


_METADATA = TypeAdapter(SessionMetadata)


def read_metadata(declared: Mapping[str, object]) -> SessionMetadata:
    """Read `class_id`, `date`, `format` and `source`, all of them required.

    Raises:
        UnusableTranscript: one is missing or invalid; the message says which.
    """
    try:
        return _METADATA.validate_python(declared)
    except ValidationError as refused:
        raise UnusableTranscript(
            ErrorCode.INVALID_METADATA,
            f"The metadata of the session cannot be used: {validation_messages(refused)}.",
        ) from None


def metadata_of_key(key: str, source: str) -> SessionMetadata:
    """What a key alone declares: `raw/<class>/<YYYY-MM-DD>/<name>.<extension>`.

    Raises:
        UnusableTranscript: it is no such key.
    """
    class_id, day, name = _parts(key)
    declared = {
        "class_id": class_id,
        "date": day,
        "format": _extension(name),
        "source": source,
    }
    try:
        return _METADATA.validate_python(declared)
    except ValidationError as refused:
        raise _invalid_key(validation_messages(refused)) from None


def check_key(key: str, metadata: SessionMetadata) -> None:
    """See that a key and the metadata say the same.

    Raises:
        UnusableTranscript: they do not, or it is no key of a raw file.
    """
    class_id, day, name = _parts(key)
    for field, in_key, declared in (
        ("class_id", class_id, metadata.class_id),
        ("date", day, metadata.day.isoformat()),
        ("format", _extension(name), metadata.format),
    ):
        if in_key != declared:
            raise UnusableTranscript(
                ErrorCode.KEY_MISMATCH,
                f"Its key has another {field} than its metadata. Correct one of them.",
            )


def refuse_by_size(size: int) -> None:
    """Refuse a file of so many bytes without reading it.

    Raises:
        UnusableTranscript: it is empty or larger than a session can be.
    """
    if not size:
        raise UnusableTranscript(ErrorCode.EMPTY_FILE, "The file is empty. Upload the transcript.")
    if size > MAX_BYTES:
        raise UnusableTranscript(
            ErrorCode.TOO_LARGE,
            f"The file has more than {MAX_BYTES // 1024**2} MiB. Upload one session a file.",
        )


def _parts(key: str) -> tuple[str, str, str]:
    found = _RAW_KEY.fullmatch(key)
    if not found:
        raise _invalid_key("its key is not of this form")
    class_id, day, name = found.groups()
    if len(name) > _LONGEST_NAME:
        raise _invalid_key(f"the name of the file has more than {_LONGEST_NAME} characters")
    return text_of_key(class_id), day, name


def _extension(name: str) -> str:
    return PurePosixPath(name).suffix.removeprefix(".").lower()


def _invalid_key(why: str) -> UnusableTranscript:
    return UnusableTranscript(
        ErrorCode.INVALID_KEY,
        f"Name it raw/<class>/<YYYY-MM-DD>/<name>.<{'|'.join(TranscriptFormat)}>; {why}.",
    )
