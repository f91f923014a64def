"""Uploads by events: what a message and a tick cost, and whether any upload is lost.

`python -m benchmarks.upload_queue [UPLOADS]` sends messages about so many uploads (default 10,000)
through SQS, shuffled, with duplicates and poison, and lets the sensor's watch request runs. Then it
measures ticks that find nothing and ticks that find one new upload, with none, 10,000 and 100,000
uploads dealt with.

SQS is moto in a process of its own, and objects lie in a folder: neither is counted, and neither is
as quick or as slow as AWS.

Belongs here: the queue's part of noticing uploads. Does not belong here: what runs do with them.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import boto3
import dagster as dg
import httpx

from benchmarks.measuring import LOOPBACK, Measurement, free_port, print_measurements
from orf_books.records.books import ACCEPTED, ExportUpload, export_uploads
from orf_books.resources.storage import ObjectStorage, S3Options
from orf_books.resources.tables import Tables
from orf_books.resources.upload_inbox import UploadInbox
from orf_books.resources.upload_queue import UploadQueue
from orf_books.sensors import watch_exports
from orf_books.upload_watch import Timing

BUCKET = "uploads"
WAVE = 300
"""Messages in the queue at once: moto looks through all of them for each that it hands out."""
DEALT_WITH = (0, 10_000, 100_000)
TICKS = 20
TICK_BUDGET_MS = 50.0


def main() -> None:
    """Measure and print."""
    uploads = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with moto() as options, dg.DagsterInstance.ephemeral() as instance:
        measured = [*throughput(options, instance, uploads)]
        for dealt_with in DEALT_WITH:
            measured += tick_costs(options, instance, dealt_with)
    print_measurements("Uploads by events", measured)


def throughput(
    options: S3Options, instance: dg.DagsterInstance, uploads: int
) -> Iterator[Measurement]:
    """Send, look, request, settle, until every upload was requested."""
    with tempfile.TemporaryDirectory() as folder:
        platform = Watched(options, instance, Path(folder), "throughput")
        keys = [f"uploads/library {number}/raw.csv" for number in range(uploads)]
        for key in keys:
            platform.storage.put(key, b"...")
        bodies = [message(key) for key in keys]
        bodies += random.Random(1).sample(bodies, uploads // 10)
        poison = uploads // 100
        bodies += ["poison"] * poison
        random.Random(2).shuffle(bodies)
        requested: Counter[str] = Counter()
        cpu = wall = 0.0
        for start in range(0, len(bodies) + WAVE, WAVE):
            platform.send(bodies[start : start + WAVE])
            began, began_wall = time.process_time(), time.perf_counter()
            of_tick = platform.tick()
            cpu += time.process_time() - began
            wall += time.perf_counter() - began_wall
            requested.update(of_tick)
            platform.deal_with(of_tick)
        if requested != dict.fromkeys(keys, 1) or platform.length() != poison:
            raise SystemExit("uploads were lost, or requested more than once")
    yield Measurement("uploads, each requested once", [uploads], "")
    yield Measurement(
        "a message, from receiving to deleting, CPU", [cpu / len(bodies) * 1000], "ms"
    )
    yield Measurement("a message, wall", [wall / len(bodies) * 1000], "ms")


def tick_costs(
    options: S3Options, instance: dg.DagsterInstance, dealt_with: int
) -> Iterator[Measurement]:
    """Ticks that find an empty queue, and ticks that find one new upload."""
    with tempfile.TemporaryDirectory() as folder:
        platform = Watched(options, instance, Path(folder), f"ticks-{dealt_with}")
        platform.note(f"uploads/old {number}/raw.csv" for number in range(dealt_with))
        platform.tick()
        idle, busy = [], []
        for number in range(TICKS):
            began = time.process_time()
            platform.tick()
            idle.append((time.process_time() - began) * 1000)
            key = f"uploads/new {number}/raw.csv"
            platform.storage.put(key, b"...")
            platform.send([message(key)])
            began = time.process_time()
            found = platform.tick()
            busy.append((time.process_time() - began) * 1000)
            if found != [key]:
                raise SystemExit("a new upload was not requested")
            platform.deal_with(found)
    what = f"a tick with {dealt_with:,} uploads dealt with, CPU"
    yield Measurement(f"{what}: nothing new", idle, "ms", budget=TICK_BUDGET_MS)
    yield Measurement(f"{what}: one new upload", busy, "ms", budget=TICK_BUDGET_MS)


class Watched:
    """The watch on exports, with a queue of its own."""

    def __init__(
        self, options: S3Options, instance: dg.DagsterInstance, folder: Path, name: str
    ) -> None:
        self.storage = ObjectStorage(folder.as_uri())
        self._instance = instance
        self._client = boto3.client(
            "sqs",
            endpoint_url=options.endpoint_url,
            region_name=options.region_name,
            aws_access_key_id=options.aws_access_key_id,
            aws_secret_access_key=options.aws_secret_access_key,
        )
        self._url = self._client.create_queue(
            QueueName=name, Attributes={"VisibilityTimeout": "3600"}
        )["QueueUrl"]
        self._inbox = UploadInbox(UploadQueue(self._url, f"s3://{BUCKET}", options))
        self._cursor: str | None = None
        # The first listing is long ago, and the next one far away.
        self._timing = Timing(tick=0, now=lambda: -1.0)

    def send(self, bodies: Sequence[str]) -> None:
        """Put messages into the queue."""
        for start in range(0, len(bodies), 10):
            entries = [
                {"Id": str(number), "MessageBody": body}
                for number, body in enumerate(bodies[start : start + 10])
            ]
            self._client.send_message_batch(QueueUrl=self._url, Entries=entries)

    def tick(self) -> list[str]:
        """Keys that runs are requested for."""
        context = dg.build_sensor_context(cursor=self._cursor, instance=self._instance)
        result = watch_exports(self.storage, self._inbox).tick(context, self._timing)
        self._cursor = result.cursor
        return [
            upload["key"]
            for request in result.run_requests or []
            for upload in request.run_config["ops"]["library_entries"]["config"]["uploads"]
        ]

    def deal_with(self, keys: Sequence[str]) -> None:
        """Leave the receipts that runs leave."""
        found = [self.storage.head(key) for key in keys]
        self._append([(one.key, one.version) for one in found])

    def note(self, keys: Iterator[str]) -> None:
        """Receipts for uploads of long ago."""
        self._append([(key, "1") for key in keys])

    def _append(self, versions: Sequence[tuple[str, str]]) -> None:
        now = datetime.now(UTC)
        rows = [
            ExportUpload(key, version, "ada", ACCEPTED, now, "run") for key, version in versions
        ]
        Tables(self.storage).append(export_uploads, rows)

    def length(self) -> int:
        """Messages that are left."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        return sum(map(int, answer["Attributes"].values()))


def message(key: str) -> str:
    """What S3 sends about a new object."""
    where: dict[str, Any] = {
        "bucket": {"name": BUCKET},
        "object": {"key": quote_plus(key, safe="/"), "size": 1},
    }
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": where}]})


@contextmanager
def moto() -> Iterator[S3Options]:
    """A server that speaks SQS, in a process of its own."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", LOOPBACK, "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://{LOOPBACK}:{port}"
        for _ in range(300):
            try:
                httpx.get(f"{url}/moto-api/")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield S3Options(url, "us-east-1", None, "test", "test")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
