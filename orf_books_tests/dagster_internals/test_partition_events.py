import asyncio
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import (
    DagsterEventType,
)
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget

from orf_books.dagster_internals import (
    PartitionEvents,
    PartitionMaterialization,
    PartitionStatus,
)
from orf_books_tests.dagster_internals.conftest import IN_POSTGRES
from orf_books_tests.dagster_internals.items import (
    CODE_VERSION,
    DATA_VERSION,
    ITEM,
    make_source,
    run_batch,
    statuses,
)


@pytest.fixture(params=["in files", IN_POSTGRES])
def shown_instance(request: pytest.FixtureRequest) -> Iterator[dg.DagsterInstance]:
    """An instance that the page may show; one in memory belongs to its process."""
    request.getfixturevalue("home" if request.param == "in files" else "home_on_postgres")
    with dg.DagsterInstance.get() as instance:
        yield instance


# Single partitions of a step that works on many


def test_of_a_failed_run_exactly_the_partitions_without_result_are_failed(
    any_instance: dg.DagsterInstance,
) -> None:
    any_instance.add_dynamic_partitions("items", ["z"])
    run_batch(any_instance, planned="abcd", good="ac")

    assert statuses(any_instance, "abcdz") == {
        "a": PartitionStatus.MATERIALIZED,
        "b": PartitionStatus.FAILED,
        "c": PartitionStatus.MATERIALIZED,
        "d": PartitionStatus.FAILED,
        "z": PartitionStatus.MISSING,
    }


def test_a_later_success_makes_a_failed_partition_materialized_and_leaves_the_others(
    any_instance: dg.DagsterInstance,
) -> None:
    run_batch(any_instance, planned="abcd", good="ac")
    assert statuses(any_instance, "b")["b"] is PartitionStatus.FAILED
    run_batch(any_instance, planned="b", good="b")

    assert statuses(any_instance, "abcd") == {
        "a": PartitionStatus.MATERIALIZED,
        "b": PartitionStatus.MATERIALIZED,
        "c": PartitionStatus.MATERIALIZED,
        "d": PartitionStatus.FAILED,
    }


def test_a_later_failure_makes_a_materialized_partition_failed(
    any_instance: dg.DagsterInstance,
) -> None:
    run_batch(any_instance, planned="ab", good="ab")
    run_batch(any_instance, planned="a", good="")

    assert statuses(any_instance, "ab") == {
        "a": PartitionStatus.FAILED,
        "b": PartitionStatus.MATERIALIZED,
    }


def test_partitions_of_an_asset_without_events_are_missing(
    any_instance: dg.DagsterInstance,
) -> None:
    any_instance.add_dynamic_partitions("items", ["a"])
    assert statuses(any_instance, "a") == {"a": PartitionStatus.MISSING}
    assert statuses(any_instance, "") == {}


def test_planning_and_reporting_nothing_is_no_event(any_instance: dg.DagsterInstance) -> None:
    run_batch(any_instance, planned="", good="")
    assert statuses(any_instance, "") == {}


def test_metadata_and_tags_of_a_partition_are_kept_with_the_versions_of_its_inputs(
    any_instance: dg.DagsterInstance,
) -> None:
    make_source(any_instance)
    source = any_instance.fetch_materializations(dg.AssetKey("source"), limit=1).records[0]
    run_id = run_batch(any_instance, planned="ab", good="ab")

    (record,) = any_instance.fetch_materializations(
        dg.AssetRecordsFilter(ITEM, asset_partitions=["b"]), limit=5
    ).records
    assert record.run_id == run_id
    assert record.asset_materialization is not None
    assert record.asset_materialization.metadata == {
        "title": dg.MetadataValue.text("Title of b"),
        "pages": dg.MetadataValue.int(3),
    }
    assert record.asset_materialization.tags == {
        CODE_VERSION: "7",
        DATA_VERSION: "content of b",
        "dagster/input_data_version/source": "a version",
        "dagster/input_event_pointer/source": str(source.storage_id),
    }


def test_partitions_of_an_asset_that_the_step_does_not_define_can_be_reported(
    any_instance: dg.DagsterInstance,
) -> None:
    @dg.asset
    def elsewhere(context: dg.AssetExecutionContext) -> None:
        events = PartitionEvents(context, ITEM)
        events.plan(["a"])
        events.materialized([PartitionMaterialization("a", {})])

    any_instance.add_dynamic_partitions("items", ["a"])
    assert dg.materialize([elsewhere], instance=any_instance).success
    assert statuses(any_instance, "a") == {"a": PartitionStatus.MATERIALIZED}


def test_a_partition_is_found_by_its_data_version(any_instance: dg.DagsterInstance) -> None:
    run_batch(any_instance, planned="ab", good="ab")
    storage = any_instance.event_log_storage

    assert storage.get_latest_tags_by_partition(
        ITEM, DagsterEventType.ASSET_MATERIALIZATION, [DATA_VERSION]
    ) == {key: {DATA_VERSION: f"content of {key}"} for key in "ab"}
    by_content = {DATA_VERSION: "content of a"}
    assert storage.get_event_tags_for_asset(ITEM, filter_tags=by_content) == [by_content]
    by_code = storage.get_event_tags_for_asset(ITEM, filter_tags={CODE_VERSION: "7"})
    assert by_code == [], "Dagster does not index it; it is read from the materialization."


# What Dagster's page shows


