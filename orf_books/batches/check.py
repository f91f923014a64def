"""The asset check that fails the run of a batch in which items failed.

Belongs here: that check. Does not belong here: how a batch is run (`driver.py`).
"""

from collections.abc import Callable
from typing import Any

import dagster as dg

from orf_books.batches.items import ItemKind
from orf_books.batches.report import BatchReport


def every_item_succeeded(  # noqa: PLR0913 - what differs between kinds
    kind: ItemKind[Any],
    asset: dg.AssetKey | dg.AssetsDefinition,
    report_of_run: Callable[[dg.AssetCheckExecutionContext], BatchReport | None],
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
        retry_job: the job that runs everything failed or missing, for the message.
        resources: what `report_of_run` takes from `context.resources`.
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
        report = report_of_run(context)
        if report is None:
            return dg.AssetCheckResult(passed=True, description="This run had no batch.")
        items = f"{report.items} {kind.name}"
        remedy = (
            f"Backfill the failed partitions of {kind.asset.to_user_string()}, or run {retry_job}."
        )
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
