"""What the page over everything says, and when a target counts as met."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from orf_books.pages.overview_page import (
    Batch,
    FailureGroup,
    KindOverview,
    Quota,
    RefusedUpload,
    render_overview_page,
    targets_of,
)
from orf_books.pages.parts import Overview
from orf_books_tests.pages.html_page import Page

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
BATCHES = (
    Batch(NOW - timedelta(hours=1), items=100, worked_on=80, failed=2, seconds=4.0, requests=6),
    Batch(NOW - timedelta(hours=2), items=100, worked_on=0, failed=0, seconds=0.5, requests=0),
    Batch(NOW - timedelta(days=3), items=200, worked_on=200, failed=0, seconds=5.0, requests=22),
)
BOOKS = KindOverview(
    name="Books",
    unit="book",
    page="dashboard.html",
    uploads=3,
    last_upload=NOW - timedelta(hours=1),
    refused=[RefusedUpload("uploads/ann/list.csv", "It looks like <b>a menu</b>.", NOW)],
    items=398,
    last_result=NOW - timedelta(hours=1),
    waiting=5,
    failures=[FailureGroup("timeout", 2, "No answer in 30 s.", NOW - timedelta(hours=1))],
    batches=BATCHES,
)
OTHERS = (Overview("Reading libraries", "dashboard.html"),)
NOTHING = KindOverview("Sessions", "session", None, 0, None, (), 0, None, 0, (), ())


def page(*kinds: KindOverview) -> Page:
    quotas = [Quota("Google Books", 12, 1000)]
    return Page(render_overview_page(kinds, quotas, OTHERS, NOW))


def test_every_element_is_closed_and_nothing_becomes_markup() -> None:
    shown = page(BOOKS, NOTHING)
    assert shown.open == []
    assert "It looks like <b>a menu</b>." in shown.text


def test_it_says_what_came_in_what_failed_and_why() -> None:
    text = page(BOOKS, NOTHING).text
    assert "2 items failed, 1 upload not read." in text
    assert "No answer in time 2 No answer in 30 s." in text
    assert "12 of 1,000 requests" in text
    assert "Nothing has been uploaded yet." in text


def test_rates_are_those_of_what_was_worked_on() -> None:
    assert BOOKS.success_rate == 100 * 398 / 400
    assert BOOKS.items_a_second == (20 + 40) / 2
    assert BOOKS.requests_an_item == 28 / 280
    assert NOTHING.success_rate is NOTHING.items_a_second is NOTHING.requests_an_item is None


def test_a_target_is_met_or_not() -> None:
    assert [target.is_met for target in targets_of(BOOKS, NOW)] == [True, True, True]
    later, worse = NOW + timedelta(days=8), (replace(BATCHES[0], failed=9, requests=60),)
    assert [target.is_met for target in targets_of(replace(BOOKS, batches=worse), later)] == [
        False,
        False,
        False,
    ]
    assert targets_of(NOTHING, NOW) == []


def test_it_links_to_the_pages_over_each_kind() -> None:
    links = [found["href"] for found in page(BOOKS, NOTHING).all("a")]
    assert links.count("dashboard.html") == 2
