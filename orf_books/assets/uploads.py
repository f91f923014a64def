"""What uploads of every kind share: the order in which they count, claims, and receipts.

Belongs here: which versions of uploads need a run. Does not belong here: which objects are uploads
and what they hold (`books.py`, `activities.py`), what starts runs (`orf_books/sensors.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, Self, TypeVar

import dagster as dg
from pydantic import Field

from orf_books.resources.storage import ObjectStorage
from orf_books.resources.tables import Row, Table, Tables

Version = tuple[str, str]
"""Key and version of an upload."""


class VersionedUpload(Protocol):
    """One version of an upload."""

    @property
    def key(self) -> str:
        """Its object key, or that of its folder."""
        ...

    @property
    def version(self) -> str:
        """Changes with its content."""
        ...


class StoredUpload(VersionedUpload, Protocol):
    """An upload as it lies in the store."""

    @property
    def last_modified(self) -> datetime:
        """When it came."""
        ...


class NotedUpload(Row, VersionedUpload, Protocol):
    """An upload that a run has dealt with."""

    @property
    def arrived_at(self) -> datetime:
        """When it was noticed."""
        ...

    @property
    def job_id(self) -> str:
        """The Dagster run."""
        ...

    @property
    def problem(self) -> str | None:
        """Why it was refused, and what to do."""
        ...


Found = TypeVar("Found", bound=StoredUpload)
NotedT = TypeVar("NotedT", bound=NotedUpload)


class UploadConfig(dg.Config):
    """One version of one upload."""

    key: str
    version: str
    arrived_at: str
    """ISO 8601; of two uploads of the same thing the later one counts."""

    @classmethod
    def noticed_now(cls, upload: VersionedUpload) -> Self:
        """An upload that is only now known of."""
        return cls(key=upload.key, version=upload.version, arrived_at=datetime.now(UTC).isoformat())


class UploadsConfig(dg.Config):
    """Which uploads a run is about."""

    uploads: list[UploadConfig] = Field(default_factory=list)
    """Empty, as from the page: every upload that was not dealt with yet."""

    @classmethod
    def noticed_now(cls, uploads: Iterable[VersionedUpload]) -> Self:
        """Uploads that are only now known of."""
        return cls(uploads=[UploadConfig.noticed_now(upload) for upload in uploads])

    def run_config(self, step: str) -> dict[str, Any]:
        """The configuration of a run about these uploads, whose first step has this name."""
        return {"ops": {step: {"config": self.model_dump()}}}


@dataclass(frozen=True, slots=True)
class UploadClaim:
    """A process is about to put an object and to deal with it: no sensor needs to."""

    key: str
    claimed_at: datetime


upload_claims = Table("upload_claims", UploadClaim, ("key",), "claimed_at")


def oldest_first(uploads: Iterable[Found]) -> list[Found]:
    """The order in which uploads that are noticed together count."""
    return sorted(uploads, key=lambda upload: (upload.last_modified, upload.key))


def tell_refused(context: dg.AssetExecutionContext, noted: Sequence[NotedUpload]) -> int:
    """Log which uploads a run refused; how many.

    Raises:
        dg.Failure: all of them.
    """
    refused = [upload for upload in noted if upload.problem]
    for upload in refused:
        context.log.error("%s was refused. %s", upload.key, upload.problem)
    if refused and len(refused) == len(noted):
        raise dg.Failure(
            f"No upload could be used. {refused[0].key}: {refused[0].problem}", allow_retries=False
        )
    return len(refused)


class UploadRecords(Generic[NotedT]):
    """What the store holds about uploads of one kind."""

    noted_uploads: Table[NotedT]

    def __init__(self, storage: ObjectStorage) -> None:
        self.storage = storage
        self._tables = Tables(storage)

    def uploads(self) -> list[NotedT]:
        """Every version of every upload that was dealt with, in the order they arrived."""
        found = self._tables.latest(self.noted_uploads)
        return sorted(found, key=lambda upload: upload.arrived_at)

    def uploads_of_job(self, job_id: str) -> list[NotedT]:
        """The uploads that a run dealt with."""
        return [upload for upload in self.uploads() if upload.job_id == job_id]

    def receipts(self) -> set[Version]:
        """Versions that were dealt with for good."""
        return {(upload.key, upload.version) for upload in self.uploads()}

    def without_receipt(self, present: Iterable[Found]) -> list[Found]:
        """Those that no run has dealt with at their present version, oldest first."""
        receipts = self.receipts()
        return oldest_first(one for one in present if (one.key, one.version) not in receipts)

    def claim(self, key: str) -> None:
        """Tell sensors that this process is about to put the upload and to deal with it."""
        self._tables.append(upload_claims, [UploadClaim(key, datetime.now(UTC))])

    def claimed_since(self, moment: datetime) -> set[str]:
        """Keys that a process claimed since then."""
        claims = self._tables.latest(upload_claims)
        return {claim.key for claim in claims if claim.claimed_at > moment}
