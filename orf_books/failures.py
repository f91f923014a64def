"""What can go wrong, as types: one class for each thing that a caller can do about it.

Belongs here: the exception classes and the categories that failed items are counted by. Does not
belong here: deciding which HTTP status or which row is which failure; the module that meets it
knows best (`resources/http.py`, `books/exports/`).
"""

import copyreg
from enum import StrEnum
from typing import Any


class FailureCategory(StrEnum):
    """Why an item failed, as reports count it."""

    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    NETWORK = "network"
    BAD_RESPONSE = "bad_response"
    BAD_DATA = "bad_data"
    MISSING_AUDIO = "missing_audio"
    CRASH = "crash"


class OrfBooksError(Exception):
    """Base of every failure that this project raises on purpose.

    Messages name the item, the place and the remedy; they never hold secrets, people's names or
    what people wrote.
    """

    category: FailureCategory = FailureCategory.CRASH
    code: str | None = None
    """What exactly is wrong, where one category has several kinds."""

    def __reduce__(self) -> tuple[Any, ...]:
        """How it travels between processes: all of it; by default only its message would."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class RetryLater(OrfBooksError):
    """The other side cannot answer now: nothing is wrong with the item, so run it again later."""

    def __init__(self, message: str, category: FailureCategory) -> None:
        super().__init__(message)
        self.category = category


class FixInput(OrfBooksError):
    """The upload or the item is wrong, and will be until someone changes it."""

    category = FailureCategory.BAD_DATA


class FixConfiguration(OrfBooksError):
    """A setting, key or disk must be seen to: every item fails like this until somebody does."""

    category = FailureCategory.UNAVAILABLE


class DamagedStore(FixConfiguration):
    """What the platform itself stored cannot be read any more: repair it."""

    category = FailureCategory.BAD_DATA
