"""The Dagster page, by clicks alone; and `python -m orf_books_tests.dagster_page`, its pictures.

Belongs here: what a person sees and clicks there. Does not belong here: what must be seen
(`test_dagster_page.py`), GraphQL (`live_platform.py`).
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Locator, Page, Response, ViewportSize, expect, sync_playwright

from orf_books.sandbox.behaviour import Behaviour
from orf_books.sandbox.server import Sandbox
from orf_books_tests.conftest import (
    CommandLine,
    book,
    export_of,
    invented_library,
    settings_for,
    wait_for,
)
from orf_books_tests.live_platform import LivePlatform, running_platform

CHROMIUM = shutil.which("chromium")
DOCS = Path(__file__).parent.parent / "docs"
PARTITIONS = "assets/enriched_books?view=partitions"
REFRESH = "refresh_libraries"
SIZE = ViewportSize(width=1280, height=800)
PATIENCE = 240_000
"""Milliseconds, for a busy machine."""
CALM, BROKEN = range(20), range(20, 40)
"""Books of two libraries."""
FAILING = tuple(map(book, (21, 25, 30)))


@dataclass(frozen=True)
class DagsterPage:
    """A tab with the page."""

    tab: Page
    url: str

    def open(self, place: str) -> None:
        """Go to a place of the page."""
        self.tab.goto(f"{self.url}/{place}")

    def sees(self, text: str | re.Pattern[str], within: Locator | None = None) -> None:
        """Wait until a text can be seen."""
        place = within or self.tab.locator("body")
        expect(place.get_by_text(text).first).to_be_visible(timeout=PATIENCE)

    def click(self, text: str, role: str | None = None) -> None:
        """Click what has exactly this text."""
        found = self.tab.get_by_text(text, exact=True)
        if role == "button":
            found = self.tab.get_by_role("button", name=text, exact=True)
        found.first.click(timeout=PATIENCE)

    def text(self) -> str:
        """All that can be read."""
        return self.tab.inner_text("body")

    def picture(self, name: str, folder: Path | None) -> None:
        """Take a picture, if there is a folder for it."""
        if folder:
            self.tab.wait_for_timeout(1500)
            self.tab.screenshot(path=folder / f"page-{name}.png", animations="disabled")


@contextmanager
def opened_page(platform: LivePlatform) -> Iterator[DagsterPage]:
    """The page in a browser, until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page(viewport=SIZE)
        yield DagsterPage(tab, platform.url)
        browser.close()


@dataclass(frozen=True)
class Visit:
    """What somebody read there, in this order."""

    after_upload: str
    """On the lineage of a library's books, when its run has ended."""
    after_next_upload: str
    """On the same, after another library of which three books failed."""
    events: str
    """One click away from a red partition."""
    failing_check: str
    """On the checks of the books, with its table."""
    backfill: str
    """Before its launch."""
    fixed_partitions: str
    fixed_check: str
    fixed_dashboard: str
    report: str
    """With its table of the last batches."""


def visit(platform: LivePlatform, page: DagsterPage, pictures: Path | None = None) -> Visit:
    """Upload, see it green; upload what fails, read why, backfill it, see it fixed."""
    platform.sandbox.behaviour.change(Behaviour().as_json())
    platform.put("ana", export_of(CALM))
    platform.ended_run_over("ana")
    page.open(PARTITIONS)
    page.sees(f"Materialized ({len(CALM)})")
    after_upload = _lineage(page)
    page.picture("in-sync", pictures)

    platform.sandbox.behaviour.change(Behaviour(broken_books=set(FAILING)).as_json())
    platform.put("bob", export_of(BROKEN))
    platform.ended_run_over("bob")
    page.open(PARTITIONS)
    page.sees(f"Failed ({len(FAILING)})")
    after_next_upload = _lineage(page)
    events, failing_check = _read_why(page, pictures)

    platform.sandbox.behaviour.change(Behaviour().as_json())
    backfill = _backfill(page, pictures)
    # An open page shows it by itself, but up to a minute later.
    wait_for(
        "refreshed dashboards", lambda: platform.has_succeeded(REFRESH), seconds=240, pause=0.5
    )
    page.open(PARTITIONS)
    page.sees("Failed (0)")
    page.sees(f"Materialized ({len(CALM) + len(BROKEN)})")
    fixed_partitions = page.text()
    fixed_check = _check(page, "enriched_books", "no_partition_is_failed", "No books are failed.")
    page.picture("fixed", pictures)
    fixed_dashboard = _check(page, "dashboard", "every_item_succeeded", "No books are failed.")
    page.open("assets/enrichment_report")
    page.sees("last_batches")
    page.picture("report", pictures)
    return Visit(
        after_upload,
        after_next_upload,
        events,
        failing_check,
        backfill,
        fixed_partitions,
        fixed_check,
        fixed_dashboard,
        page.text(),
    )


def _read_why(page: DagsterPage, pictures: Path | None) -> tuple[str, str]:
    """From a red partition to the reason: by its events, and by the check on all partitions."""
    page.open(PARTITIONS)
    page.click(FAILING[0])
    page.sees("failed, and did not materialize this asset")
    page.picture("failed", pictures)
    page.click("Events")
    page.sees(re.compile(r"Partition \d+ failed in run"))
    page.sees("category")
    page.picture("why", pictures)
    events = page.text()
    _check(page, "enriched_books", "no_partition_is_failed", "3 books are failed.")
    page.picture("check", pictures)
    page.click("[Show Markdown]")
    page.sees(FAILING[-1])
    return events, page.text()


def _backfill(page: DagsterPage, pictures: Path | None) -> str:
    """Backfill all failed books; the dialog before its launch."""
    page.open(PARTITIONS)
    page.sees(f"Failed ({len(FAILING)})")
    page.click("Materialize…")
    page.sees("Partition selection")
    page.click("Failed", role="button")
    page.sees(f"{len(FAILING)} partitions")
    page.picture("backfill", pictures)
    dialog = page.tab.get_by_role("dialog").inner_text()
    page.tab.get_by_role("button", name=re.compile("^Launch")).last.click()
    page.sees("Created backfill")
    return dialog


def _check(page: DagsterPage, asset: str, check: str, says: str) -> str:
    """What the page says of a check, once it says this."""
    page.open(f"assets/{asset}?view=checks")
    page.click(check)
    page.sees(says)
    return page.text()


def _lineage(page: DagsterPage) -> str:
    """What the graph says of the books and what is around them."""
    # The graph asks what is out of sync after it is drawn.
    with page.tab.expect_response(_tells_what_is_stale, timeout=PATIENCE):
        page.open("assets/enriched_books?view=lineage")
    page.sees("library_dashboard")
    page.sees("% filled")
    page.tab.wait_for_timeout(1000)
    return page.text()


def _tells_what_is_stale(response: Response) -> bool:
    return "AssetStaleStatusDataQuery" in (response.request.post_data or "")


def main() -> None:
    """Take the pictures of the docs."""
    export, catalogue = invented_library()
    with TemporaryDirectory() as folder, Sandbox(catalogue, export=export) as sandbox:
        settings = settings_for(sandbox, str(Path(folder) / "data"))
        with (
            running_platform(CommandLine(Path(folder), settings), sandbox) as platform,
            opened_page(platform) as page,
        ):
            visit(platform, page, DOCS)


if __name__ == "__main__":
    main()
