"""Every character there is, in every id that people choose.

Each try is a character in the name of a library, a class, an activity, a student and a book, alone,
in the middle and twice. The id is refused with a reason, or its key is plain, leads back to the id,
is shared by no other id, and leads to no place outside the store.
"""

import unicodedata
from collections.abc import Callable
from datetime import date
from pathlib import PurePosixPath

from chaos.counting import Attack, Tally
from chaos.ground import Ground
from orf_books.failures import FixInput
from orf_books.keys import safe_key
from orf_books.object_keys import (
    activity_folder,
    class_folder,
    export_key,
    library_name,
    student_page_key,
)
from orf_books.partition_keys import activity_key, session_key
from orf_books.resources.storage import ObjectStorage

PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/:@%-")
COMMON = 0x10000
"""Every character below is tried, and of those above each 256th."""
STEP = 256
MONDAY = date(2026, 3, 2)

KEYS: dict[str, Callable[[str], str]] = {
    "library": lambda text: export_key(library_name(text)),
    "class": class_folder,
    "session": lambda text: session_key(text, MONDAY, "raw.txt"),
    "activity": activity_key,
    "folder of an activity": activity_folder,
    "student": lambda text: student_page_key("5B", text),
    "book": safe_key,
}
STORED_EVERY = 997
"""Of the characters, as many are tried in a folder, too."""


def odd_characters(ground: Ground, tally: Tally, tries: int) -> None:
    """Try so many characters in the order of their code."""
    storage = ObjectStorage(ground.place("store").as_uri())
    outside = set(ground.folder.iterdir())
    for number in ground.tries(tally, tries):
        character = chr(number if number < COMMON else COMMON + (number - COMMON) * STEP)
        for kind, key_of in KEYS.items():
            try_character(tally, kind, key_of, character)
        if number % STORED_EVERY == 0:
            _store(tally, storage, character)
    tally.check(
        holds=set(ground.folder.iterdir()) == outside, wrong="something lies outside the store"
    )


def try_character(tally: Tally, kind: str, key_of: Callable[[str], str], character: str) -> None:
    """Count what is wrong with the keys of ids that hold a character."""
    keys: dict[str, str] = {}
    for text in (character, f"a{character}b", f"{character}{character}", f"../{character}"):
        what = f"{kind}, U+{ord(character):04X}"
        try:
            key = key_of(text)
        except FixInput:
            continue
        except Exception as error:  # noqa: BLE001 - an error that is no refusal
            tally.wrong.append(f"{what}: {type(error).__name__}")
            continue
        inside = ".." not in key.split("/") and not PurePosixPath(key).is_absolute()
        tally.check(holds=PLAIN.issuperset(key), wrong=f"{what}: {key!r} is not plain")
        tally.check(holds=inside, wrong=f"{what}: {key!r} leads outside")
        other = keys.setdefault(key, text)
        same = unicodedata.normalize("NFC", other.strip()) == text.strip() or other == text
        tally.check(holds=same, wrong=f"{what}: {key!r} is of {other!r} and {text!r}")


def _store(tally: Tally, storage: ObjectStorage, character: str) -> None:
    try:
        key = export_key(library_name(f"x{character}"))
    except FixInput:
        return
    content = character.encode(errors="replace")
    storage.put(key, content)
    if storage.get(key) != content or key not in {found.key for found in storage.list("uploads/")}:
        tally.lost.append(f"library, U+{ord(character):04X}: {key!r} is not found again")
    storage.delete(key)


EVERY = COMMON + (0x110000 - COMMON) // STEP
ATTACKS = (
    Attack(
        "every character in every id", odd_characters, tries=EVERY, short_tries=0x1000, share=0.3
    ),
)
