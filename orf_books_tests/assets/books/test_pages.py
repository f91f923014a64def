"""Which dashboards are made when, and what their assets say."""

import json

import dagster as dg
import jsonschema
import pytest

from orf_books.books.library import SCHEMA_FILE
from orf_books.resources.storage import ObjectNotFoundError
from orf_books.sandbox.server import Sandbox
from orf_books_tests.conftest import Platform, book, export_of, plain_books


def metadata_of(run: dg.ExecuteInProcessResult, asset: str) -> dict[str, object]:
    (made,) = run.asset_materializations_for_node(asset)
    return {name: value.value for name, value in made.metadata.items()}


def version(platform: Platform, library: str) -> str:
    return platform.storage.head(f"data/{library}.json").version


def test_the_dashboard_keeps_its_published_schema(platform: Platform, sandbox: Sandbox) -> None:
    sandbox.behaviour.broken_books = {book(7)}
    platform.ingest("ada", export_of(range(30), My_Review="Good.", My_Rating="5"))
    schema = json.loads(SCHEMA_FILE.read_text())
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    validator.validate(platform.dashboard("ada"))


@pytest.mark.slow
def test_only_libraries_that_a_run_changed_are_made_again(platform: Platform) -> None:
    one, other, new = plain_books()[:3]
    platform.ingest("ada", export_of([one]))
    platform.ingest("bob", export_of([other]))
    before = {library: version(platform, library) for library in ("ada", "bob")}

    run = platform.ingest("bob", export_of([other, new]))

    assert version(platform, "ada") == before["ada"]
    assert version(platform, "bob") != before["bob"]
    assert metadata_of(run, "library_dashboard")["libraries"] == 1
    assert metadata_of(run, "dashboard")["libraries"] == 2


@pytest.mark.slow
def test_a_book_mended_for_one_library_is_mended_for_all_that_hold_it(
    platform: Platform, sandbox: Sandbox
) -> None:
    shared, own = plain_books()[:2]
    sandbox.behaviour.broken_books = {book(shared)}
    platform.ingest("ada", export_of([shared]))
    platform.ingest("bob", export_of([shared, own]))
    sandbox.behaviour.broken_books = set()
    platform.run("retry_failed_books")
    for library in ("ada", "bob"):
        assert platform.shown_books(library)[book(shared)]["enrichment_status"] == "enriched"


@pytest.mark.slow
def test_a_refresh_after_runs_makes_the_libraries_whose_books_they_worked_on(
    platform: Platform, sandbox: Sandbox
) -> None:
    failed, good = plain_books()[:2]
    sandbox.behaviour.broken_books = {book(failed)}
    platform.ingest("ada", export_of([failed]))
    platform.ingest("bob", export_of([good]))
    sandbox.behaviour.broken_books = set()
    mended = platform.materialize_books(book(failed), book(failed))
    assert platform.shown_books("ada")[book(failed)]["enrichment_status"] == "failed"

    refresh = platform.run("refresh_libraries", library_dashboard={"after_runs": [mended.run_id]})

    assert metadata_of(refresh, "library_dashboard")["libraries"] == 1
    assert platform.shown_books("ada")[book(failed)]["enrichment_status"] == "enriched"


def test_a_refresh_by_hand_makes_every_dashboard(platform: Platform) -> None:
    for library, number in zip(("ada", "bob"), plain_books(), strict=False):
        platform.ingest(library, export_of([number]))
    before = {library: version(platform, library) for library in ("ada", "bob")}
    assert platform.run("refresh_libraries").success
    assert all(version(platform, library) != before[library] for library in before)


def test_a_dashboard_that_a_killed_run_left_out_is_made_by_the_next(platform: Platform) -> None:
    one, other = plain_books()[:2]
    upload = platform.upload_config(platform.put("ada", export_of([one])))
    selection = [dg.AssetKey("library_entries"), dg.AssetKey("enrichment_report")]
    broke_off = platform.definitions.resolve_job_def("ingest_books").execute_in_process(
        asset_selection=selection,
        run_config={"ops": {"library_entries": {"config": {"uploads": [upload]}}}},
        instance=platform.instance,
    )
    assert broke_off.success
    with pytest.raises(ObjectNotFoundError):
        platform.dashboard("ada")

    platform.ingest("bob", export_of([other]))
    assert set(platform.shown_books("ada")) == {book(one)}


def test_a_failed_book_keeps_its_place_and_says_why(platform: Platform, sandbox: Sandbox) -> None:
    failed, good = plain_books()[:2]
    sandbox.behaviour.broken_books = {book(failed)}
    run = platform.ingest("ada", export_of([failed, good]))

    dashboard = platform.dashboard("ada")
    assert dashboard["summary"]["total_books"] == 2
    assert dashboard["summary"]["failed_books"] == 1
    shown = platform.shown_books("ada")[book(failed)]
    assert shown["enrichment_status"] == "failed"
    assert "unavailable" in shown["enrichment_error"]
    assert metadata_of(run, "library_dashboard")["failed_books"] == 1
    assert metadata_of(run, "dashboard")["failed_books"] == 1


def test_the_assets_say_where_the_files_are_and_preview_them(platform: Platform) -> None:
    run = platform.ingest("ada", export_of(plain_books()[:5], My_Review="Only mine."))
    metadata = metadata_of(run, "library_dashboard")
    assert platform.storage.location("data/ada.html") in str(metadata["files"])
    assert platform.storage.location("data/ada.json") in str(metadata["files"])
    assert "**ada**: 5 books" in str(metadata["preview"])
    assert "Only mine." not in str(metadata)
    assert metadata_of(run, "dashboard")["page"] == platform.storage.location("dashboard.html")


def test_libraries_with_odd_names_have_pages_too(platform: Platform) -> None:
    number = plain_books()[0]
    platform.ingest("Ada & Bob's (2026)", export_of([number]))
    (library,) = platform.records.libraries()
    assert set(platform.shown_books(library)) == {book(number)}
    assert "Ada &amp; Bob&#39;s (2026)" in platform.storage.get("dashboard.html").decode()
