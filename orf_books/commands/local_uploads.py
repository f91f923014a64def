"""Files of this machine as uploads in the store.

Belongs here: which files of a folder are uploaded, and under which keys. Does not belong here: what
the platform makes of them, arguments and printing (`orf_books/cli.py`).
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from orf_books.activities.manifest import FULL_RECORDING
from orf_books.bounded_json import read_json
from orf_books.failures import FixInput
from orf_books.object_keys import (
    ACTIVITIES,
    STORIES,
    activity_folder,
    class_folder,
    export_key,
    roster_key,
    session_metadata_key,
)
from orf_books.partition_keys import session_key
from orf_books.records.recordings import RECORD
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage
from orf_books.transcripts.redaction import Redactor
from orf_books.transcripts.roster import read_roster
from orf_books.transcripts.submission import (
    EXTENSIONS,
    SessionMetadata,
    TranscriptFormat,
    read_metadata,
    refuse_by_size,
)

LARGEST_LIST = 50 * 1024**2
"""Bytes of a CSV of ids."""
_ROSTER = "roster.json"
_METADATA = session_metadata_key("")
_EXTENSIONS = {f".{extension}" for extension in TranscriptFormat}
_PAGE_FILE = re.compile(r".+_\d+_page\.txt")


def put_export(storage: ObjectStorage, file: Path, library: str) -> str:
    """Upload a Goodreads export; its key.

    Raises:
        FixInput: it is a folder, or no export.
    """
    from orf_books.books.exports import reading

    if file.is_dir():
        raise FixInput(f"{file} is a folder: give a Goodreads export, a CSV file.")
    reading.refuse_by_size(file.stat().st_size)
    content, key = file.read_bytes(), export_key(library)
    reading.parse_export(content)
    storage.put(key, content)
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
        claim: called with every key before its upload.

    Returns:
        Keys of the uploads: of folders, or of the list.

    Raises:
        FixInput: the path holds none of these.
    """
    if path.is_file():
        if path.suffix.lower() != ".csv":
            raise FixInput(f"{path} is no upload: give an activity's folder, or a CSV of ids.")
        if path.stat().st_size > LARGEST_LIST:
            raise FixInput(f"{path} is too large for a CSV of ids: give one of at most 50 MB.")
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
        record = read_json((folder / RECORD).read_bytes())
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


@dataclass(frozen=True, slots=True)
class SessionFiles:
    """Transcripts of one class on one day."""

    paths: tuple[Path, ...] = field(repr=False)
    class_id: str
    day: str
    """YYYY-MM-DD."""
    source: str | None = None
    """Where the transcripts come from: `Zoom`, `manual`."""
    roster: Path | None = None
    """Who belongs to the class; default: `roster.json` beside a transcript, or what the store has.
    """


def put_sessions(
    storage: ObjectStorage, files: SessionFiles, claim: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Upload transcripts, and the roster of their class where it is another than in the store.

    Args:
        storage: where to.
        files: transcripts, or folders of transcripts.
        claim: called with every session before its upload.

    Returns:
        Keys of the raw files.

    Raises:
        FixInput: no file is a transcript, or the class, the day or the roster cannot be used.
    """
    transcripts = [found for path in files.paths for found in transcripts_in(path)]
    if not transcripts:
        raise FixInput(f"There is no transcript: give files of {EXTENSIONS}.")
    declared = {
        path: read_metadata(
            {
                "class_id": files.class_id,
                "date": files.day,
                "format": path.suffix.removeprefix(".").lower(),
                "source": files.source or "upload",
            }
        )
        for path in transcripts
    }
    roster = _put_roster(storage, files, transcripts)
    keys = {path: _session_key(path, metadata, roster) for path, metadata in declared.items()}
    if len(set(keys.values())) < len(keys):
        raise FixInput("Two of the files would have the same name in the store: rename one.")
    for path in keys:
        refuse_by_size(path.stat().st_size)
    for path, key in keys.items():
        claim(session_key(declared[path].class_id, declared[path].day, key))
        if files.source:
            _put_if_new(storage, session_metadata_key(key), _metadata_document(declared[path]))
        _put_if_new(storage, key, path.read_bytes())
    return list(keys.values())


def passed_over(paths: Iterable[Path]) -> Counter[str]:
    """By extension, how many files of folders are not uploaded as transcripts.

    Their names stay untold: people name files after children.
    """
    return Counter(
        file.suffix.lower() or "without an extension"
        for path in paths
        if path.is_dir()
        for file in path.iterdir()
        if not (_is_transcript(file) or file.name == _ROSTER)
    )


def transcripts_in(path: Path) -> list[Path]:
    """A transcript itself, or those in a folder; nothing where it is none."""
    return sorted(filter(_is_transcript, [path] if path.is_file() else path.iterdir()))


def _is_transcript(file: Path) -> bool:
    is_other = file.name == _ROSTER or file.name.startswith(".") or file.stem.lower() == "readme"
    is_metadata = file.name == session_metadata_key(file.name.removesuffix(_METADATA))
    return file.suffix.lower() in _EXTENSIONS and not (is_other or is_metadata) and file.is_file()


def _put_roster(storage: ObjectStorage, files: SessionFiles, transcripts: list[Path]) -> bytes:
    """Upload the roster if it is new; the one that counts."""
    key, stored = roster_key(files.class_id), None
    with suppress(ObjectNotFoundError):
        stored = storage.get(key)
    beside = next(filter(Path.exists, (path.parent / _ROSTER for path in transcripts)), None)
    file = files.roster or beside
    content = file.read_bytes() if file else stored
    if content is None:
        raise FixInput(f"The class has no roster: give one by --roster, or upload {key}.")
    read_roster(content)
    if content != stored:
        storage.put(key, content)
    return content


def _session_key(path: Path, metadata: SessionMetadata, roster: bytes) -> str:
    name = f"{_nameless(path.stem, roster)}.{metadata.format}"
    return f"{class_folder(metadata.class_id)}{metadata.day.isoformat()}/{name}"


def _metadata_document(metadata: SessionMetadata) -> bytes:
    document = {
        "class_id": metadata.class_id,
        "date": metadata.day.isoformat(),
        "format": metadata.format,
        "source": metadata.source,
    }
    return json.dumps(document).encode()


def _put_if_new(storage: ObjectStorage, key: str, content: bytes) -> None:
    """Whatever is written anew is a new version, and worked on anew."""
    with suppress(ObjectNotFoundError):
        if storage.get(key) == content:
            return
    storage.put(key, content)


def _nameless(stem: str, roster: bytes) -> str:
    """The name of a file, or a digest of one that names somebody of the class."""
    words = re.sub(r"[^\w.-]+", "-", stem).strip(".-~")
    redacted = Redactor(read_roster(roster)).redact(words.replace("_", " "))
    if words and redacted == words.replace("_", " "):
        return words
    return hashlib.sha256(stem.encode()).hexdigest()[:12]
