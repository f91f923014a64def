"""Educators' corrections, as they lie in the store: `corrections/<class>/<date>/<id>.json`.

Belongs here: writing and finding these objects. Does not belong here: what a correction means
(`orf_books/transcripts/corrections.py`), the table that mirrors them (`resources/database.py`).

Each is an object of its own and is never changed: a later one about the same utterance counts
instead. Whoever deletes a student deletes the objects with the student's id.
"""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from pydantic import TypeAdapter, ValidationError

from orf_books.failures import FixInput
from orf_books.object_keys import CORRECTIONS, session_output_key, session_outputs_folder
from orf_books.partition_keys import day_of_session
from orf_books.resources.storage import ObjectStorage
from orf_books.transcripts.corrections import Correction

READ_AT_ONCE = 16
"""Objects of a store that may be far away."""
_CORRECTION = TypeAdapter(Correction)


def put_corrections(storage: ObjectStorage, corrections: Iterable[Correction]) -> None:
    """Store corrections; the same one twice is one."""
    for correction in corrections:
        key = session_output_key(
            CORRECTIONS,
            correction.class_id,
            day_of_session(correction.session),
            correction.correction_id,
        )
        storage.put(key, _CORRECTION.dump_json(correction) + b"\n")


def corrections_of(storage: ObjectStorage, class_id: str | None = None) -> list[Correction]:
    """The corrections of a class, or of all classes.

    Raises:
        FixInput: an object is no correction.
    """
    folder = (
        f"{CORRECTIONS}/" if class_id is None else session_outputs_folder(CORRECTIONS, class_id)
    )
    keys = [stored.key for stored in storage.list(folder)]
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        return [_read(content) for content in pool.map(storage.get, keys)]


def corrections_states(storage: ObjectStorage) -> dict[str, str]:
    """By folder of a class, a digest that changes with its corrections."""
    by_class: dict[str, list[str]] = {}
    for stored in storage.list(f"{CORRECTIONS}/"):
        by_class.setdefault("/".join(stored.key.split("/")[:2]) + "/", []).append(stored.key)
    return {
        folder: hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:16]
        for folder, keys in by_class.items()
    }


def _read(content: bytes) -> Correction:
    try:
        return _CORRECTION.validate_json(content)
    except ValidationError:
        # The error would quote the object.
        raise FixInput(
            f"An object below {CORRECTIONS}/ is damaged: delete it, and correct the finding again."
        ) from None
