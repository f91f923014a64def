"""Uploads that a bucket reports through a queue."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import dagster as dg
import pytest

from orf_books.definitions import storage_of
from orf_books.queue_watch import LISTED_EVERY_SECONDS
from orf_books.records.books import ACCEPTED, BookRecords, ExportUpload, export_uploads
from orf_books.records.raw_sessions import sessions_in
from orf_books.records.uploads import UploadClaim, upload_claims
from orf_books.resources.dagster_resources import UploadQueueResource
from orf_books.resources.storage import ObjectStorage, S3Options
from orf_books.resources.tables import Tables
from orf_books.resources.upload_inbox import UploadInbox
from orf_books.resources.upload_queue import UploadQueue
from orf_books.sensors import watch_exports, watch_recordings, watch_transcripts
from orf_books.settings import Settings
from orf_books.upload_watch import CLAIM_LASTS, RUN_APPEARS_WITHIN, RUN_KEY_TAG, Timing, UploadWatch
from orf_books_tests.conftest import BUCKET
from orf_books_tests.resources.upload_queue import TEST_EVENT, Queue, event, message

WATCHED = ("uploads/", "activities/", "raw/")


class Clock:
    """Stands still, before the first listing is due, until a test moves it."""

    moment = -1.0

    def now(self) -> float:
        return self.moment


@dataclass
class Sensors:
    """The sensors of a bucket that reports to a queue, in one process."""

    storage: ObjectStorage
    queue: Queue
    inbox: UploadInbox
    instance: dg.DagsterInstance
    clock: Clock = field(default_factory=Clock)
    cursors: dict[str, str | None] = field(default_factory=dict)

    def put(self, key: str, content: bytes = b"...") -> None:
        """An upload, and the message about it."""
        self.storage.put(key, content)
        self.report(key)

    def report(self, *keys: str, kind: str = "ObjectCreated:Put") -> None:
        """Send a message about keys of the store."""
        self.queue.send([message(*(event(f"platform/{key}", kind) for key in keys))])

    def books(self) -> list[str]:
        """Keys of the exports that a tick requests runs for."""
        return self._tick(watch_exports(self.storage, self.inbox), "library_entries")

    def recordings(self) -> list[str]:
        watch = watch_recordings(self.storage, self.inbox, needs_record=True)
        return self._tick(watch, "requested_activities")

    def sessions(self) -> list[str]:
        return self._tick(watch_transcripts(self.storage, self.inbox), "requested_sessions")

    def _tick(self, watch: UploadWatch, step: str) -> list[str]:  # type: ignore[type-arg]
        timing = Timing(tick=0, now=self.clock.now)
        context = dg.build_sensor_context(cursor=self.cursors.get(step), instance=self.instance)
        result = watch.tick(context, timing)
        self.cursors[step] = result.cursor
        return [
            upload["key"]
            for request in result.run_requests or []
            for upload in request.run_config["ops"][step]["config"]["uploads"]
        ]

    def deal_with(self, *keys: str) -> None:
        """What the run of exports leaves."""
        found = [self.storage.head(key) for key in keys]
        receipts = [
            ExportUpload(one.key, one.version, "ada", ACCEPTED, one.last_modified, "run")
            for one in found
        ]
        Tables(self.storage).append(export_uploads, receipts)


@dg.job
def ingest() -> None:
    """Stands for the run of an upload."""


@pytest.fixture(scope="module")
def without_runs() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def sensors(
    s3_server: S3Options, folder: ObjectStorage, tmp_path: Path, without_runs: dg.DagsterInstance
) -> Sensors:
    """Sensors for which a folder stands in for the bucket: it is quicker."""
    queue = Queue(s3_server, tmp_path.name.replace("_", "-"), hidden_seconds=600)
    return Sensors(folder, queue, UploadInbox(queue.reader(WATCHED)), without_runs)


def test_an_upload_is_requested_and_its_message_goes_once_the_request_is_kept(
    sensors: Sensors,
) -> None:
    sensors.put("uploads/ada/my books+1.csv")
    assert sensors.books() == ["uploads/ada/my books+1.csv"]
    assert sensors.queue.length() == 1, "a tick may be lost before its cursor is stored"
    assert sensors.books() == []
    assert sensors.queue.length() == 0


def test_a_tick_whose_request_was_lost_is_made_up_for(sensors: Sensors) -> None:
    sensors.put("uploads/ada/raw.csv")
    assert sensors.books() == ["uploads/ada/raw.csv"]
    sensors.cursors.clear()
    assert sensors.books() == ["uploads/ada/raw.csv"]


def test_messages_about_what_has_a_receipt_go_without_a_run(sensors: Sensors) -> None:
    sensors.put("uploads/ada/raw.csv")
    sensors.deal_with("uploads/ada/raw.csv")
    assert sensors.books() == []
    assert sensors.queue.length() == 0


def test_an_overwritten_upload_is_requested_as_it_is_now(sensors: Sensors) -> None:
    for content in (b"first", b"second"):
        sensors.put("uploads/ada/raw.csv", content)
    assert sensors.books() == ["uploads/ada/raw.csv"]
    (request,) = json.loads(sensors.cursors["library_entries"] or "")
    assert request[1] == sensors.storage.head("uploads/ada/raw.csv").version


def test_what_is_deleted_hidden_or_no_upload_is_settled(sensors: Sensors) -> None:
    sensors.report("uploads/ada/gone.csv")
    sensors.put("uploads/ada/.hidden.csv")
    sensors.put("uploads/ada/raw.csv.part")
    sensors.report("uploads/ada/raw.csv", kind="ObjectRemoved:Delete")
    sensors.queue.send([TEST_EVENT])
    assert sensors.books() == []
    assert sensors.queue.length() == 0


def test_an_upload_that_a_process_deals_with_keeps_its_message(sensors: Sensors) -> None:
    BookRecords(sensors.storage).claim("uploads/ada/raw.csv")
    sensors.put("uploads/ada/raw.csv")
    assert sensors.books() == []
    assert sensors.queue.length() == 1

    lapsed = UploadClaim("uploads/ada/raw.csv", datetime.now(UTC) - CLAIM_LASTS * 2)
    Tables(sensors.storage).append(upload_claims, [lapsed])
    Tables(sensors.storage).maintain(upload_claims)
    sensors.deal_with("uploads/ada/raw.csv")
    assert sensors.books() == []
    assert sensors.queue.length() == 0


def test_a_key_that_cannot_be_one_of_the_store_delays_nothing_and_stays_in_the_queue(
    sensors: Sensors,
) -> None:
    sensors.report("uploads/ada//raw.csv")
    sensors.put("uploads/ada/raw.csv")
    assert sensors.books() == ["uploads/ada/raw.csv"]
    assert sensors.books() == []
    assert sensors.queue.length() == 1


def test_a_message_about_two_kinds_goes_after_both(sensors: Sensors) -> None:
    for key in ("uploads/ada/raw.csv", "activities/monday.csv"):
        sensors.storage.put(key, b"...")
    sensors.report("uploads/ada/raw.csv", "activities/monday.csv")
    assert sensors.books() == ["uploads/ada/raw.csv"]
    assert sensors.books() == []
    assert sensors.queue.length() == 1
    assert sensors.recordings() == ["activities/monday.csv"]
    assert sensors.recordings() == []
    assert sensors.queue.length() == 0


def test_a_recording_is_requested_once_its_last_file_is_reported(sensors: Sensors) -> None:
    sensors.put("activities/anna-1/complete.wav")
    assert sensors.recordings() == []
    assert sensors.queue.length() == 0
    sensors.put("activities/anna-1/activity.json")
    assert sensors.recordings() == ["activities/anna-1/"]


def test_a_roster_asks_for_the_sessions_of_its_class(sensors: Sensors) -> None:
    for day in (5, 6):
        sensors.put(f"raw/5B/2026-01-0{day}/morning.txt")
    sensors.put("raw/6C/2026-01-05/morning.txt")
    assert len(sensors.sessions()) == 3
    sensors.put("raw/5B/roster.json", b"[]")
    present = [session.key for session in sessions_in(sensors.storage, "raw/5B/")]
    assert sorted(sensors.sessions()) == sorted(present)


def test_a_raw_file_outside_of_any_class_is_requested_too(sensors: Sensors) -> None:
    sensors.put("raw/somewhere.txt")
    assert len(sensors.sessions()) == 1
    assert sensors.sessions() == []
    assert sensors.queue.length() == 0


def test_a_rare_listing_finds_what_nobody_reported(sensors: Sensors) -> None:
    for moment, library in ((0.0, "ada"), (LISTED_EVERY_SECONDS, "bob")):
        sensors.storage.put(f"uploads/{library}/raw.csv", b"...")
        assert sensors.books() == []
        sensors.clock.moment = moment
        assert sensors.books() == [f"uploads/{library}/raw.csv"]


def test_an_upload_whose_run_never_appeared_is_requested_again_while_it_is_there(
    sensors: Sensors,
) -> None:
    version = sensors.storage.put("uploads/ada/raw.csv", b"...")
    long_ago = (datetime.now(UTC) - 2 * RUN_APPEARS_WITHIN).isoformat()
    lost = [["uploads/ada/raw.csv", version, "a run key", 1, long_ago]]
    gone = [["uploads/bob/raw.csv", "1", "another run key", 1, long_ago]]
    sensors.cursors["library_entries"] = json.dumps(lost + gone)
    assert sensors.books() == ["uploads/ada/raw.csv"]
    assert "bob" not in (sensors.cursors["library_entries"] or "")


def test_messages_stay_in_the_queue_while_a_run_waits_for_its_turn(sensors: Sensors) -> None:
    sensors.put("uploads/ada/raw.csv")
    assert sensors.books() == ["uploads/ada/raw.csv"]
    tags = {
        RUN_KEY_TAG: f"uploads/ada/raw.csv:{sensors.storage.head('uploads/ada/raw.csv').version}"
    }
    queued = sensors.instance.create_run_for_job(
        ingest, tags=tags, status=dg.DagsterRunStatus.NOT_STARTED
    )
    sensors.put("uploads/bob/raw.csv")
    assert sensors.books() == []
    sensors.instance.delete_run(queued.run_id)
    assert sensors.books() == ["uploads/bob/raw.csv"]


def test_whoever_receives_passes_on_what_is_for_others(sensors: Sensors) -> None:
    received: dict[str, list[str]] = {}

    def wait(below: str) -> None:
        received[below] = [hint.key for hint in sensors.inbox.wait(below, 20)]

    waiting = [Thread(target=wait, args=(below,)) for below in WATCHED]
    for thread in waiting:
        thread.start()
    keys = {"uploads/": "uploads/a.csv", "activities/": "activities/b.csv", "raw/": "raw/c/d/e.txt"}
    sensors.report(*keys.values())
    for thread in waiting:
        thread.join()
    assert received == {below: [key] for below, key in keys.items()}


def test_one_process_has_one_inbox_and_without_a_queue_none() -> None:
    storage = storage_of(Settings(storage=f"s3://{BUCKET}/a"))
    url = "http://127.0.0.1:9/123456789012/uploads"
    first, second = (UploadQueueResource(url=url, storage=storage).inbox() for _ in range(2))
    assert first is second is not None
    assert UploadQueueResource(storage=storage).inbox() is None


@pytest.mark.parametrize("uploads", [60, pytest.param(200, marks=pytest.mark.slow)])
def test_of_shuffled_messages_with_duplicates_and_poison_no_upload_is_lost_or_requested_twice(
    sensors: Sensors, uploads: int
) -> None:
    keys = [f"uploads/library {number}/raw.csv" for number in range(uploads)]
    for key in keys:
        sensors.storage.put(key, b"...")
    bodies = [message(event(f"platform/{key}")) for key in keys]
    bodies += random.Random(1).sample(bodies, uploads // 10)
    bodies += ["poison"] * (uploads // 20)
    random.Random(2).shuffle(bodies)

    times_requested: Counter[str] = Counter()
    # In waves, because this server looks through its whole queue for each message.
    for start in range(0, len(bodies), 100):
        sensors.queue.send(bodies[start : start + 100])
        requested = sensors.books()
        times_requested.update(requested)
        # Some runs are quick, some are not.
        if requested:
            sensors.deal_with(*requested[: len(requested) // 2])
    assert sensors.books() == []

    assert times_requested == dict.fromkeys(keys, 1)
    assert sensors.queue.length() == uploads // 20


def test_a_bucket_reports_its_uploads_by_itself(sensors: Sensors, s3_server: S3Options) -> None:
    bucket = f"reporting-{sensors.queue.name}"
    client = sensors.queue.client_of("s3")
    client.create_bucket(Bucket=bucket)
    reported = {"QueueArn": sensors.queue.arn, "Events": ["s3:ObjectCreated:*"]}
    client.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [reported]}
    )
    sensors.storage = ObjectStorage(f"s3://{bucket}/platform", s3_server)
    sensors.inbox = UploadInbox(UploadQueue(sensors.queue.url, sensors.storage.url, s3_server))

    sensors.storage.put("uploads/ada/my books+ü.csv", b"...")
    assert sensors.books() == ["uploads/ada/my books+ü.csv"]
    assert sensors.books() == []
    assert sensors.queue.length() == 0
