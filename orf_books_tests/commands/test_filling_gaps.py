"""A command that waits for Google Books: what it reports in the end."""

import pytest
from pydantic import SecretStr

from orf_books.batches.resource import BatchResource
from orf_books.commands.local_runs import BooksRun, fill_gaps, ingest_export
from orf_books.sandbox.behaviour import GOOGLE_BOOKS_KEY, Service, Troubles
from orf_books.sandbox.server import Sandbox
from orf_books.settings import Settings
from orf_books_tests.conftest import export_of

pytestmark = pytest.mark.slow


@pytest.fixture
def with_key(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("DAGSTER_HOME", str(settings.open_storage().location("dagster")))
    return settings.model_copy(update={"google_books_key": SecretStr(GOOGLE_BOOKS_KEY)})


def batch(settings: Settings) -> BatchResource:
    return BatchResource(concurrency=settings.concurrency, ledger=settings.ledger)


def library_with_gaps(settings: Settings) -> BooksRun:
    one_request = settings.model_copy(update={"google_books_window_requests": 1})
    return ingest_export(one_request, export_of(range(60)), "ada", batch(settings))


def filled(settings: Settings, first: BooksRun) -> tuple[BooksRun, list[str]]:
    """What came of it, and what was told meanwhile."""
    told: list[str] = []
    return fill_gaps(settings, first, "ada", batch(settings), told.append), told


def test_what_later_runs_found_is_in_the_report(with_key: Settings) -> None:
    first = library_with_gaps(with_key)
    run, _ = filled(with_key, first)
    assert first.report.gaps > run.report.gaps == 0
    assert first.report.not_found > run.report.not_found
    assert (run.report.items, run.report.failed, run.report.status) == (60, 0, "complete")


def test_books_that_failed_in_later_runs_are_in_the_report(
    with_key: Settings, sandbox: Sandbox, retries_at_once: None
) -> None:
    first = library_with_gaps(with_key)
    sandbox.behaviour.services = {Service.GOOGLE_BOOKS: Troubles(down=True)}
    run, _ = filled(with_key, first)
    assert first.report.failed == 0 < run.report.failed == len(run.failures)
    assert run.report.failed_by_category == {"unavailable": run.report.failed}
    assert run.report.succeeded == 60 - run.report.failed
    assert run.report.status == "complete_with_failures"


def test_what_waits_for_tomorrow_is_a_gap(with_key: Settings) -> None:
    first = library_with_gaps(with_key)
    spent = with_key.model_copy(update={"google_books_daily_quota": 1})
    run, told = filled(spent, first)
    assert (run.report.gaps, run.report.failed) == (first.report.gaps, 0)
    assert told == [f"{first.report.gaps} books wait for tomorrow's quota of Google Books."]
