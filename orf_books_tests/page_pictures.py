"""`python -m orf_books_tests.page_pictures`: the pictures of a library and of a student.

Belongs here: what the pictures show, all of it invented or bundled. Does not belong here: the
Dagster page (`dagster_page.py`), the report of a reading (`benchmarks/activity_picture.py`).
"""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import ViewportSize, sync_playwright

from orf_books.activities.calibration import Interval
from orf_books.activities.fluency import Fluency
from orf_books.activities.norms import Season
from orf_books.activities.progress import Progress, Reading, WordCount
from orf_books.pages.progress_page import render_progress_page
from orf_books_tests.pages.browsing import CHROMIUM

DOCS = Path(__file__).parent.parent / "docs"
LIBRARY, STUDENT = ViewportSize(width=1100, height=1560), ViewportSize(width=1100, height=1500)
STORIES = ("The Lost Button", "A Boat for Mara", "Where Owls Sleep", "The Long Way Home")
RATES = (48, 52, 61, 58, 70, 79, 84, 91)
PRACTISED = {"through": 3, "carrot": 2, "shouted": 2, "wagon": 1, "paddled": 1}
WORDS = 120


def demo_library(folder: Path) -> Path:
    """The page of the bundled library, as `orf-books demo` makes it."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ORF_BOOKS_", "DAGSTER_HOME"))
    }
    command = [str(Path(sys.executable).with_name("orf-books")), "demo", "--json"]
    subprocess.run(command, cwd=folder, env=inherited, stdout=subprocess.DEVNULL, check=True)
    return folder / "data" / "demo" / "data" / "demo.html"


def invented_student(folder: Path) -> Path:
    """The page of a student who was read with for eight months."""
    file = folder / "student.html"
    readings = [_reading(number, rate) for number, rate in enumerate(RATES)]
    progress = Progress.of("7d3f2b90-1c44-4e0e-8a52-6f1b9c0d3e21", readings)
    file.write_text(render_progress_page(progress, datetime(2026, 5, 20, 9, tzinfo=UTC)), "utf-8")
    return file


def _reading(number: int, rate: int) -> Reading:
    correct, before = WORDS - 12 + number, WORDS - 26 + number
    seconds = 60 * correct / rate
    read_at = datetime(2025, 10, 6, 9, 30, tzinfo=UTC) + timedelta(weeks=4 * number)
    accuracy = correct / WORDS
    return Reading(
        activity_id=f"reading-{number + 1}",
        story_id="5b0c1f0e-6a5d-4f0b-9a3e-2f6d1c7e8a01",
        story=STORIES[number % len(STORIES)],
        read_at=read_at,
        is_draft=True,
        grade=2,
        season=(Season.FALL, Season.WINTER, Season.SPRING)[min(number // 3, 2)],
        first_pass=Fluency(WORDS, before, seconds),
        fluency=Fluency(WORDS, correct, seconds),
        accuracy_interval=Interval(accuracy - 0.05, min(1, accuracy + 0.03)),
        wcpm_interval=Interval(rate - 4, rate + 3),
        checked_words=14 if number % 3 == 0 else 0,
        words=tuple(
            WordCount(word, 1, number >= len(RATES) - times) for word, times in PRACTISED.items()
        ),
    )


def main() -> None:
    """Take the pictures."""
    with TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for picture, page, size in (
            ("library", demo_library(folder), LIBRARY),
            ("progress", invented_student(folder), STUDENT),
        ):
            tab = browser.new_page(viewport=size)
            tab.goto(page.as_uri())
            tab.screenshot(path=DOCS / f"{picture}.png")
        browser.close()


if __name__ == "__main__":
    main()
