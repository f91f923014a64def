"""What the page over all libraries says."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

from orf_books.books.library import LibrarySummary
from orf_books.pages.libraries_index_page import Totals, render_libraries_index_page

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


def library(library_id: str, *, failed: int = 0, hours_ago: int = 0) -> LibrarySummary:
    return LibrarySummary(
        library_id=library_id,
        books=100,
        read=60,
        failed=failed,
        not_found=3,
        genre_enrichment_rate=97.5,
        updated=NOW - timedelta(hours=hours_ago),
    )


def text_of(html: str) -> str:
    body = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_the_totals_add_up() -> None:
    totals = Totals.of([library("a", failed=2), library("b"), library("c", failed=1)])
    assert totals == Totals(
        libraries=3, books=300, read=180, failed=3, not_found=9, libraries_with_failures=2
    )


def test_libraries_with_failed_books_are_counted_in_the_opening_sentence() -> None:
    html = render_libraries_index_page([library("a", failed=2), library("b")])
    assert "1 of 2 libraries have books that failed in enrichment." in text_of(html)
    assert html.count('data-failures="yes"') == 1


def test_without_failures_the_page_says_so() -> None:
    assert "No book failed in enrichment." in text_of(render_libraries_index_page([library("a")]))


def test_every_library_is_linked_below_data() -> None:
    html = render_libraries_index_page([library("ada-reads"), library("a b/../c")])
    links = re.findall(r'href="(data/[^"]*)"', html)
    assert links == ["data/ada-reads.html", "data/a%20b%2F..%2Fc.html"]


def test_the_latest_library_comes_first() -> None:
    html = render_libraries_index_page([library("old", hours_ago=9), library("new")])
    assert html.index("data/new.html") < html.index("data/old.html")


def test_a_script_in_a_library_name_is_text_on_the_page() -> None:
    html = render_libraries_index_page([library("<script>alert(1)</script>")])
    assert "<script>alert" not in html
    assert "<script>alert(1)</script>" in unescape(html)


def test_an_index_without_libraries_says_so() -> None:
    html = render_libraries_index_page([])
    assert "No library has been uploaded yet." in text_of(html)
    assert "failed in enrichment" not in text_of(html)
