"""What the page over all classes says."""

import re
from dataclasses import replace
from datetime import date
from urllib.parse import unquote

from orf_books.object_keys import class_page_key
from orf_books.pages.classes_index_page import ClassDigest, Totals, render_classes_index_page
from orf_books_tests.pages.html_page import Page

ATTACK = '"><script>alert(1)</script>'


def digest(class_id: str, **changes: object) -> ClassDigest:
    whole = ClassDigest(class_id, date(2026, 11, 18), 1200, 28, 0, 0)
    return replace(whole, **changes)  # type: ignore[arg-type]


def page(*digests: ClassDigest) -> Page:
    return Page(render_classes_index_page(digests))


def test_the_totals_add_up() -> None:
    troubled = digest("b", failed=2, not_published=1)
    assert Totals.of([digest("a"), troubled, digest("c", failed=1)]) == Totals(
        classes=3,
        sessions=3600,
        students=84,
        failed=3,
        not_published=1,
        classes_with_failures=2,
        classes_with_unpublished=1,
    )


def test_a_row_has_all_counts() -> None:
    found = page(digest("a", failed=2, not_published=1))
    assert "a 1,200 28 2 1 18 Nov 2026" in found.spoken
    assert len(found.all("tr", **{"data-failures": "yes", "data-unpublished": "yes"})) == 1


def test_every_class_is_reached_by_a_link() -> None:
    odd = ["5b", "5b Garden/1?", "Klasse ü", "a:b"]
    links = [unquote(str(link["href"])) for link in page(*map(digest, odd)).all("a")[1:]]
    assert sorted(links) == sorted(map(class_page_key, odd))
    assert "data/classes/5b%20Garden%2F1%3F.html" in links


def test_the_latest_heard_comes_first_and_the_never_heard_last() -> None:
    html = render_classes_index_page(
        [
            digest("never", last_session=None),
            digest("old", last_session=date(2026, 1, 7)),
            digest("new"),
        ]
    )
    assert html.index("new.html") < html.index("old.html") < html.index("never.html")
    assert "never 1,200 28 0 0 none" in Page(html).spoken
    assert 'class="updated" data-value=""' in html


def test_failures_are_in_the_opening_sentence() -> None:
    troubled = page(digest("a"), digest("b", failed=2, not_published=1)).spoken
    assert "2 of 2,400 sessions failed or were refused. 1 is scored, but not published." in troubled
    assert "No session failed." in page(digest("a")).spoken


def test_what_comes_from_outside_is_text() -> None:
    found = page(digest(ATTACK))
    assert len(found.inside("script")) == 1
    assert "alert" not in found.inside("script")[0]
    assert found.text.count(ATTACK) == 1
    assert not re.findall(r"https?://|\bsrc=", render_classes_index_page([digest("a")]))


def test_every_element_is_closed_and_headings_are_in_order() -> None:
    for found in (page(digest("a")), page()):
        assert found.open == []
        assert [tag for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)] == [
            "h1",
            "h2",
            "h2",
        ]


def test_without_a_script_the_table_is_complete_and_plain() -> None:
    found = page(digest("a"))
    (controls,) = found.all("form")
    assert "hidden" in controls
    assert all("disabled" in button for button in found.all("button")[:-1])
    assert all(heading.get("scope") for heading in found.all("th"))


def test_a_page_without_classes_says_so() -> None:
    found = page()
    assert "No class session has been uploaded yet." in found.spoken
    assert found.all("p", id="catalogue")
