"""What a reader sees on the page of a library, and that nothing from outside becomes markup."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from orf_books.books.library import (
    CellNote,
    DashboardBook,
    DashboardMetadata,
    EnrichmentStatus,
    LibraryDashboard,
)
from orf_books.pages.library_data import book_addresses
from orf_books.pages.library_page import moment_in_words, render_library_page, shelf_name
from orf_books.pages.templating import day_in_words, secure_address, year_in_words
from orf_books_tests.books.counted_library import STAMP, dashboard_book, dashboard_of
from orf_books_tests.pages.html_page import Page

COVER = "https://covers.openlibrary.org/b/id/1-M.jpg"


def book(**changes: object) -> DashboardBook:
    fields: dict[str, object] = {
        "title": "Dune",
        "author": "Frank Herbert",
        "goodreads_id": "44767458",
        "read": "2023-12-21",
        "my_rating": 5,
        "average_rating": 4.29,
        "num_pages": 658,
        "publication_year": 1965,
        "bookshelves": ("kitchen-table",),
        "genres": ("Science Fiction",),
        "thumbnail_url": COVER,
        "my_review": "A review of mine",
        "private_notes": "A note to myself",
    }
    fields |= changes
    return dashboard_book(str(fields.pop("title")), str(fields.pop("author")), **fields)


def dashboard(*books: DashboardBook, library_id: str = "ada-reads") -> LibraryDashboard:
    return dashboard_of(*books, stamp=replace(STAMP, library_id=library_id))


def data_of(html: str) -> dict[str, Any]:
    """What the script of the page reads."""
    (text,) = re.findall(r'<script type="application/json" id="library-data">(.*?)</script>', html)
    read = json.loads(text)
    assert isinstance(read, dict)
    return read


def page(*books: DashboardBook, library_id: str = "ada-reads") -> Page:
    return Page(render_library_page(dashboard(*books, library_id=library_id)))


def test_every_element_is_closed() -> None:
    assert page(book(), book(my_rating=None, num_pages=None, read="")).open == []
    assert page().open == []


def test_a_script_in_a_title_is_text_on_the_page() -> None:
    attack = "</script><script>alert(1)</script><!--"
    shown = page(
        book(
            title=f"{attack} ({attack}, #1)",
            author=attack,
            genres=(attack,),
            bookshelves=(attack,),
            reading_status=f'"{attack}',
            my_review=attack,
            private_notes=attack,
            binding=attack,
            publisher=attack,
            topics=(attack,),
            enrichment_status=EnrichmentStatus.FAILED,
            enrichment_error=attack,
        ),
        library_id=attack,
    )
    assert [found.get("type") for found in shown.all("script")] == ["application/json", None]
    data, script = shown.inside("script")
    assert "<" not in data
    assert "alert" not in script
    assert attack in shown.text


def test_an_attribute_cannot_be_broken_out_of() -> None:
    shown = page(book(reading_status='x" onmouseover="alert(1)', bookshelves=('" autofocus="',)))
    assert not any(
        name.startswith("on") or name == "autofocus"
        for _, attributes in shown.elements
        for name in attributes
    )


def test_the_policy_allows_exactly_the_inline_style_and_script() -> None:
    shown = page(book())
    (policy,) = shown.all("meta", **{"http-equiv": "Content-Security-Policy"})
    content = policy["content"] or ""
    for tag in ("style", "script"):
        digest = hashlib.sha256(shown.inside(tag)[-1].encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in content
    assert "default-src 'none'" in content
    assert "unsafe" not in content


def test_the_page_loads_nothing() -> None:
    shown = page(book())
    assert [found for found in shown.elements if "src" in found[1]] == []
    assert shown.all("link") == []


def test_covers_are_kept_as_folder_and_file() -> None:
    books = data_of(render_library_page(dashboard(book(), book(thumbnail_url=None))))["books"]
    assert books["folders"] == ["https://covers.openlibrary.org/b/id"]
    assert books["cover"] == [[0, "1-M.jpg"], 0]


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "http://covers.openlibrary.org/1.jpg",
        "javascript:alert(1)",
        "data:image/svg+xml,<svg>",
        "https:",
        "https://",
        "//example.org/1.jpg",
        "https://example.org/\n1.jpg",
        "https://[broken/1.jpg",
        'https://example.org/"onerror=',
    ],
)
def test_an_address_that_is_not_plain_https_is_not_loaded(url: str | None) -> None:
    assert secure_address(url) is None
    books = data_of(render_library_page(dashboard(book(thumbnail_url=url))))["books"]
    assert books["cover"] == [0]


def test_a_library_with_reviews_or_notes_says_so() -> None:
    assert "This page holds 1 review and 1 private note." in page(book()).text
    assert "This page holds" not in page(book(my_review=None, private_notes=None)).text


def test_reviews_and_private_notes_are_for_the_view_of_a_book_only() -> None:
    shown = page(book())
    for text in ("A review of mine", "A note to myself"):
        assert text in shown.inside("script")[0]
        assert text not in shown.text


def test_a_failed_book_is_marked_and_explained() -> None:
    failed = book(
        enrichment_status=EnrichmentStatus.FAILED, enrichment_error="timeout: no answer in 30 s"
    )
    shown = page(book(title="Emma"), failed)
    assert "1 book failed in enrichment" in shown.text
    assert "timeout: no answer in 30 s" in shown.text
    assert shown.text.count("Science Fiction · Enrichment failed") == 1
    assert shown.all("option", value="status/failed")


def test_refused_rows_and_rows_that_do_not_add_up_are_shown() -> None:
    made = dashboard(book())
    validation = made.metadata.validation.model_validate(
        made.metadata.validation.model_dump()
        | {"refused": [{"row_number": 44, "reason": "no title"}], "counts_add_up": False}
    )
    metadata: DashboardMetadata = made.metadata.model_copy(update={"validation": validation})
    shown = Page(render_library_page(made.model_copy(update={"metadata": metadata})))
    assert "1 row was refused" in shown.text
    assert "Row 44 no title" in shown.text
    assert "The rows do not add up" in shown.text


def test_without_a_script_every_book_is_listed_and_the_latest_read_comes_first() -> None:
    books = (book(title="Undated", read=""), book(title="Year", read="2024"), book(title="Day"))
    shown = page(*books)
    assert [text for text in shown.inside("strong") if text.strip()] == ["Year", "Day", "Undated"]
    assert data_of(render_library_page(dashboard(*books)))["latest"] == [1, 2, 0]


def test_no_book_without_a_date_is_in_a_chart_of_years() -> None:
    undated = book(read="")
    shown = page(book(), undated)
    assert "20 23 : 1 book" in shown.text
    assert "1 book more was read without a date" in shown.text
    assert "No read book has a date." in page(undated).text


def test_a_year_without_books_shows_as_a_gap() -> None:
    assert "20 22 : 0 books" in page(book(), book(read="2021")).text


def test_a_bar_of_a_chart_stands_for_a_group_and_its_number() -> None:
    shown = page(book(), book(genres=("Fiction", "War")))
    assert "War 1 1 book" in shown.text
    groups = [found["data-group"] for found in shown.all("button") if "data-group" in found]
    assert {"War", "Fiction", "Science Fiction", "2023", "2023-12", "5"} <= {*groups}
    assert len(shown.all("option", value="genre/Science%20Fiction")) == 1


def test_what_needs_the_script_waits_for_it() -> None:
    shown = page(book())
    bars = [found for found in shown.all("button") if "data-group" in found]
    assert bars
    assert all("disabled" in found for found in bars)
    for (found,) in (shown.all("form"), shown.all("nav"), shown.all("p", **{"class": "covers"})):
        assert "hidden" in found


def test_the_number_of_results_is_announced() -> None:
    (count,) = page(book()).all("p", role="status")
    assert count["aria-live"] == "polite"


def test_every_field_of_the_form_has_a_label() -> None:
    html = render_library_page(dashboard(book()))
    fields = len(re.findall(r"<(?:input|select)\b", html))
    assert len(re.findall(r"<label>[^<]*<(?:input|select)\b", html)) == fields == 5


def test_links_lead_to_the_index_and_the_json_beside_the_page() -> None:
    links = [found["href"] for found in page(library_id="a b/c?").all("a")]
    assert "../dashboard.html" in links
    assert "a%20b%2Fc%3F.json" in links


def test_a_library_without_books_says_so() -> None:
    assert "This library has no books." in page().text


def test_shelves_and_dates_are_said_as_people_say_them() -> None:
    assert [shelf_name(shelf) for shelf in ("to-read", "did-not-finish")] == [
        "To read",
        "Did not finish",
    ]
    assert day_in_words(date(2024, 3, 7)) == "7 Mar 2024"
    assert [moment_in_words(when) for when in ("2024-03-07", "2024-03", "0203")] == [
        "7 Mar 2024",
        "Mar 2024",
        "203",
    ]
    assert [year_in_words(year) for year in (1871, -700)] == ["1871", "700 BC"]


def test_a_library_is_shown_by_the_name_it_was_given() -> None:
    shown = page(book(), library_id="M%C3%BCller")
    assert "Müller" in shown.text
    assert "M%C3%BCller" not in shown.text
    assert shown.all("a", href="M%25C3%25BCller.json")


def test_a_library_without_a_name_does_not_show_its_identifier() -> None:
    identifier = "2d1c7c1e-7d70-4b6d-8a53-0a6b7e0f5a10"
    shown = page(book(), library_id=identifier)
    assert identifier not in shown.text
    assert "Unnamed library" in shown.text


def test_half_and_quarter_stars_are_shown_as_they_were_given() -> None:
    shown = page(book(my_rating=4.5), book(my_rating=3.25))
    assert "★★★★½" in shown.text
    assert "★★★¼" in shown.text
    assert shown.all("span", **{"aria-label": "4.5 of 5 stars"})


def test_each_reading_counts_in_its_year() -> None:
    shown = page(book(earlier_readings=("2021-02-03", "2022")))
    for year in ("21", "22", "23"):
        assert f"20 {year} : 1 book" in shown.text
    assert "21 Dec 2023, 2022, 3 Feb 2021" in shown.text


def test_the_length_of_a_recording_is_shown_in_hours() -> None:
    assert "11.5 h" in page(book(num_pages=None, page_category=None, audio_hours=11.5)).text


def test_cells_that_were_not_understood_are_counted_by_column_and_reason() -> None:
    made = dashboard(book())
    cells = [CellNote(row_number=row, column="Date Read", reason="No day.") for row in (2, 9)]
    cells.append(CellNote(row_number=4, column="ISBN", reason="No ISBN."))
    validation = made.metadata.validation.model_copy(
        update={"unread_cells": tuple(cells), "file_notes": ("The day comes first.",)}
    )
    metadata = made.metadata.model_copy(update={"validation": validation})
    shown = Page(render_library_page(made.model_copy(update={"metadata": metadata})))
    assert "3 cells were not understood" in shown.text
    assert "Date Read No day. 2 cells, rows 2, 9." in shown.text
    assert "ISBN No ISBN. Row 4." in shown.text
    assert "The day comes first." in shown.text


def test_the_page_says_how_many_books_are_still_being_asked_about_and_until_when() -> None:
    made = dashboard(book())
    waiting = {"waiting_books": 63, "waiting_until": datetime(2026, 11, 22, 14, 10, tzinfo=UTC)}
    summary = made.summary.model_copy(update=waiting)
    shown = Page(render_library_page(made.model_copy(update={"summary": summary})))
    assert "still being asked about 63 books, until 22 Nov 2026, 14:10 UTC" in shown.text
    assert "still being asked" not in page(book()).text


def test_the_page_says_what_genres_are_inferred_from() -> None:
    shown = page(
        book(genres=("Fantasy",), genre_evidence="series", topics=("Deserts", "Worms")),
        book(genres=("Fiction",), genre_evidence="last resort"),
    )
    assert "Fantasy (the series)" in shown.text
    assert "Fiction (last resort)" in shown.text


def test_a_book_has_an_address_that_stays() -> None:
    one, same, other = book(goodreads_id=None), book(goodreads_id=None), book()
    assert book_addresses([one, same, other]) == [
        "dune-frank-herbert",
        "dune-frank-herbert-2",
        "44767458",
    ]
    assert page(one).all("li", id="/book/dune-frank-herbert")


def test_a_year_in_review_names_its_books() -> None:
    shown = page(book(), book(title="Emma", author="Jane Austen", num_pages=300, read="2023-01-02"))
    (review,) = shown.all("details", **{"data-review": "2023"})
    assert "open" in review
    assert "First Emma Jane Austen" in shown.text
    assert "Longest Dune Frank Herbert" in shown.text
    assert "New authors (2)" in shown.text
