"""Text as a key: the characters that every store, table and page takes.

Belongs here: turning text into a key and back. Does not belong here: what keys are made from
(`orf_books/partition_keys.py`, `orf_books/object_keys.py`).
"""

from urllib.parse import quote, unquote

from orf_books.failures import FixInput

LONGEST_KEY = 200


def safe_key(text: str) -> str:
    """The text as a key: `[A-Za-z0-9._/:@-]`, everything else percent-encoded.

    Raises:
        FixInput: the text is empty, too long, no Unicode, or has empty, `.` or `..` segments.
    """
    try:
        key = quote(text, safe="/:@").replace("~", "%7E")
    except UnicodeEncodeError:  # Half a character, as of bytes that a terminal did not understand.
        raise FixInput("A key must be Unicode text; write it in UTF-8.") from None
    if len(key) > LONGEST_KEY:
        raise FixInput(f"A key may have {LONGEST_KEY} characters; this one has {len(key)}.")
    if any(segment in {"", ".", ".."} for segment in key.split("/")):
        raise FixInput("A key may be neither empty nor have empty, '.' or '..' segments.")
    return key


def text_of_key(key: str) -> str:
    """The text that `safe_key` made the key from."""
    return unquote(key)
