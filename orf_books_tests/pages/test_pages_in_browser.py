"""Pages in a browser: filters, views, keyboard, phones, paper, hostile texts."""

import csv
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, Route, ViewportSize

from orf_books.books.facets import Facet, groups_of, readings_of
from orf_books.books.figures import LibraryFigures
from orf_books.books.library import DashboardBook, EnrichmentStatus
from orf_books.pages.class_page import ClassReport, render_class_page
from orf_books.pages.library_page import pick, render_library_page
from orf_books.pages.overview_page import Quota, render_overview_page
from orf_books_tests.books.counted_library import COUNTED, dashboard_book, dashboard_of
from orf_books_tests.pages.browsing import CHROMIUM, violations
from orf_books_tests.pages.conftest import OpenPage
from orf_books_tests.pages.test_class_page import CLASS, MEASURED, STUDENTS, lines, scores
from orf_books_tests.pages.test_overview_page import BOOKS, NOTHING, NOW, OTHERS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium"),
]

WIDTHS = (390, 1280)
WHEN = "read"

Open = Callable[..., Page]


@pytest.fixture
def open_library(open_page: OpenPage) -> Open:
    """Opens the page of a library."""

    def opened(*books: DashboardBook, **how: Any) -> Page:  # noqa: ANN401 - as `open_page` takes it
        return open_page(render_library_page(dashboard_of(*books)), **how)

    return opened


def titles(page: Page) -> list[str]:
    return page.locator("#catalogue .title a").all_inner_texts()


def address(page: Page) -> str:
    """Of the view; Playwright learns of a new one a little later."""
    found = page.evaluate("location.hash")
    assert isinstance(found, str)
    return found


def bar(chart: str, group: str) -> str:
    """The selector of a bar."""
    return f"[data-chart='{chart}'] [data-group='{group}']"


def numbers(page: Page, chart: str) -> dict[str, int]:
    """What the bars of a chart say, by the group they stand for; without those that say 0."""
    said: Mapping[str, str] = page.evaluate(
        """chart => Object.fromEntries([...document.querySelectorAll(
            `[data-chart='${chart}'] button`)]
            .filter((button) => !button.parentElement.hidden)
            .map((button) => [button.dataset.group,
                button.querySelector("[data-said]").textContent])
        )""",
        chart,
    )
    counted = {group: int(re.sub(r"\D", "", text.split()[-2])) for group, text in said.items()}
    return {group: number for group, number in counted.items() if number}


def many_books(number: int) -> list[DashboardBook]:
    return [
        dashboard_book(
            f"Book {place:03d}",
            f"Author {place % 7}",
            read=f"{2015 + place % 10}-{1 + place % 12:02d}-{1 + place % 28:02d}",
            num_pages=100 + place,
            my_rating=1 + place % 5,
        )
        for place in range(number)
    ]


def fits(book: DashboardBook, facet: str, group: str) -> bool:
    if facet == WHEN:
        return any(when.startswith(group) for when in readings_of(book))
    return group in groups_of(book)[Facet(facet)]


SELECTIONS: list[dict[str, str]] = [
    {},
    {Facet.GENRE: "Fantasy"},
    {WHEN: "2023"},
    {WHEN: "2021-12"},
    {Facet.SHELF: "read", Facet.AUTHOR: "Frank Herbert"},
    {Facet.RATING: "5", Facet.GENRE: "War", WHEN: "2023"},
    {Facet.MARK: "unfinished"},
]


