"""`orf-books` as people and machines start it: exit statuses, what is printed, what is left."""

import json
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import jsonschema
import pytest
from pydantic import SecretStr

from orf_books.assets.books.assets import ingest
from orf_books.assets.uploads import UploadConfig
from orf_books.books.library import SCHEMA_FILE
from orf_books.commands.upload_status import status_of_upload
from orf_books.dagster_internals import PartitionStatus
from orf_books.instance import open_instance
from orf_books.object_keys import export_key, library_name, library_of_export
from orf_books.records.books import BookRecords
from orf_books.resources.storage import ObjectStorage
from orf_books.sandbox.behaviour import GOOGLE_BOOKS_KEY, Behaviour, Service
from orf_books.sandbox.server import Sandbox
from orf_books_tests.conftest import (
    INVENTED_BOOKS,
    Call,
    CommandLine,
    Platform,
    book,
    export_of,
    plain_books,
    settings_for,
    statuses_of_books,
    wait_for,
)

ALL_WELL, ITEMS_FAILED, WRONG_CALL, INTERRUPTED = 0, 1, 2, 130
KEY = "canary-of-a-key"
BROKEN = {book(3), book(77), book(401)}


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A small export, `ada.csv` in the working directory."""
    file = tmp_path / "ada.csv"
    file.write_bytes(export_of(plain_books()[:3]))
    return file


# A library of 520 books and a row that is none, of which three books are broken at first


@dataclass(frozen=True)
class Story:
    """What was seen before and after the sandbox was mended."""

    run: dict[str, Any]
    dashboard: dict[str, Any]
    statuses: dict[str, PartitionStatus]
    run_status: dg.DagsterRunStatus
    status: dict[str, Any]
    retry: dict[str, Any]
    status_after: dict[str, Any]
    statuses_after: dict[str, PartitionStatus]
    runs_of_retry: int
    asked_by_retry: int
    dashboard_after: dict[str, Any]
    printed: str
    folder: Path


@pytest.fixture(scope="module")
def story(running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("story")
    running_sandbox.behaviour.change(Behaviour(google_key=KEY, broken_books=BROKEN).as_json())
    settings = settings_for(running_sandbox, str(folder / "data"), google_books_key=SecretStr(KEY))
    orf_books = CommandLine(folder, settings, {"DAGSTER_HOME": str(folder / "home")})
    lines = export_of(range(INVENTED_BOOKS)).splitlines()
    (folder / "ada.csv").write_bytes(b"\n".join([*lines, b"," * lines[0].count(b",") + b"x"]))

    run = orf_books("run", "books", "ada.csv", "--json")
    assert run.returncode == ITEMS_FAILED, run.stderr
    dashboard = json.loads(orf_books.storage.get("data/ada.json"))
    status = status_of_upload(orf_books.storage, "ada")
    with orf_books.instance() as instance:
        statuses = statuses_of_books(instance)
        (first,) = instance.get_runs()
    running_sandbox.behaviour.broken_books = set()
    running_sandbox.counts.clear()
    retry = orf_books("retry", "books", "--json")
    assert retry.returncode == ALL_WELL, retry.stderr
    with orf_books.instance() as instance:
        statuses_after = statuses_of_books(instance)
        runs = len(instance.get_runs())
    yield Story(
        run=json.loads(run.stdout),
        dashboard=dashboard,
        statuses=statuses,
        run_status=first.status,
        status=status,
        retry=json.loads(retry.stdout),
        status_after=status_of_upload(orf_books.storage, "ada"),
        statuses_after=statuses_after,
        runs_of_retry=runs - 1,
        asked_by_retry=running_sandbox.counts.identifiers(Service.OPEN_LIBRARY, "search"),
        dashboard_after=json.loads(orf_books.storage.get("data/ada.json")),
        printed="".join(done.stdout + done.stderr for done in (run, retry)),
        folder=folder,
    )
    orf_books.end()


@pytest.mark.slow
def test_the_report_has_the_names_that_machines_rely_on(story: Story) -> None:
    assert story.run["status"] == "complete_with_failures"
    assert story.run["books_processed"] == INVENTED_BOOKS
    assert story.run["successful_enrichments"] == INVENTED_BOOKS - len(BROKEN)
    assert story.run["failed_enrichments"] == len(BROKEN)
    assert story.run["success_rate"] == 99.4
    assert story.run["processing_time_seconds"] > 0
    assert story.run["job_id"] == story.status["job_id"]


@pytest.mark.slow
def test_every_row_of_the_file_is_on_the_dashboard_or_refused(story: Story) -> None:
    assert len(story.dashboard["books"]) == INVENTED_BOOKS
    assert [row["row_number"] for row in story.run["refused_rows"]] == [INVENTED_BOOKS + 2]
    assert story.run["rows"] == INVENTED_BOOKS + 1
    validation = story.dashboard["metadata"]["validation"]
    assert validation["counts_add_up"]
    assert validation["rows_in_file"] == validation["books"] + validation["refused_rows"]


@pytest.mark.slow
def test_the_dashboard_keeps_its_schema_with_failures_and_without(story: Story) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text()))
    validator.validate(story.dashboard)
    validator.validate(story.dashboard_after)


@pytest.mark.slow
def test_three_broken_books_are_three_failed_partitions_of_a_failed_run(story: Story) -> None:
    failed = {key for key, found in story.statuses.items() if found is PartitionStatus.FAILED}
    green = [found for found in story.statuses.values() if found is PartitionStatus.MATERIALIZED]
    assert failed == BROKEN
    assert len(green) == INVENTED_BOOKS - len(BROKEN)
    assert story.run_status is dg.DagsterRunStatus.FAILURE


@pytest.mark.slow
def test_the_dashboard_says_which_books_failed_and_why(story: Story) -> None:
    failed = {
        shown["goodreads_id"]: shown["enrichment_error"]
        for shown in story.dashboard["books"]
        if shown["enrichment_status"] == "failed"
    }
    assert set(failed) == BROKEN == {failure["book"] for failure in story.run["failures"]}
    assert all("unavailable" in why for why in failed.values())
    assert {failure["category"] for failure in story.run["failures"]} == {"unavailable"}


@pytest.mark.slow
def test_the_status_of_the_upload_has_the_counts_of_its_run(story: Story) -> None:
    assert story.status["upload"] == "uploads/ada/raw.csv"
    assert story.status["status"] == "complete_with_failures"
    assert story.status["failed_enrichments"] == len(BROKEN)
    assert story.status["books"] == INVENTED_BOOKS


@pytest.mark.slow
def test_after_a_fix_the_status_of_the_upload_says_fixed(story: Story) -> None:
    assert story.status_after["status"] == "complete"
    assert story.status_after["failed_enrichments"] == 0
    assert story.status_after["successful_enrichments"] == INVENTED_BOOKS
    assert story.status_after["success_rate"] == 100


@pytest.mark.slow
def test_one_retry_mends_them_in_one_run_and_asks_for_nothing_else(story: Story) -> None:
    assert story.retry["books_processed"] == len(BROKEN)
    assert story.runs_of_retry == 1
    assert len(BROKEN) <= story.asked_by_retry <= 3 * len(BROKEN)
    assert set(story.statuses_after.values()) == {PartitionStatus.MATERIALIZED}
    assert story.dashboard_after["summary"]["failed_books"] == 0


@pytest.mark.slow
def test_runs_are_recorded_in_the_dagster_home_that_is_set(story: Story) -> None:
    assert (story.folder / "home" / "history" / "runs" / f"{story.run['job_id']}.db").exists()
    assert not (story.folder / "data" / "dagster").exists()


@pytest.mark.slow
def test_a_key_is_never_printed(story: Story) -> None:
    assert story.run["requests"]["google_books"] > 0
    assert KEY not in story.printed


# For people


def test_a_person_reads_the_report_the_failures_and_where_the_dashboard_is(
    call: Call, sandbox: Sandbox, export: Path, folder: ObjectStorage
) -> None:
    broken = book(plain_books()[0])
    sandbox.behaviour.broken_books = {broken}
    done = call("run", "books", "ada.csv", "--library", "grace")

    assert done.returncode == ITEMS_FAILED
    assert f"Book {broken} failed (unavailable): " in done.stdout
    assert "orf-books retry books" in done.stdout
    assert "ORF_BOOKS_GOOGLE_BOOKS_KEY" in done.stdout
    assert folder.location("data/grace.html") in done.stdout
    assert call("data", "grace").stdout.encode() == folder.get("data/grace.json")


@pytest.mark.slow
def test_a_command_that_waits_goes_on_until_google_was_asked_about_every_book(
    call: Call, tmp_path: Path, folder: ObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ada.csv").write_bytes(export_of(range(20)))
    monkeypatch.setenv("ORF_BOOKS_GOOGLE_BOOKS_KEY", GOOGLE_BOOKS_KEY)
    # Less than one book may need.
    monkeypatch.setenv("ORF_BOOKS_GOOGLE_BOOKS_WINDOW_REQUESTS", "2")
    monkeypatch.setenv("ORF_BOOKS_GOOGLE_BOOKS_WINDOW_SECONDS", "4")

    done = call("run", "books", "ada.csv", "--wait", "--json")

    assert json.loads(done.stdout)["gaps"] == 0
    assert BookRecords(folder).gaps() == {}
    assert "Google Books is asked about its gaps" in done.stderr


# Uploads


def test_an_upload_waits_for_the_sensor(call: Call, export: Path, folder: ObjectStorage) -> None:
    assert call("upload", "books", "ada.csv").stdout == "uploads/ada/raw.csv\n"
    assert folder.get("uploads/ada/raw.csv") == export.read_bytes()
    status = call("status", "ada", "--json")
    assert status.returncode == ALL_WELL
    assert json.loads(status.stdout) == {"upload": "uploads/ada/raw.csv", "status": "waiting"}


def test_an_upload_is_waiting_then_processing_then_complete(platform: Platform) -> None:
    key = platform.put("ada", export_of(plain_books()[:2]))
    assert status_of_upload(platform.storage, "ada")["status"] == "waiting"
    ingest(platform.records, UploadConfig(**platform.upload_config(key)), "run")
    assert status_of_upload(platform.storage, "ada")["status"] == "processing"

    platform.ingest("ada", export_of(plain_books()[:2]))
    for name in (key, "ada/raw.csv", "ada"):
        found = status_of_upload(platform.storage, name)
        assert (found["status"], found["books_processed"]) == ("complete", 2)


def test_an_upload_in_a_folder_of_several_words_is_found_by_these_words(
    platform: Platform,
) -> None:
    platform.put("Grace H", export_of(plain_books()[:1]))
    assert status_of_upload(platform.storage, "Grace H")["status"] == "waiting"


@pytest.mark.parametrize("name", ["Grace H", "50% read", "a/b"])
def test_a_library_has_one_name_wherever_it_is_written(name: str) -> None:
    library = library_name(name)
    assert library_of_export(export_key(library)) == library


def test_a_file_that_is_no_export_is_one_line_and_lies_in_rejected(
    call: Call, folder: ObjectStorage, tmp_path: Path
) -> None:
    (tmp_path / "ada.csv").write_bytes(b"PK\x03\x04 and so on")
    done = call("run", "books", "ada.csv", "--json")

    assert done.returncode == WRONG_CALL
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "cannot be read as the export of a library" in done.stderr
    reason = json.loads(folder.get("rejected/ada/raw.csv.error.json"))
    assert reason["looks_like"] in done.stderr
    assert reason["remedy"] in done.stderr
    assert folder.get("rejected/ada/raw.csv") == b"PK\x03\x04 and so on"
    refused = status_of_upload(folder, "ada")
    assert refused["status"] == "refused"
    assert refused["problem"] in done.stderr


# Wrong calls


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "books", "missing.csv"], "missing.csv"),
        (["run", "films", "missing.csv"], "films"),
        (["retry", "films"], "films"),
        (["fly"], "fly"),
        (["status", "nobody"], "There is no upload 'nobody'"),
        (["status", "--status", "nonsense"], "'--status': 'nonsense' is not one of 'complete', "),
        (["upload", "books", "huge.csv"], "more than 50 MB"),
        (["upload", "books", "nul.csv"], "a binary file"),
        (["upload", "books", "nul.csv", "--library", "../x"], "--library"),
        (["run", "transcripts", "nul.csv", "--class", "5B", "--date", "16.11."], "--date"),
        (["upload", "transcripts", "nul.csv", "--class", "5B", "--date", "2026-02-30"], "YYYY-MM-"),
        (["serve", "--port", "99999"], "--port"),
        (["data", "nobody"], "There is no dashboard of library 'nobody'"),
    ],
)
def test_a_wrong_call_is_one_line_that_says_what_is_wrong(
    call: Call, arguments: list[str], says: str, tmp_path: Path
) -> None:
    (tmp_path / "nul.csv").write_bytes(b"Book Id,Title,Author\n1,A\0b,C\n")
    with (tmp_path / "huge.csv").open("wb") as huge:
        huge.truncate(60 * 1024**2)
    done = call(*arguments)
    assert done.returncode == WRONG_CALL
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


def test_a_store_that_cannot_be_written_is_one_line_with_its_setting(
    call: Call, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORF_BOOKS_STORAGE", "/proc/nobody/writes/here")
    for command in (["upload", "books", "ada.csv"], ["status"]):
        done = call(*command)
        assert (done.returncode, done.stderr.count("\n")) == (WRONG_CALL, 1)
        assert "ORF_BOOKS_STORAGE" in done.stderr


@pytest.mark.parametrize("command", ["dev", "serve"])
def test_a_port_that_is_taken_stops_everything_with_one_line(call: Call, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = call(command, "--port", port)
    assert (done.returncode, done.stderr.count("\n")) == (WRONG_CALL, 1)
    assert f"--port {port} cannot be used" in done.stderr


def test_the_version_is_that_of_the_package(call: Call) -> None:
    assert call("--version").stdout == f"orf-books {version('orf-books')}\n"


def test_a_setting_that_cannot_be_used_is_named(
    call: Call, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORF_BOOKS_CONCURRENCY", "many")
    done = call("run", "books", "ada.csv")
    assert done.returncode == WRONG_CALL
    assert "ORF_BOOKS_CONCURRENCY" in done.stderr
    assert done.stderr.count("\n") == 1


# A stopped run, and a killed one


@pytest.mark.slow
def test_ctrl_c_says_that_nothing_is_lost_and_leaves_a_run_that_is_shown_as_stopped(
    orf_books: CommandLine, sandbox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    # Tests that run in the background ignore Ctrl-C, and so would their processes.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    (tmp_path / "ada.csv").write_bytes(export_of(plain_books()))
    records = BookRecords(orf_books.storage)
    process = orf_books.start("run", "books", "ada.csv", ORF_BOOKS_OPEN_LIBRARY_RATE="1")
    wait_for("rows", lambda: records.with_answers(set(map(book, plain_books()))))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()

    assert process.returncode == INTERRUPTED
    last = said.splitlines()[-1]
    assert last == "orf-books: Stopped; run it again, nothing that was paid for is lost."
    assert "Traceback" not in said
    (stopped,) = orf_books.document("status", "--status", "stopped")["batches"]
    assert stopped["kind"] == "books"
    assert orf_books.document("status", "ada")["status"] == "stopped"

    sandbox.counts.clear()
    again = orf_books.document("run", "books", "ada.csv")
    assert again["reused"] > 0
    assert sandbox.counts.identifiers() == again["books_processed"] - again["reused"]


@pytest.mark.slow
def test_a_killed_run_loses_no_committed_result_and_the_next_asks_only_for_the_rest(
    orf_books: CommandLine, sandbox: Sandbox, tmp_path: Path
) -> None:
    keys = {book(number) for number in plain_books()}
    (tmp_path / "ada.csv").write_bytes(export_of(plain_books()))
    records = BookRecords(orf_books.storage)
    process = orf_books.start("run", "books", "ada.csv", ORF_BOOKS_OPEN_LIBRARY_RATE="1")
    wait_for("committed rows", lambda: records.with_answers(keys))
    process.send_signal(signal.SIGKILL)
    process.communicate()

    committed = set(records.with_answers(keys))
    assert 0 < len(committed) < len(keys)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DAGSTER_HOME", raising=False)
        with open_instance(orf_books.settings) as instance:
            (killed,) = instance.get_runs()
            statuses = statuses_of_books(instance)
    assert killed.status is dg.DagsterRunStatus.FAILURE
    assert set(statuses) == keys
    failed = {key for key, found in statuses.items() if found is PartitionStatus.FAILED}
    assert keys - committed <= failed

    sandbox.counts.clear()
    second = orf_books.document("run", "books", "ada.csv")

    assert second["reused"] == len(committed)
    assert sandbox.counts.identifiers() == len(keys - committed)
    with orf_books.instance() as instance:
        assert set(statuses_of_books(instance).values()) == {PartitionStatus.MATERIALIZED}
        assert instance.get_runs_count() == 2


@pytest.mark.slow
def test_two_runs_at_once_share_one_new_home_and_ask_for_no_book_twice(
    orf_books: CommandLine, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.behaviour.latency_seconds = 0.5
    libraries = {"ada": plain_books()[:40], "bob": plain_books()[20:60]}
    for library, numbers in libraries.items():
        (tmp_path / f"{library}.csv").write_bytes(export_of(numbers))

    runs = [
        orf_books.start("run", "books", f"{library}.csv", "--json", ORF_BOOKS_OPEN_LIBRARY_RATE="2")
        for library in libraries
    ]
    finished = [run.communicate(timeout=60) for run in runs]

    assert [run.returncode for run in runs] == [0, 0], [messages for _, messages in finished]
    assert sandbox.counts.identifiers() == 60
    for output, _ in finished:
        assert json.loads(output)["books_processed"] == 40
    with orf_books.instance() as instance:
        assert list(statuses_of_books(instance).values()) == [PartitionStatus.MATERIALIZED] * 60
