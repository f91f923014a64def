"""How heavy and how fast the page of a library is in a browser, for 100, 1,000 and 5,000 books.

Measured in Debian's chromium, each time in a new tab: the weight of the file, the elements, the
time until something is seen and until the page is complete, the time until a click on a bar of a
chart and until a word in the search are answered by a painted frame, and how long the slowest of
the frames takes while the page scrolls. The books are invented; a third of them belong to series, a
tenth have a review of a few sentences, and each has genres and a shelf of the reader's own.
"""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Annotated

import typer
from playwright.sync_api import Browser, sync_playwright

from benchmarks.measuring import (
    Measurement,
    end_cleanly_when_stopped,
    print_measurements,
    temporary_folder,
)
from orf_books.books.enrichment import EnrichedBook
from orf_books.books.exports.entries import LibraryEntry
from orf_books.books.exports.reading import parse_export
from orf_books.books.genres import read_headings
from orf_books.books.library import (
    DashboardStamp,
    EnrichmentResults,
    ExportReport,
    LibraryDashboard,
    build_library_dashboard,
)
from orf_books.pages.library_page import render_library_page
from orf_books.sandbox.synthetic_library import synthetic_library

SIZES = (100, 1_000, 5_000)
BUDGET_TO_OPEN = 1_000.0
BUDGET_OF_AN_ANSWER = 100.0
BUDGET_OF_A_FRAME = 17.0
VOLUMES = 6
REVIEW = "I read this in one sitting, and would do so again. " * 6
GENRES = (
    ("Fantasy fiction", "Adventure stories"),
    ("Science fiction",),
    ("Historical fiction", "War stories"),
    ("Detective and mystery stories",),
    ("Biography",),
)

_SEEN = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_OPENED = """() => ({
  complete: performance.getEntriesByType("navigation")[0].loadEventEnd,
  elements: document.querySelectorAll("*").length,
})"""
_ANSWER = """([act, delay]) => new Promise((resolve) => {
  const started = performance.now();
  const painted = () => setTimeout(() => resolve(performance.now() - started - delay));
  if (act === "click") document.querySelector("[data-chart=rating] button").click();
  else {
    const search = document.querySelector("[name=search]");
    search.value = "the river";
    search.dispatchEvent(new Event("input"));
  }
  setTimeout(() => requestAnimationFrame(painted), delay);
})"""
"""Until a frame is painted; a search waits for a pause in typing first."""
_PAUSE_IN_TYPING = 80
_SCROLL = """() => new Promise((resolve) => {
  const frames = [];
  let before = performance.now();
  const step = (now) => {
    frames.push(now - before);
    before = now;
    window.scrollBy(0, 60);
    if (frames.length < 120) requestAnimationFrame(step);
    else resolve(frames.slice(5).sort((a, b) => a - b)[109]);
  };
  requestAnimationFrame(step);
})"""


@dataclass(frozen=True, slots=True)
class Opening:
    """One page, opened once; times in milliseconds."""

    seen: float
    complete: float
    elements: float
    filtered: float
    searched: float
    scrolled: float


def main(
    repetitions: Annotated[int, typer.Option(help="How often each page is opened.")] = 5,
) -> None:
    """Measure, and print a table for each size."""
    end_cleanly_when_stopped()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("This benchmark needs Debian's chromium: apt-get install chromium.")
    with temporary_folder() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for size in SIZES:
            dashboard = invented_dashboard(size)
            started = process_time()
            page = render_library_page(dashboard)
            seconds = process_time() - started
            file = folder / f"{size}.html"
            file.write_text(page, encoding="utf-8")
            openings = [_open(browser, file) for _ in range(repetitions)]
            _print(size, seconds, file.stat().st_size, openings)
        browser.close()


def invented_dashboard(size: int) -> LibraryDashboard:
    """The dashboard of a library with so many books."""
    export = parse_export(synthetic_library(size)[0])
    entries = [_embellished(entry, place) for place, entry in enumerate(export.entries)]
    return build_library_dashboard(
        [(str(place), entry) for place, entry in enumerate(entries)],
        EnrichmentResults({str(place): _enriched(place) for place in range(len(entries))}, {}),
        ExportReport.of(export),
        DashboardStamp("benchmark", "benchmark", datetime(2026, 7, 1, tzinfo=UTC)),
    )


def _embellished(entry: LibraryEntry, place: int) -> LibraryEntry:
    series, volume = divmod(place // 3, VOLUMES)
    return replace(
        entry,
        title=f"{entry.title} (Chronicle {series}, #{volume + 1})"
        if not place % 3
        else entry.title,
        bookshelves=(*entry.bookshelves, f"shelf-{place % 12}"),
        my_review=REVIEW if not place % 10 else None,
    )


def _enriched(place: int) -> EnrichedBook:
    subjects = GENRES[place % len(GENRES)]
    return EnrichedBook(
        key=str(place),
        found=True,
        genres=read_headings([subjects]).genres,
        subjects=subjects,
        thumbnail_url=f"https://covers.openlibrary.org/b/id/{60_000_000 + place}-M.jpg",
        small_thumbnail_url=None,
        description=None,
        is_fiction=None,
        audience=None,
        matched_by="isbn",
        confidence=1.0,
        answers=(),
    )


def _open(browser: Browser, file: Path) -> Opening:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.goto(file.as_uri())
    seen = tab.wait_for_function(_SEEN).json_value()
    opened = tab.evaluate(_OPENED)
    filtered = tab.evaluate(_ANSWER, ["click", 0])
    tab.evaluate("document.querySelector('[data-reset]').click()")
    searched = tab.evaluate(_ANSWER, ["search", _PAUSE_IN_TYPING])
    tab.evaluate("window.scrollTo(0, 0)")
    scrolled = tab.evaluate(_SCROLL)
    context.close()
    return Opening(seen=seen, **opened, filtered=filtered, searched=searched, scrolled=scrolled)


def _print(size: int, seconds: float, weight: int, openings: Sequence[Opening]) -> None:
    def measured(
        what: str, field: str, unit: str = "ms", budget: float | None = None
    ) -> Measurement:
        return Measurement(what, [getattr(one, field) for one in openings], unit, budget)

    print_measurements(
        f"The page of {size:,} books",
        [
            Measurement("made in, of CPU", [seconds * 1000], "ms"),
            Measurement("weight", [weight / 1000], "kB"),
            measured("elements", "elements", ""),
            measured("something is seen", "seen", budget=BUDGET_TO_OPEN),
            measured("complete", "complete", budget=BUDGET_TO_OPEN),
            measured("filtered by a click", "filtered", budget=BUDGET_OF_AN_ANSWER),
            measured("searched", "searched", budget=BUDGET_OF_AN_ANSWER),
            measured("frame while scrolling, 19 of 20", "scrolled", budget=BUDGET_OF_A_FRAME),
        ],
    )


if __name__ == "__main__":
    typer.run(main)
