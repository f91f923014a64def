"""What a reader sees on the page of a library, and that nothing from outside becomes markup."""

import base64
import hashlib
import re
from datetime import UTC, date, datetime

import pytest

from orf_books.books.library import (
    CellNote,
    DashboardBook,
    DashboardMetadata,
    DashboardStamp,
    EnrichmentResults,
    EnrichmentStatus,
    ExportReport,
    GenreCount,
    LibraryDashboard,
    build_library_dashboard,
    page_category,
)
from orf_books.pages.library_page import render_library_page, shelf_name
from orf_books.pages.templating import day_in_words, secure_address, year_in_words
from orf_books_tests.pages.html_page import Page


def book(**changes: object) -> DashboardBook:
    fields: dict[str, object] = {
        "goodreads_id": "44767458",
        "title": "Dune",
        "author": "Frank Herbert",
        "isbn": None,
        "isbn13": None,
        "date_read": date(2023, 12, 21),
        "reading_year": 2023,
        "reading_month_year": "2023-12",
        "my_rating": 5,
        "average_rating": 4.29,
        "is_rated": True,
        "num_pages": 658,
        "publisher": None,
        "binding": None,
        "publication_year": 1965,
        "page_category": page_category(658),
        "reading_status": "read",
        "bookshelves": ("kitchen-table",),
        "genres": ("Science Fiction",),
        "thumbnail_url": "https://covers.openlibrary.org/b/id/1-M.jpg",
        "small_thumbnail_url": None,
        "my_review": "A review of mine",
        "private_notes": "A note to myself",
        "has_spoilers": False,
        "has_review": True,
        "genre_enriched": True,
        "was_reread": False,
        "original_read_count": 1,
        "enrichment_status": EnrichmentStatus.ENRICHED,
        "enrichment_error": None,
    }
    return DashboardBook.model_validate(fields | changes)


def dashboard(*books: DashboardBook, library_id: str = "ada-reads") -> LibraryDashboard:
    empty = build_library_dashboard(
        [],
        EnrichmentResults({}, {}),
        ExportReport(0, (), ()),
        DashboardStamp(library_id, "an-export", datetime(2026, 11, 22, 14, 5, tzinfo=UTC)),
    )
    return empty.model_copy(update={"books": books})


def page(*books: DashboardBook, library_id: str = "ada-reads") -> Page:
    return Page(render_library_page(dashboard(*books, library_id=library_id)))


def test_every_element_is_closed() -> None:
    assert page(book(), book(my_rating=None, num_pages=None, date_read=None)).open == []
    assert page().open == []


