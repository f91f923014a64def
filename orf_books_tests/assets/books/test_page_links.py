"""Where Dagster's page says that a library's page is."""

import pytest

from orf_books.assets.books.page_links import link_to_library
from orf_books.resources.storage import ObjectStorage

SERVED = "3f6c0a1e-52d7-4c0b-9f4e-8a61d0c7b215"
URL = "http://127.0.0.1:8001"


def test_a_library_that_is_served_has_a_link(folder: ObjectStorage) -> None:
    assert link_to_library(folder, URL, SERVED) == f"[{SERVED}]({URL}/data/{SERVED}.html)"


@pytest.mark.parametrize(("serve_url", "library"), [(None, SERVED), (URL, "ana")])
def test_any_other_has_a_path(folder: ObjectStorage, serve_url: str | None, library: str) -> None:
    path = folder.location(f"data/{library}.html")
    assert link_to_library(folder, serve_url, library) == f"`{path}`"
