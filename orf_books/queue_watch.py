"""Which uploads need a run, when a bucket reports its new objects through a queue.

Belongs here: looking at the keys that messages name; when a message is settled; when to list the
bucket anyway. Does not belong here: receiving messages (`resources/upload_inbox.py`), requesting
runs and following them (`upload_watch.py`).

S3 stores an object whole or not at all, so unlike a file in a folder it need not be seen twice.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic

import dagster as dg

from orf_books.failures import FixInput
from orf_books.records.uploads import Found, UploadRecords, Version, oldest_first
from orf_books.resources.upload_inbox import KeyHint, UploadInbox
from orf_books.upload_watch import Timing, UploadWatch, read_cursor, runs_of

logger = logging.getLogger(__name__)

LISTED_EVERY_SECONDS = 900.0
"""A listing finds what no event reported: events are seldom lost, but they are."""
LOOKS_AT_ONCE = 16
"""Requests to the bucket at once."""


@dataclass(frozen=True, slots=True)
class Places(Generic[Found]):
    """Where uploads of one kind lie."""

    below: str
    """The prefix that their keys share."""
    everywhere: Callable[[], Iterable[Found]]
    """Lists all of them."""
    of_key: Callable[[str], str | None]
    """The place to look at for an object's key: an object or a folder; None if it is no upload."""
    at: Callable[[str], Iterable[Found]]
    """The uploads at a place."""


class QueueWatch(UploadWatch[Found]):
    """Watches one kind of upload in a bucket that reports its new objects.

    Args:
        records: of this kind of upload.
        places: where they lie.
        asset: the external asset that stands for them.
        step: the first step of the run that deals with them.
        inbox: the messages about them.
    """

    def __init__(
        self,
        records: UploadRecords[Any],
        places: Places[Found],
        asset: dg.AssetKey,
        step: str,
        inbox: UploadInbox,
    ) -> None:
        super().__init__(records, places.below, places.everywhere, asset, step)
        self._places, self._inbox = places, inbox

    def tick(
        self, context: dg.SensorEvaluationContext, timing: Timing | None = None
    ) -> dg.SensorResult:
        """Wait for messages about uploads that need a run, and request runs for them."""
        timing = timing or Timing()
        requests = read_cursor(context.cursor)
        # Before the receipts are read: a run may leave one and end in between.
        ended, is_held = runs_of(requests, context)
        read = self._records.receipts({request.key for request in requests}) if requests else set()
        waiting = [request for request in requests if request.upload not in read]
        lost = [request for request in waiting if request in ended]
        if is_held and not lost:  # Messages stay in the queue meanwhile.
            return self._request_runs(context, waiting, [], [])
        requested = {request.upload for request in waiting}
        if lost or self._memory.next_listing <= timing.now():
            present = self._listed(timing)
            waiting = [request for request in waiting if request.upload in present]
            lost = [request for request in lost if request.upload in present]
        else:
            present = self._reported(timing, requested)
        needing = present.keys() - self._dealt_with(present) - requested
        new = [] if is_held else oldest_first(present[version] for version in needing)
        return self._request_runs(context, waiting, new, lost)

    def _listed(self, timing: Timing) -> dict[Version, Found]:
        """Everything that lies there."""
        started = timing.now()
        present = _by_version(self._places.everywhere())
        pause = max(LISTED_EVERY_SECONDS, (timing.now() - started) / timing.share)
        self._memory.next_listing = timing.now() + pause
        return present

    def _reported(self, timing: Timing, requested: Set[Version]) -> dict[Version, Found]:
        """What lies where messages say that something is new; settles messages on the way.

        Args:
            timing: how long to wait for a message.
            requested: uploads that a run was requested for. Dagster stores the cursor together with
                the runs that it is about to create, so what is in the cursor gets its run.
        """
        hints = defaultdict[str, list[KeyHint]](list)
        settled: list[KeyHint] = []
        for hint in self._inbox.wait(self._places.below, timing.tick):
            place = self._places.of_key(hint.key)
            (settled if place is None else hints[place]).append(hint)
        with ThreadPoolExecutor(LOOKS_AT_ONCE) as threads:
            found = dict(zip(hints, threads.map(self._found_at, hints), strict=True))
        usable = {place: present for place, present in found.items() if present is not None}
        self._inbox.leave(hint for place in hints.keys() - usable.keys() for hint in hints[place])
        reported = {version: one for present in usable.values() for version, one in present.items()}
        self._dealt_with(reported)
        done = self._memory.dealt_with | requested
        for place, present in usable.items():
            if present.keys() <= done:
                settled += hints[place]
        self._inbox.settle(settled)
        return reported

    def _found_at(self, place: str) -> dict[Version, Found] | None:
        """What lies at a place; None where its key cannot be one of the store."""
        try:
            return _by_version(self._places.at(place))
        except FixInput:
            # Its key is not logged: those of class sessions may hold a child's name.
            logger.warning(
                "A message names a key below %s that cannot be used; it will be a dead letter.",
                self._places.below,
            )
            return None


def _by_version(uploads: Iterable[Found]) -> dict[Version, Found]:
    return {(upload.key, upload.version): upload for upload in uploads}