@pytest.mark.parametrize("chosen", SELECTIONS, ids=str)
def test_charts_of_filtered_books_show_the_figures_of_exactly_these_books(
    open_library: Open, chosen: dict[str, str]
) -> None:
    page = open_library(
        *COUNTED, view="#/" + "/".join(pick(facet, group) for facet, group in chosen.items())
    )

    def figures_of(*free: str) -> LibraryFigures:
        """Of the books that fit all filters but those of these facets."""
        return LibraryFigures.of(
            [
                book
                for book in COUNTED
                if all(fits(book, *one) for one in chosen.items() if one[0] not in free)
            ]
        )

    for facet in (*Facet,):
        if page.locator(f"[data-chart='{facet}']").count():
            expected = {
                group.name: group.books for group in figures_of(facet).groups[facet] if group.books
            }
            assert numbers(page, facet) == expected, facet
    years = figures_of(WHEN).years
    for chart, expected in {
        "years": {f"{year.year:04d}": year.readings for year in years},
        "pages": {f"{year.year:04d}": year.pages for year in years},
        "months": {
            f"{year.year:04d}-{month + 1:02d}": number
            for year in years
            for month, number in enumerate(year.months)
        },
    }.items():
        assert numbers(page, chart) == {group: n for group, n in expected.items() if n}, chart
    totals = figures_of().totals
    shown = dict(
        zip(
            page.locator("[data-figures] dt").all_inner_texts(),
            page.locator("[data-figures] dd").all_inner_texts(),
            strict=True,
        )
    )
    assert int(shown["Books"]) == totals.books == page.locator("#catalogue tbody tr").count()
    assert int(shown["Read"]) == totals.read
    assert int(shown["Pages read"].replace(",", "")) == totals.pages
    assert int(shown["Authors"]) == totals.authors
    average = "\N{EN DASH}" if totals.my_average is None else f"{totals.my_average:.2f}"
    assert shown["My average rating"].split()[0] == average


def test_a_click_on_a_bar_filters_and_another_click_shows_all(open_library: Open) -> None:
    page = open_library(*COUNTED)
    page.click(bar("genre", "Fantasy"))
    assert address(page) == "#/genre/Fantasy"
    assert sorted(titles(page)) == [
        "Mort (Discworld, #4)",
        "Small Gods (Discworld, #13)",
        "The Hobbit",
    ]
    assert page.locator("[data-count]").inner_text() == "3 of 11 books"
    page.click(bar("rating", "5"))
    assert titles(page) == ["The Hobbit"]
    page.get_by_role("button", name="Remove the filter Genre: Fantasy").click()
    assert sorted(titles(page)) == ["Dune (Dune, #1)", "The Hobbit"]
    page.click(bar("rating", "5"))
    assert len(titles(page)) == len(COUNTED)


def test_the_keyboard_filters_and_stays_where_it_is(open_library: Open) -> None:
    page = open_library(*COUNTED)
    page.locator("[data-chart='years'] button").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert address(page) == "#/read/2023"
    focused = "document.activeElement.dataset.group"
    assert page.evaluate(focused) == "2023"
    for _ in ("pages", "hours", "months"):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('[data-chart]').dataset.chart") == "months"
    page.keyboard.press("End")
    page.keyboard.press("Space")
    assert address(page) == "#/read/2021-12"
    assert titles(page) == ["Emma"]


def test_each_chart_is_one_stop_of_the_tab_key(open_library: Open) -> None:
    page = open_library(*COUNTED)
    stops = page.evaluate(
        """[...document.querySelectorAll("[data-chart]")].map(
            (chart) => chart.querySelectorAll("button:not([tabindex='-1'])").length)"""
    )
    assert set(stops) == {1}


def test_every_view_has_an_address_and_the_way_back_works(open_library: Open) -> None:
    page = open_library(*COUNTED)
    page.get_by_role("link", name="Frank Herbert").last.click()
    assert address(page) == "#/author/Frank%20Herbert"
    assert page.get_by_role("heading", name="Frank Herbert").is_visible()
    page.locator("#catalogue").get_by_role("link", name="Dune (Dune, #1)").click()
    assert address(page) == "#/book/44767458"
    assert page.get_by_role("heading", name="Dune (Dune, #1)").is_visible()
    assert page.get_by_text("Worth every page.").is_visible()
    assert "2 May 2023, 10 Jan 2021" in page.locator("#book").inner_text()
    assert page.title().startswith("Dune (Dune, #1)")
    page.go_back()
    assert len(titles(page)) == 3
    page.go_back()
    assert len(titles(page)) == len(COUNTED)
    page.go_forward()
    assert len(titles(page)) == 3


def test_a_series_is_shown_in_its_order_and_names_its_gaps(open_library: Open) -> None:
    page = open_library(*COUNTED, view="#/series/Discworld")
    assert titles(page) == ["Mort (Discworld, #4)", "Small Gods (Discworld, #13)"]
    assert "not in this library: 1, 2, 3, 5" in page.locator("[data-facts]").inner_text()


