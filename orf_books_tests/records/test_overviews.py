from collections.abc import Callable

import pytest

from orf_books.object_keys import ACTIVITIES_PAGE, CLASSES_PAGE, LIBRARIES_PAGE
from orf_books.pages.activities_index_page import render_activities_index_page
from orf_books.pages.classes_index_page import render_classes_index_page
from orf_books.pages.libraries_index_page import render_libraries_index_page
from orf_books.pages.parts import Overview
from orf_books.records.overviews import overviews_beside
from orf_books.resources.storage import ObjectStorage


def test_overviews_are_those_that_lie_in_the_store_but_for_the_page_itself(
    storage: ObjectStorage,
) -> None:
    assert overviews_beside(storage, LIBRARIES_PAGE) == []
    for page in (LIBRARIES_PAGE, CLASSES_PAGE):
        storage.put(page, b"")
    assert [one.address for one in overviews_beside(storage, LIBRARIES_PAGE)] == [CLASSES_PAGE]
    assert [one.address for one in overviews_beside(storage, ACTIVITIES_PAGE)] == [
        LIBRARIES_PAGE,
        CLASSES_PAGE,
    ]


@pytest.mark.parametrize(
    "render", [render_libraries_index_page, render_activities_index_page, render_classes_index_page]
)
def test_a_page_over_all_things_links_to_the_others(render: Callable[..., str]) -> None:
    page = render((), [Overview("Rows & columns", "rows.html")])
    assert '<a href="rows.html">Rows &amp; columns</a>' in page
    assert "<nav" in page
    assert "<nav" not in render(())
