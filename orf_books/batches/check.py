"""Asset checks on items: one fails the run of a batch, one shows which partitions are failed.

Belongs here: these checks. Does not belong here: how a batch is run (`driver.py`).
"""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from orf_books.batches.items import ItemKind
from orf_books.batches.report import BatchReport
from orf_books.batches.store import StoredFailure

NO_PARTITION_IS_FAILED = "no_partition_is_failed"
SHOWN_FAILURES = 50


def every_item_succeeded(  # noqa: PLR0913 - what differs between kinds
    kind: ItemKind[Any],
    asset: dg.AssetKey | dg.AssetsDefinition,
    report_of_run: Callable[[dg.AssetCheckExecutionContext], BatchReport | None],
    standing: Callable[[dg.AssetCheckExecutionContext], Mapping[str, StoredFailure]],
    retry_job: str,
    *,
    resources: set[str] | None = None,
    name: str = "every_item_succeeded",
) -> dg.AssetChecksDefinition:
    """A blocking check that fails its run when items of the run's batch failed.

    Dagster calls a partition failed when the run of its latest planned event failed, so this turns
    exactly the failed partitions red. Put it on the last asset of the run: what people look at is
    built before.

    Args:
        kind: of the items.
        asset: the last asset of the run.
        report_of_run: the report of the run's batch, None for a run without one.
        standing: the items that are failed now. A run without a batch, such as a refresh after a
            backfill, shows these, as a warning.
        retry_job: the job that runs everything failed or missing, for the message.
        resources: what the two take from `context.resources`.
        name: of the check.
    """

    @dg.asset_check(
        asset=asset,
        name=name,
        blocking=True,
        required_resource_keys=resources,
        description=(
            f"All {kind.name} of the batch succeeded. Failing it fails the run, which turns "
            "exactly the failed partitions red; what people look at is built before."
        ),
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        remedy = (
            f"Backfill the failed partitions of {kind.asset.to_user_string()}, or run {retry_job}."
        )
        report = report_of_run(context)
        if report is None:
            failed = len(standing(context))
            return dg.AssetCheckResult(
                passed=not failed,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"{failed} {kind.name} are failed. {remedy}"
                if failed
                else f"No {kind.name} are failed.",
            )
        items = f"{report.items} {kind.name}"
        return dg.AssetCheckResult(
            passed=report.failed == 0,
            description=(
                f"{report.failed} of {items} failed. {remedy}"
                if report.failed
                else f"All {items} succeeded."
            ),
            metadata={"failed_by_category": dict(report.failed_by_category)},
        )

    return check


def no_partition_is_failed(
    kind: ItemKind[Any],
    standing: Callable[[dg.AssetCheckExecutionContext], Mapping[str, StoredFailure]],
    *,
    resources: set[str] | None = None,
) -> dg.AssetChecksDefinition:
    """A check on the partitioned asset that lists its failed partitions with the reasons.

    The driver reports it at the end of each run; executed by hand, it looks again.

    Args:
        kind: of the items.
        standing: the items that are failed now.
        resources: what `standing` takes from `context.resources`.
    """

    @dg.asset_check(
        asset=kind.asset,
        name=NO_PARTITION_IS_FAILED,
        required_resource_keys=resources,
        description=f"No {kind.name} are failed: lists those that are, and why.",
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        failures = standing(context)
        return dg.AssetCheckResult(
            passed=not failures,
            description=_count(kind, failures),
            metadata={"failures": _table(failures)},
        )

    return check


def failed_partitions(
    kind: ItemKind[Any], failures: Mapping[str, StoredFailure]
) -> dg.AssetCheckEvaluation:
    """How that check stands, for `report_runless_asset_event`."""
    return dg.AssetCheckEvaluation(
        asset_key=kind.asset,
        check_name=NO_PARTITION_IS_FAILED,
        passed=not failures,
        description=_count(kind, failures),
        metadata={"failures": _table(failures)},
    )


def _count(kind: ItemKind[Any], failures: Mapping[str, StoredFailure]) -> str:
    return f"{len(failures) or 'No'} {kind.name} are failed."


def _table(failures: Mapping[str, StoredFailure]) -> dg.MarkdownMetadataValue:
    rows = [
        f"| `{key}` | {failure.category} | {_cell(failure.message)} |"
        for key, failure in sorted(failures.items())[:SHOWN_FAILURES]
    ]
    if rest := len(failures) - len(rows):
        rows.append(f"| and {rest} more | | |")
    return dg.MetadataValue.md(
        "\n".join(["| partition | category | why |", "|---|---|---|", *rows])
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