def test_a_year_opens_its_review(open_library: Open) -> None:
    page = open_library(*COUNTED, view="#/read/2021")
    assert page.locator("[data-review='2021']").get_attribute("open") is not None
    assert page.locator("[data-review='2023']").get_attribute("open") is None


def test_search_ignores_accents_and_looks_into_reviews(open_library: Open) -> None:
    page = open_library(*COUNTED, dashboard_book("Kindred", "Octávia Butler"))
    for words, found in (("octavia", ["Kindred"]), ("every page", ["Dune (Dune, #1)"]), ("zz", [])):
        page.get_by_role("searchbox").fill(words)
        page.wait_for_function(
            "words => decodeURIComponent(location.hash).endsWith(`search/${words}`)", arg=words
        )
        assert titles(page) == found
    assert page.get_by_text("No book matches.").is_visible()
    page.locator("[data-none] [data-reset]").click()
    assert len(titles(page)) == len(COUNTED) + 1


def test_columns_sort_both_ways_and_the_unknown_comes_last(open_library: Open) -> None:
    page = open_library(*COUNTED)
    pages = page.get_by_role("button", name="Pages", exact=True)
    pages.click()
    assert titles(page)[0] == "War and Peace"
    assert titles(page)[-1] in {"Small Gods (Discworld, #13)", "Dune Messiah (Dune, #2)"}
    pages.click()
    assert titles(page)[0] == "Mort (Discworld, #4)"
    assert titles(page)[-1] in {"Small Gods (Discworld, #13)", "Dune Messiah (Dune, #2)"}
    assert page.locator("[aria-sort='ascending']").inner_text().startswith("Pages")
    page.get_by_label("Sort by").select_option(label="Author ↑")
    assert titles(page)[0] == "Children of Dune (Dune, #3)"


def test_many_books_are_shown_in_pages(open_library: Open) -> None:
    page = open_library(*many_books(120))
    assert len(titles(page)) == 50
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Next").click()
    assert len(titles(page)) == 20
    assert page.get_by_text("Page 3 of 3").is_visible()
    assert page.get_by_role("button", name="Next").is_disabled()


def test_the_way_back_from_a_book_leads_to_where_it_was_found(open_library: Open) -> None:
    page = open_library(*many_books(120))
    page.get_by_role("button", name="Next").click()
    link = page.locator("#catalogue .title a").nth(30)
    link.scroll_into_view_if_needed()
    title, height = link.inner_text(), page.evaluate("window.scrollY")
    link.click()
    assert page.locator("#book-title").inner_text() == title
    page.go_back()
    assert title in titles(page)
    assert page.evaluate("window.scrollY") == pytest.approx(height, abs=2)


