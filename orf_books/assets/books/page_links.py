"""Where the page of a library is, for whoever looks at Dagster's page.

Belongs here: a link that opens, or else the path. Does not belong here: which pages are served
(`orf_books/serve/api.py`).
"""

import re

from orf_books.object_keys import library_page_key
from orf_books.resources.storage import ObjectStorage

_SERVED = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Only libraries with such a name are served: whoever knows the name may see the page."""


def link_to_library(storage: ObjectStorage, serve_url: str | None, library: str) -> str:
    """In Markdown: a link where `orf-books serve` shows the page, else where it lies.

    Args:
        storage: with the page.
        serve_url: where `orf-books serve` is reached; None where nobody knows.
        library: its name.
    """
    key = library_page_key(library)
    if serve_url and _SERVED.fullmatch(library):
        return f"[{library}]({serve_url}/{key})"
    return f"`{storage.location(key)}`"
