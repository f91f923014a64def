"""Class sessions on their way from raw files to scores: what real runs make of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from orf_books.assets.transcripts.assets import CLASS_TRANSCRIPTS, TRANSCRIPTS_ARE_USABLE
from orf_books.assets.transcripts.step import SCORED_TRANSCRIPTS
from orf_books.assets.uploads import UploadsConfig
from orf_books.checks import transcripts_are_usable
from orf_books.dagster_internals import PartitionStatus
from orf_books.object_keys import (
    CLASSES_PAGE,
    class_page_key,
    roster_key,
    session_metadata_key,
    session_refusal_key,
    student_page_key,
)
from orf_books.records.evidence import resolve_stored
from orf_books.records.raw_sessions import sessions_in
from orf_books.records.sessions import ACCEPTED, REFUSED, SessionRow, SessionUpload
from orf_books.resources.dagster_resources import StorageResource
from orf_books.resources.published_tables import ASSESSMENTS, EVIDENCE, STUDENTS
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage
from orf_books.sandbox.class_sessions import invented_class
from orf_books.sandbox.server import Sandbox
from orf_books.transcripts.problems import UnusableTranscript
from orf_books_tests.assets.transcripts.class_platform import (
    CLASS,
    MONDAY,
    NOTHING_SAID,
    ClassPlatform,
    check_of,
    metadata_of,
    names_of,
    platform_in,
    transcript,
)

TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
GREEN, RED = PartitionStatus.MATERIALIZED, PartitionStatus.FAILED
QUIET_ONE = CLASS.students[0]
SECRET = "Let me help you with the quokka."


@pytest.fixture
def platform(tmp_path: Path, instance: dg.DagsterInstance) -> ClassPlatform:
    return platform_in(tmp_path, instance)


def said_by(name: str, text: str = SECRET) -> bytes:
    """What was said on Monday, and one more thing."""
    return transcript() + f"[16:00:00] {name}: {text}\n".encode()


def declare(platform: ClassPlatform, class_id: str, /, **others: str) -> None:
    """Put metadata beside the session of Monday; `others` are wrong."""
    right = {"class_id": class_id, "date": str(MONDAY), "format": "txt", "source": "Zoom"}
    key = session_metadata_key(f"raw/{class_id}/{MONDAY}/morning.txt")
    platform.storage.put(key, json.dumps(right | others).encode())


# From raw files to pages


@dataclass
class Settled:
    """A platform after a run over sessions of each format, two of a day; tests only look at it."""

    platform: ClassPlatform
    keys: list[str]
    run: dg.ExecuteInProcessResult

    @property
    def rows(self) -> list[SessionRow]:
        return [self.platform.row(key) for key in self.keys]


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settled]:
    with dg.DagsterInstance.ephemeral() as instance:
        platform = platform_in(tmp_path_factory.mktemp("settled"), instance)
        keys = [
            platform.put(MONDAY),
            platform.put(TUESDAY, "morning.csv"),
            platform.put(WEDNESDAY, "morning.jsonl"),
            platform.put(WEDNESDAY, "afternoon.txt", content=said_by(QUIET_ONE.name)),
        ]
        yield Settled(platform, keys, platform.ingest())


def test_sessions_of_every_format_become_objects(settled: Settled) -> None:
    platform, rows = settled.platform, settled.rows

    assert settled.run.success
    assert platform.statuses() == dict.fromkeys(settled.keys, GREEN)
    assert [row.format for row in rows] == ["txt", "csv", "jsonl", "txt"]
    for row in rows:
        assert (row.run_id, row.students) == (settled.run.run_id, len(CLASS.students))
        for key in (row.scores_key, row.aggregates_key):
            document = platform.document(key)
            assert (document["job_id"], document["date"]) == (row.job_id, str(row.day))
        assert len(platform.storage.get(row.normalized_key).splitlines()) == row.utterances + 1


def test_two_sessions_of_a_class_on_a_day_have_objects_of_their_own(settled: Settled) -> None:
    assert len({key for row in settled.rows for key in row.output_keys}) == 3 * len(settled.keys)
    for row in settled.rows:
        assert row.job_id.startswith(settled.run.run_id)
        scores = settled.platform.document(row.scores_key)
        assert scores["metadata"]["source_sha256"] == row.source_sha256


def test_scores_become_tables_and_pages(settled: Settled) -> None:
    platform, rows = settled.platform, settled.rows
    students = {student.student_id for student in CLASS.students}

    assert len(platform.published(ASSESSMENTS)) == sum(row.students for row in rows)
    assert len(platform.published(EVIDENCE)) == sum(row.evidence for row in rows) > 0
    assert {row["student_id"] for row in platform.published(STUDENTS)} == students
    assert platform.versions("data/").keys() == {
        class_page_key("5B"),
        *(student_page_key("5B", student) for student in students),
    }
    assert class_page_key("5B") in platform.page(CLASSES_PAGE)


def test_a_run_tells_what_it_did_in_figures(settled: Settled) -> None:
    run, rows = settled.run, settled.rows

    assert metadata_of(run, "requested_sessions") == {"uploads": 4, "refused_uploads": 0}
    report = metadata_of(run, "scoring_report")
    assert (report["sessions_processed"], report["successful_scorings"]) == (4, 4)
    assert (report["utterances"], report["warnings"]) == (
        sum(row.utterances for row in rows),
        sum(row.warnings for row in rows),
    )
    assert metadata_of(run, "class_figures") == {"classes": 1, "documents": 4}
    assert metadata_of(run, "published_scores") == {"published": "yes", "sessions": 4}
    pages = metadata_of(run, "class_pages")
    assert (pages["classes"], pages["made"], pages["not_made"]) == (1, 1, 0)
    evidence = check_of(run, "evidence_resolves")
    assert evidence.passed
    assert evidence.metadata["evidence"].value == sum(row.evidence for row in rows)
    assert check_of(run, "every_session_succeeded").passed


def test_a_partition_shows_figures_and_never_words(settled: Settled) -> None:
    (record,) = settled.platform.instance.fetch_materializations(
        dg.AssetRecordsFilter(SCORED_TRANSCRIPTS, asset_partitions=[settled.keys[0]]), limit=5
    ).records
    assert record.asset_materialization
    shown = {name: one.value for name, one in record.asset_materialization.metadata.items()}
    codes = shown.pop("warnings_by_code", {})
    row = settled.rows[0]
    assert shown == {
        "utterances": row.utterances,
        "students": row.students,
        "unscored_students": row.unscored_students,
        "evidence": row.evidence,
        "without_consent": row.without_consent,
        "warnings": row.warnings,
        "seconds": round(row.seconds, 3),
        "class": row.class_id,
        "day": row.day.isoformat(),
        "page": settled.platform.storage.location(class_page_key(row.class_id)),
    }
    assert codes == json.loads(row.warnings_by_code)


def test_neither_names_nor_words_get_into_events_tables_or_keys(
    platform: ClassPlatform, instance: dg.DagsterInstance
) -> None:
    file = "Zephrine_cried.txt"
    platform.put(MONDAY, content=said_by(QUIET_ONE.name), name=file)
    platform.put(TUESDAY, content=NOTHING_SAID, name=file)
    platform.storage.put(f"raw/5B/yesterday/{file}", transcript())

    runs = [platform.ingest(), platform.run("retry_failed_transcripts")]

    told = [str(record) for run in runs for record in instance.all_logs(run.run_id)]
    told += map(str, platform.records.uploads())
    told += map(str, platform.records.latest().values())
    told += map(str, platform.records.standing_failures().values())
    told += platform.versions()
    secrets = {"quokka", "Zephrine_cried", "Once upon a time", *names_of(CLASS)}
    assert [secret for secret in secrets if secret in "\n".join(told)] == []


# What fails, and how it is mended


def test_a_refused_file_turns_red_alone_with_its_reason_and_a_corrected_one_mends_it(
    platform: ClassPlatform,
) -> None:
    good = [platform.put(MONDAY), platform.put(WEDNESDAY, "morning.csv")]
    stray = b"".join(b"[09:00:00] Nobody %d: hello\n" % number for number in range(600))
    bad = platform.put(TUESDAY, content=transcript(TUESDAY) + stray)

    run = platform.ingest()

    assert not run.success
    assert platform.statuses() == {**dict.fromkeys(good, GREEN), bad: RED}
    report = platform.report(run)
    assert (report.succeeded, report.failed) == (2, 1)
    assert report.failed_by_code == {"not_attributed": 1}
    refusal = platform.refusal(bad)
    assert (refusal["session"], refusal["code"]) == (bad, "not_attributed")
    assert {"line": 61, "code": "label_not_on_roster"} in refusal["warnings"]
    assert not check_of(run, "every_session_succeeded").passed
    is_usable, refusals = usability(platform)
    assert not is_usable
    assert f"| `{bad}` | " in refusals
    assert "Not attributed" in platform.page(class_page_key("5B"))
    scored = platform.job_ids()

    platform.put(TUESDAY)
    mended = platform.ingest(bad)

    assert mended.success
    assert platform.statuses() == dict.fromkeys([*good, bad], GREEN)
    assert platform.job_ids() == scored | {bad: mended.run_id}
    assert platform.versions("rejected/") == {}
    assert platform.records.standing_failures() == {}
    assert usability(platform)[0]


def usability(platform: ClassPlatform) -> tuple[bool, str]:
    """What the page says of raw files since the last run: whether all can be used, or which not."""
    check = dg.AssetCheckKey(CLASS_TRANSCRIPTS, TRANSCRIPTS_ARE_USABLE)
    latest = platform.instance.event_log_storage.get_latest_asset_check_execution_by_key([check])
    event = latest[check].event
    assert event is not None
    assert event.dagster_event is not None
    evaluation = event.dagster_event.asset_check_evaluation_data
    return evaluation.passed, str(evaluation.metadata["refusals"].value)


@pytest.mark.slow
def test_a_chosen_partition_mends_a_session_and_a_refresh_shows_and_publishes_it(
    platform: ClassPlatform,
) -> None:
    platform.put(MONDAY)
    bad = platform.put(TUESDAY, content=NOTHING_SAID)
    platform.ingest()
    assert not platform.backfill(bad).success
    assert platform.statuses()[bad] == RED
    platform.put(TUESDAY)

    assert platform.backfill(bad).success
    assert platform.statuses()[bad] == GREEN
    assert platform.versions("rejected/") == {}
    assert bad in platform.records.classes()["5B"].unpublished_keys

    refresh = platform.run("refresh_classes")

    assert refresh.success
    assert metadata_of(refresh, "published_scores") == {"published": "yes", "sessions": 1}
    assert metadata_of(refresh, "class_pages")["made"] == 1
    assert {row["job_id"] for row in platform.published(ASSESSMENTS)} == set(
        platform.job_ids().values()
    )
    assert platform.document(platform.row(bad).aggregates_key)["date"] == str(TUESDAY)


@pytest.mark.slow
def test_a_retry_scores_what_failed_or_is_missing_and_nothing_else(
    platform: ClassPlatform,
) -> None:
    good, bad = platform.put(MONDAY), platform.put(TUESDAY, content=NOTHING_SAID)
    first = platform.ingest()
    platform.put(TUESDAY)
    missing = platform.put(WEDNESDAY)
    platform.records.add_uploads(
        [SessionUpload(missing, "1", ACCEPTED, datetime.now(UTC), "a run that was killed")]
    )

    run = platform.run("retry_failed_transcripts")

    assert run.success
    assert set(platform.report(run).uploads) == {bad, missing}
    assert platform.job_ids() == {good: first.run_id, bad: run.run_id, missing: run.run_id}
    assert platform.statuses() == dict.fromkeys([good, bad, missing], GREEN)


def test_what_has_not_changed_is_reused(platform: ClassPlatform) -> None:
    keys = [platform.put(MONDAY), platform.put(TUESDAY)]
    platform.ingest()
    before = platform.versions()

    run = platform.ingest(*keys)

    assert run.success
    report = platform.report(run)
    assert (report.reused, report.succeeded) == (2, 2)
    assert platform.versions() == before


@pytest.mark.slow
def test_whoever_asks_gets_unchanged_sessions_scored_again(platform: ClassPlatform) -> None:
    key = platform.put()
    platform.ingest()
    before = platform.row(key)
    scores = platform.document(before.scores_key)["students"]
    config = UploadsConfig.noticed_now(platform.found(key)).run_config("requested_sessions")
    config["ops"]["score_transcripts"] = {"config": {"score_again": True}}

    asked = platform.run("ingest_transcripts", config)

    assert asked.success
    assert platform.job_ids() == {key: asked.run_id}
    assert platform.document(platform.row(key).scores_key)["students"] == scores
    assert not set(before.output_keys) & platform.versions().keys()


@pytest.mark.slow
def test_words_of_a_student_whose_consent_is_withdrawn_are_gone_after_the_next_run(
    platform: ClassPlatform,
) -> None:
    key = platform.put(content=said_by(QUIET_ONE.name))
    platform.put(TUESDAY)
    platform.ingest()
    student, before = QUIET_ONE.student_id, platform.records.latest()
    assert b"quokka" in platform.storage.get(before[key].normalized_key)
    assert platform.page(student_page_key("5B", student))
    quotes = len(platform.published(EVIDENCE))

    platform.put_roster(consent={student: False})
    run = platform.ingest()

    assert run.success
    assert platform.report(run).reused == 0
    assert set(platform.job_ids().values()) == {run.run_id}
    made = platform.versions()
    assert not {old for row in before.values() for old in row.output_keys} & made.keys()
    assert student_page_key("5B", student) not in made
    for name in made:
        content = platform.storage.get(name).decode()
        assert student not in content
        assert "quokka" not in content
    assert platform.row(key).without_consent > before[key].without_consent
    for table in (ASSESSMENTS, STUDENTS):
        assert student not in {row["student_id"] for row in platform.published(table)}
    assert len(platform.published(EVIDENCE)) < quotes


# Refusals


@pytest.mark.slow
def test_every_unusable_session_is_refused_with_its_code_until_it_is_put_right(
    platform: ClassPlatform,
) -> None:
    codes: dict[str, str] = {}

    def put(class_id: str, code: str, content: bytes | None = None, /, **declared: str) -> None:
        of = invented_class(class_id, students=2)
        platform.put_roster(of)
        codes[platform.put(of=of, content=content)] = code
        if declared:
            declare(platform, class_id, **declared)

    put("1A", "empty_file", b"")
    put("1B", "not_text", b"\x89PNG\r\n\x1a\n\0\0\0\r")
    put("1C", "no_utterances", NOTHING_SAID)
    put("2A", "invalid_roster")
    platform.storage.put(roster_key("2A"), b"{")
    put("2B", "invalid_roster")
    platform.storage.delete(roster_key("2B"))
    put("3A", "invalid_metadata", date="yesterday")
    put("3B", "invalid_metadata", source="")
    put("4A", "key_mismatch", date=str(TUESDAY))
    put("4B", "key_mismatch", class_id="9Z")
    put("4C", "key_mismatch", format="csv")

    run = platform.ingest()

    assert not run.success
    assert platform.statuses() == dict.fromkeys(codes, RED)
    failures = platform.records.standing_failures()
    assert {key: failure.code for key, failure in failures.items()} == codes
    assert {key: platform.refusal(key)["code"] for key in codes} == codes
    assert {platform.refusal(key)["problem"] for key in codes} == {
        failure.message for failure in failures.values()
    }

    platform.put_roster(invented_class("2B", students=2))
    mended = platform.ingest()

    assert mended.success
    ((key, _),) = platform.job_ids().items()
    assert codes[key] == "invalid_roster"
    assert platform.statuses() == {**dict.fromkeys(codes, RED), key: GREEN}
    assert session_refusal_key(key) not in platform.versions("rejected/")
    assert platform.page(class_page_key("2B"))


@pytest.mark.slow
def test_a_key_that_declares_no_session_is_refused_until_it_is_put_right(
    platform: ClassPlatform,
) -> None:
    platform.storage.put("raw/5B/yesterday/morning.txt", transcript())
    good = platform.put()

    run = platform.ingest()

    assert run.success
    assert metadata_of(run, "requested_sessions") == {"uploads": 2, "refused_uploads": 1}
    assert platform.statuses() == {good: GREEN}
    (refused,) = (one for one in platform.records.uploads() if one.status == REFUSED)
    assert "YYYY-MM-DD" in (refused.problem or "")
    assert platform.refusal(refused.key)["code"] == "invalid_key"
    assert not usable(platform).passed

    platform.storage.delete("raw/5B/yesterday/morning.txt")
    key = platform.put(TUESDAY)
    assert platform.ingest().success
    assert set(platform.records.requested()) == {good, key}
    assert platform.versions("rejected/") == {}
    assert usable(platform).passed


def test_a_run_about_refused_keys_alone_fails_with_the_remedy(platform: ClassPlatform) -> None:
    platform.storage.put("raw/5B/morning.txt", transcript())
    run = platform.ingest()
    assert not run.success
    (failure,) = (event for event in run.all_events if event.is_step_failure)
    assert "YYYY-MM-DD" in str(failure.step_failure_data.error)
    assert not usability(platform)[0]
    assert platform.versions("normalized/") == {}


def usable(platform: ClassPlatform) -> dg.AssetCheckResult:
    """Whether all raw files can be used, as the check says that people run by hand."""
    result = transcripts_are_usable(storage=StorageResource(url=platform.storage.url))
    assert isinstance(result, dg.AssetCheckResult)
    return result


@pytest.mark.slow
def test_an_unusable_file_that_is_gone_before_its_run_disturbs_nothing(
    platform: ClassPlatform,
) -> None:
    platform.storage.put("raw/5B/yesterday/morning.txt", transcript())
    good = platform.put()
    config = UploadsConfig.noticed_now(sessions_in(platform.storage))
    platform.storage.delete("raw/5B/yesterday/morning.txt")

    run = platform.run("ingest_transcripts", config.run_config("requested_sessions"))

    assert run.success
    assert platform.statuses() == {good: GREEN}
    assert platform.run("retry_failed_transcripts").success


def test_a_session_whose_raw_file_is_gone_fails_with_what_to_do(platform: ClassPlatform) -> None:
    key = platform.put()
    platform.ingest()
    platform.storage.delete(f"raw/5B/{MONDAY}/morning.txt")
    assert not platform.run("retry_failed_transcripts").success
    assert platform.records.standing_failures()[key].code == "missing_file"


# Evidence


class TamperedStorage(ObjectStorage):
    """A store in which scores say that their evidence stands elsewhere."""

    def put(self, key: str, content: bytes) -> str:
        """Write the object; returns its version."""
        return super().put(key, _tampered(content) if key.startswith("scores/") else content)


def _tampered(content: bytes) -> bytes:
    document = json.loads(content)
    spans = [
        span
        for student in document["students"].values()
        for found in student["evidence"].values()
        for span in found
    ]
    spans[0]["utterance_id"] = "another"
    for span in spans[1:]:
        span["start"] += 1
        span["end"] += 1
    return json.dumps(document).encode()


class TamperedStorageResource(StorageResource):
    """Access to such a store."""

    def open(self) -> ObjectStorage:
        """The store."""
        return TamperedStorage(self.url)


def test_scores_whose_evidence_is_not_there_are_not_published(
    platform: ClassPlatform, instance: dg.DagsterInstance
) -> None:
    platform.put()
    tampering = ClassPlatform(
        platform.settings, instance, {"storage": TamperedStorageResource(url=platform.storage.url)}
    )

    run = tampering.ingest()

    assert not run.success
    check = check_of(run, "evidence_resolves")
    assert not check.passed
    assert check.metadata["resolved"].value == 0 != check.metadata["evidence"].value
    assert platform.versions("aggregates/", "data/") == {}
    assert not Path(platform.storage.location("published.sqlite")).exists()


class StorageWithoutRawFiles(ObjectStorage):
    """A store whose raw files are gone."""

    def get(self, key: str) -> bytes:
        """The content of any other object."""
        if key.startswith("raw/"):
            raise ObjectNotFoundError(f"There is no object {key!r}.")
        return super().get(key)


def test_a_raw_file_that_evidence_is_not_found_in_is_not_named(settled: Settled) -> None:
    storage = StorageWithoutRawFiles(settled.platform.storage.url)
    with pytest.raises(UnusableTranscript) as missing:
        resolve_stored(storage, settled.rows)
    assert "morning" not in str(missing.value)


# Slack


def test_slack_is_told_counts_and_nothing_else(platform: ClassPlatform, sandbox: Sandbox) -> None:
    sandbox.messages.clear()
    webhook = SecretStr(sandbox.slack_webhook)
    platform.settings = platform.settings.model_copy(update={"slack_webhook": webhook})
    platform.put()
    platform.run("ingest_transcripts")
    (message,) = map(str, sandbox.messages)
    assert "1 of 1 sessions succeeded" in message
    assert platform.settings.storage not in message
