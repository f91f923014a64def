"""Files of this machine as uploads in the store.

Belongs here: which files of a folder are uploaded, and under which keys. Does not belong here: what
the platform makes of them, arguments and printing (`orf_books/cli.py`).
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

from orf_books.activities.manifest import FULL_RECORDING
from orf_books.assets.activity_inputs import RECORD
from orf_books.failures import FixInput
from orf_books.object_keys import ACTIVITIES, STORIES, activity_folder, upload_key
from orf_books.resources.storage import ObjectStorage

_PAGE_FILE = re.compile(r".+_\d+_page\.txt")


def put_export(storage: ObjectStorage, file: Path, library: str) -> str:
    """Upload a Goodreads export; its key.

    Raises:
        FixInput: it is a folder.
    """
    if file.is_dir():
        raise FixInput(f"{file} is a folder: give a Goodreads export, a CSV file.")
    key = upload_key(library)
    storage.put(key, file.read_bytes())
    return key


def put_activities(
    storage: ObjectStorage, path: Path, claim: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Upload an activity's folder, a folder of such folders, or a list of activities.

    Pages of stories, `<story>_<n>_page.txt`, may lie beside the recordings or in a folder
    `stories` next to theirs.

    Args:
        storage: where to.
        path: what.
        claim: told of every key before its upload.

    Returns:
        Keys of the uploads: of folders, or of the list.

    Raises:
        FixInput: the path holds none of these.
    """
    if path.is_file():
        if path.suffix.lower() != ".csv":
            raise FixInput(f"{path} is no upload: give an activity's folder, or a CSV of ids.")
        key = f"{ACTIVITIES}{path.name}"
        claim(key)
        storage.put(key, path.read_bytes())
        return [key]
    folders = [path] if _is_activity(path) else sorted(filter(_is_activity, path.iterdir()))
    if not folders:
        raise FixInput(f"{path} holds no activity: a folder needs {FULL_RECORDING} or {RECORD}.")
    _put_pages(storage, path.parent / "stories")
    _put_pages(storage, path / "stories")
    return [_put_activity(storage, folder, claim) for folder in folders]


def activity_in(folder: Path) -> str:
    """The activity whose upload a folder is: as its record says, or else as the folder is named."""
    try:
        record = json.loads((folder / RECORD).read_bytes())
    except (FileNotFoundError, ValueError):
        return folder.name
    named = record.get("activityId") if isinstance(record, dict) else None
    return named if isinstance(named, str) and named else folder.name


def _is_activity(folder: Path) -> bool:
    return (folder / FULL_RECORDING).exists() or (folder / RECORD).exists()


def _put_activity(storage: ObjectStorage, folder: Path, claim: Callable[[str], None]) -> str:
    key = activity_folder(activity_in(folder))
    claim(key)
    _put_pages(storage, folder)
    # The record comes last: with it the upload is complete.
    files = sorted(filter(Path.is_file, folder.iterdir()), key=lambda file: file.name == RECORD)
    for file in files:
        if not _PAGE_FILE.fullmatch(file.name):
            storage.put(f"{key}{file.name}", file.read_bytes())
    return key


def _put_pages(storage: ObjectStorage, folder: Path) -> None:
    for file in sorted(folder.glob("*_page.txt")):
        if _PAGE_FILE.fullmatch(file.name):
            storage.put(f"{STORIES}{file.name}", file.read_bytes())
