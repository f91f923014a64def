"""The whole platform as it is run: the page, its daemon, its sensors and its workers."""

import os
import re
import signal
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from shutil import copytree

import httpx
import psutil
import pytest

from orf_books.object_keys import (
    ACTIVITIES_PAGE,
    activity_page_key,
    class_folder,
    class_page_key,
)
from orf_books.records.books import BookRecords
from orf_books.sandbox.behaviour import Behaviour, Service
from orf_books.sandbox.class_sessions import invented_class, invented_session
from orf_books.sandbox.server import Sandbox
from orf_books_tests.assets.activities.recorded_readings import (
    hear_the_story,
    settings_of_services,
    write_upload,
)
from orf_books_tests.conftest import (
    CommandLine,
    book,
    export_of,
    plain_books,
    settings_for,
    wait_for,
)
from orf_books_tests.live_platform import (
    CODE_LOCATION,
    RESCORED_ACTIVITIES,
    SCORED_TRANSCRIPTS,
    LivePlatform,
    home_on_postgres,
    running_platform,
)
from orf_books_tests.postgres import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

INSTANCES = ["sqlite", "postgres"]
LAUNCH = """mutation($of: ExecutionParams!) { launchRun(executionParams: $of) {
  __typename ... on RunConfigValidationInvalid { errors { message } } } }"""


def assert_nothing_unexpected(output: Path) -> None:
    """What all tests of this module left in the output, in whatever order they ran."""
    printed = re.sub(r"\x1b\[\d*m", "", output.read_text())
    assert "dagster.daemon - INFO" in printed
    assert re.findall(r"^.* - dagster\.daemon\S* - (?!INFO|DEBUG).*$", printed, re.MULTILINE) == []
    # Workers say which uploads and items failed; nothing else goes wrong anywhere.
    errors = re.findall(r"^.* - (?:ERROR|CRITICAL) - .*$", printed, re.MULTILINE)
    said = re.compile(r" - ingest_(books|activities|transcripts) - ")
    assert [line for line in errors if not said.search(line)] == []
    assert "Traceback" not in printed


@pytest.fixture(scope="module", params=INSTANCES)
def live(
    request: pytest.FixtureRequest,
    running_sandbox: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LivePlatform]:
    folder = tmp_path_factory.mktemp(f"live-{request.param}")
    services = settings_of_services(running_sandbox, str(folder / "data"))
    of_speech = services.model_dump(exclude_unset=True, exclude={"storage", "contact"})
    orf_books = CommandLine(
        folder, settings_for(running_sandbox, str(folder / "data"), **of_speech)
    )
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        instance = server.create_database(folder.name)
        orf_books.environment = home_on_postgres(folder / "home", instance)
    hear_the_story(running_sandbox)
    with running_platform(orf_books, running_sandbox) as platform:
        yield platform
        assert_nothing_unexpected(platform.output)


@pytest.fixture(autouse=True)
def _calm(running_sandbox: Sandbox) -> None:
    running_sandbox.behaviour.change(Behaviour().as_json())
    running_sandbox.counts.clear()


def test_a_file_in_the_uploads_folder_becomes_a_dashboard_with_no_other_step(
    live: LivePlatform,
) -> None:
    live.put("ada", export_of(range(40)))
    dashboard = wait_for("dashboard of ada", lambda: live.dashboard("ada"))
    assert {shown["goodreads_id"] for shown in dashboard["books"]} == {
        book(number) for number in range(40)
    }
    assert live.ended_run_over("ada")["status"] == "SUCCESS"


def test_a_run_starts_in_a_process_that_has_loaded_the_platform(live: LivePlatform) -> None:
    live.sandbox.behaviour.latency_seconds = 0.7
    live.put("forked", export_of(range(40, 50)))
    run = wait_for("run over forked", lambda: live.run_over("forked"))
    worker = psutil.Process(wait_for("its worker", lambda: live.worker_of(run["runId"])))
    assert "multiprocessing.forkserver" in " ".join(worker.cmdline())
    assert live.ended_run_over("forked")["status"] == "SUCCESS"