def test_a_script_in_a_title_is_text_on_the_page() -> None:
    attack = "<script>alert(1)</script>"
    shown = page(
        book(
            title=attack,
            author=attack,
            genres=(attack,),
            bookshelves=(attack,),
            reading_status=f'"{attack}',
            enrichment_status=EnrichmentStatus.FAILED,
            enrichment_error=attack,
        ),
        library_id=attack,
    )
    assert len(shown.inside("script")) == 1
    assert "alert" not in shown.inside("script")[0]
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
        digest = hashlib.sha256("".join(shown.inside(tag)).encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in content
    assert "default-src 'none'" in content
    assert "unsafe" not in content


def test_nothing_but_covers_is_loaded_from_elsewhere() -> None:
    html = render_library_page(dashboard(book()))
    assert re.findall(r"https?://[^\"' ]+", html) == ["https://covers.openlibrary.org/b/id/1-M.jpg"]


def test_a_cover_is_lazy_and_tells_nobody_where_it_is_shown() -> None:
    (cover,) = page(book()).all("img")
    assert (cover["loading"], cover["referrerpolicy"], cover["alt"]) == ("lazy", "no-referrer", "")


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
    assert page(book(thumbnail_url=url)).all("img") == []


def test_a_book_without_a_cover_shows_its_initial() -> None:
    assert "D" in page(book(title="«Dune»", thumbnail_url=None)).inside("span")


def test_reviews_and_private_notes_stay_in_the_json() -> None:
    html = render_library_page(dashboard(book()))
    assert "A review of mine" not in html
    assert "A note to myself" not in html


def test_a_failed_book_is_marked_and_explained() -> None:
    failed = book(
        enrichment_status=EnrichmentStatus.FAILED, enrichment_error="timeout: no answer in 30 s"
    )
    shown = page(book(title="Emma"), failed)
    assert "1 book failed in enrichment" in shown.text
    assert "timeout: no answer in 30 s" in shown.text
    assert shown.inside("span").count("Enrichment failed") == 1
    assert len(shown.all("tr", **{"data-enrichment": "failed"})) == 1


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


def test_every_book_is_a_row_and_the_latest_read_comes_first() -> None:
    shown = page(
        book(title="Undated", date_read=None, reading_year=None, reading_month_year=None),
        book(title="Only a year", date_read=None, reading_year=2024, reading_month_year=None),
        book(title="A day"),
    )
    titles = [text for text in shown.inside("th") if text.strip()]
    assert titles == ["Genres", "Only a year", "A day", "Undated"]


def test_no_book_without_a_date_is_in_a_chart_of_years() -> None:
    undated = book(date_read=None, reading_year=None, reading_month_year=None)
    shown = page(book(), undated)
    assert "20 23 : 1 book " in shown.text
    assert "1 more read without a date" in shown.text
    assert "No read book has a date." in page(undated).text


def test_a_year_without_books_shows_as_a_gap() -> None:
    earlier = book(date_read=None, reading_year=2021, reading_month_year=None)
    assert ": 0 books" in page(book(), earlier).text


def test_one_mistyped_year_does_not_stretch_the_chart() -> None:
    mistyped = book(date_read=None, reading_year=203, reading_month_year=None)
    assert len(page(book(), mistyped).all("rect")) < 30


def test_a_genre_of_the_chart_shows_exactly_its_books() -> None:
    made = dashboard(book(), book(genres=("Fiction", "War")))
    genres = (GenreCount(genre="War", count=1, percentage=50.0),)
    summary = made.summary.model_copy(update={"most_common_genres": genres})
    shown = Page(render_library_page(made.model_copy(update={"summary": summary})))
    assert "War 1 book 50.0%" in shown.text
    assert len(shown.all("a", **{"data-show": "genres:War"})) == 1
    assert len(shown.all("option", value="genres:War")) == 1
    assert len(shown.all("tr", **{"data-genres": "Fiction|War"})) == 1


def test_the_table_sorts_by_buttons_that_wait_for_the_script() -> None:
    shown = page(book())
    orders = [found["aria-sort"] for found in shown.all("th", scope="col") if "aria-sort" in found]
    assert sorted(filter(None, orders)) == ["descending", *["none"] * 6]
    assert all("disabled" in found for found in shown.all("button", type="button")[:7])
    (controls,) = shown.all("form")
    assert "hidden" in controls


def test_the_number_of_results_is_announced() -> None:
    (count,) = page(book()).all("p", role="status")
    assert count["aria-live"] == "polite"


def test_every_field_of_the_form_has_a_label() -> None:
    html = render_library_page(dashboard(book()))
    fields = len(re.findall(r"<(?:input|select)\b", html))
    assert len(re.findall(r"<label>[^<]+<(?:input|select)\b", html)) == fields == 3


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
    assert [year_in_words(year) for year in (1871, -700)] == ["1871", "700 BC"]


def test_a_library_is_shown_by_the_name_it_was_given() -> None:
    shown = page(book(), library_id="M%C3%BCller")
    assert "Müller" in shown.text
    assert "M%C3%BCller" not in shown.text
    assert shown.all("a", href="M%25C3%25BCller.json")


def test_half_and_quarter_stars_are_shown_as_they_were_given() -> None:
    shown = page(book(my_rating=4.5), book(my_rating=3.25))
    assert "★★★★½" in shown.text
    assert "★★★¼" in shown.text
    assert shown.all("span", **{"aria-label": "4.5 of 5 stars"})


def test_each_reading_counts_in_its_year() -> None:
    shown = page(book(earlier_readings=("2021-02-03", "2022")))
    for year in ("21", "22", "23"):
        assert f"20 {year} : 1 book " in shown.text
    assert "also 2022, 2021" in shown.text


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


def test_the_page_says_what_genres_are_inferred_from_and_shows_topics() -> None:
    shown = page(
        book(genres=("Fantasy",), genre_evidence="series", topics=("Deserts", "Worms")),
        book(genres=("Fiction",), genre_evidence="last resort"),
    )
    assert "Fantasy (the series) Topics: Deserts; Worms" in shown.text
    assert "Fiction (last resort)" in shown.text
