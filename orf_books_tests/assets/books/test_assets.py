"""Uploads in, books enriched: whole runs against the sandbox, on a temporary Dagster instance."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from orf_books.assets.books.assets import EXPORT_IS_VALID, GOODREADS_EXPORTS
from orf_books.assets.books.step import ENRICHED_BOOKS, ENRICHMENT_REPORT
from orf_books.batches.check import NO_PARTITION_IS_FAILED
from orf_books.books.enrichment import CODE_VERSION
from orf_books.checks import LEAST_SUCCESS_RATE
from orf_books.dagster_internals import PartitionStatus
from orf_books.instance import open_instance
from orf_books.object_keys import export_refusal_key, rejected_export_key
from orf_books.resources.storage import ObjectNotFoundError
from orf_books.sandbox.behaviour import Service
from orf_books.sandbox.server import Sandbox
from orf_books.settings import Settings
from orf_books_tests.conftest import Platform, book, export_of, plain_books

MATERIALIZED, FAILED = PartitionStatus.MATERIALIZED, PartitionStatus.FAILED
REVIEW = "What only this reader thought of it."


def books_asked_for(sandbox: Sandbox) -> int:
    return sandbox.counts.identifiers(Service.OPEN_LIBRARY)


def failure_of(run: dg.ExecuteInProcessResult) -> str:
    (failed,) = [event for event in run.all_events if event.is_step_failure]
    error = failed.step_failure_data.error
    assert error is not None
    return error.message


def outcome_of_check(run: dg.ExecuteInProcessResult, name: str) -> bool:
    (found,) = [check for check in run.get_asset_check_evaluations() if check.check_name == name]
    return found.passed


def metadata_of(run: dg.ExecuteInProcessResult, asset: dg.AssetKey) -> Mapping[str, Any]:
    (made,) = run.asset_materializations_for_node(
        "enrich_books" if asset == ENRICHMENT_REPORT else asset.to_python_identifier()
    )
    return {name: value.value for name, value in made.metadata.items()}


# From upload to dashboard


def test_an_upload_becomes_a_library_enriched_books_a_report_and_a_dashboard(
    platform: Platform,
) -> None:
    run = platform.ingest("ada", export_of(range(40)))

    assert run.success
    assert len([row for row in platform.records.rows() if row.library == "ada"]) == 40
    report = platform.report(run)
    assert (report.status, report.items) == ("complete", 40)
    assert (report.succeeded, report.failed) == (40, 0)
    assert (report.uploads, report.libraries) == (("uploads/ada/raw.csv",), ("ada",))
    assert platform.books_that_are(MATERIALIZED) == {book(number) for number in range(40)}
    assert set(platform.shown_books("ada")) == {book(number) for number in range(40)}
    assert "ada" in platform.storage.get("dashboard.html").decode()


def test_books_that_no_source_knows_are_an_answer_and_not_a_failure(
    platform: Platform, sandbox: Sandbox
) -> None:
    unknown = next(
        number
        for number, known in enumerate(sandbox.catalogue.books)
        if known.open_library is None and known.google_books is None
    )
    run = platform.ingest("ada", export_of([unknown]))

    assert run.success
    assert platform.report(run).not_found == 1
    assert platform.shown_books("ada")[book(unknown)]["enrichment_status"] == "not_found"
    assert platform.books_that_are(MATERIALIZED) == {book(unknown)}


def test_every_row_is_on_the_dashboard_or_accounted_for(platform: Platform) -> None:
    numbers = plain_books()[:6]
    header, *rows = export_of([*numbers, numbers[0]]).decode().splitlines()
    rows.append(rows[0].replace(rows[0].split(",")[1], "", 1).replace(book(numbers[0]), "", 1))
    platform.ingest("ada", "\n".join([header, *rows]).encode())

    validation = platform.dashboard("ada")["metadata"]["validation"]
    assert validation["counts_add_up"]
    assert validation["rows_in_file"] == 8
    assert (validation["books"], validation["merged_duplicates"]) == (6, 1)
    assert [refused["row_number"] for refused in validation["refused"]] == [9]


def test_the_same_file_again_asks_nothing_and_replaces_the_rows(
    platform: Platform, sandbox: Sandbox
) -> None:
    export = export_of(plain_books()[:10])
    platform.ingest("ada", export)
    sandbox.counts.clear()

    again = platform.ingest("ada", export)

    assert again.success
    assert sandbox.counts.requests() == 0
    assert platform.report(again).reused == 10
    assert len(platform.records.rows()) == 10


def test_a_newer_export_asks_only_for_new_books_and_drops_those_that_left(
    platform: Platform, sandbox: Sandbox
) -> None:
    first, *stayed, last = plain_books()[:10]
    platform.ingest("ada", export_of([first, *stayed]))
    sandbox.counts.clear()

    newer = platform.ingest("ada", export_of([*stayed, last], My_Rating="4"))

    assert books_asked_for(sandbox) == 1
    assert platform.report(newer).reused == len(stayed)
    shown = platform.shown_books("ada")
    assert set(shown) == {book(number) for number in (*stayed, last)}
    assert {entry["my_rating"] for entry in shown.values()} == {4}


@pytest.mark.slow
def test_a_book_whose_number_was_corrected_is_asked_for_again(
    platform: Platform, sandbox: Sandbox
) -> None:
    numbers = plain_books()[:5]
    platform.ingest("ada", export_of(numbers, ISBN='=""', ISBN13='=""'))
    sandbox.counts.clear()
    corrected = platform.ingest("ada", export_of(numbers))
    assert platform.report(corrected).reused == 0
    assert books_asked_for(sandbox) == 5


def test_libraries_that_share_books_ask_for_each_once(platform: Platform, sandbox: Sandbox) -> None:
    shared, own = plain_books()[:8], plain_books()[8:10]
    platform.ingest("ada", export_of(shared))
    platform.ingest("bob", export_of([*shared, *own]))

    assert books_asked_for(sandbox) == 10
    assert set(platform.shown_books("ada")) == {book(number) for number in shared}
    assert all(shown["genres"] for shown in platform.shown_books("bob").values())


def test_an_older_export_that_comes_late_does_not_win(platform: Platform) -> None:
    now = datetime.now(UTC)
    newer, older = plain_books()[:3], plain_books()[3:5]
    for name, numbers, arrived_at in (
        ("new.csv", newer, now),
        ("old.csv", older, now - timedelta(hours=1)),
    ):
        upload = platform.put("ada", export_of(numbers), name)
        config = platform.upload_config(upload, arrived_at)
        assert platform.run(library_entries={"uploads": [config]}).success

    assert set(platform.shown_books("ada")) == {book(number) for number in newer}


def test_an_upload_that_was_replaced_meanwhile_is_read_as_it_is_now_and_once(
    platform: Platform,
) -> None:
    key = platform.put("ada", export_of(plain_books()[:1]))
    noticed = platform.upload_config(key)
    platform.put("ada", export_of(plain_books()[1:3]))

    platform.run(library_entries={"uploads": [noticed]})

    assert set(platform.shown_books("ada")) == {book(number) for number in plain_books()[1:3]}
    (upload,) = platform.records.uploads()
    assert upload.version == platform.storage.head(key).version


def test_an_upload_that_is_gone_when_its_turn_comes_costs_only_itself(platform: Platform) -> None:
    keys = [platform.put(library, export_of([1])) for library in ("ada", "bob", "cy")]
    uploads = [platform.upload_config(key) for key in keys]
    platform.storage.delete(keys[1])

    run = platform.run(library_entries={"uploads": uploads})

    assert run.success
    assert set(platform.records.libraries()) == {"ada", "cy"}
    assert {key for key, _ in platform.records.receipts()} == {keys[0], keys[2]}


def test_a_copy_of_an_upload_is_read_instead_of_what_replaced_it_and_then_deleted(
    platform: Platform,
) -> None:
    key = platform.put("ada", export_of(plain_books()[:1]))
    copy_key = platform.put("ada", export_of(plain_books()[:1]), ".copy.csv")
    noticed = platform.upload_config(key) | {"copy_key": copy_key}
    platform.put("ada", export_of(plain_books()[1:3]))

    platform.run(library_entries={"uploads": [noticed]})

    assert set(platform.shown_books("ada")) == {book(plain_books()[0])}
    assert copy_key not in {stored.key for stored in platform.storage.list("uploads/")}
    assert len(platform.records.without_receipt([platform.storage.head(key)])) == 1


def test_a_run_by_hand_takes_every_upload_that_was_not_dealt_with(platform: Platform) -> None:
    one, other = plain_books()[:2]
    platform.ingest("ada", export_of([one]))
    platform.put("bob", export_of([other]))
    platform.put("cleo", export_of([other]))
    platform.put("cleo", b"half", name=".hidden.csv")

    by_hand = platform.run()

    assert by_hand.success
    assert set(platform.report(by_hand).libraries) == {"bob", "cleo"}
    assert set(platform.shown_books("bob")) == {book(other)}


# Uploads that are no exports


def test_a_refused_upload_is_copied_aside_with_the_reason_and_the_run_fails(
    platform: Platform,
) -> None:
    run = platform.ingest("ada", b"Name;Price\nMilk;1\n")

    assert not run.success
    assert "uploads/ada/raw.csv" in failure_of(run)
    assert (
        platform.storage.get(rejected_export_key("uploads/ada/raw.csv")) == b"Name;Price\nMilk;1\n"
    )
    reason = json.loads(platform.storage.get(export_refusal_key("uploads/ada/raw.csv")))
    assert reason["upload"] == "uploads/ada/raw.csv"
    assert reason["looks_like"]
    assert reason["remedy"]
    with pytest.raises(ObjectNotFoundError):
        platform.dashboard("ada")


def test_beside_a_refused_upload_the_other_goes_on(platform: Platform) -> None:
    number = plain_books()[0]
    uploads = [platform.put("ada", b"\x00\x01"), platform.put("bob", export_of([number]))]
    run = platform.run(library_entries={"uploads": list(map(platform.upload_config, uploads))})

    assert run.success
    assert set(platform.shown_books("bob")) == {book(number)}
    assert {upload.library: upload.status for upload in platform.records.uploads()} == {
        "ada": "refused",
        "bob": "accepted",
    }


def test_a_refused_export_leaves_the_library_as_it_was(platform: Platform) -> None:
    number = plain_books()[0]
    platform.ingest("ada", export_of([number]))
    platform.ingest("ada", b"no export")
    assert platform.run("refresh_libraries").success
    assert set(platform.shown_books("ada")) == {book(number)}


def test_uploads_and_their_validity_are_events_of_the_uploads_asset(
    platform: Platform, instance: dg.DagsterInstance
) -> None:
    platform.ingest("ada", b"no export")

    event = instance.get_latest_materialization_event(GOODREADS_EXPORTS)
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["status"].value == "refused"
    (check,) = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(GOODREADS_EXPORTS, EXPORT_IS_VALID), limit=1
    )
    assert check.event is not None
    assert check.event.dagster_event is not None
    assert not check.event.dagster_event.asset_check_evaluation_data.passed


def test_one_refused_upload_among_good_ones_is_a_warning_that_names_it(
    platform: Platform, instance: dg.DagsterInstance
) -> None:
    uploads = [
        platform.put("ada", export_of([plain_books()[0]])),
        platform.put("bob", b"no export"),
    ]
    run = platform.run(library_entries={"uploads": list(map(platform.upload_config, uploads))})

    assert run.success
    (check,) = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(GOODREADS_EXPORTS, EXPORT_IS_VALID), limit=1
    )
    assert check.event is not None
    assert check.event.dagster_event is not None
    evaluation = check.event.dagster_event.asset_check_evaluation_data
    assert not evaluation.passed
    assert evaluation.severity is dg.AssetCheckSeverity.WARN
    assert evaluation.description == "1 of 2 uploads were refused; all others are read."
    assert "| `uploads/bob/raw.csv` | " in str(evaluation.metadata["refusals"].value)


def test_an_upload_whose_folder_cannot_name_a_library_does_not_stop_the_next(
    platform: Platform,
) -> None:
    number = plain_books()[0]
    unusable = platform.put("\u0431" * 60, export_of([number]))
    uploads = [unusable, platform.put("bob", export_of([number]))]
    run = platform.run(library_entries={"uploads": list(map(platform.upload_config, uploads))})
    assert run.success
    assert set(platform.shown_books("bob")) == {book(number)}
    reason = json.loads(platform.storage.get(export_refusal_key(unusable)))
    assert "Rename its folder." in reason["remedy"]


def test_the_check_on_partitions_is_of_the_latest_run_that_materialized_some(
    platform: Platform, instance: dg.DagsterInstance
) -> None:
    numbers = plain_books()
    for library, number in (("ada", numbers[0]), ("bob", numbers[1])):
        run = platform.ingest(library, export_of([number]))
        (check,) = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(ENRICHED_BOOKS, NO_PARTITION_IS_FAILED), limit=1
        )
        assert check.run_id == run.run_id
        assert check.evaluation is not None
        assert check.evaluation.passed


# Books that fail


def test_broken_books_fail_the_run_and_exactly_their_partitions(
    platform: Platform, sandbox: Sandbox
) -> None:
    broken = {book(3), book(77), book(120)}
    sandbox.behaviour.broken_books = broken

    run = platform.ingest("ada", export_of(range(150)))

    assert not run.success
    assert platform.books_that_are(FAILED) == broken
    assert len(platform.books_that_are(MATERIALIZED)) == 147
    report = platform.report(run)
    assert report.status == "complete_with_failures"
    assert report.failed == 3
    assert report.failed_by_category == {"unavailable": 3}
    shown = platform.shown_books("ada")
    failed = {key for key, entry in shown.items() if entry["enrichment_status"] == "failed"}
    assert failed == broken
    assert all("Open Library" in shown[key]["enrichment_error"] for key in broken)
    page = platform.storage.get("data/ada.html").decode()
    assert all(shown[key]["title"] in page for key in broken)


@pytest.mark.slow
def test_retry_mends_failed_and_missing_books_in_one_run_and_their_dashboards(
    platform: Platform, sandbox: Sandbox, instance: dg.DagsterInstance
) -> None:
    failed, missing, *good = plain_books()[:6]
    sandbox.behaviour.broken_books = {book(failed)}
    platform.ingest("ada", export_of([failed, *good]))
    sandbox.behaviour.broken_books = {book(missing)}
    platform.ingest("bob", export_of([missing, *good]))
    instance.delete_dynamic_partition("books", book(missing))
    sandbox.behaviour.broken_books = set()
    sandbox.counts.clear()

    retry = platform.run("retry_failed_books")

    assert retry.success
    assert books_asked_for(sandbox) == 2
    assert platform.report(retry).items == 2
    assert set(platform.statuses().values()) == {MATERIALIZED}
    for library, number in (("ada", failed), ("bob", missing)):
        assert platform.shown_books(library)[book(number)]["enrichment_status"] == "enriched"


def test_retry_with_nothing_to_mend_is_a_success_that_asks_nothing(
    platform: Platform, sandbox: Sandbox
) -> None:
    platform.ingest("ada", export_of(plain_books()[:2]))
    sandbox.counts.clear()
    retry = platform.run("retry_failed_books")
    assert retry.success
    assert platform.report(retry).items == 0
    assert sandbox.counts.requests() == 0


def test_a_book_enriched_in_the_store_but_not_green_becomes_green_without_a_question(
    platform: Platform, sandbox: Sandbox
) -> None:
    export = export_of(plain_books()[:4])
    platform.ingest("ada", export)
    sandbox.counts.clear()
    with dg.DagsterInstance.ephemeral() as another:
        elsewhere = Platform(platform.settings, another)
        assert elsewhere.run("retry_failed_books").success
        assert set(elsewhere.statuses().values()) == {MATERIALIZED}
    assert sandbox.counts.requests() == 0


def test_ask_again_asks_for_books_whose_answer_still_stands(
    platform: Platform, sandbox: Sandbox
) -> None:
    platform.ingest("ada", export_of(plain_books()[:4]))
    upload = platform.upload_config("uploads/ada/raw.csv")
    sandbox.counts.clear()
    again = platform.run(library_entries={"uploads": [upload]}, enrich_books={"ask_again": True})
    assert platform.report(again).reused == 0
    assert books_asked_for(sandbox) == 4


def test_a_new_map_of_genres_makes_books_anew_without_asking(
    platform: Platform, sandbox: Sandbox
) -> None:
    export = export_of(plain_books()[:4])
    platform.ingest("ada", export)
    made = platform.records.with_answers(platform.statuses())
    platform.records.add_results(
        [
            replace(row, genres=("Old",), code_version="old", enriched_at=datetime.now(UTC))
            for row in made.values()
        ]
    )
    sandbox.counts.clear()

    again = platform.ingest("ada", export)

    assert sandbox.counts.requests() == 0
    assert platform.report(again).reused == 4
    anew = platform.records.with_answers(made)
    assert {key: row.genres for key, row in anew.items()} == {
        key: row.genres for key, row in made.items()
    }
    assert {row.code_version for row in anew.values()} == {CODE_VERSION}
    assert {row.answered_at for row in anew.values()} == {row.answered_at for row in made.values()}


@pytest.mark.parametrize(
    ("found", "age_in_days", "asked"),
    [(True, 170, 0), (True, 190, 1), (False, 10, 0), (False, 20, 1)],
)
def test_an_answer_is_asked_for_again_when_it_is_old_and_sooner_if_nothing_was_found(
    platform: Platform, sandbox: Sandbox, *, found: bool, age_in_days: int, asked: int
) -> None:
    export = export_of(plain_books()[:1])
    platform.ingest("ada", export)
    (row,) = platform.records.with_answers(platform.statuses()).values()
    now = datetime.now(UTC)
    answered_at = now - timedelta(days=age_in_days)
    platform.records.add_results(
        [replace(row, found=found, answered_at=answered_at, enriched_at=now)]
    )
    sandbox.counts.clear()

    platform.ingest("ada", export)

    assert books_asked_for(sandbox) == asked


@pytest.mark.slow
def test_an_outage_is_no_answer_and_older_enrichments_stay(
    platform: Platform, sandbox: Sandbox
) -> None:
    old, new = plain_books()[:5], plain_books()[5:9]
    platform.ingest("ada", export_of(old))
    sandbox.behaviour.down = True

    platform.put("ada", export_of([*old, *new]))
    upload = platform.upload_config("uploads/ada/raw.csv")
    run = platform.run(library_entries={"uploads": [upload]}, enrich_books={"ask_again": True})

    assert not run.success
    report = platform.report(run)
    assert (report.failed, report.not_found) == (9, 0)
    assert report.failed_by_category == {"unavailable": 9}
    shown = platform.shown_books("ada")
    assert {entry["enrichment_status"] for entry in shown.values()} == {"failed"}
    assert all(shown[book(number)]["genres"] for number in old)
    assert not any(shown[book(number)]["genres"] for number in new)
    assert platform.books_that_are(FAILED) == set(shown)

    sandbox.behaviour.down = False
    assert platform.run("retry_failed_books").success
    assert set(platform.statuses().values()) == {MATERIALIZED}


# Chosen partitions, as a backfill launches them


def test_chosen_books_that_succeed_are_green_and_say_what_was_found(platform: Platform) -> None:
    first, *_, last = chosen = plain_books()[:3]
    platform.ingest("ada", export_of(chosen))

    run = platform.materialize_books(book(first), book(last))

    assert run.success
    made = run.asset_materializations_for_node("enrich_books")
    assert {materialization.partition for materialization in made} == set(map(book, chosen))
    assert all(materialization.metadata["genres"].value for materialization in made)


def test_of_chosen_books_the_good_are_green_and_the_broken_fail_the_run(
    platform: Platform, sandbox: Sandbox
) -> None:
    first, middle, last = chosen = plain_books()[:3]
    sandbox.behaviour.broken_books = set(map(book, chosen))
    platform.ingest("ada", export_of(chosen))
    sandbox.behaviour.broken_books = {book(middle)}

    run = platform.materialize_books(book(first), book(last))

    assert not run.success
    assert "1 of 3 books failed" in failure_of(run)
    assert book(middle) in failure_of(run)
    assert platform.books_that_are(FAILED) == {book(middle)}
    assert platform.books_that_are(MATERIALIZED) == {book(first), book(last)}


def test_one_chosen_book_that_failed_is_mended(platform: Platform, sandbox: Sandbox) -> None:
    good, bad = plain_books()[:2]
    sandbox.behaviour.broken_books = {book(bad)}
    platform.ingest("ada", export_of([good, bad]))
    sandbox.behaviour.broken_books = set()
    sandbox.counts.clear()

    assert platform.materialize_books(book(bad), book(bad)).success

    assert books_asked_for(sandbox) == 1
    assert platform.books_that_are(FAILED) == set()


def test_a_partition_that_no_library_holds_fails_and_says_what_to_do(
    platform: Platform, instance: dg.DagsterInstance
) -> None:
    instance.add_dynamic_partitions("books", ["404"])
    run = platform.materialize_books("404", "404")
    assert not run.success
    assert "404" in failure_of(run)
    assert "delete the partition, or upload an export with it" in failure_of(run)


# Checks


@pytest.mark.parametrize(("of", "passes"), [(20, True), (19, False)])
def test_the_success_rate_is_checked_against_its_limit(
    platform: Platform, sandbox: Sandbox, of: int, passes: bool
) -> None:
    numbers = plain_books()[:of]
    sandbox.behaviour.broken_books = {book(numbers[0])}
    run = platform.ingest("ada", export_of(numbers))
    assert (platform.report(run).success_rate >= LEAST_SUCCESS_RATE) is passes
    assert outcome_of_check(run, "success_rate_is_high") is passes
    assert outcome_of_check(run, "every_item_succeeded") is False


def test_all_checks_pass_when_every_book_succeeded(platform: Platform) -> None:
    run = platform.ingest("ada", export_of(plain_books()[:2]))
    assert outcome_of_check(run, "every_item_succeeded")
    assert outcome_of_check(run, "success_rate_is_high")


# What is recorded, and what is not


def test_the_report_is_metadata_of_its_asset(platform: Platform) -> None:
    run = platform.ingest("ada", export_of(plain_books()[:4]))
    metadata = metadata_of(run, ENRICHMENT_REPORT)
    assert metadata["books_processed"] == 4
    assert metadata["success_rate"] == 100.0
    assert metadata["requests: open_library"] == 1
    assert metadata["requests: google_books"] == 0
    assert "ORF_BOOKS_GOOGLE_BOOKS_KEY" in metadata["notes"]
    assert metadata_of(run, dg.AssetKey("library_entries"))["books"] == 4
    assert metadata_of(run, dg.AssetKey("dashboard"))["libraries"] == 1


@pytest.mark.slow
def test_neither_keys_nor_reviews_are_written_into_events_and_logs(
    settings: Settings, sandbox: Sandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    key = "canary-of-a-key"
    sandbox.behaviour.google_key = key
    secretive = settings.model_copy(update={"google_books_key": SecretStr(key)})
    not_in_open_library = [
        number
        for number, known in enumerate(sandbox.catalogue.books)
        if known.open_library is None and known.google_books is not None
    ][:2]
    sandbox.behaviour.broken_books = {book(not_in_open_library[0]), book(plain_books()[0])}
    with open_instance(secretive) as instance:
        platform = Platform(secretive, instance)
        numbers = [*not_in_open_library, *plain_books()[:3]]
        run = platform.ingest("ada", export_of(numbers, My_Review=REVIEW, Private_Notes=REVIEW))
        home = Path(instance.root_directory)

    assert not run.success
    assert sandbox.counts.requests(Service.GOOGLE_BOOKS) > 0
    assert sandbox.counts.answers(Service.GOOGLE_BOOKS, 200) > 0
    assert "".join(shown["my_review"] or "" for shown in platform.shown_books("ada").values())
    written = b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    tables = platform.storage.folder / "tables" if platform.storage.folder else home
    stored = b"".join(file.read_bytes() for file in tables.rglob("*") if file.is_file())
    printed = "".join(capfd.readouterr()).encode()
    assert ENRICHED_BOOKS.to_string().encode() in written
    for secret in (key, REVIEW):
        assert secret.encode() not in written
        assert secret.encode() not in printed
    assert key.encode() not in stored
