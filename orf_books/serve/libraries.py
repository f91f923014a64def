"""The libraries that were uploaded over HTTP, as they lie in the store.

Belongs here: storing an upload, how far it is, its dashboard. Does not belong here: HTTP
(`api.py`), what deals with uploads (`worker.py`).

The id of a library is a random UUID. Whoever knows it may see the library; nothing lists them.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pydantic import TypeAdapter

from orf_books.books.exports.reading import parse_export
from orf_books.object_keys import (
    DASHBOARDS,
    EXPORTS,
    export_key,
    library_data_key,
    library_page_key,
    upload_note_key,
)
from orf_books.records.books import BookRecords
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage

PROCESSING, COMPLETE, ERROR = "processing", "complete", "error"
LONGEST_FILE_NAME = 120
LARGEST_SHARE = 0.2
"""Of a core, for reading tables to answer how far uploads are, however many ask."""
MOST_REMEMBERED = 1_000
"""Libraries whose last answer is remembered."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What is noted of an upload when it comes."""

    upload_time: datetime
    filename: str
    """As the browser calls it: only shown, never part of a path."""
    file_size: int
    """Bytes."""
    books: int
    """In the file, each counted once."""


@dataclass(frozen=True, slots=True)
class Status:
    """How far an upload is."""

    uuid: str
    status: str
    upload: Upload
    processed_books: int
    message: str
    completion_time: datetime | None = None

    def as_document(self) -> dict[str, Any]:
        """As the API answers."""
        total, processed = self.upload.books, self.processed_books
        document: dict[str, Any] = {
            "uuid": self.uuid,
            "status": self.status,
            "upload_time": _iso(self.upload.upload_time),
            "filename": self.upload.filename,
            "file_size": self.upload.file_size,
            "progress": {
                "total_books": total,
                "processed_books": processed,
                "percent_complete": round(100 * processed / total, 1) if total else 100.0,
            },
            "message": self.message,
            "data_url": f"/data/{self.uuid}",
        }
        if self.status == ERROR:
            document["error_message"] = self.message
        if self.completion_time:
            document["completion_time"] = _iso(self.completion_time)
        return document


_UPLOAD = TypeAdapter(Upload)
_NOTE = re.compile(upload_note_key("@").replace(".", r"\.").replace("@", "([0-9a-f-]{36})"))


@dataclass(slots=True)
class ServedLibraries:
    """The libraries that were uploaded over HTTP.

    Args:
        storage: where they lie.
        now: seconds on a clock that only goes forward.
    """

    storage: ObjectStorage
    now: Callable[[], float] = time.monotonic
    _answers: dict[str, Status] = field(default_factory=dict, init=False)
    _next_look: float = field(default=0.0, init=False)

    def put(self, content: bytes, filename: str) -> str:
        """Store an upload; the library's id.

        Raises:
            FixInput: it is no export; nothing was stored.
        """
        books = len(parse_export(content).entries)
        upload = Upload(datetime.now(UTC), shown_name(filename), len(content), books)
        library = str(uuid4())
        # The export comes last: it is what a sensor sees.
        self.storage.put(upload_note_key(library), _UPLOAD.dump_json(upload))
        self.storage.put(export_key(library), content)
        return library

    def status(self, library: str) -> Status | None:
        """How far an upload is; None for a library that nobody uploaded here."""
        try:
            upload = _UPLOAD.validate_json(self.storage.get(upload_note_key(library)))
        except ObjectNotFoundError:
            return None
        if done := self._completion_time(library):
            return Status(library, COMPLETE, upload, upload.books, "Your dashboard is ready.", done)
        started = self.now()
        if started < self._next_look and library in self._answers:
            return self._answers[library]
        if len(self._answers) >= MOST_REMEMBERED:
            self._answers.clear()
        answer = self._answers[library] = self._from_tables(library, upload)
        self._next_look = self.now() + (self.now() - started) / LARGEST_SHARE
        return answer

    def _from_tables(self, library: str, upload: Upload) -> Status:
        records, key = BookRecords(self.storage), export_key(library)
        receipt = next(reversed(records.versions_of(key)), None)
        if receipt and receipt.problem:
            return Status(library, ERROR, upload, 0, receipt.problem, receipt.arrived_at)
        for given_up in records.abandoned():
            if given_up.key == key:
                when = given_up.abandoned_at
                return Status(library, ERROR, upload, 0, given_up.problem, when)
        if receipt is None:
            return Status(library, PROCESSING, upload, 0, "Waiting for its turn.")
        books = {row.book_key for row in records.rows_of_library(library)}
        latest = records.latest(books)
        done = len(latest.keys() | records.failed_since(latest, books).keys())
        message = f"{done} of {upload.books} books are looked up."
        return Status(library, PROCESSING, upload, done, message)

    def is_settled(self, library: str) -> bool:
        """Whether there is nothing more to do: it has a dashboard, was refused, or is gone."""
        key = export_key(library)
        if self._completion_time(library) or not self.storage.exists(key):
            return True
        noted = BookRecords(self.storage).versions_of(key)
        return bool(noted) and noted[-1].problem is not None

    def data(self, library: str) -> bytes | None:
        """The dashboard JSON, if it is there."""
        return self._content(library_data_key(library)) if self._completion_time(library) else None

    def page(self, library: str) -> bytes | None:
        """The dashboard page, if it is there."""
        return self._content(library_page_key(library))

    def unsettled(self) -> list[str]:
        """Libraries that were uploaded here and have no dashboard, the oldest first."""
        shown = {stored.key for stored in self.storage.list(DASHBOARDS)}
        uploads = sorted(self.storage.list(EXPORTS), key=lambda stored: stored.last_modified)
        noted = (_NOTE.fullmatch(upload.key) for upload in uploads)
        return [
            note[1]
            for note in noted
            if note and library_page_key(note[1]) not in shown and not self.is_settled(note[1])
        ]

    def _completion_time(self, library: str) -> datetime | None:
        # The page is stored after the data.
        try:
            return self.storage.head(library_page_key(library)).last_modified
        except ObjectNotFoundError:
            return None

    def _content(self, key: str) -> bytes | None:
        try:
            return self.storage.get(key)
        except ObjectNotFoundError:
            return None


def shown_name(filename: str) -> str:
    """A file's name as it can be shown: no folders, nothing unprintable, not too long."""
    name = re.split(r"[/\\]", filename)[-1]
    return "".join(filter(str.isprintable, name)).strip()[:LONGEST_FILE_NAME] or "export.csv"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
