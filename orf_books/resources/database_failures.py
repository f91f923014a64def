"""What errors of a database mean, for a caller who can do something about them.

Belongs here: telling what passes from what somebody must see to, by the database's own codes. Does
not belong here: opening databases (`database.py`, `ledger.py`). The driver's own words stay here,
for they quote rows and addresses.
"""

from sqlalchemy.exc import DBAPIError, OperationalError

from orf_books.failures import FailureCategory, FixConfiguration, OrfBooksError, RetryLater

_PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR")
_FULL = ("SQLITE_FULL", "53100")
_READ_ONLY = ("SQLITE_READONLY", "25006")
_REFUSALS = ("authentication failed", "does not exist", "pg_hba.conf", "permission denied")
"""What Postgres tells those it does not let in; there is a code only once there is a connection."""


def failure_of(error: DBAPIError, place: str) -> OrfBooksError:
    """What a caller can do about it.

    Args:
        error: what the driver raised.
        place: which database it is, as a sentence begins; without user and password.
    """
    cause = error.orig
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or ""
    place = f"{place} ({code})" if code else place
    if code.startswith(_FULL):
        return RetryLater(
            f"{place} is full: free space on its disk, or give it a larger one.",
            FailureCategory.UNAVAILABLE,
        )
    if code.startswith(_READ_ONLY):
        return FixConfiguration(
            f"{place} can only be read: name the primary server, or a file that can be written."
        )
    if code.startswith("SQLITE"):
        is_passing = code.startswith(_PASSING)
    else:
        is_refused = not code and any(words in str(cause) for words in _REFUSALS)
        is_passing = isinstance(error, OperationalError) and not is_refused
    if is_passing or error.connection_invalidated:
        return RetryLater(f"{place} does not answer.", FailureCategory.UNAVAILABLE)
    return FixConfiguration(
        f"{place} refuses access: check its name, the user, the password and the permissions."
    )
