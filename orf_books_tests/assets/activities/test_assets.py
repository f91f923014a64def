import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from orf_books.assets.activities.step import ACTIVITIES, RESCORED_ACTIVITIES
from orf_books.assets.uploads import UploadsConfig
from orf_books.commands.local_uploads import put_activities
from orf_books.dagster_internals import PartitionStatus, partition_statuses
from orf_books.definitions import build_defs
from orf_books.object_keys import ACTIVITIES_PAGE, activity_page_key, activity_refusal_key
from orf_books.records.activities import ActivityRecords, RescoredActivityRow, RescoringReport
from orf_books.records.recordings import RECORD, upload_at
from orf_books.resources.storage import ObjectStorage
from orf_books.sandbox.behaviour import Behaviour, Fault, Service, Troubles
from orf_books.sandbox.server import Sandbox
from orf_books.settings import Settings
from orf_books_tests.assets.activities.recorded_readings import (
    FIRST_PASS,
    RIGHT,
    hear_the_story,
    record,
    settings_of_services,
    wav,
    with_activity_api,
    write_upload,
)

IDS = ("anna-1", "ben-2", "cleo-3")
SPEECH = (Service.DEEPGRAM, Service.KALDI, Service.WAV2VEC)
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
HASTY = Troubles(down=True)


@pytest.fixture(scope="module")
def services() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def sandbox(services: Sandbox, retries_at_once: None) -> Sandbox:
    services.behaviour.change(Behaviour().as_json())
    hear_the_story(services)
    services.counts.clear()
    services.messages.clear()
    return services


