"""What specialists look at, as an asset: a report per activity, and the page that lists them all.

Belongs here: collecting what a report shows, storing it. Does not belong here: what is on it
(`orf_books/pages`), verdicts (`orf_books/activities`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import dagster as dg
from pydantic import Field

from orf_books.activities.agreement import judge
from orf_books.activities.manifest import FULL_RECORDING
from orf_books.activities.story import phrases_by_page, words_of
from orf_books.assets import OWNERS
from orf_books.assets.activities.assets import GROUP
from orf_books.assets.activities.step import RESCORED_ACTIVITIES, RESCORING_REPORT
from orf_books.assets.uploads import FRESHNESS
from orf_books.failures import FailureCategory
from orf_books.keys import text_of_key
from orf_books.object_keys import (
    ACTIVITIES_PAGE,
    activity_data_key,
    activity_folder,
    activity_page_key,
)
from orf_books.records.activities import (
    ActivityDigest,
    ActivityRecords,
    RescoredActivityRow,
)
from orf_books.records.items import FailedItem
from orf_books.records.overviews import overviews_beside
from orf_books.records.recordings import pages_of_story, truth_of
from orf_books.resources.dagster_resources import StorageResource

if TYPE_CHECKING:
    from orf_books.pages.activities_index_page import ActivityDigest as ShownActivity
    from orf_books.pages.activity_page import ActivityReport


class ReportsConfig(dg.Config):
    """Which activities to make reports of."""

    after_runs: list[str] = Field(default_factory=list)
    """Those that these runs rescored; empty: this run, or else all."""


@dg.asset(
    deps=[RESCORED_ACTIVITIES, RESCORING_REPORT],
    group_name=GROUP,
    kinds={"json", "html"},
    owners=OWNERS,
    code_version="1",
    freshness_policy=FRESHNESS,
    description=(
        "For each activity `data/activities/<id>.html` and `.json`, and `activities.html` over all."
    ),
)
def activity_reports(
    context: dg.AssetExecutionContext, config: ReportsConfig, storage: StorageResource
) -> dg.MaterializeResult[None]:
    """Make the reports of the activities that a run has rescored."""
    records = ActivityRecords(storage.open())
    runs = config.after_runs or [context.run.run_id]
    digests = records.latest()
    keys = [key for key, digest in digests.items() if digest.run_id in runs]
    if not keys and records.report_of_run(context.run.run_id) is None and not config.after_runs:
        keys = list(digests)
    for row in records.results(keys).values():
        _put_report(records, row)
    failures = records.failed_since(digests)
    _put_index(records, digests, failures)
    return dg.MaterializeResult(
        metadata={
            "reports": len(keys),
            "activities": len(digests.keys() | failures.keys()),
            "failed_activities": len(failures),
            "page": dg.MetadataValue.path(records.storage.location(ACTIVITIES_PAGE)),
        }
    )


def put_activities_page(records: ActivityRecords) -> None:
    """Make and store the page that lists all activities."""
    digests = records.latest()
    _put_index(records, digests, records.failed_since(digests))


def _put_report(records: ActivityRecords, row: RescoredActivityRow) -> None:
    from orf_books.pages.activity_page import render_activity_page

    storage = records.storage
    page = render_activity_page(_report(records, row))
    storage.put(activity_page_key(row.activity_id), page.encode())
    digest = asdict(row)
    result, _ = digest.pop("result"), digest.pop("record")
    document = json.dumps(digest | {"result": json.loads(result)}, indent=1, default=_as_text)
    storage.put(activity_data_key(row.activity_id), document.encode())


def _report(records: ActivityRecords, row: RescoredActivityRow) -> "ActivityReport":
    from orf_books.pages.activity_page import ActivityReport

    activity, rescored = row.activity(), row.rescored()
    story = phrases_by_page(
        [words_of(text) for text in activity.phrases],
        pages_of_story(records.storage, activity.story_id),
    )
    labels = truth_of(records.storage, row.activity_id)
    return ActivityReport(
        rescored,
        activity,
        row.rescored_at,
        pages=story.pages,
        judged=judge(rescored, labels) if labels else None,
        # From `data/activities/<id>.html` to `activities/<id>/complete.wav`.
        recording_address=f"../../{quote(activity_folder(row.activity_id))}{FULL_RECORDING}",
    )


def _put_index(
    records: ActivityRecords,
    digests: Mapping[str, ActivityDigest],
    failures: Mapping[str, FailedItem],
) -> None:
    from orf_books.pages.activities_index_page import render_activities_index_page

    shown = [
        _shown(key, digests.get(key), failures.get(key)) for key in digests.keys() | failures.keys()
    ]
    page = render_activities_index_page(shown, overviews_beside(records.storage, ACTIVITIES_PAGE))
    records.storage.put(ACTIVITIES_PAGE, page.encode())


def _shown(key: str, digest: ActivityDigest | None, failure: FailedItem | None) -> "ShownActivity":
    """The line of an activity; where it failed at last, earlier figures stand beside the reason."""
    from orf_books.pages.activities_index_page import ActivityDigest as ShownActivity
    from orf_books.pages.activities_index_page import ActivityStatus

    rescored = ActivityStatus.DRAFT if digest and digest.is_draft else ActivityStatus.RESCORED
    moments = [digest.rescored_at] if digest else []
    moments += [failure.failed_at] if failure else []
    return ShownActivity(
        activity_id=digest.activity_id if digest else text_of_key(key),
        story_id=digest.story_id if digest else "",
        story=digest.story if digest else "",
        updated=max(moments),
        status=ActivityStatus.FAILED if failure else rescored,
        attempted_words=digest.words_attempted if digest else None,
        correct_words=digest.words_attempted - digest.misread if digest else None,
        wcpm=digest.wcpm if digest else None,
        changed_verdicts=digest.changed if digest else None,
        failure=FailureCategory(failure.category) if failure else None,
        remedy=failure.message if failure else "",
    )


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
