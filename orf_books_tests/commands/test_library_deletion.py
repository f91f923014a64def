"""Deleting a library: what is gone, what stays, and what comes of a deletion that breaks off."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import dagster as dg
import pytest
from pydantic import SecretStr

from orf_books.assets.books.step import BOOKS
from orf_books.batches.resource import BatchResource
from orf_books.cli import WRONG_CALL
from orf_books.commands.library_deletion import LibraryDeletion, delete_library
from orf_books.commands.local_runs import ingest_export
from orf_books.commands.upload_status import status_of_upload
from orf_books.failures import FailureCategory, FixInput, RetryLater
from orf_books.instance import open_instance, process_tag
from orf_books.object_keys import LIBRARIES_PAGE, library_page_key
from orf_books.records.books import BookRecords
from orf_books.resources.storage import ObjectStorage
from orf_books.sandbox.server import Sandbox
from orf_books.settings import Settings
from orf_books_tests.conftest import Call, book, export_of, settings_for
from orf_books_tests.stored_text import objects_mentioning

pytestmark = pytest.mark.slow

ANA = "ana-of-the-north"
OTHERS = "ben"
OWN, SHARED, OF_OTHERS = range(8), range(8, 12), range(12, 16)
OWN_TITLE = "Nightingales of Quollsby"
SHELF = "my-very-own-shelf"


def settings_in(store: Path, sandbox: Sandbox) -> Settings:
    key = SecretStr(sandbox.behaviour.google_key)
    ledger = f"sqlite:///{store.with_name('ledger.sqlite')}"
    return settings_for(sandbox, str(store), google_books_key=key, ledger=ledger)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, running_sandbox: Sandbox) -> Path:
    """A store in which two libraries share books."""
    store = tmp_path_factory.mktemp("prepared") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(store / "dagster"))
        put_libraries(settings_in(store, running_sandbox))
    return store


@pytest.fixture
def settings(prepared: Path, tmp_path: Path, sandbox: Sandbox) -> Iterator[Settings]:
    """Settings of a copy of that store."""
    store = tmp_path / "store"
    copytree(prepared, store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(store / "dagster"))
        yield settings_in(store, sandbox)


def ingest(settings: Settings, library: str, export: bytes) -> None:
    batch = BatchResource(concurrency=100, ledger=settings.ledger)
    ingest_export(settings, export, library, batch)


def put_libraries(settings: Settings) -> None:
    """Two libraries that share books; one book of the first fails, and one export is refused."""
    first = export_of([*OWN, *SHARED], Bookshelves=SHELF)
    own = export_of([0], Book_Id="4711", Title=OWN_TITLE, ISBN="", ISBN13="").splitlines()[1]
    ingest(settings, ANA, first + own + b"\n")
    ingest(settings, OTHERS, export_of([*SHARED, *OF_OTHERS]))
    with pytest.raises(FixInput):
        ingest(settings, ANA, b"no export of " + SHELF.encode())
    ingest(settings, ANA, first + own + b"\n")


def partitions(settings: Settings) -> set[str]:
    with open_instance(settings) as instance:
        return set(instance.get_dynamic_partitions(str(BOOKS.partitions.name)))


def titles(numbers: range) -> list[str]:
    rows = export_of(numbers).decode().splitlines()[1:]
    return [row.split(",")[1] for row in rows]


def test_nothing_of_it_is_left_in_any_object_or_table(
    settings: Settings, folder: ObjectStorage
) -> None:
    traces = (ANA, SHELF, OWN_TITLE, *titles(OWN))
    before = objects_mentioning(folder, *traces)
    assert {trace for _, trace in before} == set(traces)
    tables = {key.split("/")[1] for key, _ in before if key.startswith("tables/")}
    assert tables >= {"uploads", "upload_claims", "library_entries", "library_digests"}
    assert tables >= {"enrichment_reports", "raw_answers"}

    delete_library(settings, ANA)

    assert objects_mentioning(folder, *traces) == set()
    for number in OWN:
        assert objects_mentioning(folder, f"'{book(number)}'") == set()


def test_what_others_hold_stays(settings: Settings, folder: ObjectStorage) -> None:
    records = BookRecords(folder)
    of_others = [book(number) for number in (*SHARED, *OF_OTHERS)]
    page, digests = folder.get(library_page_key(OTHERS)), records.latest(of_others)

    deletion = delete_library(settings, ANA)

    assert (deletion.books_deleted, deletion.books_kept) == (len(OWN) + 1, len(SHARED))
    assert folder.get(library_page_key(OTHERS)) == page
    assert records.latest(of_others) == digests
    assert partitions(settings) == set(of_others)
    assert [digest.library_id for digest in records.digests()] == [OTHERS]
    assert [report.libraries for report in records.reports()] == [(OTHERS,)]
    assert OTHERS in folder.get(LIBRARIES_PAGE).decode()
    with pytest.raises(FixInput):
        status_of_upload(folder, ANA)


def test_a_report_of_several_libraries_stays_without_its_name(
    settings: Settings, folder: ObjectStorage
) -> None:
    records = BookRecords(folder)
    report = next(report for report in records.reports() if report.libraries == (OTHERS,))
    with_both = replace(
        report,
        run_id="of both",
        libraries=(ANA, OTHERS),
        uploads=(f"uploads/{ANA}/raw.csv", f"uploads/{OTHERS}/raw.csv"),
    )
    records.add_report(with_both)
    delete_library(settings, ANA)
    kept = records.report_of_run("of both")
    assert kept is not None
    assert (kept.libraries, kept.uploads) == ((OTHERS,), (f"uploads/{OTHERS}/raw.csv",))
    assert kept.items == report.items


def test_it_says_what_it_removed(settings: Settings) -> None:
    deletion = delete_library(settings, ANA)
    assert deletion.objects == (
        f"uploads/{ANA}/raw.csv",
        f"rejected/{ANA}/raw.csv",
        f"rejected/{ANA}/raw.csv.error.json",
        f"data/{ANA}.html",
        f"data/{ANA}.json",
    )
    assert deletion.rows["library_entries"] == 2 * 13
    assert deletion.rows["uploads"] == 3
    assert deletion.rows["enriched_books"] >= len(OWN)


def test_it_can_come_back_as_new(settings: Settings, folder: ObjectStorage) -> None:
    delete_library(settings, ANA)
    ingest(settings, ANA, export_of(OWN))
    assert json.loads(folder.get(f"data/{ANA}.json"))["summary"]["total_books"] == len(OWN)


def test_a_bare_file_and_hidden_copies_are_its_uploads_too(
    settings: Settings, folder: ObjectStorage
) -> None:
    folder.put(f"uploads/{ANA}.csv", export_of([0]))
    folder.put(f"uploads/{ANA}/.copy.csv", export_of([0]))
    folder.put(f"uploads/{ANA}-2/raw.csv", export_of([0]))
    delete_library(settings, ANA)
    left = {stored.key for stored in folder.list("uploads")}
    assert left == {f"uploads/{ANA}-2/raw.csv", f"uploads/{OTHERS}/raw.csv"}


def test_refusals_of_a_class_with_the_same_name_stay(
    settings: Settings, folder: ObjectStorage
) -> None:
    folder.put("uploads/5B/raw.csv", export_of([0]))
    folder.put("rejected/5B/2026-01-05/0123456789ab.error.json", b"{}")
    delete_library(settings, "5B")
    assert folder.exists("rejected/5B/2026-01-05/0123456789ab.error.json")


class BreakingStorage(ObjectStorage):
    """A store that goes away after some changes."""

    changes_left = 0

    def put(self, key: str, content: bytes) -> str:
        self._change()
        return super().put(key, content)

    def delete(self, *keys: str) -> None:
        self._change()
        super().delete(*keys)

    def _change(self) -> None:
        self.changes_left -= 1
        if self.changes_left < 0:
            raise RetryLater("The store is away.", FailureCategory.UNAVAILABLE)


class BreakingSettings(Settings):
    """Settings of a store that goes away."""

    changes_left: int

    def open_storage(self) -> ObjectStorage:
        storage = BreakingStorage(self.storage)
        storage.changes_left = self.changes_left
        return storage


@pytest.mark.parametrize("changes", [0, 2, 4, 6, 8, 10, 12])
@pytest.mark.slow
def test_a_deletion_that_breaks_off_can_be_repeated(
    settings: Settings, folder: ObjectStorage, changes: int
) -> None:
    breaking = BreakingSettings(**settings.model_dump(), changes_left=changes)
    with pytest.raises(RetryLater):
        delete_library(breaking, ANA)
    delete_library(settings, ANA)
    assert objects_mentioning(folder, ANA, SHELF, OWN_TITLE, *titles(OWN)) == set()
    assert partitions(settings) == {book(number) for number in (*SHARED, *OF_OTHERS)}


class IngestingStorage(ObjectStorage):
    """A store in which a run brings the library back, when its deletion has almost ended."""

    ingest: Callable[[], None] | None = None

    def delete(self, *keys: str) -> None:
        super().delete(*keys)
        if self.ingest and library_page_key(ANA) in keys:
            meanwhile, self.ingest = self.ingest, None
            meanwhile()


class IngestingSettings(Settings):
    """Settings of such a store."""

    def open_storage(self) -> ObjectStorage:
        storage = IngestingStorage(self.storage)
        storage.ingest = lambda: ingest(
            Settings(**self.model_dump()), ANA, export_of([*OWN, *SHARED], Bookshelves=SHELF)
        )
        return storage


def test_what_a_run_stores_that_began_meanwhile_is_deleted_too(
    settings: Settings, folder: ObjectStorage
) -> None:
    delete_library(IngestingSettings(**settings.model_dump()), ANA)
    assert objects_mentioning(folder, ANA, SHELF, OWN_TITLE, *titles(OWN)) == set()
    assert partitions(settings) == {book(number) for number in (*SHARED, *OF_OTHERS)}


def test_it_waits_for_runs_that_would_store_the_library_again(
    settings: Settings, folder: ObjectStorage
) -> None:
    folder.put(f"uploads/{ANA}/raw.csv", export_of([0]))
    with open_instance(settings) as instance:
        instance.create_run_for_job(
            _ingesting(), status=dg.DagsterRunStatus.STARTED, tags=process_tag()
        )
    with pytest.raises(RetryLater, match="repeat the deletion"):
        delete_library(settings, ANA, wait_seconds=0)
    assert folder.exists(f"uploads/{ANA}/raw.csv")


def _ingesting() -> dg.JobDefinition:
    @dg.job(name="ingest_books")
    def ingest_books() -> None:
        pass

    return ingest_books


def test_an_unknown_library_is_a_wrong_call(call: Call) -> None:
    done = call("delete", "library", "nobody")
    assert done.returncode == WRONG_CALL
    assert "There is no library 'nobody'" in done.stderr


def test_the_command_prints_what_it_removed(call: Call, folder: ObjectStorage) -> None:
    folder.put(f"uploads/{ANA}/raw.csv", export_of([0]))
    shown = call("delete", "library", ANA)
    assert f"uploads/{ANA}/raw.csv" in shown.stdout.replace("\n", "")
    folder.put(f"uploads/{ANA}/raw.csv", export_of([0]))
    document = json.loads(call("delete", "library", ANA, "--json").stdout)
    assert document["objects"] == [f"uploads/{ANA}/raw.csv"]
    assert LibraryDeletion(**document).library == ANA
