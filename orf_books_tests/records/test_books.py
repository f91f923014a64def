"""What is recorded about uploads, libraries and books, without any run."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orf_books.batches.batch import ItemFailure
from orf_books.books.enrichment import EnrichedBook
from orf_books.books.exports.entries import Export, UnreadableExport
from orf_books.books.exports.reading import parse_export
from orf_books.failures import FailureCategory
from orf_books.records.books import (
    ACCEPTED,
    REFUSED,
    BookRecords,
    EnrichedBookRow,
    EnrichmentReport,
    ExportUpload,
    LibraryDigest,
    enriched_books,
    failed_enrichments,
    fingerprint,
    library_entries,
)
from orf_books.records.items import FailedItem
from orf_books.resources.storage import ObjectStorage
from orf_books.resources.table_deletion import delete_rows, value_in
from orf_books.resources.tables import MOST_SMALL_FILES, Tables
from orf_books_tests.conftest import book, export_of

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def records(folder: ObjectStorage) -> BookRecords:
    return BookRecords(folder)


def upload(
    library: str,
    *,
    minute: int = 0,
    name: str = "raw.csv",
    status: str = ACCEPTED,
    job: str = "run",
) -> ExportUpload:
    return ExportUpload(
        key=f"uploads/{library}/{name}",
        version=f"v{minute}",
        library=library,
        status=status,
        arrived_at=NOW + timedelta(minutes=minute),
        run_id=job,
    )


def export(*numbers: int, **cells: str) -> Export:
    return parse_export(export_of(numbers, **cells))


def enriched(key: str, *genres: str, job: str = "run", fingerprint: str = "") -> EnrichedBookRow:
    made = EnrichedBook(
        key=key,
        found=bool(genres),
        genres=genres,
        subjects=(),
        thumbnail_url=None,
        small_thumbnail_url=None,
        description=None,
        is_fiction=None,
        audience=None,
        matched_by=None,
        confidence=None,
        answers=(),
    )
    return EnrichedBookRow.of(made, fingerprint, job, NOW)


def failure(key: str) -> ItemFailure:
    return ItemFailure(key, FailureCategory.UNAVAILABLE, f"Ask for {key} later.")


def books_in(records: BookRecords, libraries: Sequence[str] | None = None) -> list[str]:
    every = records.libraries()
    wanted = every if libraries is None else {name: every[name] for name in libraries}
    return [row.book_key for row in records.rows(wanted)]


# Uploads and libraries


def test_the_export_that_arrived_last_is_the_library(storage: ObjectStorage) -> None:
    records = BookRecords(storage)
    records.accept(upload("ada", minute=2), export(1, 2))
    records.accept(upload("ada", minute=1), export(3))
    records.accept(upload("bob", minute=0), export(2))

    assert books_in(records, ["ada"]) == [book(1), book(2)]
    assert books_in(records) == [book(2), book(1), book(2)]
    assert [row.library for row in records.rows(books=[book(2)])] == ["bob", "ada"]


def test_rows_without_a_receipt_do_not_count(records: BookRecords) -> None:
    """As when the process was killed between rows and receipt."""
    records.accept(upload("ada"), export(1))
    elsewhere = BookRecords(ObjectStorage(f"{records.storage.url}/elsewhere"))
    rows = Tables(records.storage).all_rows(library_entries)
    Tables(elsewhere.storage).append(library_entries, rows)
    assert elsewhere.rows() == []


def test_the_same_version_dealt_with_by_two_runs_counts_once(records: BookRecords) -> None:
    for job in ("killed", "again"):
        records.accept(upload("ada", job=job), export(1, 2))
    assert sorted(books_in(records)) == [book(1), book(2)]
    assert len(records.uploads()) == 1


def test_where_libraries_differ_about_a_book_the_last_to_arrive_comes_last(
    records: BookRecords,
) -> None:
    records.accept(upload("ada", minute=5), export(1, Title="Of Ada"))
    records.accept(upload("bob", minute=3), export(1, Title="Of Bob"))
    assert [row.title for row in records.rows()] == ["Of Bob", "Of Ada"]


@pytest.fixture
def set_back(folder: ObjectStorage) -> BookRecords:
    """Records in whose store is what was written before the clock was set back by a day."""
    day = timedelta(days=1)
    tables, now = Tables(folder), datetime.now(UTC)
    arrived = replace(upload("ada"), arrived_at=now + day)
    BookRecords(folder).accept(arrived, export(1))
    failed = FailedItem(book(2), "timeout", "Too late.", "run", now + day + timedelta(seconds=5))
    tables.append(failed_enrichments, [failed])
    return BookRecords(folder)


def test_an_export_that_comes_after_the_clock_was_set_back_is_the_library(
    set_back: BookRecords,
) -> None:
    noticed = replace(upload("ada", minute=1), arrived_at=datetime.now(UTC))
    set_back.accept(noticed, export(2))
    assert books_in(set_back, ["ada"]) == [book(2)]


def test_a_result_that_comes_after_the_clock_was_set_back_ends_the_failure(
    set_back: BookRecords,
) -> None:
    (made,) = set_back.add_results([enriched(book(2), "fiction")])
    assert set_back.standing_failures() == {}
    assert set_back.latest() == {book(2): made}


def test_a_clock_that_goes_forward_dates_nothing_anew(records: BookRecords) -> None:
    records.accept(upload("ada"), export(1))
    assert [one.arrived_at for one in BookRecords(records.storage).uploads()] == [NOW]


def test_an_empty_store_has_no_uploads_no_rows_and_no_books(records: BookRecords) -> None:
    assert records.uploads() == []
    assert records.rows() == []
    assert records.with_answers(["1"]) == {}
    assert records.standing_failures(["1"]) == {}
    assert records.report_of_run("run") is None
    assert records.digests() == []
    assert records.claimed_since(NOW) == set()


def test_a_refused_upload_is_copied_aside_with_what_to_do(records: BookRecords) -> None:
    records.storage.put("uploads/ada/raw.csv", b"zip")
    reason = UnreadableExport("a ZIP file", "Unpack it first.")
    records.refuse(upload("ada", status=REFUSED), reason, "uploads/ada/raw.csv")

    assert records.storage.get("rejected/ada/raw.csv") == b"zip"
    explanation = json.loads(records.storage.get("rejected/ada/raw.csv.error.json"))
    assert explanation["looks_like"] == "a ZIP file"
    assert explanation["remedy"] == "Unpack it first."
    assert records.libraries() == {}


def test_uploads_are_found_by_the_run_that_dealt_with_them(records: BookRecords) -> None:
    records.accept(upload("ada", job="one"), export(1))
    records.accept(upload("bob", job="other"), export(2))
    assert [found.library for found in records.uploads_of_run("other")] == ["bob"]


def test_a_claim_holds_from_when_it_was_made(records: BookRecords) -> None:
    before = datetime.now(UTC)
    records.claim("uploads/ada/raw.csv")
    assert records.claimed_since(before - timedelta(seconds=1)) == {"uploads/ada/raw.csv"}
    assert records.claimed_since(datetime.now(UTC)) == set()


# Books


def test_the_latest_enrichment_of_a_book_counts(storage: ObjectStorage) -> None:
    records = BookRecords(storage)
    records.add_results([enriched("1", "Poetry"), enriched("2", "Essays")])
    records.add_results([enriched("1", "Drama")])
    found = records.with_answers(["1", "2", "3"])
    assert {key: row.genres for key, row in found.items()} == {"1": ("Drama",), "2": ("Essays",)}


def test_a_failure_stands_until_the_book_is_enriched(records: BookRecords) -> None:
    records.add_results([enriched("1", "Poetry")])
    records.add_failures([failure("1"), failure("2")], "run")
    assert set(records.standing_failures(["1", "2", "3"])) == {"1", "2"}

    records.add_results([enriched("1", "Poetry")])
    assert set(records.standing_failures(["1", "2", "3"])) == {"2"}


def test_what_a_run_worked_on_is_what_it_enriched_or_failed_to(records: BookRecords) -> None:
    records.add_results([enriched("1", "Poetry", job="one"), enriched("2", job="other")])
    records.add_failures([failure("3")], "one")
    assert records.books_worked_on(["one"]) == {"1", "3"}
    assert records.books_worked_on([]) == set()
    assert [found.key for found in records.failures_of_run("one")] == ["3"]


def test_an_enrichment_is_the_same_book_when_read_again(records: BookRecords) -> None:
    row = enriched("1", "Poetry", "Drama")
    records.add_results([row])
    assert records.with_answers(["1"])["1"].book() == row.book()


def test_equal_findings_have_equal_data_versions() -> None:
    first, second = enriched("1", "Poetry", job="one"), enriched("1", "Poetry", job="other")
    assert first.data_version == second.data_version
    assert first.data_version != enriched("1", "Drama").data_version


@pytest.mark.parametrize(
    ("cells", "same"),
    [
        ({"My_Rating": "1", "My_Review": "Dull.", "Bookshelves": "sold"}, True),
        ({"Title": "Another Title"}, False),
        ({"Author": "Somebody Else"}, False),
        ({"ISBN": '=""', "ISBN13": '="9780441478125"'}, False),
    ],
)
def test_a_question_changes_with_what_is_asked_and_not_with_what_the_reader_did(
    cells: dict[str, str], same: bool, records: BookRecords
) -> None:
    records.accept(upload("ada"), export(1))
    records.accept(upload("bob"), export(1, **cells))
    ada, bob = (fingerprint(row.query) for row in records.rows())
    assert (ada == bob) is same


def test_what_is_asked_about_a_book_is_known_without_reading_its_row(
    records: BookRecords, folder: ObjectStorage
) -> None:
    records.accept(upload("ada", minute=1), export(1, 2))
    records.accept(upload("bob", minute=2), export(1, Title="As Bob has it"))
    earlier = [replace(row, question=None) for row in records.rows_of_library("ada")]
    records.accept(upload("cat", minute=3), export(3))
    of_cat = [replace(row, question=None) for row in records.rows_of_library("cat")]
    delete_rows(folder, library_entries, value_in("library", ["ada", "cat"]))
    Tables(folder).append(library_entries, [*earlier, *of_cat])  # as an earlier version wrote them

    questions = records.held_books(records.libraries())

    rows = {row.book_key: row for row in records.rows()}
    assert rows[book(1)].title == "As Bob has it"
    assert questions == {key: fingerprint(row.query) for key, row in rows.items()}


def test_a_book_is_settled_until_it_fails_its_question_changes_or_a_gap_can_be_filled(
    records: BookRecords,
) -> None:
    asked = {
        key: f"question {key}" for key in ("kept", "failed", "mended", "changed", "gap", "new")
    }
    records.add_failures([failure("mended")], "run")
    results = [enriched(key, "Art", fingerprint=asked[key]) for key in asked if key != "new"]
    by_key = {result.key: result for result in results}
    by_key["changed"] = replace(by_key["changed"], fingerprint="an older question")
    by_key["gap"] = replace(by_key["gap"], gap="google_books: quota_exhausted")
    records.add_results([*by_key.values(), enriched("gone", "Art")])
    records.add_failures([failure("failed")], "run")

    assert records.settled(asked, lambda _: True) == {"kept", "mended"}
    assert records.settled(asked, lambda _: False) == {"kept", "mended", "gap"}
    assert records.settled({}, lambda _: True) == set()


def test_an_empty_store_has_nothing_settled(records: BookRecords) -> None:
    assert records.held_books({}) == {}
    assert records.settled({"a": "question"}, lambda _: True) == set()


def test_tables_are_compacted_once_runs_have_left_many_files(
    records: BookRecords, folder: ObjectStorage
) -> None:
    for number in range(MOST_SMALL_FILES + 1):
        records.add_failures([failure(str(number))], "run")

    records.tidy()

    assert not Tables(folder).has_many_small_files(failed_enrichments)
    assert len(records.standing_failures()) == MOST_SMALL_FILES + 1


# Reports and digests


def test_a_report_is_read_as_it_was_written(records: BookRecords) -> None:
    report = EnrichmentReport(
        run_id="run",
        status="complete",
        uploads=("uploads/ada/raw.csv",),
        libraries=("ada",),
        items=2,
        succeeded=2,
        failed=0,
        not_found=1,
        reused=0,
        failed_by_category={},
        success_rate=100.0,
        requests={"open_library": 1},
        notes=(),
        started_at=NOW,
        seconds=0.5,
    )
    records.add_report(report)
    assert records.report_of_run("run") == report


def test_a_library_has_one_digest_the_latest(records: BookRecords) -> None:
    for minute, books in ((0, 5), (1, 7)):
        at = NOW + timedelta(minutes=minute)
        records.add_digests([LibraryDigest("ada", books, 0, 0, 0, 0.0, at)])
    records.add_digests([LibraryDigest("aaron", 1, 0, 0, 0, 0.0, NOW)])
    assert [(digest.library_id, digest.books) for digest in records.digests()] == [
        ("aaron", 1),
        ("ada", 7),
    ]


def test_results_that_the_store_did_not_take_are_taken_up_by_the_next_run(
    records: BookRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    row = enriched("1", "Fantasy")
    records.set_aside([row])
    assert records.latest(["1"]) == {}
    records.take_up()
    assert records.latest(["1"]) == {"1": row.digest}
    records.take_up()
    assert len(Tables(records.storage).all_rows(enriched_books)) == 1
