"""Object keys of the store that people and other programs know.

Belongs here: making and reading these keys. Does not belong here: what lies under them, and
partition keys (`orf_books/partitions.py`).
"""

import re
from pathlib import PurePosixPath

from orf_books.keys import safe_key, text_of_key

UPLOADS = "uploads/"
INDEX_PAGE = "dashboard.html"
_HALF_DONE = re.compile(r"(^|/)[.~]|\.(tmp|part|partial|crdownload)$|~$", re.IGNORECASE)


def library_name(text: str) -> str:
    """A library's name as it stands in keys: one segment, odd characters percent-encoded.

    A name that is encoded already stays as it is, so people may use the one that reports print.

    Raises:
        FixInput: the text cannot name a library.
    """
    return safe_key(text_of_key(text.strip())).replace("/", "%2F")


def library_of_upload(key: str) -> str:
    """The library that an upload belongs to: its folder, or for a bare file its name.

    Raises:
        FixInput: the folder or file cannot name a library.
    """
    path = PurePosixPath(key.removeprefix(UPLOADS))
    return library_name(path.parts[0] if len(path.parts) > 1 else path.stem)


def is_upload(key: str) -> bool:
    """Whether an object is meant as an upload: below `uploads/`, not hidden, not half written."""
    return key.startswith(UPLOADS) and not _HALF_DONE.search(key.removeprefix(UPLOADS))


def upload_key(library: str) -> str:
    """Where the command line puts a library's export."""
    return f"{UPLOADS}{library}/raw.csv"


def library_data_key(library: str) -> str:
    """The dashboard JSON of a library."""
    return f"data/{library}.json"


def library_page_key(library: str) -> str:
    """The dashboard page of a library."""
    return f"data/{library}.html"


def rejected_key(upload: str) -> str:
    """Where a refused upload is copied to."""
    return f"rejected/{upload.removeprefix(UPLOADS)}"


def rejection_reason_key(upload: str) -> str:
    """Why an upload was refused, beside its copy."""
    return f"{rejected_key(upload)}.error.json"
