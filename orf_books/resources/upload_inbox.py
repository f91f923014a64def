"""Messages of the upload queue that wait for a sensor, shared by the sensors of a process.

Belongs here: receiving for whichever sensor waits, which keys are still to be looked at, deleting a
message once all of its keys are settled. Does not belong here: SQS (`upload_queue.py`), what is
done about a key (`orf_books/queue_watch.py`).

Receivers of one queue compete for its messages, so each kind of upload cannot have one of its own.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Condition

from orf_books.resources.upload_queue import QueuedUpload, Received, UploadQueue

MOST_AT_ONCE = 2000
"""Hints that one wait returns, so that a tick ends in time."""


@dataclass(frozen=True, slots=True)
class KeyHint:
    """A key that one message names."""

    message_id: str
    key: str


@dataclass(slots=True)
class _Message:
    """A message that was received and not deleted yet."""

    latest: QueuedUpload
    unsettled: set[str]
    unseen: set[str]
    """Keys that no wait has returned yet."""


@dataclass(slots=True)
class UploadInbox:
    """Open messages, for as long as the process lives; another one gets them again from SQS.

    Safe to use from several threads.
    """

    queue: UploadQueue
    _messages: dict[str, _Message] = field(default_factory=dict)
    _changed: Condition = field(default_factory=Condition)
    _somebody_receives: bool = False

    def wait(self, below: str, seconds: float) -> list[KeyHint]:
        """Wait until a message names a new key below a prefix.

        Returns:
            Every open hint below the prefix, those of earlier waits too.

        Raises:
            As `UploadQueue`.
        """
        until = time.monotonic() + seconds
        is_first = True
        while not self._has_unseen(below):
            left = until - time.monotonic()
            if left <= 0 and not is_first:
                break
            is_first = False
            self._receive_or_wait(max(0.0, left))
        return self._open_hints(below)

    def settle(self, hints: Iterable[KeyHint]) -> None:
        """Note that nothing is left to do about these, and delete messages that are done with.

        Raises:
            As `UploadQueue`.
        """
        done: list[QueuedUpload] = []
        with self._changed:
            for hint in hints:
                message = self._messages.get(hint.message_id)
                if message is None:
                    continue
                message.unsettled.discard(hint.key)
                if not message.unsettled:
                    done.append(self._messages.pop(hint.message_id).latest)
        self.queue.delete(done)

    def leave(self, hints: Iterable[KeyHint]) -> None:
        """Drop messages without deleting them: they come back, and end as dead letters."""
        with self._changed:
            for hint in hints:
                self._messages.pop(hint.message_id, None)

    def _receive_or_wait(self, seconds: float) -> None:
        """Receive, or wait for the thread that receives already."""
        with self._changed:
            if self._somebody_receives:
                self._changed.wait(seconds)
                return
            self._somebody_receives = True
        received = Received([])
        try:
            # SQS counts whole seconds: less than one would not wait at all.
            received = self.queue.receive(max(1.0, seconds) if seconds else 0.0)
        finally:
            with self._changed:
                self._somebody_receives = False
                self._add(received.uploads)
                self._changed.notify_all()

    def _add(self, uploads: Iterable[QueuedUpload]) -> None:
        for upload in uploads:
            known = self._messages.get(upload.message_id)
            if known is None:
                keys = upload.keys
                self._messages[upload.message_id] = _Message(upload, set(keys), set(keys))
            else:
                known.latest = upload

    def _has_unseen(self, below: str) -> bool:
        with self._changed:
            return any(
                key.startswith(below)
                for message in self._messages.values()
                for key in message.unseen
            )

    def _open_hints(self, below: str) -> list[KeyHint]:
        hints: list[KeyHint] = []
        with self._changed:
            for message_id, message in self._messages.items():
                keys = {key for key in message.unsettled if key.startswith(below)}
                hints += (KeyHint(message_id, key) for key in keys)
                message.unseen -= keys
                if len(hints) >= MOST_AT_ONCE:
                    break
        return hints