class Platform:
    """The platform over one store and one Dagster instance, runs in this process."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.storage = settings.open_storage()
        self.records = ActivityRecords(self.storage)
        self._definitions = build_defs(settings)

    def ingest(self, *paths: Path) -> dg.ExecuteInProcessResult:
        """Upload, and run what the sensor would start."""
        return self.run_uploads(
            [key for path in paths for key in put_activities(self.storage, path)]
        )

    def run_uploads(self, keys: list[str]) -> dg.ExecuteInProcessResult:
        """Run what the sensor would start for uploads that lie in the store."""
        found = [upload_at(self.storage, key) for key in keys]
        return self.run(
            "ingest_activities",
            UploadsConfig.noticed_now(found).run_config("requested_activities"),
        )

    def run(self, job: str, config: dict[str, Any] | None = None) -> dg.ExecuteInProcessResult:
        return self._definitions.resolve_job_def(job).execute_in_process(
            run_config=(config or {}) | QUIET, instance=self.instance, raise_on_error=False
        )

    def rescore(self, *activity_ids: str) -> dg.ExecuteInProcessResult:
        """Chosen partitions, as from the page."""
        keys = sorted(activity_ids)
        tags = {
            "dagster/asset_partition_range_start": keys[0],
            "dagster/asset_partition_range_end": keys[-1],
        }
        job = self._definitions.resolve_implicit_global_asset_job_def()
        return job.get_subset(asset_selection={RESCORED_ACTIVITIES}).execute_in_process(
            run_config=QUIET, instance=self.instance, tags=tags, raise_on_error=False
        )

    def report(self, run: dg.ExecuteInProcessResult) -> RescoringReport:
        report = self.records.report_of_run(run.run_id)
        assert report is not None
        return report

    def row(self, activity: str) -> RescoredActivityRow:
        return self.records.results([activity])[activity]

    def flags(self, activity: str) -> tuple[tuple[bool, ...], ...]:
        return tuple(phrase.flags for phrase in self.row(activity).rescored().phrases)

    def statuses(self, *keys: str) -> dict[str, PartitionStatus]:
        return partition_statuses(
            self.instance, RESCORED_ACTIVITIES, ACTIVITIES.partitions, list(keys)
        )


@pytest.fixture
def platform(sandbox: Sandbox, folder: ObjectStorage, instance: dg.DagsterInstance) -> Platform:
    return Platform(settings_of_services(sandbox, folder.url), instance)


def test_a_recording_becomes_verdicts_with_evidence_and_a_report(
    platform: Platform, tmp_path: Path
) -> None:
    run = platform.ingest(write_upload(tmp_path, "anna-1"))

    assert run.success
    assert platform.flags("anna-1") == RIGHT
    row = platform.row("anna-1")
    assert (row.words_attempted, row.misread, row.changed, row.is_draft) == (8, 1, 2, False)
    page = platform.storage.get(activity_page_key("anna-1")).decode()
    assert "on the mat" in page
    assert activity_page_key("anna-1") in platform.storage.get(ACTIVITIES_PAGE).decode()
    assert platform.statuses("anna-1") == {"anna-1": PartitionStatus.MATERIALIZED}


def test_a_failed_activity_turns_red_alone_and_a_rerun_of_its_partition_mends_it(
    platform: Platform, tmp_path: Path
) -> None:
    uploads = [write_upload(tmp_path, one, number) for number, one in enumerate(IDS)]
    (uploads[1] / "complete.wav").write_bytes(b"")

    run = platform.ingest(*uploads)

    assert not run.success
    report = platform.report(run)
    assert (report.items, report.failed) == (3, 1)
    assert report.failed_by_category == {"missing_audio": 1}
    states = platform.statuses(*IDS)
    assert [states[one] for one in IDS] == [
        PartitionStatus.MATERIALIZED,
        PartitionStatus.FAILED,
        PartitionStatus.MATERIALIZED,
    ]
    assert "ben-2" in platform.storage.get(ACTIVITIES_PAGE).decode()
    (uploads[1] / "complete.wav").write_bytes(wav(1))
    put_activities(platform.storage, uploads[1])

    assert platform.rescore("ben-2").success
    assert set(platform.statuses(*IDS).values()) == {PartitionStatus.MATERIALIZED}
    assert platform.flags("ben-2") == RIGHT


def test_a_record_that_cannot_be_used_costs_its_activity_and_is_explained_beside_other_refusals(
    platform: Platform, tmp_path: Path
) -> None:
    uploads = [write_upload(tmp_path, one, number) for number, one in enumerate(IDS)]
    record = (uploads[1] / RECORD).read_bytes()
    (uploads[1] / RECORD).write_bytes(b'{"a":' * 100_000)
    refusal = activity_refusal_key("ben-2")

    assert platform.report(platform.ingest(*uploads)).failed_by_category == {"bad_data": 1}

    explained = json.loads(platform.storage.get(refusal))
    assert explained["upload"] == "activities/ben-2/"
    assert "recursion limit exceeded" in explained["problem"]
    (uploads[1] / RECORD).write_bytes(record)
    put_activities(platform.storage, uploads[1])
    assert platform.rescore("ben-2").success
    assert not platform.storage.exists(refusal)


@pytest.mark.slow
def test_a_retry_works_on_what_failed_and_nothing_else(
    platform: Platform, sandbox: Sandbox, tmp_path: Path
) -> None:
    uploads = [write_upload(tmp_path, one, number) for number, one in enumerate(IDS)]
    (uploads[2] / "activity.json").write_text("{}")
    assert not platform.ingest(*uploads).success
    (uploads[2] / "activity.json").write_text(json.dumps(record("cleo-3")))
    put_activities(platform.storage, uploads[2])
    sandbox.counts.clear()

    run = platform.run("retry_failed_activities")

    assert run.success
    assert platform.report(run).items == 1
    assert sandbox.counts.requests(Service.DEEPGRAM) == 1


def test_what_has_not_changed_is_reused_without_any_request(
    platform: Platform, sandbox: Sandbox, tmp_path: Path
) -> None:
    platform.ingest(write_upload(tmp_path, "anna-1"))
    sandbox.counts.clear()
    run = platform.run_uploads(["activities/anna-1/"])
    assert platform.report(run).reused == 1
    assert sandbox.counts.requests() == 0


def test_an_equal_recording_that_is_uploaded_again_costs_no_request(
    platform: Platform, sandbox: Sandbox, tmp_path: Path
) -> None:
    upload = write_upload(tmp_path, "anna-1")
    platform.ingest(upload)
    sandbox.counts.clear()
    assert platform.ingest(upload).success
    assert sandbox.counts.requests() == 0


def test_another_rule_rescores_from_kept_answers_without_a_request(
    platform: Platform, sandbox: Sandbox, folder: ObjectStorage, tmp_path: Path
) -> None:
    upload = write_upload(tmp_path, "anna-1")
    platform.ingest(upload)
    sandbox.counts.clear()
    strict = settings_of_services(sandbox, folder.url, vote_rule="majority")

    run = Platform(strict, platform.instance).ingest(upload)

    assert run.success
    assert sandbox.counts.requests() == 0
    assert platform.row("anna-1").rule == "majority"


@pytest.mark.slow
def test_answers_about_an_activity_that_failed_are_kept(
    platform: Platform, sandbox: Sandbox, tmp_path: Path
) -> None:
    upload = write_upload(tmp_path, "anna-1")
    sandbox.behaviour.services = dict.fromkeys((Service.KALDI, Service.WAV2VEC), HASTY)
    run = platform.ingest(upload)
    assert platform.report(run).failed_by_category == {"unavailable": 1}
    sandbox.behaviour.services = {}
    sandbox.counts.clear()
    assert platform.run("retry_failed_activities").success
    assert sandbox.counts.requests(Service.DEEPGRAM) == 0
    assert platform.flags("anna-1") == RIGHT


@pytest.mark.slow
@pytest.mark.parametrize("service", SPEECH)
@pytest.mark.parametrize(
    "troubles",
    [
        Troubles(down=True),
        Troubles(fault_rate=1.0, faults=(Fault.GARBAGE,)),
        Troubles(fault_rate=1.0, faults=(Fault.SLOW,), slow_seconds=0.3),
        Troubles(fault_rate=0.5, faults=(Fault.UNAVAILABLE, Fault.CUT)),
    ],
    ids=["down", "rubbish", "slow", "wavering"],
)
def test_no_verdict_gets_worse_than_the_first_pass_because_of_an_outage(
    platform: Platform, sandbox: Sandbox, tmp_path: Path, service: Service, troubles: Troubles
) -> None:
    sandbox.behaviour.services = {service: troubles}
    run = platform.ingest(write_upload(tmp_path, "anna-1"))
    if not platform.report(run).failed:
        assert _wrong(platform.flags("anna-1")) <= _wrong(FIRST_PASS)


@pytest.mark.parametrize(
    ("service", "error"),
    [(Service.DEEPGRAM, "invalid_auth"), (Service.KALDI, "refused"), (Service.WAV2VEC, "refused")],
)
def test_a_recogniser_that_refuses_us_makes_no_verdict_worse_and_is_asked_once(
    platform: Platform, sandbox: Sandbox, tmp_path: Path, service: Service, error: str
) -> None:
    sandbox.behaviour.services = {service: Troubles(error=error)}
    run = platform.ingest(write_upload(tmp_path, "anna-1"))
    if not platform.report(run).failed:
        assert _wrong(platform.flags("anna-1")) <= _wrong(FIRST_PASS)
    assert sandbox.counts.requests(service) <= len(FIRST_PASS)


def _wrong(flags: tuple[tuple[bool, ...], ...]) -> set[tuple[int, int]]:
    return {
        (phrase, word)
        for phrase, (given, right) in enumerate(zip(flags, RIGHT, strict=True))
        for word, (one, other) in enumerate(zip(given, right, strict=True))
        if one != other
    }


def test_a_list_of_ids_asks_for_each_of_them(platform: Platform, tmp_path: Path) -> None:
    for number, one in enumerate(IDS[:2]):
        put_activities(platform.storage, write_upload(tmp_path, one, number))
    ids = tmp_path / "monday.csv"
    ids.write_text("activity_id,class\nanna-1,3b\nben-2,3b\nnobody-9,3b\n")

    run = platform.ingest(ids)

    report = platform.report(run)
    assert (report.items, report.failed) == (3, 1)
    assert platform.statuses("nobody-9") == {"nobody-9": PartitionStatus.FAILED}


def test_a_list_that_is_gone_when_its_turn_comes_costs_only_itself(
    platform: Platform, tmp_path: Path
) -> None:
    folder = put_activities(platform.storage, write_upload(tmp_path, "anna-1"))
    ids = tmp_path / "monday.csv"
    ids.write_text("activity_id\nanna-1\n")
    (listed,) = put_activities(platform.storage, ids)
    found = [upload_at(platform.storage, key) for key in (listed, *folder)]
    platform.storage.delete(listed)

    config = UploadsConfig.noticed_now(found).run_config("requested_activities")
    run = platform.run("ingest_activities", config)

    assert run.success
    assert [upload.key for upload in platform.records.uploads()] == folder


def test_a_list_that_is_none_is_refused_with_the_remedy(platform: Platform, tmp_path: Path) -> None:
    ids = tmp_path / "monday.csv"
    ids.write_text("name,class\nx,3b\n")
    run = platform.ingest(ids)
    assert not run.success
    (upload,) = platform.records.uploads_of_run(run.run_id)
    assert "activity_id" in (upload.problem or "")


@pytest.mark.parametrize("activity", ["Ünïcode id", "a/b", "50%~x"])
def test_an_id_with_odd_characters_has_its_own_folder_partition_and_report(
    platform: Platform, tmp_path: Path, activity: str
) -> None:
    assert platform.ingest(write_upload(tmp_path, activity)).success
    (digest,) = platform.records.latest().values()
    assert digest.activity_id == activity
    assert platform.storage.get(activity_page_key(activity))


@pytest.mark.parametrize(
    ("rate", "channels"), [(8_000, 1), (44_100, 2)], ids=["telephone", "stereo"]
)
def test_other_sample_rates_and_stereo_are_read(
    platform: Platform, tmp_path: Path, rate: int, channels: int
) -> None:
    upload = write_upload(tmp_path, "anna-1")
    (upload / "complete.wav").write_bytes(wav(0, rate=rate, channels=channels))
    assert platform.ingest(upload).success


def test_silence_is_heard_as_such(platform: Platform, sandbox: Sandbox, tmp_path: Path) -> None:
    from orf_books.activities.recognition import Transcript

    sandbox.hearing.transcript = lambda _: Transcript(())
    sandbox.hearing.words = lambda *_: ""
    assert platform.ingest(write_upload(tmp_path, "anna-1")).success
    assert platform.row("anna-1").words_attempted == 0


# The activity API


@pytest.fixture
def api(sandbox: Sandbox, folder: ObjectStorage, instance: dg.DagsterInstance) -> Platform:
    settings = settings_of_services(sandbox, folder.url, **with_activity_api(sandbox))
    return Platform(settings, instance)


def test_records_come_from_the_api_and_results_go_back_once(
    api: Platform, sandbox: Sandbox, tmp_path: Path
) -> None:
    upload = write_upload(tmp_path, "anna-1")
    (upload / "activity.json").unlink()
    sandbox.activities.put(record("anna-1"))

    assert api.ingest(upload).success
    written = sandbox.activities.get("anna-1") or {}
    assert written["status"] == written["displayStatus"] == "rescored"
    assert written["errors"] == [list(flags) for flags in RIGHT]
    version = written["version"]

    assert api.rescore("anna-1").success
    assert (sandbox.activities.get("anna-1") or {})["version"] == version


# Slack


def test_slack_is_told_counts_and_nothing_else(
    sandbox: Sandbox, folder: ObjectStorage, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    webhook = SecretStr(sandbox.slack_webhook)
    settings = settings_of_services(sandbox, folder.url, slack_webhook=webhook)
    Platform(settings, instance).ingest(write_upload(tmp_path, "anna-1"))
    (message,) = sandbox.messages
    assert "1 of 1 activities succeeded" in str(message)
    assert "anna" not in str(message)


# Words and secrets


def test_neither_words_nor_keys_are_written_into_events(platform: Platform, tmp_path: Path) -> None:
    uploads = [write_upload(tmp_path, one, number) for number, one in enumerate(IDS)]
    (uploads[1] / "complete.wav").write_bytes(b"RIFF")
    run = platform.ingest(*uploads)
    events = " ".join(str(record) for record in platform.instance.all_logs(run.run_id))
    for secret in ("sat down", "red mat", "sandbox-deepgram-key"):
        assert secret not in events


def test_uploads_noted_are_dealt_with(platform: Platform, tmp_path: Path) -> None:
    before = datetime.now(UTC)
    run = platform.ingest(write_upload(tmp_path, "anna-1"))
    (upload,) = platform.records.uploads()
    assert (upload.activities, upload.run_id) == (1, run.run_id)
    assert upload.arrived_at >= before
    again = platform.run("ingest_activities")
    assert platform.records.uploads_of_run(again.run_id) == []
