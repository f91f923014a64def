"""The HTTP interface that existing dashboards use."""

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

import pytest
from pydantic import SecretStr

from orf_books.assets.books.step import books_in_turn
from orf_books.books.exports.reading import parse_export
from orf_books.failures import FailureCategory, OrfBooksError, RetryLater
from orf_books.object_keys import export_key, library_data_key
from orf_books.records.books import BookRecords
from orf_books.records.uploads import MOST_TRIES
from orf_books.resources.storage import ObjectStorage
from orf_books.sandbox.behaviour import Service
from orf_books.sandbox.server import Sandbox
from orf_books.serve.limits import MOST_BYTES
from orf_books.serve.worker import BROKE_OFF
from orf_books.settings import Settings
from orf_books_tests.conftest import export_of, settings_for, wait_for
from orf_books_tests.serve.served import EXISTING_DASHBOARD, Served, served
from orf_books_tests.stored_text import objects_mentioning

pytestmark = pytest.mark.slow

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
EXPORT = export_of(range(6))


@pytest.fixture
def here(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The interface over a fresh folder, with the sandbox for services."""
    monkeypatch.setenv("DAGSTER_HOME", str(settings.open_storage().location("dagster")))
    with served(settings) as running:
        yield running


def test_an_upload_becomes_a_dashboard(here: Served, folder: ObjectStorage) -> None:
    here.platform.may_run.clear()
    answer = here.upload(EXPORT, "goodreads_library_export.csv")
    assert answer.status_code == 200
    library = answer.json()["uuid"]
    assert UUID.fullmatch(library)
    assert answer.json()["status"] == "processing"
    assert answer.json()["message"]
    assert folder.get(export_key(library)) == EXPORT

    waiting = here.status(library)
    assert (waiting["uuid"], waiting["status"]) == (library, "processing")
    assert waiting["filename"] == "goodreads_library_export.csv"
    assert waiting["file_size"] == len(EXPORT)
    assert waiting["progress"] == {
        "total_books": 6,
        "processed_books": 0,
        "percent_complete": 0.0,
    }
    assert datetime.fromisoformat(waiting["upload_time"]).tzinfo is not None
    early = here.client.get(f"/data/{library}")
    assert (early.status_code, list(early.json())) == (202, ["detail"])

    here.platform.may_run.set()
    done = here.wait_until(library)
    assert done["progress"] == {
        "total_books": 6,
        "processed_books": 6,
        "percent_complete": 100.0,
    }
    assert done["data_url"] == f"/data/{library}"
    assert done["completion_time"] >= done["upload_time"]
    assert done["message"]

    data = here.client.get(done["data_url"])
    assert data.headers["content-type"] == "application/json"
    assert data.content == folder.get(library_data_key(library))
    assert data.json()["export_id"] == library
    assert data.json()["summary"]["total_books"] == 6
    assert here.client.get(f"/data/{library}.json").content == data.content
    page = here.client.get(f"/data/{library}.html")
    assert page.headers["content-type"].startswith("text/html")
    assert data.json()["books"][0]["title"] in page.text


def test_a_browser_is_answered_when_the_data_are_there(here: Served) -> None:
    here.platform.may_run.clear()
    library = here.uploaded(EXPORT)
    threading.Timer(1.0, here.platform.may_run.set).start()
    answer = here.client.get(f"/data/{library}", headers={"origin": EXISTING_DASHBOARD})
    assert (answer.status_code, len(answer.json()["books"])) == (200, 6)


def test_progress_counts_books_that_have_a_result(here: Served) -> None:
    here.wait_until(here.uploaded(EXPORT))
    here.platform.may_run.clear()
    library = here.uploaded(export_of(range(12)))
    records = BookRecords(here.platform.settings.open_storage())
    upload = records.uploads()[0]
    export = export_of(range(12))
    receipt = replace(upload, key=export_key(library), library=library, run_id="at work")
    records.accept(receipt, parse_export(export))

    def look() -> dict[str, float] | None:
        progress = dict(here.status(library)["progress"])
        return progress if progress["processed_books"] else None

    progress = wait_for("progress", look)
    assert progress == {"total_books": 12, "processed_books": 6, "percent_complete": 50.0}


def test_a_library_is_deleted_from_everywhere(here: Served, folder: ObjectStorage) -> None:
    library = here.uploaded(EXPORT)
    here.wait_until(library)
    answer = here.client.delete(f"/data/{library}")
    assert answer.status_code == 200
    assert set(answer.json()) == {"message", "deleted_files"}
    assert export_key(library) in answer.json()["deleted_files"]
    assert objects_mentioning(folder, library) == set()
    for path in (f"/status/{library}", f"/data/{library}", f"/data/{library}.html"):
        assert here.client.get(path).status_code == 404
    assert here.client.delete(f"/data/{library}").status_code == 404


def test_an_upload_can_be_deleted_before_its_turn(here: Served, folder: ObjectStorage) -> None:
    here.platform.may_run.clear()
    first = here.uploaded(EXPORT)
    second = here.uploaded(EXPORT)
    with ThreadPoolExecutor() as threads:
        deletion = threads.submit(here.client.delete, f"/data/{second}")
        here.platform.may_run.set()
        assert deletion.result().status_code == 200
    here.wait_until(first)
    assert objects_mentioning(folder, second) == set()


HOSTILE = (
    *(str(uuid4()), "ana", "..%2F..%2Ftables", "../tables", "%00", "activities/anna-1"),
    *("classes/5B", "a" * 5000),
)


@pytest.mark.parametrize("path", ["/status/{}", "/data/{}", "/data/{}.html", "/data/{}.json"])
def test_nothing_else_of_the_store_is_served(
    here: Served, folder: ObjectStorage, path: str
) -> None:
    others = (
        "data/ana.json",
        "data/ana.html",
        "data/activities/anna-1.html",
        "uploads/ana/raw.csv",
    )
    for key in others:
        folder.put(key, b"private")
    for name in HOSTILE:
        for method in ("GET", "DELETE"):
            answer = here.client.request(method, path.format(name))
            assert answer.status_code in {404, 405}
            assert list(answer.json()) == ["detail"]
    assert all(map(folder.exists, others))


@pytest.mark.parametrize("path", ["/uploads/", "/data", "/data/", "/activities.html", "/tables"])
def test_nothing_is_listed(here: Served, path: str) -> None:
    answer = here.client.get(path)
    assert (answer.status_code, list(answer.json())) == (404, ["detail"])


def test_health(here: Served) -> None:
    answer = here.client.get("/health").json()
    assert (answer["status"], answer["active_jobs"]) == ("healthy", 0)


# Refusals


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"Name,Price\nPear,3\n", "Export Library"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "Export Library"),
    ],
)
def test_a_file_that_is_no_export_is_refused_at_once_and_not_kept(
    here: Served, folder: ObjectStorage, content: bytes, reason: str
) -> None:
    answer = here.upload(content)
    assert answer.status_code == 400
    assert reason in answer.json()["detail"]
    assert list(folder.list("uploads")) == []


def test_a_form_without_the_field_is_refused(here: Served) -> None:
    for answer in (
        here.client.post("/upload", files={"file": ("a.csv", EXPORT)}),
        here.client.post("/upload", data={"csv": "text"}),
        here.client.post("/upload", content=EXPORT),
        here.client.post("/upload", json={"csv": "text"}),
    ):
        assert (answer.status_code, "`csv`" in answer.json()["detail"]) == (400, True)


def test_a_broken_form_is_refused(here: Served) -> None:
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = here.client.post("/upload", content=b"--y\r\nnonsense", headers=kind)
    assert (answer.status_code, list(answer.json())) == (400, ["detail"])


def test_a_file_over_the_limit_is_refused(here: Served, folder: ObjectStorage) -> None:
    answer = here.upload(bytes(MOST_BYTES + 1))
    assert (answer.status_code, "50 MB" in answer.json()["detail"]) == (413, True)
    assert list(folder.list("uploads")) == []


def test_a_body_without_an_end_is_cut_off(here: Served) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="csv"; filename="a.csv"\r\n\r\n'
        while sent < 20 * MOST_BYTES:
            sent += 2**20
            yield bytes(2**20)

    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = here.client.post("/upload", content=endless(), headers=kind)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\books\\mine.csv", "mine.csv"),
        ("<script>alert(1)</script>.csv", "script>.csv"),
        ("a\u202eb.csv", "ab.csv"),
        ("x" * 500 + ".csv", "x" * 120),
        ("Bücher.csv", "Bücher.csv"),
    ],
)
def test_the_name_of_a_file_is_shown_and_nothing_else(
    here: Served, folder: ObjectStorage, name: str, shown: str
) -> None:
    here.platform.may_run.clear()
    library = here.upload(EXPORT, name).json()["uuid"]
    assert here.status(library)["filename"] == shown
    keys = {stored.key for stored in folder.list("uploads")}
    assert keys == {export_key(library), f"uploads/{library}/.upload.json"}


def test_too_many_uploads_of_one_address_have_to_wait(settings: Settings) -> None:
    with served(settings, uploads_per_minute=2) as here:
        here.platform.may_run.clear()
        answers = [here.upload(EXPORT) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["retry-after"]) <= 30
    assert "try again in" in answers[2].json()["detail"]


def test_too_many_waiting_uploads_are_refused(settings: Settings) -> None:
    with served(settings, most_waiting=2) as here:
        here.platform.may_run.clear()
        answers = [here.upload(EXPORT) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 503]


# Other pages


def test_pages_of_chosen_origins_may_read_answers(here: Served) -> None:
    here.platform.may_run.clear()
    for answer in (
        here.upload(EXPORT, origin=EXISTING_DASHBOARD),
        here.client.get(f"/data/{uuid4()}", headers={"origin": EXISTING_DASHBOARD}),
    ):
        assert answer.headers["access-control-allow-origin"] == EXISTING_DASHBOARD
    asked = {"origin": EXISTING_DASHBOARD, "access-control-request-method": "DELETE"}
    assert here.client.options(f"/data/{uuid4()}", headers=asked).status_code == 200


def test_other_pages_may_neither_read_nor_upload(here: Served, folder: ObjectStorage) -> None:
    stranger = "http://localhost:9999"
    answer = here.upload(EXPORT, origin=stranger)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert list(folder.list("uploads")) == []
    asked = {"origin": stranger, "access-control-request-method": "DELETE"}
    assert here.client.options(f"/data/{uuid4()}", headers=asked).status_code == 400


def test_its_own_page_may_upload(here: Served) -> None:
    here.platform.may_run.clear()
    assert here.upload(EXPORT, origin=str(here.client.base_url).rstrip("/")).status_code == 200


def test_addresses_with_ids_are_told_to_nobody(here: Served) -> None:
    library = here.uploaded(EXPORT)
    here.wait_until(library)
    for path in ("/", f"/data/{library}", f"/data/{library}.html", f"/status/{library}"):
        headers = here.client.get(path).headers
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


def test_the_link_to_all_libraries_leads_to_the_upload_page(here: Served) -> None:
    answer = here.client.get("/dashboard.html")
    assert str(answer.url).endswith("/")
    assert 'name="csv"' in answer.text


# Many uploads, and runs that fail


def test_twenty_uploads_at_once_share_few_runs(here: Served) -> None:
    with ThreadPoolExecutor(20) as threads:
        libraries = list(
            threads.map(here.uploaded, [export_of(range(n, n + 3)) for n in range(20)])
        )
    assert len(set(libraries)) == 20
    for number, library in enumerate(libraries):
        here.wait_until(library)
        data = here.client.get(f"/data/{library}").json()
        assert len(data["books"]) == 3, number
    assert sum(map(len, here.platform.groups)) == 20
    assert len(here.platform.groups) < 10


def test_an_upload_whose_runs_fail_is_given_up_and_says_so(here: Served) -> None:
    here.platform.failures = [OrfBooksError("secret cause")] * MOST_TRIES
    library = here.uploaded(EXPORT)
    failed = here.wait_until(library, "error")
    assert failed["error_message"] == BROKE_OFF
    answer = here.client.get(f"/data/{library}")
    assert (answer.status_code, list(answer.json())) == (500, ["detail"])
    assert len(here.platform.groups) == MOST_TRIES
    assert "secret" not in json.dumps(failed)


def test_a_run_that_fails_once_is_repeated(here: Served) -> None:
    here.platform.failures = [OrfBooksError("the process was killed")]
    here.wait_until(here.uploaded(EXPORT))


def test_an_outage_of_the_store_costs_no_try(here: Served) -> None:
    away = RetryLater("The store is away.", FailureCategory.UNAVAILABLE)
    here.platform.failures = [away] * MOST_TRIES
    here.wait_until(here.uploaded(EXPORT))


def test_uploads_that_an_earlier_server_left_are_taken_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(settings.open_storage().location("dagster")))
    with served(settings) as earlier:
        earlier.platform.failures = [OrfBooksError("stopped")] * MOST_TRIES
        library = earlier.uploaded(EXPORT)
        earlier.wait_until(library, "error")
    with served(settings) as here:
        here.wait_until(library)


def test_uploads_are_left_to_a_daemon(here: Served) -> None:
    here.platform.is_daemon_there = True
    library = here.uploaded(EXPORT)
    wait_for("second look", lambda: len(here.platform.groups) > 1)
    assert here.status(library)["status"] == "processing"
    here.platform.is_daemon_there = False
    here.wait_until(library)


def test_gaps_are_filled_behind_the_dashboard(
    sandbox: Sandbox, folder: ObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", folder.location("dagster"))
    key = SecretStr(sandbox.behaviour.google_key)
    with served(settings_for(sandbox, folder.url, google_books_key=key)) as here:
        here.wait_until(here.uploaded(export_of(range(60))))
        records = BookRecords(folder)
        wait_for("end of gaps", lambda: not books_in_turn(records))
    assert sandbox.counts.requests(Service.GOOGLE_BOOKS) > 0
