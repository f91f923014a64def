"""The assets of the activities domain: recordings in, rescored readings out.

Belongs here: what an asset is about, calling the step, attaching metadata. Does not belong here:
rules about reading (`orf_books/activities`), tables (`records/activities.py`), reports for people
(`pages.py`).
"""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from orf_books.activities.rescoring import CODE_VERSION
from orf_books.assets import OWNERS
from orf_books.assets.activities.step import (
    ACTIVITIES,
    ActivityRescoring,
    RescoreConfig,
)
from orf_books.assets.uploads import (
    SAME_FOR_EARLIER_ITEMS,
    UploadConfig,
    UploadsConfig,
    log_refused,
    read_those_left,
    reporting_unread,
)
from orf_books.batches.driver import Driver
from orf_books.batches.resource import BatchResource
from orf_books.failures import FixInput
from orf_books.records.activities import ActivityRecords, ActivityUpload
from orf_books.records.recordings import activities_in, uploads_in
from orf_books.resources.dagster_resources import (
    ActivityApiResource,
    SlackResource,
    SpeechResource,
    StorageResource,
)

GROUP = "activities"
ACTIVITY_RECORDINGS = dg.AssetKey("activity_recordings")

activity_recordings = dg.AssetSpec(
    ACTIVITY_RECORDINGS,
    group_name=GROUP,
    kinds={"wav"},
    owners=OWNERS,
    description=(
        "Recorded readings: folders `activities/<id>/` with `complete.wav` and `activity.json` (or "
        "a record in the activity API), and lists of ids, `activities/<name>.csv`."
    ),
)


@dg.asset(
    deps=[ACTIVITY_RECORDINGS],
    group_name=GROUP,
    kinds={"deltalake"},
    owners=OWNERS,
    code_version="1",
    description="Which activities the uploads ask for.",
)
def requested_activities(
    context: dg.AssetExecutionContext,
    config: UploadsConfig,
    storage: StorageResource,
    activity_api: ActivityApiResource,
) -> dg.MaterializeResult[None]:
    """Note which activities uploads ask for; a list that cannot be read is refused."""
    records = ActivityRecords(storage.open())
    uploads = config.uploads or new_uploads(records, needs_record=activity_api.url is None)
    with reporting_unread(context.instance, ACTIVITY_RECORDINGS, records):
        noted = read_those_left(context, uploads, lambda upload: _note(context, records, upload))
    refused = log_refused(context, noted)
    return dg.MaterializeResult(
        data_version=SAME_FOR_EARLIER_ITEMS,
        metadata={
            "uploads": len(noted),
            "refused_uploads": refused,
            "activities": sum(upload.activities for upload in noted),
        },
    )


def new_uploads(records: ActivityRecords, *, needs_record: bool) -> list[UploadConfig]:
    """Complete uploads in the store that no run has dealt with at their present version."""
    new = records.without_receipt(uploads_in(records.storage, needs_record=needs_record))
    return UploadsConfig.noticed_now(new).uploads


def _note(
    context: dg.AssetExecutionContext, records: ActivityRecords, config: UploadConfig
) -> ActivityUpload:
    problem, activities = None, list[str]()
    try:
        activities = activities_in(records.storage, config.key)
    except FixInput as error:
        problem = str(error)
    upload = ActivityUpload(
        config.key,
        config.version,
        len(activities),
        datetime.fromisoformat(config.arrived_at),
        context.run.run_id,
        problem,
    )
    records.accept(upload, activities)
    context.instance.report_runless_asset_event(
        dg.AssetMaterialization(
            ACTIVITY_RECORDINGS,
            description=problem,
            metadata={"upload": upload.key, "activities": upload.activities},
        )
    )
    return upload


@dg.multi_asset(
    name="rescore_activities",
    specs=ACTIVITIES.specs(
        [requested_activities],
        group_name=GROUP,
        kinds={"deltalake"},
        owners=OWNERS,
        code_version=CODE_VERSION,
        description=(
            "Which words were misread, with the evidence for each, one partition per activity."
        ),
        report_description=(
            "What came of a batch: over an upload's activities, or, materialized by hand, over "
            "everything failed or missing."
        ),
    ),
    can_subset=True,
    pool="speech",
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def rescore_activities(  # noqa: PLR0913, PLR0917 - Dagster hands resources over as parameters
    context: dg.AssetExecutionContext,
    config: RescoreConfig,
    storage: StorageResource,
    speech: SpeechResource,
    activity_api: ActivityApiResource,
    slack: SlackResource,
    batch: BatchResource,
) -> Iterator[dg.MaterializeResult[None]]:
    """Rescore chosen partitions, or as a batch all that an upload asks for."""
    records = ActivityRecords(storage.open())
    work = ActivityRescoring(context, config, records, speech, activity_api)
    yield from Driver(context, work, records, batch, slack).run()
