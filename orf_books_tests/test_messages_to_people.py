"""What Slack is told of batches."""

from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from orf_books.resources.storage import ObjectStorage
from orf_books.sandbox.behaviour import Service, Troubles
from orf_books.sandbox.server import Sandbox
from orf_books_tests.conftest import Platform, export_of, plain_books, settings_for

PAGE = "https://page.test"


@pytest.fixture
def told(sandbox: Sandbox) -> dict[str, object]:
    """Settings with which people are told."""
    sandbox.messages.clear()
    return {"slack_webhook": SecretStr(sandbox.slack_webhook), "page_url": PAGE}


def test_people_are_told_counts_and_the_run_and_nothing_else(
    told: dict[str, object], sandbox: Sandbox, folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    platform = Platform(settings_for(sandbox, folder.url, **told), instance)
    run = platform.ingest("ada", export_of(plain_books()[:1]))
    (message,) = map(str, sandbox.messages)
    assert "1 of 1 books succeeded" in message
    assert f"{PAGE}/runs/{run.run_id}" in message
    assert "ada" not in message


def test_a_batch_that_breaks_off_is_told_too(
    told: dict[str, object], sandbox: Sandbox, folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    platform = Platform(settings_for(sandbox, folder.url, **told), instance)
    assert platform.ingest("ada", export_of(plain_books()[:1])).success
    sandbox.messages.clear()
    log = Path(platform.storage.location("tables/enriched_books/_delta_log"))
    for file in log.iterdir():
        file.write_text("{ not a commit")
    assert not platform.ingest("ada", export_of(plain_books()[:2])).success
    (message,) = map(str, sandbox.messages)
    assert "stopped before its end" in message


def test_a_deaf_slack_fails_no_batch(
    told: dict[str, object], sandbox: Sandbox, folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    sandbox.behaviour.services = {Service.SLACK: Troubles(error="no_service")}
    platform = Platform(settings_for(sandbox, folder.url, **told), instance)
    assert platform.ingest("ada", export_of(plain_books()[:1])).success