def test_a_launch_cannot_have_a_key_sent_to_another_address(live: LivePlatform) -> None:
    elsewhere = {"google_books": {"config": {"url": "http://127.0.0.1:9/elsewhere"}}}
    job = {**CODE_LOCATION, "jobName": "ingest_books"}
    launch = {"selector": job, "mode": "default", "runConfigData": {"resources": elsewhere}}
    launched = live.ask(LAUNCH, of=launch)["launchRun"]
    assert launched["__typename"] == "RunConfigValidationInvalid"
    assert "google_books" in launched["errors"][0]["message"]


def test_no_other_web_page_can_use_the_page(live: LivePlatform) -> None:
    graphql, query = f"{live.url}/graphql", {"query": "mutation { __typename }"}
    elsewhere = {"Origin": "https://elsewhere.test"}
    assert httpx.post(graphql, json=query, headers=elsewhere).status_code == 403
    assert httpx.post(graphql, json=query, headers={"Host": "elsewhere.test"}).status_code == 421
    assert httpx.get(graphql, params=query).status_code == 405
    assert httpx.post(graphql, json=query, headers={"Origin": live.url}).status_code == 200


def test_a_refused_file_fails_its_run_and_the_next_upload_goes_on(live: LivePlatform) -> None:
    live.put("bad", b"Name;Price\nMilk;1\n")
    assert live.ended_run_over("bad")["status"] == "FAILURE"
    live.put("good", export_of(plain_books()[:2]))
    wait_for("dashboard of good", lambda: live.dashboard("good"))
    assert live.ended_run_over("good")["status"] == "SUCCESS"
    assert (live.orf_books.folder / "data/rejected/bad/export.csv.error.json").exists()


def test_broken_books_are_mended_by_a_backfill_of_the_failed_partitions(
    live: LivePlatform,
) -> None:
    numbers = range(100, 300)
    broken = {book(103), book(177), book(251)}
    live.sandbox.behaviour.broken_books = broken
    live.put("broken", export_of(numbers))

    run = live.ended_run_over("broken")
    assert run["status"] == "FAILURE"
    assert live.partitions("failed") == broken
    dashboard = live.dashboard("broken")
    assert dashboard is not None
    reasons = {
        shown["goodreads_id"]: shown["enrichment_error"]
        for shown in dashboard["books"]
        if shown["enrichment_status"] == "failed"
    }
    assert set(reasons) == broken
    assert all("unavailable" in why for why in reasons.values())

    live.sandbox.behaviour.broken_books = set()
    live.backfill(broken)

    wait_for("all green", lambda: not live.partitions("failed"), seconds=120, pause=0.5)
    assert broken <= live.partitions("materialized")

    def refreshed() -> bool:
        shown = live.dashboard("broken")
        return shown is not None and shown["summary"]["failed_books"] == 0

    wait_for("dashboard without failed books", refreshed, seconds=60)


def test_a_killed_worker_loses_no_committed_result_and_the_rest_is_retried(
    live: LivePlatform,
) -> None:
    numbers = [number for number in plain_books() if number >= 300]
    keys = {book(number) for number in numbers}
    records = BookRecords(live.orf_books.storage)
    # One group of books is asked for again and again while the others are committed.
    live.sandbox.behaviour.broken_books = {book(numbers[-1])}
    live.sandbox.behaviour.latency_seconds = 0.7
    live.put("killed", export_of(numbers))
    run = wait_for("run over killed", lambda: live.run_over("killed"))
    worker = wait_for("its worker", lambda: live.worker_of(run["runId"]))
    wait_for("committed rows", lambda: records.with_answers(keys))
    os.kill(worker, signal.SIGKILL)
    committed = set(records.with_answers(keys))
    live.sandbox.behaviour.change(Behaviour().as_json())
    live.sandbox.counts.clear()

    assert live.ended_run_over("killed")["status"] == "FAILURE"
    assert 0 < len(committed) < len(keys)

    wait_for("retry", lambda: keys <= live.partitions("materialized"), seconds=90, pause=1)

    assert live.sandbox.counts.identifiers(Service.OPEN_LIBRARY) == len(keys - committed)
    assert live.partitions("failed") == set()

    def whole_dashboard() -> bool:
        shown = live.dashboard("killed")
        return shown is not None and {one["enrichment_status"] for one in shown["books"]} == {
            "enriched"
        }

    wait_for("dashboard of all books", whole_dashboard, seconds=60)


