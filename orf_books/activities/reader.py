"""Who read, and when, as the record of an activity says it.

Belongs here: these two fields of `activity.json`. Does not belong here: all else in the record
(`activity.py`), and what a student's readings come to (`progress.py`).

Neither field is needed to rescore a reading. So a wrong one costs only itself: the reading is
listed, and belongs to no student.
"""

import codecs
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError, WrapValidator
from pydantic_core.core_schema import ValidatorFunctionWrapHandler

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _uuid_or_none(value: object) -> str | None:
    """A pseudonymous id, as on a roster. Anything else might be a name, and is not taken."""
    text = value.strip().lower() if isinstance(value, str) else ""
    return text if _UUID.fullmatch(text) else None


def _moment_or_none(value: Any, read: ValidatorFunctionWrapHandler) -> datetime | None:  # noqa: ANN401
    try:
        moment: datetime | None = read(value)
    except ValidationError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


@dataclass(frozen=True, slots=True)
class Reader:
    """Who read an activity, and when; None where the record does not say it."""

    student_id: Annotated[
        str | None,
        WrapValidator(lambda value, _: _uuid_or_none(value)),
        Field(validation_alias="studentId"),
    ] = None
    """Pseudonymous: a UUID in lower case."""
    read_at: Annotated[
        datetime | None, WrapValidator(_moment_or_none), Field(validation_alias="recordedAt")
    ] = None
    """With a time zone; UTC where the record names none."""


_READER = TypeAdapter(Reader)


def read_reader(record: bytes) -> Reader:
    """Who read, and when, from a record that `read_activity` takes."""
    return _READER.validate_json(record.removeprefix(codecs.BOM_UTF8))
