"""What of the store is an upload of an activity, and what is in it."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from orf_books.activities.audio import NoAudio
from orf_books.failures import FixInput
from orf_books.records.recordings import (
    activities_in,
    load_activity,
    pages_of_story,
    read_list,
    truth_of,
    upload_at,
    uploads_in,
)
from orf_books.resources.storage import ObjectStorage
from orf_books_tests.assets.activities.recorded_readings import record, wav


def keys(storage: ObjectStorage, *, needs_record: bool = True) -> set[str]:
    return {upload.key for upload in uploads_in(storage, needs_record=needs_record)}


def put_recording(storage: ObjectStorage, activity: str = "anna-1") -> None:
    for name in ("complete.wav", "activity.json"):
        storage.put(f"activities/{activity}/{name}", b"...")


def test_notes_beside_the_recordings_are_no_list(folder: ObjectStorage) -> None:
    folder.put("activities/notes.txt", b"anna-1")
    folder.put("activities/monday.csv", b"anna-1")
    folder.put("activities/anna-1/words.csv", b"anna-1")
    assert keys(folder) == {"activities/monday.csv"}


def test_a_folder_is_an_upload_once_recording_and_record_are_there(folder: ObjectStorage) -> None:
    put_recording(folder)
    folder.put("activities/ben-2/complete.wav", b"...")
    folder.put("activities/cy-3/activity.json", b"...")
    assert keys(folder) == {"activities/anna-1/"}
    assert keys(folder, needs_record=False) == {"activities/anna-1/", "activities/ben-2/"}


def test_the_version_of_an_upload_changes_with_each_of_its_objects(folder: ObjectStorage) -> None:
    put_recording(folder)
    (first,) = uploads_in(folder, needs_record=True)
    assert upload_at(folder, first.key) == first
    assert len(first.version) == 16
    folder.put("activities/anna-1/0-0-v2.wav", b"...")
    (second,) = uploads_in(folder, needs_record=True)
    assert second.version != first.version
    assert second.last_modified == folder.head("activities/anna-1/0-0-v2.wav").last_modified


def test_an_upload_that_is_gone_is_older_than_any_other(folder: ObjectStorage) -> None:
    gone = upload_at(folder, "activities/anna-1/")
    assert gone.last_modified == datetime.min.replace(tzinfo=UTC)


def test_a_folder_is_about_its_activity_and_a_list_about_those_in_it(
    folder: ObjectStorage,
) -> None:
    folder.put("activities/monday.csv", b"anna-1\nben-2\n")
    assert activities_in(folder, "activities/anna-1/") == ["anna-1"]
    assert activities_in(folder, "activities/monday.csv") == ["anna-1", "ben-2"]


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (b"anna-1\nben-2\nanna-1\n\n", ["anna-1", "ben-2"]),
        (b"activity_id\nanna-1\n", ["anna-1"]),
        (b"name,Activity_ID \nx,anna-1\ny\nz, \n", ["anna-1"]),
        (b"name,activityid\nx,anna-1\n", ["anna-1"]),
        (b"name,id\nx,anna-1\n", ["anna-1"]),
        (b"id,activity_id\nx,anna-1\n", ["anna-1"]),
    ],
)
def test_a_list_has_a_column_of_ids_or_no_other_column(content: bytes, ids: list[str]) -> None:
    assert read_list(content) == ids


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"a,b\nc,d\n", "column"),
        (b"a,b\nc\n", "column"),
        (b"caf\xe9", "UTF-8"),
    ],
)
def test_what_is_no_list_is_refused_with_what_is_missing(content: bytes, problem: str) -> None:
    with pytest.raises(FixInput, match=problem):
        read_list(content)


def test_pages_of_a_story_are_counted_from_zero_in_their_order(folder: ObjectStorage) -> None:
    for number in (10, 1, 2):
        folder.put(f"stories/boat_{number}_page.txt", f"page {number}".encode())
    folder.put("stories/boats_3_page.txt", b"of another story")
    pages = pages_of_story(folder, "boat")
    assert [page.number for page in pages] == [0, 1, 9]


def put_whole(storage: ObjectStorage, activity: str = "anna-1") -> None:
    storage.put(f"activities/{activity}/complete.wav", wav(1))
    storage.put(f"activities/{activity}/activity.json", json.dumps(record(activity)).encode())


def test_an_activity_is_loaded_with_the_windows_of_its_pages(folder: ObjectStorage) -> None:
    put_whole(folder)
    folder.put("activities/anna-1/0-0-v2.wav", wav(2, seconds=1.5))
    folder.put("activities/anna-1/1-0-v2.wav", wav(3, seconds=2.5))
    folder.put("activities/anna-1/notes.txt", b"...")
    inputs = asyncio.run(load_activity(folder, "anna-1", None))
    assert inputs.activity.activity_id == "anna-1"
    assert inputs.sound.milliseconds == 4000
    windows = [(each.page, each.start, each.end) for each in inputs.sound.windows]
    assert windows == [(0, 0, 1500), (1, 1500, 4000)]


def test_a_record_of_another_activity_and_missing_parts_are_refused(
    folder: ObjectStorage,
) -> None:
    put_whole(folder)
    folder.put("activities/ben-2/activity.json", json.dumps(record("anna-1")).encode())
    folder.put("activities/cy-3/activity.json", json.dumps(record("cy-3")).encode())
    for activity, problem in (("ben-2", "another activity"), ("dee-4", "has no activity.json")):
        with pytest.raises(FixInput, match=problem):
            asyncio.run(load_activity(folder, activity, None))
    with pytest.raises(NoAudio, match=r"complete\.wav"):
        asyncio.run(load_activity(folder, "cy-3", None))


def test_labels_lie_beside_the_recording_where_somebody_labelled_it(
    folder: ObjectStorage,
) -> None:
    assert truth_of(folder, "anna-1") is None
    folder.put("activities/anna-1/truth.json", b'{"words": [[true, false]]}')
    assert truth_of(folder, "anna-1") == ((True, False),)
