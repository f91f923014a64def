"""The Dagster page as engineers use it, in a browser, by clicks alone."""

from collections.abc import Iterator

import pytest

from orf_books.sandbox.server import Sandbox
from orf_books_tests.conftest import CommandLine, settings_for
from orf_books_tests.dagster_page import CHROMIUM, DOCS, FAILING, Visit, opened_page, visit
from orf_books_tests.live_platform import running_platform

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium"),
]
PICTURES = ("in-sync", "failed", "why", "check", "backfill", "fixed", "report")
LARGEST_PICTURE = 200_000


@pytest.fixture(scope="module")
def seen(running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    folder = tmp_path_factory.mktemp("page")
    settings = settings_for(running_sandbox, str(folder / "data"))
    with (
        running_platform(CommandLine(folder, settings), running_sandbox) as platform,
        opened_page(platform) as page,
    ):
        yield visit(platform, page)


def test_a_fresh_upload_is_in_sync_and_stays_so_after_the_next(seen: Visit) -> None:
    for lineage in (seen.after_upload, seen.after_next_upload):
        assert "enriched_books" in lineage
        assert "Unsynced" not in lineage


def test_one_click_from_a_red_partition_are_title_author_category_reason_and_remedy(
    seen: Visit,
) -> None:
    for shown in ("title", "author", "category", "unavailable", "Retry it later.", "bob.html"):
        assert shown in seen.events


def test_a_check_lists_every_failed_book_with_its_reason(seen: Visit) -> None:
    for key in FAILING:
        assert key in seen.failing_check
    assert "Open Library is unavailable" in seen.failing_check


def test_failed_books_are_backfilled_by_click_in_one_run_a_range(seen: Visit) -> None:
    assert "3 partitions" in seen.backfill


def test_after_the_backfill_everything_that_said_failed_says_fixed(seen: Visit) -> None:
    assert "Failed (0)" in seen.fixed_partitions
    assert "No books are failed." in seen.fixed_check
    assert "Passed" in seen.fixed_check
    assert "No books are failed." in seen.fixed_dashboard


def test_the_report_has_a_table_of_the_last_batches_and_figures_to_plot(seen: Visit) -> None:
    for shown in ("last_batches", "failed: unavailable", "processing_time_seconds", "Plots"):
        assert shown in seen.report


@pytest.mark.parametrize("name", PICTURES)
def test_the_docs_have_a_small_picture_of_it(name: str) -> None:
    picture = DOCS / f"page-{name}.png"
    assert 5_000 < picture.stat().st_size < LARGEST_PICTURE
