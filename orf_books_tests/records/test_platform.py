"""What the overview collects from a store."""

from collections.abc import Sequence
from datetime import UTC, datetime

from orf_books.batches.batch import ItemFailure
from orf_books.failures import FailureCategory
from orf_books.object_keys import LIBRARIES_PAGE, OVERVIEW_PAGE
from orf_books.pages.overview_page import KindOverview
from orf_books.records.books import ACCEPTED, REFUSED, BookRecords, ExportUpload, export_uploads
from orf_books.records.platform import put_overview
from orf_books.resources.storage import ObjectStorage
from orf_books.resources.tables import Tables


def books_of(collected: Sequence[KindOverview]) -> KindOverview:
    return next(kind for kind in collected if kind.name == "Books")


def test_an_empty_store_has_an_overview(storage: ObjectStorage) -> None:
    collected = put_overview(storage, {})
    assert [kind.name for kind in collected] == ["Books", "Activities", "Sessions"]
    assert all(kind.items == kind.failed == kind.uploads == 0 for kind in collected)
    assert b"Nothing has been uploaded yet." in storage.get(OVERVIEW_PAGE)


def test_failures_are_grouped_by_their_reason_and_what_nobody_worked_on_waits(
    storage: ObjectStorage,
) -> None:
    failures = [
        ItemFailure("book-1", FailureCategory.TIMEOUT, "No answer in 30 s."),
        ItemFailure("book-2", FailureCategory.TIMEOUT, "No answer in 30 s."),
        ItemFailure("book-3", FailureCategory.BAD_DATA, "No title."),
    ]
    BookRecords(storage).add_failures(failures, "a-run")
    books = books_of(put_overview(storage, {"books": 5}))
    assert [(group.category, group.items) for group in books.failures] == [
        ("timeout", 2),
        ("bad_data", 1),
    ]
    assert (books.failed, books.waiting) == (3, 2)


def test_an_upload_is_not_read_while_its_last_version_is_refused(storage: ObjectStorage) -> None:
    def upload(key: str, version: str, status: str, problem: str | None) -> ExportUpload:
        moment = datetime(2026, 11, 22, int(version), tzinfo=UTC)
        return ExportUpload(key, version, "ann", status, moment, "a-run", problem=problem)

    uploads = [
        upload("uploads/ann/a.csv", "1", REFUSED, "It looks like a menu."),
        upload("uploads/ann/a.csv", "2", ACCEPTED, None),
        upload("uploads/ann/b.csv", "1", ACCEPTED, None),
        upload("uploads/ann/b.csv", "2", REFUSED, "It is empty."),
    ]
    Tables(storage).append(export_uploads, uploads)
    storage.put(LIBRARIES_PAGE, b"")
    books = books_of(put_overview(storage, {}))
    assert [(one.key, one.problem) for one in books.refused] == [
        ("uploads/ann/b.csv", "It is empty.")
    ]
    assert (books.uploads, books.page) == (2, LIBRARIES_PAGE)
