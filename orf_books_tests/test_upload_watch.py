"""Which uploads need a run: books, recordings and sessions in a folder."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orf_books.assets.books.assets import GOODREADS_EXPORTS
from orf_books.assets.uploads import EVERY_UPLOAD_IS_READ
from orf_books.commands.upload_status import status_of_upload
from orf_books.failures import OrfBooksError
from orf_books.records.activities import ActivityRecords
from orf_books.records.books import (
    ACCEPTED,
    BookRecords,
    ExportUpload,
    export_uploads,
)
from orf_books.records.raw_sessions import sessions_in
from orf_books.records.sessions import SessionRecords
from orf_books.records.uploads import (
    MOST_TRIES,
    UPLOADS_OF_A_RUN,
    UploadClaim,
    upload_claims,
)
from orf_books.resources.storage import ObjectStorage, StoredObject
from orf_books.resources.tables import Tables
from orf_books.sensors import (
    watch_exports,
    watch_recordings,
    watch_transcripts,
)
from orf_books.upload_watch import (
    CLAIM_LASTS,
    RUN_APPEARS_WITHIN,
    RUN_KEY_TAG,
    Timing,
    read_cursor,
)
from orf_books_tests.assets.transcripts.class_platform import platform_in
from orf_books_tests.conftest import Platform, book, export_of, plain_books

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def stored(key: str, version: str = "1", minute: int = 0) -> StoredObject:
    return StoredObject(key, version, 10, NOW + timedelta(minutes=minute))


class Clock:
    """A clock that sleeping puts forward, so that no test waits."""

    def __init__(self) -> None:
        self.moment = time.monotonic()

    def now(self) -> float:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += seconds


CLOCK = Clock()
AT_ONCE = Timing(now=CLOCK.now, spent=CLOCK.now, sleep=CLOCK.sleep)


@contextmanager
def sensor_context(
    cursor: str | None, instance: dg.DagsterInstance | None
) -> Iterator[dg.SensorEvaluationContext]:
    """The context of a tick; by default on an instance that knows of no run."""
    with ExitStack() as opened:
        # A tick that remembers no request does not ask for runs.
        if instance is None and cursor is not None:
            instance = opened.enter_context(dg.DagsterInstance.ephemeral())
        yield dg.build_sensor_context(cursor=cursor, instance=instance)


def tick(
    storage: ObjectStorage,
    cursor: str | None = None,
    timing: Timing = AT_ONCE,
    instance: dg.DagsterInstance | None = None,
) -> dg.SensorResult:
    with sensor_context(cursor, instance) as context:
        return watch_exports(storage).tick(context, timing)


def requested(result: dg.SensorResult) -> list[str]:
    """Keys of the uploads that runs are requested for, in their order."""
    return [
        upload["key"]
        for request in result.run_requests or []
        for upload in request.run_config["ops"]["library_entries"]["config"]["uploads"]
    ]


def config_of(request: dg.RunRequest) -> dict[str, Any]:
    (config,) = request.run_config["ops"]["library_entries"]["config"]["uploads"]
    return dict(config)


def receipts_for(storage: ObjectStorage, *objects: StoredObject) -> None:
    rows = [
        ExportUpload(found.key, found.version, "ada", ACCEPTED, found.last_modified, "run")
        for found in objects
    ]
    Tables(storage).append(export_uploads, rows)


# Uploads in a folder


def test_an_upload_is_requested_with_all_that_a_run_needs(folder: ObjectStorage) -> None:
    version = folder.put("uploads/ada/raw.csv", b"...")
    before = datetime.now(UTC)

    result = tick(folder)

    (request,) = result.run_requests or []
    config = config_of(request)
    assert (config["key"], config["version"]) == ("uploads/ada/raw.csv", version)
    assert datetime.fromisoformat(config["arrived_at"]) >= before
    assert request.run_key == f"uploads/ada/raw.csv:{version}"


def test_the_request_starts_a_run_that_makes_the_dashboard(platform: Platform) -> None:
    number = plain_books()[0]
    platform.put("ada", export_of([number]))
    result = tick(platform.storage)
    (request,) = result.run_requests or []
    run = platform.run(library_entries={"uploads": [config_of(request)]})

    assert run.success
    assert set(platform.shown_books("ada")) == {book(number)}
    after = tick(platform.storage, result.cursor)
    assert requested(after) == []
    assert json.loads(after.cursor or "") == []


def test_uploads_that_are_noticed_together_share_a_run_oldest_first(folder: ObjectStorage) -> None:
    for library, minutes in (("ada", 1), ("bob", 2)):
        folder.put(f"uploads/{library}/raw.csv", b"...")
        changed = (NOW - timedelta(minutes=minutes)).timestamp()
        os.utime(folder.location(f"uploads/{library}/raw.csv"), (changed, changed))
    result = tick(folder)
    assert requested(result) == ["uploads/bob/raw.csv", "uploads/ada/raw.csv"]
    assert len(result.run_requests or []) == 1


def test_nobody_waits_for_more_than_fifty_other_uploads(folder: ObjectStorage) -> None:
    for number in range(UPLOADS_OF_A_RUN + 1):
        folder.put(f"uploads/library-{number}/raw.csv", b"...")
    result = tick(folder)
    assert len(requested(result)) == UPLOADS_OF_A_RUN + 1
    assert len(result.run_requests or []) == 2


def test_what_was_requested_waits_for_its_receipt(folder: ObjectStorage) -> None:
    folder.put("uploads/ada/raw.csv", b"...")
    first = tick(folder)
    again = tick(folder, first.cursor)
    assert requested(again) == []
    assert again.cursor == first.cursor
    assert again.skip_reason is not None


def test_a_tick_ends_at_the_first_new_upload_and_else_waits_for_one(
    folder: ObjectStorage,
) -> None:
    def seconds_of_tick() -> float:
        before = CLOCK.now()
        tick(folder)
        return CLOCK.now() - before

    usual = Timing()
    assert seconds_of_tick() > usual.tick - 2 * usual.folder_pause
    folder.put("uploads/ada/raw.csv", b"...")
    assert seconds_of_tick() < 4 * usual.folder_pause


def test_a_file_that_is_moved_in_with_an_old_date_is_found(folder: ObjectStorage) -> None:
    folder.put("uploads/ada/raw.csv", b"...")
    receipts_for(folder, folder.head("uploads/ada/raw.csv"))
    old = (NOW - timedelta(days=3000)).timestamp()
    moved = Path(folder.location("elsewhere.csv"))
    moved.write_bytes(b"old")
    os.utime(moved, (old, old))
    moved.rename(folder.location("uploads/ada/old.csv"))
    assert requested(tick(folder)) == ["uploads/ada/old.csv"]


def test_a_file_that_is_written_again_is_requested_again(folder: ObjectStorage) -> None:
    folder.put("uploads/ada/raw.csv", b"first")
    receipts_for(folder, folder.head("uploads/ada/raw.csv"))
    assert requested(tick(folder)) == []
    folder.put("uploads/ada/raw.csv", b"second")
    assert requested(tick(folder)) == ["uploads/ada/raw.csv"]


def growing(file: Path) -> Timing:
    """A tick while another process is still copying a file: each look finds it longer."""
    file.parent.mkdir(parents=True, exist_ok=True)

    def sleep(seconds: float) -> None:
        CLOCK.sleep(seconds)
        with file.open("ab") as opened:
            opened.write(b"another row\n")

    return Timing(now=CLOCK.now, spent=CLOCK.now, sleep=sleep)


def test_a_file_that_still_grows_waits_until_it_is_whole(folder: ObjectStorage) -> None:
    unfinished = tick(folder, timing=growing(Path(folder.location("uploads/ada/raw.csv"))))
    assert requested(unfinished) == []
    whole = tick(folder, unfinished.cursor)
    assert requested(whole) == ["uploads/ada/raw.csv"]


def test_hidden_and_half_written_files_are_no_uploads(folder: ObjectStorage) -> None:
    for name in (".raw.csv.swp", "raw.csv.tmp", "raw.csv.part", "raw.csv~", ".cache/raw.csv"):
        folder.put(f"uploads/ada/{name}", b"...")
    assert requested(tick(folder)) == []


@pytest.mark.slow
def test_the_cursor_does_not_grow_with_the_store(folder: ObjectStorage) -> None:
    for number in range(1000):
        folder.put(f"uploads/library-{number}/raw.csv", b"...")
    present = list(folder.list("uploads/"))
    receipts_for(folder, *present)
    everything = json.dumps(sorted((found.key, found.version) for found in present))

    result = tick(folder, everything)

    assert requested(result) == []
    assert json.loads(result.cursor or "") == []


def test_a_store_that_cannot_be_read_is_not_a_store_without_uploads(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")
    with pytest.raises(OrfBooksError):
        tick(ObjectStorage((tmp_path / "store").as_uri()))


def test_a_table_of_receipts_that_cannot_be_read_requests_nothing(folder: ObjectStorage) -> None:
    folder.put("uploads/ada/raw.csv", b"...")
    receipts_for(folder, stored("uploads/ada/raw.csv"))
    for file in Path(folder.location("tables/uploads/_delta_log")).iterdir():
        file.write_text("{ not a commit")
    with pytest.raises(OrfBooksError):
        tick(folder)


def test_an_upload_that_a_process_has_claimed_is_left_to_it(folder: ObjectStorage) -> None:
    BookRecords(folder).claim("uploads/ada/raw.csv")
    folder.put("uploads/ada/raw.csv", b"...")
    folder.put("uploads/bob/raw.csv", b"...")
    result = tick(folder)
    assert requested(result) == ["uploads/bob/raw.csv"]


def test_an_upload_whose_claim_has_lapsed_is_requested(folder: ObjectStorage) -> None:
    old = UploadClaim("uploads/ada/raw.csv", datetime.now(UTC) - CLAIM_LASTS * 2)
    Tables(folder).append(upload_claims, [old])
    folder.put("uploads/ada/raw.csv", b"...")
    assert requested(tick(folder)) == ["uploads/ada/raw.csv"]


def test_a_claim_by_a_clock_that_was_set_back_since_holds_nothing(folder: ObjectStorage) -> None:
    ahead = UploadClaim("uploads/ada/raw.csv", datetime.now(UTC) + timedelta(days=1))
    Tables(folder).append(upload_claims, [ahead])
    folder.put("uploads/ada/raw.csv", b"...")
    assert requested(tick(folder)) == ["uploads/ada/raw.csv"]


# Requests whose run ended before it had read the upload


@dg.job
def ingest() -> None:
    """Ends at once, and leaves no receipt."""


def run_it(instance: dg.DagsterInstance, result: dg.SensorResult) -> None:
    """What Dagster does with a request: a run, which ends without a receipt."""
    for request in result.run_requests or []:
        ingest.execute_in_process(
            instance=instance, tags={**request.tags, RUN_KEY_TAG: str(request.run_key)}
        )


def test_an_upload_whose_run_ended_without_a_receipt_is_requested_again(
    folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    folder.put("uploads/ada/raw.csv", b"...")
    first = tick(folder, instance=instance)
    run_it(instance, first)

    again = tick(folder, first.cursor, instance=instance)

    assert requested(again) == ["uploads/ada/raw.csv"]
    (before,), (after,) = first.run_requests or [], again.run_requests or []
    assert before.run_key != after.run_key


def test_after_a_lost_run_each_of_its_uploads_is_tried_alone(
    folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    for library in ("ada", "bob", "cy"):
        folder.put(f"uploads/{library}/raw.csv", b"...")
    first = tick(folder, instance=instance)
    assert len(first.run_requests or []) == 1
    run_it(instance, first)
    again = tick(folder, first.cursor, instance=instance)
    assert len(again.run_requests or []) == 3


def test_an_upload_whose_run_is_under_way_is_not_requested_again(
    folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    folder.put("uploads/ada/raw.csv", b"...")
    first = tick(folder, instance=instance)
    (request,) = first.run_requests or []
    instance.create_run_for_job(ingest, tags={RUN_KEY_TAG: str(request.run_key)})
    assert requested(tick(folder, first.cursor, instance=instance)) == []


@pytest.mark.parametrize(
    ("status", "keys"),
    [
        (dg.DagsterRunStatus.NOT_STARTED, []),
        (dg.DagsterRunStatus.STARTED, ["uploads/bob/raw.csv", "uploads/cy/raw.csv"]),
    ],
)
def test_uploads_that_come_while_a_run_waits_for_its_turn_share_the_next(
    folder: ObjectStorage,
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus,
    keys: list[str],
) -> None:
    folder.put("uploads/ada/raw.csv", b"...")
    first = tick(folder, instance=instance)
    (request,) = first.run_requests or []
    instance.create_run_for_job(ingest, tags={RUN_KEY_TAG: str(request.run_key)}, status=status)
    for library in ("bob", "cy"):
        folder.put(f"uploads/{library}/raw.csv", b"...")

    result = tick(folder, first.cursor, instance=instance)

    assert requested(result) == keys
    assert len(result.run_requests or []) == bool(keys)


def test_another_try_of_a_lost_upload_holds_no_new_one_back(
    folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    folder.put("uploads/ada/raw.csv", b"...")
    first = tick(folder, instance=instance)
    run_it(instance, first)
    again = tick(folder, first.cursor, instance=instance)
    (request,) = again.run_requests or []
    tags = {RUN_KEY_TAG: str(request.run_key)}
    instance.create_run_for_job(ingest, tags=tags, status=dg.DagsterRunStatus.NOT_STARTED)
    folder.put("uploads/bob/raw.csv", b"...")

    assert requested(tick(folder, again.cursor, instance=instance)) == ["uploads/bob/raw.csv"]


def test_a_request_that_never_became_a_run_is_repeated(
    folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    version = folder.put("uploads/ada/raw.csv", b"...")
    long_ago = (datetime.now(UTC) - 2 * RUN_APPEARS_WITHIN).isoformat()
    cursor = json.dumps([["uploads/ada/raw.csv", version, "a run key", 1, long_ago]])
    assert requested(tick(folder, cursor, instance=instance)) == ["uploads/ada/raw.csv"]


def test_a_cursor_of_an_earlier_version_is_read(
    folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    version = folder.put("uploads/ada/raw.csv", b"...")
    cursor = json.dumps([["uploads/ada/raw.csv", version]])
    assert [request.tries for request in read_cursor(cursor)] == [1]
    result = tick(folder, cursor, instance=instance)
    assert requested(result) == []
    ingest.execute_in_process(
        instance=instance, tags={RUN_KEY_TAG: f"uploads/ada/raw.csv:{version}"}
    )
    assert requested(tick(folder, result.cursor, instance=instance)) == ["uploads/ada/raw.csv"]


def given_up(folder: ObjectStorage, instance: dg.DagsterInstance) -> dg.SensorResult:
    """The tick after as many runs as there are tries."""
    result = tick(folder, instance=instance)
    for _ in range(MOST_TRIES):
        assert requested(result) == ["uploads/ada/raw.csv"]
        run_it(instance, result)
        result = tick(folder, result.cursor, instance=instance)
    return result


def test_after_three_runs_an_upload_is_given_up_in_red_and_says_what_to_do(
    folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    folder.put("uploads/ada/raw.csv", b"...")
    result = given_up(folder, instance)

    assert requested(result) == []
    assert json.loads(result.cursor or "") == []
    assert requested(tick(folder, result.cursor, instance=instance)) == []
    (abandoned,) = BookRecords(folder).abandoned()
    assert "3 runs ended" in abandoned.problem
    assert "orf-books retry" in abandoned.problem
    status = status_of_upload(folder, "ada")
    assert (status["status"], status["problem"]) == ("failed", abandoned.problem)
    evaluation = last_evaluation(instance)
    assert not evaluation.passed
    assert abandoned.problem in str(evaluation.description)


def last_evaluation(instance: dg.DagsterInstance) -> dg.AssetCheckEvaluation:
    """How the page shows whether every export was read."""
    key = dg.AssetCheckKey(GOODREADS_EXPORTS, EVERY_UPLOAD_IS_READ)
    record = instance.get_latest_asset_check_evaluation_record(key)
    assert record
    assert record.event
    return record.event.get_dagster_event().asset_check_evaluation_data


def test_a_newer_version_of_an_upload_that_was_given_up_is_requested(
    folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    folder.put("uploads/ada/raw.csv", b"...")
    result = given_up(folder, instance)
    folder.put("uploads/ada/raw.csv", b"....")
    assert requested(tick(folder, result.cursor, instance=instance)) == ["uploads/ada/raw.csv"]


def test_a_retry_reads_what_was_given_up(platform: Platform) -> None:
    number = plain_books()[0]
    platform.put("ada", export_of([number]))
    given_up(platform.storage, platform.instance)

    assert platform.run("retry_failed_books").success

    assert set(platform.shown_books("ada")) == {book(number)}
    assert platform.records.abandoned() == []
    assert last_evaluation(platform.instance).passed


# Recorded readings


def listening_tick(storage: ObjectStorage, cursor: str | None = None) -> dg.SensorResult:
    with sensor_context(cursor, None) as context:
        return watch_recordings(storage, needs_record=True).tick(context, AT_ONCE)


def asked_for(result: dg.SensorResult) -> list[list[str]]:
    return [
        [
            upload["key"]
            for upload in request.run_config["ops"]["requested_activities"]["config"]["uploads"]
        ]
        for request in result.run_requests or []
    ]


def put_recording(storage: ObjectStorage, activity: str, *names: str) -> None:
    for name in names or ("complete.wav", "activity.json"):
        storage.put(f"activities/{activity}/{name}", b"...")


def test_recordings_that_are_noticed_together_share_a_run(folder: ObjectStorage) -> None:
    for activity in ("anna-1", "ben-2"):
        put_recording(folder, activity)
    folder.put("activities/monday.csv", b"activity_id\nanna-1\n")
    (uploads,) = asked_for(listening_tick(folder))
    assert set(uploads) == {"activities/anna-1/", "activities/ben-2/", "activities/monday.csv"}


@pytest.mark.parametrize("name", ["complete.wav", "activity.json", "0-0-v2.wav"])
def test_a_recording_waits_until_its_upload_is_complete(folder: ObjectStorage, name: str) -> None:
    put_recording(folder, "anna-1", name)
    first = listening_tick(folder)
    assert asked_for(first) == []
    put_recording(folder, "anna-1")
    assert asked_for(listening_tick(folder, first.cursor)) == [["activities/anna-1/"]]


def test_a_recording_is_requested_once_until_it_changes(folder: ObjectStorage) -> None:
    put_recording(folder, "anna-1")
    first = listening_tick(folder)
    assert asked_for(listening_tick(folder, first.cursor)) == []
    folder.put("activities/anna-1/activity.json", b"....")
    assert asked_for(listening_tick(folder, first.cursor)) == [["activities/anna-1/"]]


def test_a_recording_that_a_process_is_dealing_with_is_not_requested(
    folder: ObjectStorage,
) -> None:
    ActivityRecords(folder).claim("activities/anna-1/")
    put_recording(folder, "anna-1")
    assert asked_for(listening_tick(folder)) == []


# Class sessions


def sessions_tick(
    storage: ObjectStorage, cursor: str | None = None, timing: Timing = AT_ONCE
) -> dg.SensorResult:
    with sensor_context(cursor, None) as context:
        return watch_transcripts(storage).tick(context, timing)


def sessions_asked_for(result: dg.SensorResult) -> list[set[tuple[str, str]]]:
    """By request, the partitions and versions of its sessions."""
    return [
        {
            (upload["key"], upload["version"])
            for upload in request.run_config["ops"]["requested_sessions"]["config"]["uploads"]
        }
        for request in result.run_requests or []
    ]


def present(storage: ObjectStorage, below: str = "raw/") -> set[tuple[str, str]]:
    return {(one.key, one.version) for one in sessions_in(storage, below)}


def put_session(storage: ObjectStorage, class_id: str = "5B", day: int = 5) -> None:
    storage.put(f"raw/{class_id}/2026-01-{day:02}/morning.txt", b"...")


def test_sessions_that_are_noticed_together_share_a_run(folder: ObjectStorage) -> None:
    for day in (5, 6):
        put_session(folder, day=day)
    put_session(folder, "6C")
    folder.put("raw/6C/yesterday/emma_cried.txt", b"...")
    folder.put("raw/6C/roster.json", b"[]")

    result = sessions_tick(folder)

    assert sessions_asked_for(result) == [present(folder)]
    assert len(present(folder)) == 4
    assert "emma" not in str(result)


def test_a_session_is_requested_once_until_it_changes(folder: ObjectStorage) -> None:
    put_session(folder)
    first = sessions_tick(folder)
    again = sessions_tick(folder, first.cursor)
    assert sessions_asked_for(again) == []
    assert again.skip_reason is not None
    put_session(folder)
    assert sessions_asked_for(sessions_tick(folder, again.cursor)) == [present(folder)]


def test_a_roster_that_comes_or_changes_asks_for_all_sessions_of_its_class(
    folder: ObjectStorage,
) -> None:
    for day in (5, 6):
        put_session(folder, day=day)
    put_session(folder, "6C")
    result = sessions_tick(folder)
    for roster in (b"[1]", b"[2]"):
        folder.put("raw/5B/roster.json", roster)
        result = sessions_tick(folder, result.cursor)
        assert sessions_asked_for(result) == [present(folder, "raw/5B/")]


def test_metadata_that_comes_asks_for_its_session(folder: ObjectStorage) -> None:
    for day in (5, 6):
        put_session(folder, day=day)
    first = sessions_tick(folder)
    folder.put("raw/5B/2026-01-05/morning.txt.metadata.json", b"{}")
    result = sessions_tick(folder, first.cursor)
    assert sessions_asked_for(result) == [present(folder, "raw/5B/2026-01-05/")]


def test_sessions_that_are_half_written_wait(folder: ObjectStorage) -> None:
    folder.put("raw/5B/roster.json", b"[]")
    folder.put("raw/5B/2026-01-05/morning.txt.metadata.json", b"{}")
    for name in (".morning.txt", "noon.txt.part", "evening.txt~"):
        folder.put(f"raw/5B/2026-01-05/{name}", b"...")
    half = Path(folder.location("raw/5B/2026-01-05/morning.txt"))
    unfinished = sessions_tick(folder, timing=growing(half))
    assert sessions_asked_for(unfinished) == []
    whole = sessions_tick(folder, unfinished.cursor)
    assert sessions_asked_for(whole) == [present(folder)]


def test_a_session_that_a_process_is_dealing_with_is_not_requested(folder: ObjectStorage) -> None:
    put_session(folder)
    ((key, _),) = present(folder)
    SessionRecords(folder).claim(key)
    assert sessions_asked_for(sessions_tick(folder)) == []


def test_the_run_that_is_requested_ends_the_request(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    classes = platform_in(tmp_path, instance)
    key = classes.put()
    result = sessions_tick(classes.storage)
    (request,) = result.run_requests or []

    assert classes.run("ingest_transcripts", request.run_config).success
    assert classes.job_ids().keys() == {key}
    after = sessions_tick(classes.storage, result.cursor)
    assert sessions_asked_for(after) == []
    assert json.loads(after.cursor or "") == []
