"""What the partition of an item is called, and what can be read from such a key.

Belongs here: what keys are made from, by kind of item. Does not belong here: which text may be a
key (`keys.py`), object keys (`object_keys.py`), the partition sets (`assets/*/step.py`).
"""

import hashlib
from datetime import date

from orf_books.books.exports.entries import LibraryEntry
from orf_books.keys import safe_key, text_of_key


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
