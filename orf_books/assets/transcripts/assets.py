"""The assets of the transcripts domain: raw files in, scored sessions out.

Belongs here: what an asset is about, calling the step, attaching metadata. Does not belong here:
reading and scoring (`orf_books/transcripts`), tables (`records/sessions.py`), what is made of all
sessions of a class (`classes.py`).
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime

import dagster as dg

from orf_books.assets import OWNERS
from orf_books.assets.transcripts.step import (
    SESSIONS,
    ScoreConfig,
    SessionScoring,
    code_version,
    refusal_document,
)
from orf_books.assets.uploads import (
    SAME_FOR_EARLIER_ITEMS,
    UploadConfig,
    UploadsConfig,
    log_refused,
    reporting_unread,
)
from orf_books.batches.driver import SHOWN_FAILURES, Driver
from orf_books.batches.resource import BatchResource
from orf_books.object_keys import session_refusal_key
from orf_books.records.raw_sessions import UNUSABLE, SessionFound, sessions_in
from orf_books.records.sessions import (
    ACCEPTED,
    REFUSED,
    WITHDRAWN,
    SessionRecords,
    SessionUpload,
)
from orf_books.resources.dagster_resources import (
    SlackResource,
    StorageResource,
    TranscriptRulesResource,
)

GROUP = "transcripts"
CLASS_TRANSCRIPTS = dg.AssetKey("class_transcripts")
TRANSCRIPTS_ARE_USABLE = "transcripts_are_usable"

class_transcripts = dg.AssetSpec(
    CLASS_TRANSCRIPTS,
    group_name=GROUP,
    kinds={"txt", "csv", "json"},
    owners=OWNERS,
    description=(
        "Class sessions, `raw/<class>/<date>/<name>.<txt, csv, vtt, docx, …>`, and who belongs to "
        "a class, `raw/<class>/roster.json`."
    ),
)


@dg.asset(
    deps=[CLASS_TRANSCRIPTS],
    group_name=GROUP,
    kinds={"deltalake"},
    owners=OWNERS,
    code_version="1",
    description="Which sessions the uploads ask for.",
)
def requested_sessions(
    context: dg.AssetExecutionContext, config: UploadsConfig, storage: StorageResource
) -> dg.MaterializeResult[None]:
    """Note which sessions uploads ask for; a file whose key declares no session is refused."""
    records = SessionRecords(storage.open())
    uploads = config.uploads or new_sessions(records)
    found = {session.key: session for session in sessions_in(records.storage)}
    noted = [
        _noted(records, session, found.get(session.key), context.run.run_id) for session in uploads
    ]
    with reporting_unread(context.instance, CLASS_TRANSCRIPTS, records):
        records.add_uploads([*noted, *_withdrawn(records, found, context.run.run_id)])
    for session in noted:
        context.instance.report_runless_asset_event(
            dg.AssetMaterialization(
                CLASS_TRANSCRIPTS,
                description=session.problem,
                metadata={"session": session.key, "status": session.status},
            )
        )
    if noted and all(session.problem for session in noted):
        # The step that reads sessions, and tells this as a rule, will not run.
        _report_refusals(context, records)
    refused = log_refused(context, noted)
    return dg.MaterializeResult(
        data_version=SAME_FOR_EARLIER_ITEMS,
        metadata={"uploads": len(noted), "refused_uploads": refused},
    )


def new_sessions(records: SessionRecords) -> list[UploadConfig]:
    """Raw files in the store that no run has dealt with at their present version."""
    return UploadsConfig.noticed_now(records.without_receipt(sessions_in(records.storage))).uploads


def _noted(
    records: SessionRecords, upload: UploadConfig, found: SessionFound | None, job_id: str
) -> SessionUpload:
    problem, status = found.problem if found else None, ACCEPTED
    if problem:
        status = REFUSED
        records.storage.put(session_refusal_key(upload.key), refusal_document(upload.key, problem))
    elif upload.key.startswith(UNUSABLE):
        status = WITHDRAWN
    return SessionUpload(
        upload.key,
        upload.version,
        status,
        datetime.fromisoformat(upload.arrived_at),
        job_id,
        str(problem) if problem else None,
    )


def _withdrawn(
    records: SessionRecords, found: Collection[str], job_id: str
) -> Iterator[SessionUpload]:
    """Refused uploads that are gone, as somebody renamed them; why they were refused goes, too."""
    last = {upload.key: upload for upload in records.uploads()}
    for key, upload in last.items():
        if upload.status == REFUSED and key not in found:
            records.storage.delete(session_refusal_key(key))
            yield SessionUpload(key, upload.version, WITHDRAWN, datetime.now(UTC), job_id)


@dg.multi_asset(
    name="score_transcripts",
    specs=SESSIONS.specs(
        [requested_sessions],
        group_name=GROUP,
        kinds={"json", "deltalake"},
        owners=OWNERS,
        code_version=code_version(),
        description=(
            "Students' skills with the evidence for each, one partition per class session: "
            "`normalized/…` and `scores/…`."
        ),
        report_description=(
            "What came of a batch: over an upload's sessions, or, materialized by hand, over "
            "everything failed or missing."
        ),
    ),
    can_subset=True,
    pool="scoring",
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def score_transcripts(  # noqa: PLR0913, PLR0917 - what the step needs
    context: dg.AssetExecutionContext,
    config: ScoreConfig,
    storage: StorageResource,
    transcript_rules: TranscriptRulesResource,
    batch: BatchResource,
    slack: SlackResource,
) -> Iterator[dg.MaterializeResult[None]]:
    """Score chosen partitions, or as a batch all that an upload asks for."""
    records = SessionRecords(storage.open())
    work = SessionScoring(
        config,
        records,
        transcript_rules,
        context.run.run_id,
        after_batch=lambda: _report_refusals(context, records),
    )
    yield from Driver(context, work, records, batch, slack).run()


def _report_refusals(context: dg.AssetExecutionContext, records: SessionRecords) -> None:
    problem = refusals(records)
    context.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=CLASS_TRANSCRIPTS,
            check_name=TRANSCRIPTS_ARE_USABLE,
            passed=problem is None,
            description=problem,
        )
    )


def refusals(records: SessionRecords) -> str | None:
    """Which sessions cannot be used as they were handed in; None if all can."""
    last = {upload.key: upload.status for upload in records.uploads()}
    requested = {key for key, status in last.items() if status == ACCEPTED}
    failures = records.standing_failures(requested).values()
    refused = {key for key, status in last.items() if status == REFUSED}
    refused |= {failure.key for failure in failures if failure.code}
    first = ", ".join(sorted(refused)[:SHOWN_FAILURES])
    return f"{len(refused)} refused, first {first}." if refused else None
