"""What lies in the store about activities: uploads, recordings, records, pages of stories.

Belongs here: finding complete uploads, and loading all that the work on one activity needs. Does
not belong here: what is made of it (`orf_books/activities`), runs (`assets/activities/step.py`).
"""

import csv
import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orf_books.activities.activity import Activity, Flags, read_activity, read_truth
from orf_books.activities.audio import WAV_HEADER_BYTES, NoAudio, read_recording, wav_seconds
from orf_books.activities.evidence import PagedRecording
from orf_books.activities.manifest import FULL_RECORDING, Segment, page_windows
from orf_books.activities.story import StoryPage, words_of
from orf_books.failures import FixInput
from orf_books.object_keys import (
    ACTIVITIES,
    STORIES,
    activity_folder,
    activity_of_folder,
    is_activity_list,
    story_page_pattern,
)
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage, StoredObject

if TYPE_CHECKING:
    from orf_books.resources.activity_api import ActivityApi

RECORD = "activity.json"
TRUTH = "truth.json"
ID_COLUMNS = ("activity_id", "activityid", "id")
HEADER_BYTES = 128
"""Enough of a WAV file to tell its length."""


@dataclass(frozen=True, slots=True)
class ActivityUploadFound:
    """A complete upload as it lies in the store."""

    key: str
    version: str
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class ActivityInputs:
    """All that the work on one activity needs."""

    activity: Activity
    record: bytes
    """JSON that the activity was read from."""
    sound: PagedRecording


def uploads_in(
    storage: ObjectStorage, *, needs_record: bool, below: str = ACTIVITIES
) -> list[ActivityUploadFound]:
    """Complete uploads: lists, and folders with a full recording and the activity's record.

    Args:
        storage: where to look.
        needs_record: whether records lie beside the recordings, not in the activity API.
        below: all activities, or the folder of one.
    """
    folders = defaultdict[str, list[StoredObject]](list)
    found: list[ActivityUploadFound] = []
    for stored in storage.list(below):
        if is_activity_list(stored.key):
            found.append(_upload(stored.key, [stored]))
        elif activity_of_folder(stored.key) is not None:
            folders[f"{ACTIVITIES}{stored.key.split('/')[1]}/"].append(stored)
    for folder, objects in folders.items():
        names = {stored.key.removeprefix(folder) for stored in objects}
        if FULL_RECORDING in names and (RECORD in names or not needs_record):
            found.append(_upload(folder, objects))
    return found


def upload_at(storage: ObjectStorage, key: str) -> ActivityUploadFound:
    """A folder or a list as an upload, complete or not."""
    return _upload(key, storage.list(key) if key.endswith("/") else [storage.head(key)])


def _upload(key: str, objects: Iterable[StoredObject]) -> ActivityUploadFound:
    objects = list(objects)
    versions = sorted((stored.key, stored.version) for stored in objects)
    return ActivityUploadFound(
        key,
        hashlib.sha256(repr(versions).encode()).hexdigest()[:16],
        max((stored.last_modified for stored in objects), default=datetime.min.replace(tzinfo=UTC)),
    )


def activities_in(storage: ObjectStorage, upload: str) -> list[str]:
    """The activities that an upload is about.

    Raises:
        FixInput: a list cannot be read.
    """
    if not is_activity_list(upload):
        activity = activity_of_folder(f"{upload}{FULL_RECORDING}")
        return [activity] if activity else []
    return read_list(storage.get(upload))


def read_list(content: bytes) -> list[str]:
    """The ids in a list of activities: the column `activity_id`, or the only column.

    Raises:
        FixInput: it is no such list.
    """
    try:
        rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) if any(row)]
    except (UnicodeDecodeError, csv.Error):
        raise FixInput("A list of activities is a CSV file in UTF-8.") from None
    if not rows:
        raise FixInput("The list of activities is empty: give one id a line.")
    header = [cell.strip().casefold() for cell in rows[0]]
    column = next((header.index(name) for name in ID_COLUMNS if name in header), None)
    if column is None and any(len(row) > 1 for row in rows):
        raise FixInput("The list of activities needs a column `activity_id`.")
    wanted = column or 0
    entries = rows if column is None else rows[1:]
    ids = (row[wanted].strip() for row in entries if len(row) > wanted)
    return list(dict.fromkeys(filter(None, ids)))


async def load_activity(
    storage: ObjectStorage, activity_id: str, api: "ActivityApi | None"
) -> ActivityInputs:
    """Load one activity, and nothing else.

    Raises:
        NoAudio: there is no recording, or nothing in it.
        FixInput: the record is missing or cannot be used.
        RetryLater: the store or the activity API does not answer.
    """
    folder = activity_folder(activity_id)
    record = await api.document(activity_id) if api else _record(storage, activity_id)
    activity = read_activity(record)
    if activity.activity_id != activity_id:
        raise FixInput(
            f"The record in {folder} is of another activity: put it into a folder of its own."
        )
    return ActivityInputs(activity, record, load_sound(storage, activity))


def load_sound(storage: ObjectStorage, activity: Activity) -> PagedRecording:
    """The recording of an activity, and what tells its pages apart.

    Raises:
        NoAudio: there is no recording, or nothing in it.
        FixInput: it cannot be read.
        RetryLater: the store does not answer.
    """
    folder = activity_folder(activity.activity_id)
    try:
        recording = read_recording(storage.get(f"{folder}{FULL_RECORDING}"))
    except ObjectNotFoundError:
        raise NoAudio(f"{folder} has no {FULL_RECORDING}: upload the recording.") from None
    segments = [
        _segment(storage, stored)
        for stored in storage.list(folder)
        if stored.key.endswith(".wav") and not stored.key.endswith(f"/{FULL_RECORDING}")
    ]
    return PagedRecording(
        recording, page_windows(segments), pages_of_story(storage, activity.story_id)
    )


def truth_of(storage: ObjectStorage, activity_id: str) -> tuple[Flags, ...] | None:
    """What a person labelled: per phrase and word, whether it was misread; None where nobody did.

    Raises:
        FixInput: the labels cannot be read.
    """
    try:
        return read_truth(storage.get(f"{activity_folder(activity_id)}{TRUTH}"))
    except ObjectNotFoundError:
        return None


def _record(storage: ObjectStorage, activity_id: str) -> bytes:
    folder = activity_folder(activity_id)
    try:
        return storage.get(f"{folder}{RECORD}")
    except ObjectNotFoundError:
        raise FixInput(
            f"{folder} has no {RECORD}: upload it, or set ORF_BOOKS_ACTIVITY_API_URL."
        ) from None


def _segment(storage: ObjectStorage, stored: StoredObject) -> Segment:
    if stored.size < WAV_HEADER_BYTES:
        return Segment(stored.key, stored.size)
    head, metadata = storage.start(stored.key, HEADER_BYTES)
    return Segment(stored.key, stored.size, metadata, wav_seconds(head, stored.size))


def pages_of_story(storage: ObjectStorage, story_id: str) -> tuple[StoryPage, ...]:
    """The texts of a story's pages, by number; empty where the store has none."""
    # Files count pages from 1, recordings from 0.
    numbered = {
        int(match[1]) - 1: stored.key
        for stored in storage.list(STORIES)
        if (match := re.fullmatch(story_page_pattern(story_id), stored.key))
    }
    return tuple(
        StoryPage(number, _page_words(storage.get(key))) for number, key in sorted(numbered.items())
    )


def _page_words(content: bytes) -> tuple[str, ...]:
    return words_of(content.decode("utf-8", errors="replace"))
