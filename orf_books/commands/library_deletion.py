"""Deleting a library: its uploads, what was made of them, and books that no other library holds.

Belongs here: in which order it is deleted from where, so that a deletion that is interrupted can be
repeated. Does not belong here: deleting rows for good (`resources/table_deletion.py`), arguments
and printing (`orf_books/cli.py`).

Dagster's history of runs keeps the library's name; no function of Dagster takes it out of there.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

import dagster as dg

from orf_books.assets.books.pages import put_libraries_page
from orf_books.assets.books.step import BOOKS
from orf_books.commands.overview import refresh_overview
from orf_books.commands.runs_at_work import MOST_SECONDS, ran_since, wait_for_runs
from orf_books.failures import FixInput
from orf_books.instance import open_instance
from orf_books.jobs import fill_gaps, ingest_books, refresh_libraries, retry_failed_books
from orf_books.object_keys import (
    EXPORTS,
    export_refusal_key,
    library_data_key,
    library_name,
    library_of_export,
    library_page_key,
    rejected_export_key,
)
from orf_books.records import books as tables
from orf_books.records.books import BookRecords, LibraryRow
from orf_books.records.uploads import abandoned_uploads, upload_claims
from orf_books.resources.table_deletion import delete_rows, list_holds, value_in
from orf_books.resources.tables import Table, Tables
from orf_books.settings import Settings

_JOBS = tuple(job.name for job in (ingest_books, retry_failed_books, fill_gaps, refresh_libraries))
_SHORTEST_TELLING = 8
"""Characters. Shorter titles and numbers count as mentioned only as a whole value."""


@dataclass(frozen=True, slots=True)
class LibraryDeletion:
    """What was deleted."""

    library: str
    objects: tuple[str, ...]
    """Keys."""
    rows: Mapping[str, int]
    """By table, how many."""
    books_deleted: int
    """Held by no other library."""
    books_kept: int
    """Held by other libraries too."""

    def as_document(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)

    def and_also(self, other: Self) -> Self:
        """Both, of the same library, one after the other."""
        return replace(
            self,
            objects=self.objects + other.objects,
            rows=dict(Counter(self.rows) + Counter(other.rows)),
        )


def delete_library(
    settings: Settings, name: str, wait_seconds: float = MOST_SECONDS
) -> LibraryDeletion:
    """Delete a library from everywhere, and show the others without it.

    Args:
        settings: where everything is.
        name: the library, as people or as keys write it.
        wait_seconds: how long to wait for runs at work.

    Raises:
        FixInput: there is no such library.
        RetryLater: a run is at work on books, or the store did not answer; repeat the deletion.
    """
    library = library_name(name)
    with open_instance(settings) as instance:
        wait_for_runs(instance, _JOBS, wait_seconds)
        records, began = BookRecords(settings.open_storage()), datetime.now(UTC)
        deletion = _Deletion(records, instance, library)
        if not deletion.finds_anything():
            raise FixInput(f"There is no library {name!r}.")
        done = deletion.carry_out()
        # A run that began meanwhile may have read the upload before, and stored its books after.
        wait_for_runs(instance, _JOBS, wait_seconds)
        if ran_since(instance, _JOBS, began):
            again = _Deletion(records, instance, library, deletion.entries)
            done = done.and_also(again.carry_out())
        refresh_overview(settings, instance)
        return done


class _Deletion:
    def __init__(
        self,
        records: BookRecords,
        instance: dg.DagsterInstance,
        library: str,
        known_entries: Sequence[LibraryRow] = (),
    ) -> None:
        self._records, self._instance, self._library = records, instance, library
        self._storage, self._tables = records.storage, Tables(records.storage)
        self.entries = [*known_entries, *records.rows_of_library(library)]
        self._stored_uploads = self._own(stored.key for stored in records.storage.list(EXPORTS))
        self._uploads = self._stored_uploads | self._own(one.key for one in records.uploads())
        self._objects: list[str] = []
        self._rows: dict[str, int] = {}

    def finds_anything(self) -> bool:
        """Whether there is such a library."""
        return bool(self._uploads or self.entries or any(map(self._storage.exists, self._pages)))

    def carry_out(self) -> LibraryDeletion:
        """Delete it; what tells what else there is to delete comes last."""
        # First the uploads, so that no run reads them again.
        self._delete_objects(self._stored_uploads)
        self._delete_objects(map(rejected_export_key, self._uploads))
        self._delete_objects(map(export_refusal_key, self._uploads))
        held = {row.book_key for row in self.entries}
        shared = self._records.books_of_others(held, self._library)
        self._delete_books([row for row in self.entries if row.book_key not in shared])
        self._delete_from_reports()
        self._delete_rows(tables.library_digests, value_in("library_id", [self._library]))
        self._delete_rows(tables.library_entries, value_in("library", [self._library]))
        for table in (upload_claims, abandoned_uploads, tables.export_uploads):
            self._delete_rows(table, value_in("key", self._uploads))
        self._delete_objects(self._pages)
        put_libraries_page(self._records)
        return LibraryDeletion(
            self._library,
            tuple(self._objects),
            {table: count for table, count in self._rows.items() if count},
            books_deleted=len(held - shared),
            books_kept=len(shared),
        )

    @property
    def _pages(self) -> tuple[str, str]:
        return library_data_key(self._library), library_page_key(self._library)

    def _own(self, uploads: Iterable[str]) -> set[str]:
        """Those of these uploads, by their keys, that are of the library."""
        return {key for key in uploads if _library_of(key) == self._library}

    def _delete_objects(self, keys: Iterable[str]) -> None:
        for key in sorted(filter(self._storage.exists, keys)):
            self._storage.delete(key)
            self._objects.append(key)

    def _delete_rows(self, table: Table[Any], where: str) -> None:
        self._rows[table.name] = delete_rows(self._storage, table, where)

    def _delete_books(self, entries: Collection[LibraryRow]) -> None:
        """Delete books that only this library holds."""
        keys = sorted({row.book_key for row in entries})
        self._delete_rows(tables.enriched_books, value_in("key", keys))
        self._delete_rows(tables.failed_enrichments, value_in("key", keys))
        # Services were asked about several books at once, so answers about others go as well.
        marks = {mark for entry in entries for mark in _marks_of(entry)}
        requests = self._records.requests_mentioning(marks)
        self._delete_rows(tables.raw_answers, value_in("request", requests))
        for key in keys:
            self._instance.delete_dynamic_partition(str(BOOKS.partitions.name), key)

    def _delete_from_reports(self) -> None:
        """Delete the reports of this library alone, and take its name out of the others."""
        of_several = [
            replace(
                report,
                libraries=tuple(name for name in report.libraries if name != self._library),
                uploads=tuple(key for key in report.uploads if key not in self._uploads),
            )
            for report in self._records.reports()
            if self._library in report.libraries and len(report.libraries) > 1
        ]
        # The new ones first, so that no interruption loses a report.
        self._tables.append(tables.enrichment_reports, of_several)
        self._delete_rows(tables.enrichment_reports, list_holds("libraries", self._library))


def _library_of(upload: str) -> str | None:
    with suppress(FixInput):
        return library_of_export(upload)
    return None


def _marks_of(entry: LibraryRow) -> Iterator[str]:
    """What services call a book by in questions and answers."""
    numbers = (entry.goodreads_id, entry.isbn, entry.isbn13)
    title = entry.title.partition(" (")[0]
    for mark in (*numbers, entry.title, title, title.partition(":")[0]):
        if mark:
            yield mark if len(mark) >= _SHORTEST_TELLING else f'"{mark}"'
