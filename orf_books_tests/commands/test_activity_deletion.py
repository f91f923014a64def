"""Deleting an activity: what is gone, and what stays."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from orf_books.assets.activities.step import ACTIVITIES
from orf_books.batches.resource import BatchResource
from orf_books.cli import WRONG_CALL
from orf_books.commands.activity_deletion import delete_activity
from orf_books.commands.local_runs import ingest_recordings
from orf_books.failures import RetryLater
from orf_books.instance import open_instance, process_tag
from orf_books.jobs import ingest_activities
from orf_books.object_keys import ACTIVITIES_PAGE, activity_page_key
from orf_books.records.activities import ActivityRecords, recogniser_answers
from orf_books.records.recordings import read_list, uploads_in
from orf_books.resources.storage import ObjectStorage
from orf_books.resources.tables import Tables
from orf_books.sandbox.server import Sandbox
from orf_books.settings import Settings
from orf_books_tests.assets.activities.recorded_readings import (
    hear_the_story,
    recording,
    settings_of_services,
    wav,
    write_upload,
)
from orf_books_tests.conftest import Call
from orf_books_tests.stored_text import objects_mentioning

pytestmark = pytest.mark.slow

CHILD, OTHER = "tavindra-17", "ben-2"
STORY_PAGE = "stories/5b0c1f0e-6a5d-4f0b-9a3e-2f6d1c7e8a01_1_page.txt"


@pytest.fixture
def settings(
    sandbox: Sandbox, folder: ObjectStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Of a store in which two activities were rescored; the recording of one was replaced."""
    monkeypatch.setenv("DAGSTER_HOME", folder.location("dagster"))
    hear_the_story(sandbox)
    made = settings_of_services(sandbox, folder.url, ledger=f"sqlite:///{tmp_path / 'ledger'}")
    folder.put(STORY_PAGE, b"the\ncat\nsat\ndown\n")
    readings = tmp_path / "readings"
    for number, activity in enumerate((CHILD, OTHER)):
        write_upload(readings, activity, number)
    ingest(made, readings)
    (readings / CHILD / "complete.wav").write_bytes(wav(7))
    ingest(made, readings / CHILD)
    shutil.rmtree(readings)
    (tmp_path / "again.csv").write_text(f"activity_id\n{CHILD}\n{OTHER}\n")
    ingest(made, tmp_path / "again.csv")
    return made


def ingest(settings: Settings, path: Path) -> None:
    batch = BatchResource(concurrency=10, ledger=settings.ledger)
    ingest_recordings(settings, [path], batch)


def recordings_with_answers(storage: ObjectStorage) -> set[str]:
    return {row.recording for row in Tables(storage).all_rows(recogniser_answers)}


def test_nothing_of_it_is_left_in_any_object_or_table(
    settings: Settings, folder: ObjectStorage
) -> None:
    before = objects_mentioning(folder, CHILD)
    tables = {key.split("/")[1] for key, _ in before if key.startswith("tables/")}
    assert tables >= {"activity_uploads", "requested_activities", "rescored_activities"}
    assert tables >= {"upload_claims", "rescoring_reports"}
    assert {recording(0).fingerprint, recording(7).fingerprint} < recordings_with_answers(folder)

    delete_activity(settings, CHILD)

    assert objects_mentioning(folder, CHILD) == set()
    assert recordings_with_answers(folder) == {recording(1).fingerprint}


def test_other_activities_and_the_story_stay(settings: Settings, folder: ObjectStorage) -> None:
    records = ActivityRecords(folder)
    before = records.results([OTHER])
    delete_activity(settings, CHILD)
    assert records.results([OTHER]) == before
    assert list(records.latest()) == [OTHER]
    assert folder.exists(STORY_PAGE)
    assert OTHER in folder.get(ACTIVITIES_PAGE).decode()
    with open_instance(settings) as instance:
        assert instance.get_dynamic_partitions(str(ACTIVITIES.partitions.name)) == [OTHER]


def test_a_list_that_names_it_goes_on_without_it_and_starts_no_run(
    settings: Settings, folder: ObjectStorage
) -> None:
    deletion = delete_activity(settings, CHILD)
    assert deletion.lists_changed == ("activities/again.csv",)
    assert read_list(folder.get("activities/again.csv")) == [OTHER]
    records = ActivityRecords(folder)
    assert records.without_receipt(uploads_in(folder, needs_record=True)) == []


def test_the_command_says_what_it_removed(call: Call, settings: Settings) -> None:
    document = json.loads(call("delete", "activity", CHILD, "--json").stdout)
    assert f"activities/{CHILD}/complete.wav" in document["objects"]
    assert f"data/activities/{CHILD}.html" in document["objects"]
    assert document["rows"]["rescored_activities"] == 2
    again = call("delete", "activity", CHILD)
    assert again.returncode == WRONG_CALL
    assert "There is no activity" in again.stderr


def test_a_recording_that_was_never_read_is_deleted_too(
    settings: Settings, folder: ObjectStorage
) -> None:
    folder.put("activities/new-1/complete.wav", b"RIFF")
    deletion = delete_activity(settings, "new-1")
    assert deletion.objects == ("activities/new-1/complete.wav",)


class IngestingStorage(ObjectStorage):
    """A store in which a run brings the activity back once its objects are deleted."""

    ingest: Callable[[], None] | None = None

    def delete(self, *keys: str) -> None:
        super().delete(*keys)
        if self.ingest and activity_page_key(CHILD) in keys:
            meanwhile, self.ingest = self.ingest, None
            meanwhile()


class IngestingSettings(Settings):
    """Settings of such a store."""

    readings: Path

    def open_storage(self) -> ObjectStorage:
        storage = IngestingStorage(self.storage)
        plain = Settings(**self.model_dump(exclude={"readings"}))
        storage.ingest = lambda: ingest(plain, self.readings / CHILD)
        return storage


def test_what_a_run_stores_that_began_meanwhile_is_deleted_too(
    settings: Settings, folder: ObjectStorage, tmp_path: Path
) -> None:
    write_upload(tmp_path / "readings", CHILD, 3)
    ingesting = IngestingSettings(**settings.model_dump(), readings=tmp_path / "readings")
    delete_activity(ingesting, CHILD)
    assert objects_mentioning(folder, CHILD) == set()
    assert recordings_with_answers(folder) == {recording(1).fingerprint}
    with open_instance(settings) as instance:
        assert instance.get_dynamic_partitions(str(ACTIVITIES.partitions.name)) == [OTHER]


def test_it_waits_for_runs_that_would_store_the_activity_again(
    settings: Settings, folder: ObjectStorage
) -> None:
    with open_instance(settings) as instance:
        instance.create_run_for_job(
            dg.JobDefinition(name=ingest_activities.name, graph_def=dg.GraphDefinition("empty")),
            status=dg.DagsterRunStatus.STARTED,
            tags=process_tag(),
        )
    with pytest.raises(RetryLater, match="repeat the deletion"):
        delete_activity(settings, CHILD, wait_seconds=0)
    assert folder.exists(f"activities/{CHILD}/complete.wav")