def test_a_recording_without_sound_turns_red_alone_and_a_backfill_mends_it(
    live: LivePlatform, tmp_path: Path
) -> None:
    activities = ("anna-1", "ben-2", "cleo-3")
    uploads = live.orf_books.folder / "data" / "activities"
    folders = [write_upload(tmp_path, one, number) for number, one in enumerate(activities)]
    sound = (folders[1] / "complete.wav").read_bytes()
    (folders[1] / "complete.wav").write_bytes(sound[:44])
    for folder in folders:
        copytree(folder, uploads / folder.name)

    def are_settled() -> bool:
        states = (live.partitions(one, RESCORED_ACTIVITIES) for one in ("failed", "materialized"))
        return set().union(*states) == set(activities)

    wait_for("three settled activities", are_settled, seconds=120, pause=0.5)
    assert live.partitions("failed", RESCORED_ACTIVITIES) == {"ben-2"}
    index = live.orf_books.folder / "data" / ACTIVITIES_PAGE
    wait_for("page that says why", lambda: "Missing audio" in index.read_text(), seconds=60)

    (uploads / "ben-2" / "complete.wav").write_bytes(sound)
    live.backfill({"ben-2"}, RESCORED_ACTIVITIES)

    wait_for(
        "all green",
        lambda: live.partitions("materialized", RESCORED_ACTIVITIES) == set(activities),
        seconds=120,
        pause=0.5,
    )
    report = live.orf_books.folder / "data" / activity_page_key("ben-2")
    wait_for("report of the mended one", report.exists, seconds=60)


def test_a_class_day_is_published_and_a_refused_session_is_mended_by_its_correction(
    live: LivePlatform,
) -> None:
    of_class, monday = invented_class("5B", students=8), date(2026, 1, 5)
    folder = live.orf_books.folder / "data" / class_folder(of_class.class_id)
    files = [folder / f"{monday + timedelta(days=day)}" / "morning.txt" for day in range(3)]
    for file in files:
        file.parent.mkdir(parents=True)
    (folder / "roster.json").write_bytes(of_class.roster())
    for day, file in enumerate(files[:2]):
        file.write_bytes(invented_session(of_class, monday + timedelta(days=day), 80).write("txt"))
    files[2].write_bytes(b"Nobody said anything.\n")

    def are_settled() -> bool:
        states = (live.partitions(one, SCORED_TRANSCRIPTS) for one in ("failed", "materialized"))
        return len(set().union(*states)) == len(files)

    wait_for("three settled sessions", are_settled, seconds=120, pause=0.5)
    (refused,) = live.partitions("failed", SCORED_TRANSCRIPTS)
    assert refused.startswith(f"5B/{monday + timedelta(days=2)}/")
    page = live.orf_books.folder / "data" / class_page_key(of_class.class_id)
    wait_for("page that says why", lambda: page.exists() and "Refused" in page.read_text())

    files[2].write_bytes(invented_session(of_class, monday + timedelta(days=2), 80).write("txt"))
    wait_for(
        "all green",
        lambda: len(live.partitions("materialized", SCORED_TRANSCRIPTS)) == len(files),
        seconds=120,
        pause=0.5,
    )
    status = live.orf_books.document("status", refused)
    assert (status["status"], status["published"]) == ("scored", "yes")
