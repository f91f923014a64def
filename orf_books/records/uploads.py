"""What uploads of every kind share: the order in which they count, claims, and receipts.

Belongs here: which versions of uploads need a run. Does not belong here: which objects are uploads
and what they hold (the records of each domain), what starts runs (`orf_books/sensors.py`).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from orf_books.resources.storage import ObjectStorage
from orf_books.resources.table_deletion import delete_rows, value_in
from orf_books.resources.tables import Row, RowT, Table, Tables

MOST_TRIES = 3
"""Runs that may end before they have dealt with an upload; then a person has to look."""
CLOCK_TOLERANCE = timedelta(minutes=1)
"""Clocks of machines may differ by as much."""
UPLOADS_OF_A_RUN = 50
"""Uploads that wait together share a run, but nobody waits for more than so many others."""

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
    def run_id(self) -> str:
        """The Dagster run."""
        ...

    @property
    def problem(self) -> str | None:
        """Why it was refused, and what to do."""
        ...


Found = TypeVar("Found", bound=StoredUpload)
NotedT = TypeVar("NotedT", bound=NotedUpload)


@dataclass(frozen=True, slots=True)
class UploadVersion:
    """Which version of which upload, and nothing else of its receipt."""

    key: str
    version: str


@dataclass(frozen=True, slots=True)
class UploadClaim:
    """A process is about to put an object and to deal with it: no sensor needs to."""

    key: str
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class AbandonedUpload:
    """One version of an upload that several runs failed to read."""

    kind: str
    """The table of uploads of its kind."""
    key: str
    version: str
    problem: str
    """What happened, and what to do."""
    abandoned_at: datetime


upload_claims = Table("upload_claims", UploadClaim, ("key",), "claimed_at")
abandoned_uploads = Table(
    "abandoned_uploads", AbandonedUpload, ("kind", "key", "version"), "abandoned_at"
)


def oldest_first(uploads: Iterable[Found]) -> list[Found]:
    """The order in which uploads that are noticed together count."""
    return sorted(uploads, key=lambda upload: (upload.last_modified, upload.key))


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

    def uploads_of_run(self, run_id: str) -> list[NotedT]:
        """The uploads that a run dealt with."""
        return [upload for upload in self.uploads() if upload.run_id == run_id]

    def versions_of(self, key: str) -> list[NotedT]:
        """Every version of one upload that was dealt with, in the order they arrived."""
        import polars as pl

        found = self._tables.latest(self.noted_uploads, pl.col("key") == key)
        return sorted(found, key=lambda upload: upload.arrived_at)

    def receipts(self, keys: Collection[str] | None = None) -> set[Version]:
        """Versions that no sensor requests: a run has dealt with them, or several failed to.

        Args:
            keys: the uploads to look up; all of them by default.
        """
        return self._read(keys) | {(upload.key, upload.version) for upload in self._given_up()}

    def without_receipt(self, present: Iterable[Found]) -> list[Found]:
        """Those that no run has dealt with at their present version, oldest first."""
        read = self._read()
        return oldest_first(
            upload for upload in present if (upload.key, upload.version) not in read
        )

    def abandon(self, key: str, version: str, problem: str) -> None:
        """Note that several runs failed to read an upload."""
        upload = AbandonedUpload(self.noted_uploads.name, key, version, problem, datetime.now(UTC))
        self._tables.append(abandoned_uploads, [upload])

    def abandoned(self) -> list[AbandonedUpload]:
        """Uploads that were given up, and that no run has read since."""
        given_up = self._given_up()
        read = self._read() if given_up else set()
        return [upload for upload in given_up if (upload.key, upload.version) not in read]

    def forget_lost(self) -> list[str]:
        """Let uploads be read again whose rows are lost, as after a repair; returns their keys."""
        lost = self._uploads_without_rows()
        for upload in lost:
            of_upload = (
                f"{value_in('key', [upload.key])} AND {value_in('version', [upload.version])}"
            )
            delete_rows(self.storage, self.noted_uploads, of_upload)
        return [upload.key for upload in lost]

    def _uploads_without_rows(self) -> list[NotedT]:
        """Uploads with a receipt, of which not all rows are there that a run stored before it."""
        return []

    def _read(self, keys: Collection[str] | None = None) -> set[Version]:
        import polars as pl

        # Nothing else of the receipts: there may be very many, and some hold long lists of rows.
        versions = Table(self.noted_uploads.name, UploadVersion, ("key", "version"), "version")
        wanted = None if keys is None else pl.col("key").is_in(list(keys))
        read = self._tables.all_frame(versions, wanted)
        return set(zip(read["key"].to_list(), read["version"].to_list(), strict=True))

    def _given_up(self) -> list[AbandonedUpload]:
        import polars as pl

        of_kind = pl.col("kind") == self.noted_uploads.name
        return self._tables.latest(abandoned_uploads, of_kind)

    def claim(self, key: str) -> None:
        """Tell sensors that this process is about to put the upload and to deal with it."""
        self._tables.append(upload_claims, [UploadClaim(key, datetime.now(UTC))])

    def claimed_since(self, moment: datetime) -> set[str]:
        """Keys that a process claimed since then; not by a clock that was set back since."""
        import polars as pl

        latest = datetime.now(UTC) + CLOCK_TOLERANCE
        claimed = pl.col("claimed_at").is_between(moment, latest, closed="none")
        return {claim.key for claim in self._tables.latest(upload_claims, claimed)}

    # The clock

    def dated(self, table: Table[RowT], rows: Sequence[RowT]) -> Sequence[RowT]:
        """The rows, later than all that is stored, even if the clock was set back since.

        Which row is the latest of its key is decided by the time that it bears. Until the clock has
        caught up, rows follow the latest one at the shortest distance.
        """
        if self._ahead_of_clock is None:
            return rows
        dated = []
        for row in rows:
            self._ahead_of_clock += timedelta.resolution
            dated.append(replace(row, **{table.latest_by: self._ahead_of_clock}))
        return dated

    @cached_property
    def _ahead_of_clock(self) -> datetime | None:
        """The latest time that a row bears, if it is still to come."""
        found = map(self._tables.latest_moment, self._ordered_tables)
        latest = max(filter(None, found), default=None)
        return latest if latest and latest > datetime.now(UTC) else None

    @property
    def _ordered_tables(self) -> tuple[Table[Any], ...]:
        """Tables whose rows are dated together, because they are compared with each other."""
        return (self.noted_uploads,)
