import asyncio
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from orf_books.commands.metrics import metrics
from orf_books.definitions import google_books_of
from orf_books.resources.storage import S3Options
from orf_books.sandbox.behaviour import Service
from orf_books.sandbox.server import Sandbox
from orf_books.settings import Settings
from orf_books_tests.conftest import Call, Platform, book, export_of, plain_books
from orf_books_tests.resources.upload_queue import Queue


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))


def figures(text: str) -> dict[str, float]:
    """By name and labels."""
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_batches_and_what_failed_are_counted_and_no_item_is_named(
    platform: Platform, sandbox: Sandbox
) -> None:
    broken, *good = plain_books()[:4]
    sandbox.behaviour.broken_books = {book(broken)}
    platform.ingest("ada", export_of([broken, *good]))

    text = metrics(platform.settings)

    found = figures(text)
    assert found["orf_books_batches books complete_with_failures"] == 1
    assert found["orf_books_items books succeeded"] == 3
    assert found["orf_books_items books failed"] == 1
    assert sum(count for name, count in found.items() if "failed_items books" in name) == 1
    requests = sandbox.counts.requests(Service.OPEN_LIBRARY)
    assert found["orf_books_requests open_library"] == requests
    assert found["orf_books_request_seconds_bucket +Inf open_library"] == requests
    assert found["orf_books_latest_batch_seconds books"] > 0
    assert found["orf_books_google_books_requests_left"] == 1000
    assert found["orf_books_google_books_requests_used"] == 0
    assert found["orf_books_runs started"] == 0
    assert book(broken) not in text
    assert "ada" not in text


def test_the_quota_of_the_day_is_told_as_used_and_left(settings: Settings) -> None:
    of_ten = settings.model_copy(update={"google_books_daily_quota": 10})
    google_books = google_books_of(of_ten)
    asyncio.run(google_books._quota().spend())
    found = figures(metrics(of_ten))
    assert found["orf_books_google_books_requests_used"] == 1
    assert found["orf_books_google_books_requests_left"] == 9
    assert google_books.quota_used_percent() == 10.0


def test_a_part_that_is_away_hides_no_other(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    found = figures(metrics(settings.model_copy(update={"storage": (tmp_path / "file").as_uri()})))
    assert found["orf_books_up store"] == 0
    assert found["orf_books_up ledger"] == 1
    assert "orf_books_google_books_requests_left" in found


def test_messages_that_wait_and_dead_letters_are_counted(
    settings: Settings, s3_server: S3Options, tmp_path: Path
) -> None:
    queue = Queue(s3_server, tmp_path.name)
    queue.send(["poison"])
    queue.client.send_message(QueueUrl=queue.dead_letters, MessageBody="poison")
    reported = settings.model_dump() | queue.settings()
    found = figures(metrics(Settings.model_validate(reported)))
    assert (found["orf_books_upload_messages"], found["orf_books_dead_letters"]) == (1, 1)


def test_a_file_is_replaced_for_whoever_reads_it(call: Call, tmp_path: Path) -> None:
    assert call("metrics", "--output", "orf_books.prom").returncode == 0
    written = figures((tmp_path / "orf_books.prom").read_text())
    assert written["orf_books_up store"] == 1
    assert figures(call("metrics").stdout).keys() == written.keys()
