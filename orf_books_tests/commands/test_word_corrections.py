"""Handing in what a person heard: what is stored, what follows from it, and what is refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orf_books.activities.word_corrections import MeasuredFlags, MeasuredPrecision
from orf_books.batches.resource import BatchResource
from orf_books.commands.activity_deletion import delete_activity
from orf_books.commands.corrections import correct, read_marks
from orf_books.commands.local_runs import ingest_recordings
from orf_books.commands.student_deletion import delete_student
from orf_books.commands.word_corrections import Heard, ReadingMarks, WordMark
from orf_books.failures import FixInput
from orf_books.object_keys import (
    ACTIVITIES_PAGE,
    OVERVIEW_PAGE,
    activity_data_key,
    activity_page_key,
    progress_page_key,
)
from orf_books.records.readings import ReadingRecords
from orf_books.resources.storage import ObjectStorage
from orf_books.sandbox.server import Sandbox
from orf_books.settings import Settings
from orf_books_tests.activities.counted_readings import ADA
from orf_books_tests.assets.activities.recorded_readings import (
    hear_the_story,
    settings_of_services,
    write_upload,
)
from orf_books_tests.pages.html_page import Page
from orf_books_tests.stored_text import objects_mentioning

pytestmark = pytest.mark.slow

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)
RED = WordMark(1, 2, "red", Heard.CORRECT)
"""Called misread, since nobody heard it."""
SAT = WordMark(0, 2, "sat", Heard.CORRECT)
"""Called correct."""


@pytest.fixture
def settings(
    sandbox: Sandbox, folder: ObjectStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Of a store with two readings of one student, eight words each, of which one was misread."""
    monkeypatch.setenv("DAGSTER_HOME", folder.location("dagster"))
    hear_the_story(sandbox)
    made = settings_of_services(sandbox, folder.url, ledger=f"sqlite:///{tmp_path / 'ledger'}")
    for number, (name, day) in enumerate({"one": "2025-10-01", "two": "2026-01-15"}.items()):
        read = {"studentId": ADA, "recordedAt": day, "grade": 2, "season": "winter"}
        write_upload(tmp_path / "readings", name, number, **read)
    ingest_recordings(made, [tmp_path / "readings"], batch(made))
    return made


def batch(settings: Settings) -> BatchResource:
    return BatchResource(concurrency=10, ledger=settings.ledger)


def marks(*of: WordMark, activity: str = "one") -> ReadingMarks:
    return ReadingMarks(activity, "Ms. Rivera", NOW, of)


def hand_in(settings: Settings, of: ReadingMarks) -> dict[str, object]:
    return correct(settings, of, batch(settings)).as_document()


def test_a_command_leaves_the_page_over_everything_as_things_are_now(
    settings: Settings, folder: ObjectStorage
) -> None:
    assert "With a result 2" in Page(text_of(folder, OVERVIEW_PAGE)).spoken
    delete_activity(settings, "one")
    assert "With a result 1" in Page(text_of(folder, OVERVIEW_PAGE)).spoken


def text_of(storage: ObjectStorage, key: str) -> str:
    return storage.get(key).decode()


def test_a_correction_changes_data_report_student_and_list(
    settings: Settings, folder: ObjectStorage
) -> None:
    before = json.loads(folder.get(activity_data_key("one")))
    student = text_of(folder, progress_page_key(ADA))
    assert (before["accuracy"], before["corrections"]) == (0.875, [])
    assert student.count("<tbody>") == 1
    assert "87.5%" in student

    done = hand_in(settings, marks(RED, SAT))

    assert done == {"activity": "one", "stored": 2, "confirmed": 1, "changed": 1}
    after = json.loads(folder.get(activity_data_key("one")))
    assert (after["accuracy"], after["misread"]) == (1.0, 0)
    assert after["result"] == before["result"]
    assert [one["corrected_by"] for one in after["corrections"]] == ["Ms. Rivera"] * 2
    assert "checked by a person: correct" in text_of(folder, activity_page_key("one"))
    assert "100.0%" in text_of(folder, progress_page_key(ADA))
    assert "93.8%" in text_of(folder, ACTIVITIES_PAGE)
    assert "checked by a person: correct" not in text_of(folder, activity_page_key("two"))
    measured = MeasuredFlags.of(ReadingRecords(folder).corrections())
    assert measured.sure == MeasuredPrecision(right=0, checked=1)
    assert (measured.missed, measured.called_correct) == (0, 1)


def test_the_latest_verdict_on_a_word_counts_in_whatever_order_they_are_handed_in(
    settings: Settings, folder: ObjectStorage
) -> None:
    later = replace(marks(replace(RED, verdict=Heard.MISREAD)), corrected_at=NOW.replace(hour=13))
    hand_in(settings, later)
    hand_in(settings, marks(RED))
    assert json.loads(folder.get(activity_data_key("one")))["accuracy"] == 0.875


REFUSED = {
    "another text at phrase 2, word 3": marks(replace(RED, text="dog")),
    "another text at phrase 2, word 100": marks(SAT, replace(RED, word=99)),
    "has no result": marks(RED, activity="nobody"),
    "at least one mark": marks(),
    "name of who makes them": replace(marks(RED), corrected_by=" "),
}


def test_marks_that_point_to_nothing_are_refused_whole(
    settings: Settings, folder: ObjectStorage
) -> None:
    for says, wrong in REFUSED.items():
        with pytest.raises(FixInput, match=says):
            hand_in(settings, wrong)
    assert ReadingRecords(folder).corrections() == []


def test_a_deletion_takes_figures_corrections_and_the_students_page_along(
    settings: Settings, folder: ObjectStorage
) -> None:
    hand_in(settings, marks(RED))
    delete_activity(settings, "one")
    assert "two.html" in text_of(folder, progress_page_key(ADA))
    assert "one.html" not in text_of(folder, progress_page_key(ADA))
    delete_activity(settings, "two")
    assert not folder.exists(progress_page_key(ADA))
    assert ReadingRecords(folder).figures() == {}
    assert objects_mentioning(folder, ADA) == set()
    assert objects_mentioning(folder, "Ms. Rivera") == set()


def test_who_is_deleted_takes_their_readings_along(
    settings: Settings, folder: ObjectStorage
) -> None:
    deletion = delete_student(settings, ADA, "test", batch(settings))
    assert (deletion.readings_deleted, deletion.classes) == (2, ())
    assert objects_mentioning(folder, ADA) == set()


def test_a_file_from_the_page_is_read_and_a_wrong_one_says_what_is_wrong() -> None:
    document = {
        "activity_id": "one",
        "corrected_by": "Ms. Rivera",
        "corrected_at": NOW.isoformat(),
        "corrections": [{"phrase": 1, "word": 2, "text": "red", "verdict": "correct"}],
    }
    assert read_marks(json.dumps(document).encode()) == marks(RED)
    document["corrections"] = [{"phrase": -1, "word": 2, "text": "red", "verdict": "perhaps"}]
    with pytest.raises(FixInput, match="no file of marks") as refused:
        read_marks(json.dumps(document).encode())
    assert "perhaps" not in str(refused.value)