def test_paper_has_all_books(open_library: Open) -> None:
    page = open_library(*many_books(120))
    page.evaluate(
        """window.addEventListener("beforeprint", () => {
            window.printed = document.querySelectorAll("#catalogue tbody tr").length;
        })"""
    )
    page.pdf()
    assert page.evaluate("window.printed") == 120
    page.emulate_media(media="print")
    assert page.locator("[data-controls]").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(
    open_library: Open, width: int, scheme: Literal["light", "dark"]
) -> None:
    page = open_library(*COUNTED, width=width, scheme=scheme)
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    for view in ("#/", "#/read/2023/genre/Fantasy", "#/book/44767458"):
        page.evaluate("view => { location.hash = view }", view)
        page.wait_for_timeout(50)
        assert violations(page) == [], view
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("location.hash = '#/'")
    page.get_by_label("View as").select_option("wall")
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_on_the_overview(
    browser: Browser, tmp_path: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    file = tmp_path / "overview.html"
    quotas = [Quota("Google Books", 12, 1000)]
    file.write_text(render_overview_page([BOOKS, NOTHING], quotas, OTHERS, NOW), encoding="utf-8")
    context = browser.new_context(
        viewport=ViewportSize(width=width, height=900), color_scheme=scheme
    )
    page = context.new_page()
    page.goto(file.as_uri())
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_students_of_a_class_are_shaded_readably_and_saved_as_csv(
    browser: Browser, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    of = scores([1, 200, 40, 90], skills=MEASURED)
    report = ClassReport(CLASS, NOW, students=lines(of))
    file = tmp_path / "class.html"
    file.write_text(render_class_page(report), encoding="utf-8")
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(file.as_uri())
    assert violations(page) == []
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save these students as CSV").click()
    rows = list(csv.DictReader(saved.value.path().read_text(encoding="utf-8").splitlines()))
    assert [row["Student"] for row in rows] == STUDENTS[:4]
    assert {row["Utterances"] for row in rows} == {"1200"}
    context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_very_long_title_and_one_from_right_to_left_fit(open_library: Open, width: int) -> None:
    long, arabic = "x" * 10_000, "ألف ليلة وليلة"
    page = open_library(
        dashboard_book(long, "y" * 500, read="2023-01-02", my_rating=5, genres=("z" * 300,)),
        dashboard_book(arabic, "مجهول", read="2023-01-03", my_rating=5),
        width=width,
    )
    widest = "document.documentElement.scrollWidth"
    assert page.evaluate(widest) <= width
    assert page.locator("#catalogue tbody tr").last.bounding_box()["height"] < 400  # type: ignore[index]
    right_to_left = page.get_by_role("link", name=arabic).last
    assert right_to_left.evaluate("link => getComputedStyle(link).direction") == "rtl"
    page.locator("#catalogue .title a").last.click()
    assert page.locator("#book-title").inner_text() == long
    assert page.evaluate(widest) <= width
    page.go_back()
    page.get_by_label("View as").select_option("wall")
    assert page.evaluate(widest) <= width


def test_hostile_texts_are_shown_and_do_nothing(open_library: Open) -> None:
    attack = "</script><img src=x onerror=alert(1)><script>alert(2)</script>"
    book = dashboard_book(
        f"{attack} ({attack}, #1)",
        attack,
        read="2023-01-02",
        my_rating=5,
        average_rating=4,
        goodreads_id="1",
        genres=(attack, "__proto__", "constructor"),
        bookshelves=(attack,),
        my_review=attack,
        private_notes=attack,
        binding=attack,
        publisher=attack,
        topics=(attack,),
        enrichment_status=EnrichmentStatus.FAILED,
        enrichment_error=attack,
        thumbnail_url='https://example.org/"><script>alert(3)</script>.jpg',
    )
    page = open_library(book)
    assert attack in titles(page)[0]
    page.click(bar("rating", "5"))
    labels = page.locator("[data-chart='genre'] .label").all_inner_texts()
    assert {*labels} == {attack, "__proto__", "constructor"}
    page.locator("[data-chart='genre'] button").first.click()
    page.evaluate("location.hash = '#/genre/__proto__/own-shelf/%E0%A4%A/toString/x'")
    page.evaluate("location.hash = '#/book/1'")
    assert page.get_by_role("heading", name=attack).first.is_visible()
    assert page.locator("#book img, #catalogue img").count() == 0


def test_covers_are_loaded_only_where_the_reader_wants_them(
    browser: Browser, tmp_path: Path
) -> None:
    cover = "https://covers.openlibrary.org/b/id/1-M.jpg"
    file = tmp_path / "library.html"
    book = dashboard_book("Dune", "Frank Herbert", thumbnail_url=cover)
    file.write_text(render_library_page(dashboard_of(book)), encoding="utf-8")
    context = browser.new_context()
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    context.route("https://**", refuse)
    page = context.new_page()
    page.goto(file.as_uri())
    assert asked == []
    with page.expect_request(cover):
        page.get_by_label("Show covers").check()
    with page.expect_request(cover):
        page.reload()
    assert page.get_by_label("Show covers").is_checked()
    page.get_by_label("Show covers").uncheck()
    asked.clear()
    page.reload()
    assert asked == []
    context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_without_a_script_everything_can_be_read(open_library: Open, width: int) -> None:
    page = open_library(*COUNTED, width=width, script=False)
    assert page.locator("noscript li").count() == len(COUNTED)
    assert page.locator("noscript li").last.is_visible()
    assert page.locator("[data-controls]").is_hidden()
    assert page.locator("#months-chart").is_visible()
