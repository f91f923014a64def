"""The specialist's pages in a browser: the review by keys alone, files, paper, phones, axe."""

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

import pytest

from orf_books.activities.activity import Activity
from orf_books.activities.norms import Season
from orf_books.activities.word_corrections import MeasuredFlags
from orf_books.commands.corrections import read_marks
from orf_books.commands.word_corrections import Heard, ReadingMarks, WordMark
from orf_books.pages.activities_index_page import render_activities_index_page
from orf_books.pages.activity_page import ActivityReport, render_activity_page
from orf_books.pages.progress_page import render_progress_page
from orf_books_tests.activities.counted_readings import (
    ADA,
    PROGRESS,
    STORY,
    STUDENTS,
    correction,
    rescored,
)
from orf_books_tests.pages.browsing import CHROMIUM, violations
from orf_books_tests.pages.conftest import OpenPage
from orf_books_tests.pages.test_activities_index_page import digest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium"),
]

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)
ATTACK = "</script><img src=x onerror=alert(1)>"

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def activity(story: tuple[str, ...] = STORY) -> Activity:
    return Activity(
        activity_id="a-1",
        story_id="0f8fad5b-d9cb-469f-a165-70867728950e",
        phrases=story,
        errors=(),
        grade=2,
        season=Season.FALL,
    )


def activity_page() -> str:
    """Two words are called misread, one in doubt; `sat` is in doubt, and called correct."""
    result = rescored("....|.x.x|..", doubtful=[(0, 2), (1, 3)])
    checked = correction((2, 0), is_misread=False, was_flagged=False)
    return render_activity_page(
        ActivityReport(result, activity(), NOW, corrections=[checked], student_id=ADA)
    )


def index_page() -> str:
    flags = MeasuredFlags.of([correction((0, 0), is_misread=True)])
    return render_activities_index_page([digest("a-1"), digest("a-2")], (), STUDENTS, flags)


PAGES: dict[str, Callable[[], str]] = {
    "activity": activity_page,
    "student": lambda: render_progress_page(PROGRESS, NOW),
    "activities": index_page,
}


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_is_too_wide(open_page: OpenPage, name: str) -> None:
    page = open_page(PAGES[name]())
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert violations(page) == [], (width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_words_are_reviewed_by_keys_alone_the_doubtful_first(open_page: OpenPage) -> None:
    page = open_page(activity_page())
    card = page.get_by_role("group", name="Word to check")
    claim = page.locator("[data-claim]")
    card.focus()
    assert claim.inner_text() == "“sat” was called read correctly. Doubtful."
    page.keyboard.press("c")
    assert claim.inner_text() == "“mat” was called misread. “something” was heard. Doubtful."
    assert page.locator("[data-phrase] mark").inner_text() == "mat"
    page.keyboard.press("n")
    assert claim.inner_text() == "“the” was called misread. “something” was heard."
    page.keyboard.press("x")
    page.keyboard.press("b")
    assert claim.inner_text().startswith("“mat”")
    assert page.locator("[data-marks]").inner_text() == "2 marks"
    page.keyboard.press("Control+c")
    assert page.locator("[data-marks]").inner_text() == "2 marks"
    assert page.get_by_role("button", name="Download marks").is_disabled()
    page.get_by_label("Your name").fill("Ms. Rivera")
    page.get_by_label("Your name").press("x")
    assert page.locator("[data-marks]").inner_text() == "2 marks"
    with page.expect_download() as download:
        page.get_by_role("button", name="Download marks").press("Enter")
    read = read_marks(download.value.path().read_bytes())
    assert isinstance(read, ReadingMarks)
    assert (read.activity_id, read.corrected_by) == ("a-1", "Ms. Riverax")
    assert read.corrections == (
        WordMark(0, 2, "sat", Heard.CORRECT),
        WordMark(1, 1, "the", Heard.CORRECT),
    )


def test_the_other_words_can_be_reviewed_too(open_page: OpenPage) -> None:
    page = open_page(activity_page())
    assert page.locator("[data-position]").inner_text() == "Word 1 of 3, phrase 1"
    page.get_by_label("Also words that were called correct").check()
    assert page.locator("[data-position]").inner_text() == "Word 1 of 10, phrase 1"
    card = page.get_by_role("group", name="Word to check")
    for _ in range(8):
        card.press("ArrowRight")
    assert page.locator("[data-claim]").inner_text() == (
        "“and” was called read correctly. A person has checked it before."
    )


def test_a_reading_without_doubt_or_flags_has_nothing_to_check(open_page: OpenPage) -> None:
    page = open_page(
        render_activity_page(ActivityReport(rescored("....|....|.."), activity(), NOW))
    )
    assert page.get_by_text("No word is left to check.").is_visible()
    page.get_by_role("group", name="Word to check").press("c")
    assert page.locator("[data-marks]").inner_text() == "No marks"


def test_hostile_words_are_shown_in_the_review_and_do_nothing(open_page: OpenPage) -> None:
    result = rescored("....|....|..", doubtful=[(0, 0)])
    first = result.phrases[0]
    words = (replace(first.words[0], text=ATTACK), *first.words[1:])
    result = replace(result, phrases=(replace(first, words=words), *result.phrases[1:]))
    story = (f"{ATTACK} {STORY[0]}", *STORY[1:])
    page = open_page(render_activity_page(ActivityReport(result, activity(story), NOW)))
    assert ATTACK in page.locator("[data-phrase]").inner_text()
    page.get_by_role("group", name="Word to check").press("x")
    page.get_by_label("Your name").fill(ATTACK)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download marks").click()
    read = read_marks(download.value.path().read_bytes())
    assert isinstance(read, ReadingMarks)
    assert read.corrections == (WordMark(0, 0, ATTACK, Heard.MISREAD),)


def test_readings_and_activities_are_saved_as_csv(open_page: OpenPage) -> None:
    page = open_page(PAGES["student"]())
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    rows = list(csv.DictReader(saved.value.path().read_text(encoding="utf-8").splitlines()))
    assert [row["Activity"] for row in rows] == ["ada-2", "ada-1"]
    assert rows[1]["WCPM before"] == "41.8605"
    assert [row["Goal"] for row in rows] == ["84", "50"]
    page = open_page(render_activities_index_page([digest("=1+1"), digest("b")]))
    page.get_by_role("searchbox").fill("=1")
    page.wait_for_function("() => document.querySelectorAll('tbody tr[hidden]').length === 1")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save these activities as CSV").click()
    (row,) = csv.DictReader(saved.value.path().read_text(encoding="utf-8").splitlines())
    assert (row["Activity"], row["Status"], row["Changed"]) == ("'=1+1", "Rescored", "4")
    assert row["Worked on"] == "2026-11-22T14:05:00+00:00"


@pytest.mark.parametrize("name", PAGES)
def test_paper_has_what_is_read_and_no_controls(open_page: OpenPage, name: str) -> None:
    page = open_page(PAGES[name](), scheme="dark")
    page.emulate_media(media="print")
    assert not any(button.is_visible() for button in page.locator("button[data-save]").all())
    assert not any(form.is_visible() for form in page.locator("form").all())
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.set_viewport_size({"width": 690, "height": 980})
    assert page.evaluate("document.documentElement.scrollWidth") <= 690
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