def test_the_page_shows_the_same_statuses(shown_instance: dg.DagsterInstance) -> None:
    run_batch(shown_instance, planned="abcd", good="ac")
    assert _page_shows(shown_instance) == {"materialized": ["a", "c"], "failed": ["b", "d"]}
    run_batch(shown_instance, planned="b", good="b")
    assert _page_shows(shown_instance) == {"materialized": ["a", "b", "c"], "failed": ["d"]}


def test_the_page_says_why_a_partition_failed(shown_instance: dg.DagsterInstance) -> None:
    run_id = run_batch(shown_instance, planned="abcd", good="ac")
    shown = _events_on_the_page(shown_instance, "FAILED_TO_MATERIALIZE", ["b"])

    assert shown == [
        {
            "partition": "b",
            "runId": run_id,
            "description": "b has no pages. Scan it again.",
            "materializationFailureType": "FAILED",
            "metadataEntries": [
                {"label": "category", "text": "bad_data"},
                {"label": "dashboard", "url": "https://localhost/b"},
            ],
        }
    ]


def test_the_page_lists_failures_beside_materializations_the_latest_first(
    shown_instance: dg.DagsterInstance,
) -> None:
    run_batch(shown_instance, planned="ab", good="a")
    run_batch(shown_instance, planned="b", good="b")
    shown = _events_on_the_page(shown_instance, "FAILED_TO_MATERIALIZE, MATERIALIZATION")

    assert [(event["partition"], "description" in event) for event in shown] == [
        ("b", False),
        ("b", True),
        ("a", False),
    ]


def test_partitions_are_in_sync_from_the_start(shown_instance: dg.DagsterInstance) -> None:
    make_source(shown_instance)
    run_batch(shown_instance, planned="ab", good="ab")
    assert _staleness(shown_instance, ["a", "b"]) == ["FRESH", "FRESH"]


def test_partitions_stay_in_sync_when_their_source_is_made_again_with_the_same_version(
    shown_instance: dg.DagsterInstance,
) -> None:
    make_source(shown_instance)
    run_batch(shown_instance, planned="a", good="a")
    make_source(shown_instance)
    assert _staleness(shown_instance, ["a"]) == ["FRESH"]


def test_a_new_version_of_their_source_makes_partitions_stale_until_they_are_made_again(
    shown_instance: dg.DagsterInstance,
) -> None:
    make_source(shown_instance)
    run_batch(shown_instance, planned="ab", good="ab")
    make_source(shown_instance, "another version")
    run_batch(shown_instance, planned="b", good="b")
    assert _staleness(shown_instance, ["a", "b"]) == ["STALE", "FRESH"]


def _page_shows(instance: dg.DagsterInstance) -> dict[str, list[str]]:
    answer = _ask_page(
        instance,
        """
        { assetNodeOrError(assetKey: {path: ["item"]}) { ... on AssetNode {
            partitionStats { numPartitions numMaterialized numFailed }
            assetPartitionStatuses { ... on DefaultPartitionStatuses {
                materializedPartitions failedPartitions } } } } }
        """,
    )
    node = answer["assetNodeOrError"]
    statuses = node["assetPartitionStatuses"]
    shown = {
        "materialized": sorted(statuses["materializedPartitions"]),
        "failed": sorted(statuses["failedPartitions"]),
    }
    assert node["partitionStats"]["numMaterialized"] == len(shown["materialized"])
    assert node["partitionStats"]["numFailed"] == len(shown["failed"])
    return shown


def _events_on_the_page(
    instance: dg.DagsterInstance, kinds: str, partitions: list[str] | None = None
) -> list[dict[str, Any]]:
    answer = _ask_page(
        instance,
        """
        query($partitions: [String!]) { assetOrError(assetKey: {path: ["item"]}) { ... on Asset {
            assetEventHistory(
                partitions: $partitions, limit: 10, eventTypeSelectors: [KINDS]
            ) { results {
                ... on MaterializationEvent { partition runId }
                ... on FailedToMaterializeEvent {
                    partition runId description materializationFailureType
                    metadataEntries { label
                        ... on TextMetadataEntry { text }
                        ... on UrlMetadataEntry { url } } } } } } } }
        """.replace("KINDS", kinds),
        partitions=partitions,
    )
    events: list[dict[str, Any]] = answer["assetOrError"]["assetEventHistory"]["results"]
    return events


def _staleness(instance: dg.DagsterInstance, partitions: list[str]) -> list[str]:
    answer = _ask_page(
        instance,
        """
        query($partitions: [String!]) {
            assetNodeOrError(assetKey: {path: ["item"]}) { ... on AssetNode {
                staleStatusByPartition(partitions: $partitions) } } }
        """,
        partitions=partitions,
    )
    staleness: list[str] = answer["assetNodeOrError"]["staleStatusByPartition"]
    return staleness


def _ask_page(
    instance: dg.DagsterInstance, query: str, **variables: list[str] | None
) -> dict[str, Any]:
    """What Dagster's page is told, without the page."""
    # Imported here, because the processes that tests of this module start need no page.
    from dagster_graphql.schema import create_schema

    origin = InProcessCodeLocationOrigin(
        LoadableTargetOrigin(
            module_name="orf_books_tests.dagster_internals.items", attribute="defs"
        ),
        location_name="tests",
    )
    target = InProcessWorkspaceLoadTarget([origin])
    with WorkspaceProcessContext(instance, target) as process:
        context = process.create_request_context()
        answer = asyncio.run(
            create_schema().execute_async(query, context=context, variables=variables)
        )
    assert not answer.errors
    data: dict[str, Any] = answer.data
    return data
