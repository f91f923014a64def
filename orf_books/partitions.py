"""The partition sets and their keys: one partition per item, added as uploads bring them.

Belongs here: which sets there are and how an item's key is made. Does not belong here: object
keys (`orf_books/object_keys.py`) and what is done with a partition.
"""

import hashlib
from collections.abc import Sequence
from urllib.parse import quote, unquote

import dagster as dg
import stamina
from sqlalchemy.exc import IntegrityError

from orf_books.books.goodreads_csv import LibraryEntry
from orf_books.failures import FixInput

books = dg.DynamicPartitionsDefinition(name="books")

LONGEST_KEY = 200
KEYS_AT_ONCE = 10_000
"""Databases limit the parameters of one statement."""


def partition_key(text: str) -> str:
    """The text as a key: `[A-Za-z0-9._/:@-]`, everything else percent-encoded.

    Raises:
        FixInput: the text is empty, too long, or has empty, `.` or `..` segments.
    """
    key = quote(text, safe="/:@").replace("~", "%7E")
    if len(key) > LONGEST_KEY:
        raise FixInput(f"A key may have {LONGEST_KEY} characters; this one has {len(key)}.")
    if any(segment in {"", ".", ".."} for segment in key.split("/")):
        raise FixInput("A key may be neither empty nor have empty, '.' or '..' segments.")
    return key


def text_of_partition_key(key: str) -> str:
    """The text that `partition_key` made the key from."""
    return unquote(key)


def book_key(entry: LibraryEntry) -> str:
    """The partition of an entry's book: its Goodreads Book Id, shared by all libraries.

    Edited exports may lack the id: then the ISBN, or else a digest of title and author.
    """
    if entry.goodreads_id:
        return partition_key(entry.goodreads_id)
    if entry.isbn13:
        return partition_key(f"isbn:{entry.isbn13}")
    words = f"{entry.title}\n{entry.author}".casefold()
    return partition_key(f"title:{hashlib.sha256(words.encode()).hexdigest()[:16]}")


def register(
    instance: dg.DagsterInstance, partitions: dg.DynamicPartitionsDefinition, keys: Sequence[str]
) -> None:
    """Add the keys that the set does not have yet; runs that do so at once do not disturb."""
    unique = list(dict.fromkeys(keys))
    for start in range(0, len(unique), KEYS_AT_ONCE):
        # Two runs may both find a key missing; the one that comes second finds it the next time.
        for attempt in stamina.retry_context(on=IntegrityError, wait_initial=0.02):
            with attempt:
                instance.add_dynamic_partitions(
                    str(partitions.name), unique[start : start + KEYS_AT_ONCE]
                )
