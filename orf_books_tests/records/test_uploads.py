"""What the store holds about uploads of every kind."""

from datetime import UTC, datetime, timedelta

from orf_books.records.books import ACCEPTED, BookRecords, ExportUpload, export_uploads
from orf_books.resources.storage import ObjectStorage
from orf_books.resources.tables import Tables

NOW = datetime.now(UTC)


def noted(key: str, version: str, run_id: str, arrived_at: datetime = NOW) -> ExportUpload:
    return ExportUpload(key, version, "ada", ACCEPTED, arrived_at, run_id)


def records_of(folder: ObjectStorage, *uploads: ExportUpload) -> BookRecords:
    Tables(folder).append(export_uploads, list(uploads))
    return BookRecords(folder)


def test_uploads_are_found_by_their_run_and_versions_by_their_key(folder: ObjectStorage) -> None:
    first, second = noted("a", "1", "first"), noted("a", "2", "second", NOW + timedelta(seconds=1))
    other = noted("b", "1", "first")
    records = records_of(folder, second, first, other)
    assert {upload.key for upload in records.uploads_of_run("first")} == {"a", "b"}
    assert records.uploads_of_run("second") == [second]
    assert records.versions_of("a") == [first, second]


def test_after_the_clock_was_set_back_rows_follow_the_latest_one(folder: ObjectStorage) -> None:
    tomorrow = NOW + timedelta(days=1)
    records = records_of(folder, noted("a", "1", "run", tomorrow))
    rows = [noted("a", "2", "run"), noted("b", "1", "run")]
    first, second = (row.arrived_at for row in records.dated(export_uploads, rows))
    assert tomorrow < first < second


def test_rows_keep_their_time_where_the_clock_goes_on(folder: ObjectStorage) -> None:
    records = records_of(folder, noted("a", "1", "run", NOW - timedelta(days=1)))
    rows = [noted("a", "2", "run")]
    assert records.dated(export_uploads, rows) == rows
