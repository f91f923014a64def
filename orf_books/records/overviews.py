"""The pages over all things of a kind, and which of them lie in a store.

Belongs here: what they are called and where they lie. Does not belong here: what is on them.
"""

from orf_books.object_keys import ACTIVITIES_PAGE, CLASSES_PAGE, LIBRARIES_PAGE, OVERVIEW_PAGE
from orf_books.pages.parts import Overview
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage

_OVERVIEWS = (
    Overview("Overview", OVERVIEW_PAGE),
    Overview("Reading libraries", LIBRARIES_PAGE),
    Overview("Reading activities", ACTIVITIES_PAGE),
    Overview("Classes", CLASSES_PAGE),
)


def overviews_beside(storage: ObjectStorage, page: str) -> list[Overview]:
    """Those that are there, but for one of them, by its key."""
    return [
        overview
        for overview in _OVERVIEWS
        if overview.address != page and _is_there(storage, overview.address)
    ]


def _is_there(storage: ObjectStorage, key: str) -> bool:
    try:
        storage.head(key)
    except ObjectNotFoundError:
        return False
    return True
