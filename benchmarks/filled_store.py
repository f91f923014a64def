"""A store and a Dagster history that have been in use: libraries, enriched books, partitions.

Belongs here: rows and events as runs would have left them, written without running anything. Does
not belong here: what is measured on them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from orf_books.assets.books.step import BOOKS
from orf_books.batches.partitions import register
from orf_books.books.enrichment import EnrichedBook
from orf_books.books.exports.entries import LibraryEntry
from orf_books.dagster_internals import PartitionEvents, PartitionMaterialization
from orf_books.instance import HOME_VARIABLE
from orf_books.object_keys import export_key
from orf_books.partition_keys import book_key
from orf_books.records.books import (
    ACCEPTED,
    BookRecords,
    EnrichedBookRow,
    ExportUpload,
    LibraryRow,
    export_uploads,
    fingerprint,
    library_entries,
    query_for,
)
from orf_books.resources.tables import Tables

ROWS_OF_A_COMMIT = 1000
_TAGS: Mapping[str, str] = {
    "dagster/code_version": "1",
    "dagster/data_version": "0123456789abcdef",
    "dagster/input_data_version/library_entries": "1",
    "dagster/input_event_pointer/library_entries": "1000",
}


def store_libraries(
    records: BookRecords,
    uploads: Sequence[ExportUpload],
    books: Mapping[str, Sequence[LibraryEntry]],
) -> None:
    """What `BookRecords.accept` stores, for several uploads in one commit; books by library."""
    tables = Tables(records.storage)
    rows = [
        LibraryRow.of(book, upload, book_key(book))
        for upload in uploads
        for book in books[upload.library]
    ]
    tables.append(library_entries, rows)
    tables.append(export_uploads, uploads)


def store_enriched(records: BookRecords, books: Sequence[LibraryEntry], run: str) -> None:
    """What a run stores about books, in commits as it makes them."""
    for start in range(0, len(books), ROWS_OF_A_COMMIT):
        records.add_results(
            [enriched(book, run) for book in books[start : start + ROWS_OF_A_COMMIT]]
        )


def upload_of(library: str, books: int, run: str, version: str | None = None) -> ExportUpload:
    """The receipt of a library's export."""
    return ExportUpload(
        key=export_key(library),
        version=version or run,
        library=library,
        status=ACCEPTED,
        arrived_at=datetime.now(UTC),
        run_id=run,
        rows=books,
        books=books,
    )


def enriched(book: LibraryEntry, run: str) -> EnrichedBookRow:
    """What was found of a book."""
    key = book_key(book)
    found = EnrichedBook(
        key=key,
        found=True,
        genres=("Science Fiction", "Adventure"),
        subjects=("Science fiction", "Fiction, science fiction, general", "Adventure stories"),
        thumbnail_url="https://covers.openlibrary.org/b/id/60000000-M.jpg",
        small_thumbnail_url="https://covers.openlibrary.org/b/id/60000000-S.jpg",
        description=None,
        is_fiction=True,
        audience=None,
        matched_by="isbn",
        confidence=1.0,
        answers=(),
    )
    return EnrichedBookRow.of(found, fingerprint(query_for(key, book)), run, datetime.now(UTC))


class _Books(dg.Config):
    books: list[str]


@dg.asset
def _books_of_the_past(context: dg.AssetExecutionContext, config: _Books) -> None:
    register(context.instance, BOOKS.partitions, config.books)
    events = PartitionEvents(context, BOOKS.asset)
    events.plan(config.books)
    metadata = {"found": True, "genres": "Science Fiction, Adventure", "matched_by": "isbn"}
    events.materialized(PartitionMaterialization(key, metadata, _TAGS) for key in config.books)


def add_history(instance: dg.DagsterInstance, books: Sequence[LibraryEntry]) -> str:
    """A run that materialized the partitions of these books; its id."""
    config = {"books": list(map(book_key, books))}
    return dg.materialize(
        [_books_of_the_past],
        instance=instance,
        run_config={
            "ops": {_books_of_the_past.op.name: {"config": config}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        },
    ).run_id


@contextmanager
def without_home() -> Iterator[None]:
    """Let the platform choose its own Dagster home, in its store."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv(HOME_VARIABLE, raising=False)
        # So that it is put back although the platform sets it.
        environment.setenv(HOME_VARIABLE, "")
        environment.delenv(HOME_VARIABLE)
        yield


def megabytes_below(folder: Path) -> float:
    """The size of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
