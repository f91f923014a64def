"""When the page over everything is made, and what its asset says."""

from orf_books.jobs import overview_is_due
from orf_books.object_keys import OVERVIEW_PAGE
from orf_books.sandbox.server import Sandbox
from orf_books_tests.conftest import Platform, book, export_of, plain_books


def test_the_overview_counts_what_failed_and_is_made_again_only_after_a_run(
    platform: Platform, sandbox: Sandbox
) -> None:
    assert not overview_is_due(platform.instance)
    failed, good = plain_books()[:2]
    sandbox.behaviour.broken_books = {book(failed)}
    platform.ingest("ada", export_of([failed, good]))
    assert overview_is_due(platform.instance)
    run = platform.run("refresh_overview")
    (made,) = run.asset_materializations_for_node("overview")
    assert {name: made.metadata[name].value for name in ("uploads", "failed_items")} == {
        "uploads": 1,
        "failed_items": 1,
    }
    assert b"1 item failed" in platform.storage.get(OVERVIEW_PAGE)
    assert not overview_is_due(platform.instance)
