"""The partition sets and their keys: one partition per item, added as uploads bring them.

Belongs here: which sets there are, and what an item's key is made from. Does not belong here: which
text may be a key (`orf_books/keys.py`), object keys (`orf_books/object_keys.py`), and what is done
with a partition.
"""

import hashlib
from collections.abc import Sequence
from datetime import date

import dagster as dg
import stamina
from sqlalchemy.exc import IntegrityError

from orf_books.books.exports.entries import LibraryEntry
from orf_books.keys import safe_key, text_of_key

books = dg.DynamicPartitionsDefinition(name="books")
activities = dg.DynamicPartitionsDefinition(name="activities")
sessions = dg.DynamicPartitionsDefinition(name="sessions")

KEYS_AT_ONCE = 10_000
"""Databases limit the parameters of one statement."""


def book_key(entry: LibraryEntry) -> str:
    """The partition of an entry's book: its Goodreads Book Id, shared by all libraries.

    Edited exports may lack the id: then the ISBN, or else a digest of title and author.
    """
    if entry.goodreads_id:
        return safe_key(entry.goodreads_id)
    if entry.isbn13:
        return safe_key(f"isbn:{entry.isbn13}")
    words = f"{entry.title}\n{entry.author}".casefold()
    return safe_key(f"title:{hashlib.sha256(words.encode()).hexdigest()[:16]}")


def activity_key(activity_id: str) -> str:
    """The partition of an activity: its id.

    Raises:
        FixInput: the id cannot be a key.
    """
    return safe_key(activity_id)


def session_key(class_id: str, day: date, raw_file: str) -> str:
    """The partition of a session: class, day, and a digest of where its raw file lies.

    Files are named by people, who may name children.

    Raises:
        FixInput: the class cannot be part of a key.
    """
    digest = hashlib.sha256(raw_file.encode()).hexdigest()[:12]
    return safe_key(f"{class_id}/{day.isoformat()}/{digest}")


def class_of_session(key: str) -> str:
    """The class in the partition of a session."""
    return text_of_key(key).split("/")[0]


def day_of_session(key: str) -> date:
    """The day in the partition of a session."""
    return date.fromisoformat(key.split("/")[1])


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
