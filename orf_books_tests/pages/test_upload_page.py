import re

from orf_books.pages.templating import page_template
from orf_books.pages.upload_page import render_upload_page
from orf_books_tests.pages.html_page import Page

PAGE = Page(render_upload_page(50 * 1024 * 1024))


def test_it_loads_nothing_and_asks_nobody_but_its_server() -> None:
    (policy,) = PAGE.all("meta", **{"http-equiv": "Content-Security-Policy"})
    content = str(policy["content"])
    assert content.startswith("default-src 'none'; connect-src 'self';")
    assert "unsafe" not in content
    assert "https:" not in content
    addresses = [found.get("src") or found.get("href") for _, found in PAGE.elements]
    assert {address for address in addresses if address} == {"#upload", "/"}


def test_no_style_or_script_stands_in_an_element() -> None:
    names = {name for _, attributes in PAGE.elements for name in attributes}
    assert not [name for name in names if name == "style" or name.startswith("on")]


def test_a_screen_reader_knows_the_field_the_progress_and_problems() -> None:
    (field,) = PAGE.all("input")
    assert PAGE.all("label", **{"for": str(field["id"])})
    assert PAGE.all("p", role="status", **{"aria-live": "polite"})
    assert PAGE.all("p", role="alert")
    (progress,) = PAGE.all("progress")
    assert PAGE.all("p", id=str(progress["aria-labelledby"]))


def test_it_says_how_large_a_file_may_be() -> None:
    assert "At most 50 MB" in PAGE.spoken


def test_the_script_writes_text_and_never_html() -> None:
    source = page_template("upload.html.jinja").render(most_bytes=1)
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|eval\(", source)
