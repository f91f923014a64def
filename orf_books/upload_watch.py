"""Which uploads need a run: new ones, and those whose run ended before it had dealt with them.

Belongs here: comparing what lies in the store with receipts and with what was requested; waiting
for uploads; when to look. Does not belong here: what the runs do (`jobs.py`), which objects are
uploads (`records/`), the sensors themselves (`sensors.py`).

A watch keeps no position in a listing, which could forget a file that was moved in with an old
date. It compares what lies there with the receipts that runs leave in a table. The cursor of its
sensor holds only what was requested and has no receipt yet.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic

import dagster as dg

from orf_books.assets.uploads import UploadsConfig, report_unread, trace_tag
from orf_books.records.uploads import (
    MOST_TRIES,
    UPLOADS_OF_A_RUN,
    Found,
    UploadRecords,
    Version,
    VersionedUpload,
    oldest_first,
)

RUN_KEY_TAG = "dagster/run_key"
UPLOAD_TAG = "orf_books/upload"
"""The upload of a run that deals with one alone."""
CLAIM_LASTS = timedelta(minutes=2)
RUN_APPEARS_WITHIN = timedelta(minutes=1)
"""After its request. A daemon that was killed in between may have lost it."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When a tick looks at the store. All times in seconds.

    Args:
        tick: how long a tick waits for uploads. The daemon starts one every 5 s, so that hardly a
            gap is left.
        folder_pause: between two listings of a folder.
        bucket_pause: between two listings of a bucket, each of which costs money.
        share: of a core that listing may take; the more it takes, the more seldom it is done.
        now: a clock that only goes forward.
        spent: seconds of a core that this process has used so far.
        sleep: waits.
    """

    tick: float = 4.5
    folder_pause: float = 0.3
    bucket_pause: float = 2.0
    share: float = 0.03
    now: Callable[[], float] = time.monotonic
    spent: Callable[[], float] = time.process_time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Request:
    """An upload that a run was requested for, and that has no receipt yet."""

    key: str
    version: str
    run_key: str
    tries: int
    requested_at: str
    """ISO 8601."""

    @property
    def upload(self) -> Version:
        """Which version of which upload."""
        return self.key, self.version


@dataclass(slots=True)
class _Memory(Generic[Found]):
    """What this process knows of a store, so that ticks need not find it out again."""

    dealt_with: set[Version] = field(default_factory=set)
    """Receipts seen so far: they are final."""
    before: dict[Version, Found] = field(default_factory=dict)
    """The last listing."""
    next_listing: float = 0.0


_NOT_STARTED = frozenset({dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED})
_memories: dict[tuple[str, str], _Memory[Any]] = {}
"""By store and prefix."""


class UploadWatch(Generic[Found]):
    """Watches one kind of upload.

    Args:
        records: of this kind of upload.
        below: the prefix that their keys share.
        present: lists what lies there now.
        asset: the external asset that stands for them.
        step: the first step of the run that deals with them.
    """

    def __init__(
        self,
        records: UploadRecords[Any],
        below: str,
        present: Callable[[], Iterable[Found]],
        asset: dg.AssetKey,
        step: str,
    ) -> None:
        self._records, self._present = records, present
        self._asset, self._step = asset, step
        self._memory: _Memory[Found] = _memories.setdefault((records.storage.url, below), _Memory())

    def tick(
        self, context: dg.SensorEvaluationContext, timing: Timing | None = None
    ) -> dg.SensorResult:
        """Wait for uploads that need a run, and request runs for them."""
        requests = read_cursor(context.cursor)
        # Before the receipts are read: a run may leave one and end in between.
        ended, is_held = runs_of(requests, context)
        waiting, new, lost = requests, list[Found](), list[Request]()
        for uploads in self._stable_uploads(timing or Timing()):
            dealt_with = self._dealt_with(uploads)
            waiting = [
                request
                for request in requests
                if request.upload in uploads and request.upload not in dealt_with
            ]
            needing = uploads.keys() - dealt_with - {request.upload for request in waiting}
            new = [] if is_held else oldest_first(uploads[version] for version in needing)
            lost = [request for request in waiting if request in ended]
            if new or lost:
                break
        return self._request_runs(context, waiting, new, lost)

    def _request_runs(
        self,
        context: dg.SensorEvaluationContext,
        waiting: Sequence[Request],
        new: Sequence[Found],
        lost: Sequence[Request],
    ) -> dg.SensorResult:
        """Runs for what is new or lost; the cursor keeps these requests and those that wait."""
        for request in lost:
            if request.tries >= MOST_TRIES:
                self._give_up(context.instance, request)
        runs, requested = _requests(self._step, new, lost)
        kept = [request for request in waiting if request not in lost]
        return dg.SensorResult(
            run_requests=runs,
            skip_reason=None if runs else "No new upload.",
            cursor=json.dumps(sorted(map(astuple, [*kept, *requested]))),
        )

    def _stable_uploads(self, timing: Timing) -> Iterator[dict[Version, Found]]:
        """Uploads that did not change between two listings: a file still being copied waits."""
        memory = self._memory
        least_pause = timing.folder_pause if self._records.storage.folder else timing.bucket_pause
        until = timing.now() + timing.tick
        while (wait := max(0.0, memory.next_listing - timing.now())) <= until - timing.now():
            timing.sleep(wait)
            started = timing.spent()
            present = {_version(upload): upload for upload in self._present()}
            stable = {
                version: upload for version, upload in present.items() if version in memory.before
            }
            memory.before = present
            pause = max(least_pause, (timing.spent() - started) / timing.share)
            memory.next_listing = timing.now() + pause
            yield stable

    def _dealt_with(self, uploads: Mapping[Version, Found]) -> set[Version]:
        """Versions that need no run: dealt with, or claimed by a process that deals with them."""
        memory = self._memory
        if uploads.keys() <= memory.dealt_with:
            return memory.dealt_with
        unknown = {key for key, _ in uploads.keys() - memory.dealt_with}
        memory.dealt_with |= self._records.receipts(unknown)
        claimed = self._records.claimed_since(datetime.now(UTC) - CLAIM_LASTS)
        if not claimed:
            return memory.dealt_with
        return memory.dealt_with | {version for version in uploads if version[0] in claimed}

    def _give_up(self, instance: dg.DagsterInstance, request: Request) -> None:
        problem = (
            f"{request.tries} runs ended before they had read it. Their logs say why: fix that, "
            "then run `orf-books retry`, which reads it again."
        )
        self._records.abandon(request.key, request.version, problem)
        self._memory.dealt_with.add(request.upload)
        report_unread(instance, self._asset, self._records)


def runs_of(
    requests: Sequence[Request], context: dg.SensorEvaluationContext
) -> tuple[set[Request], bool]:
    """Requests whose run has ended or never appeared, and whether new uploads are held back.

    They are while a run about new uploads waits for its turn: those that come meanwhile share the
    next. Otherwise the queue grows for ever where uploads come faster than each can have a run.
    """
    runs = {
        run_key: context.instance.get_runs(dg.RunsFilter(tags={RUN_KEY_TAG: run_key}))
        for run_key in {request.run_key for request in requests}
    }
    overdue = (datetime.now(UTC) - RUN_APPEARS_WITHIN).isoformat()
    ended = {
        request
        for request in requests
        if all(run.is_finished for run in runs[request.run_key])
        and (runs[request.run_key] or request.requested_at < overdue)
    }
    first_tries = [
        run for request in requests if request.tries == 1 for run in runs[request.run_key]
    ]
    return ended, any(run.status in _NOT_STARTED for run in first_tries)


def _requests(
    step: str, new: Sequence[Found], lost: Sequence[Request]
) -> tuple[list[dg.RunRequest], list[Request]]:
    """Runs for uploads that are new, and for those that were lost and are worth another try."""
    now = datetime.now(UTC).isoformat()
    groups = [new[i : i + UPLOADS_OF_A_RUN] for i in range(0, len(new), UPLOADS_OF_A_RUN)]
    requests = [
        [Request(upload.key, upload.version, _run_key(group), 1, now) for upload in group]
        for group in groups
    ]
    # What broke a run may break the next one: each is tried alone.
    for request in lost:
        if request.tries < MOST_TRIES:
            tries = request.tries + 1
            run_key = f"{_run_key([request])}#{tries}"
            requests.append([replace(request, run_key=run_key, tries=tries, requested_at=now)])
    return [_run(step, of_run) for of_run in requests], [
        request for run in requests for request in run
    ]


def _run(step: str, requests: Sequence[Request]) -> dg.RunRequest:
    config = UploadsConfig.noticed_now(requests).run_config(step)
    of_one = {UPLOAD_TAG: requests[0].key} if len(requests) == 1 else {}
    return dg.RunRequest(
        run_key=requests[0].run_key, run_config=config, tags=of_one | trace_tag(config)
    )


def _run_key(uploads: Sequence[VersionedUpload]) -> str:
    if len(uploads) == 1:
        return f"{uploads[0].key}:{uploads[0].version}"
    versions = repr(list(map(_version, uploads)))
    return hashlib.sha256(versions.encode()).hexdigest()


def _version(upload: VersionedUpload) -> Version:
    return upload.key, upload.version


def read_cursor(cursor: str | None) -> list[Request]:
    """What is still open. Cursors of earlier versions of this project hold key and version only."""
    now = datetime.now(UTC).isoformat()
    return [
        Request(key, version, *(rest or (f"{key}:{version}", 1, now)))
        for key, version, *rest in json.loads(cursor or "[]")
    ]
