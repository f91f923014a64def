"""How far an upload is, from what is recorded about it.

Belongs here: the question that `orf-books status` answers. Does not belong here: printing.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from orf_books.batches.report import COMPLETE, COMPLETE_WITH_FAILURES, success_rate
from orf_books.commands.batch_view import Batch
from orf_books.failures import FixInput
from orf_books.object_keys import (
    EXPORTS,
    RAW,
    activity_folder,
    activity_of_folder,
    is_export,
    library_name,
    library_of_export,
)
from orf_books.partition_keys import activity_key
from orf_books.records.activities import ActivityRecords
from orf_books.records.books import (
    ACCEPTED,
    BookRecords,
    EnrichmentReport,
    ExportUpload,
    libraries_of,
)
from orf_books.records.raw_sessions import sessions_in
from orf_books.records.recordings import RECORD
from orf_books.records.sessions import WITHDRAWN, SessionRecords
from orf_books.resources.storage import ObjectStorage

WAITING, PROCESSING = "waiting", "processing"
RESCORED, SCORED, FAILED, REFUSED = "rescored", "scored", "failed", "refused"


def status_of(
    storage: ObjectStorage, name: str, unreported: Callable[[], Iterable[Batch]]
) -> dict[str, Any]:
    """Status and figures of an upload of any kind.

    Args:
        storage: where it lies.
        name: its key, a library, an activity or a class session.
        unreported: gives the batches of runs that have no report, asked only where one is missing.

    Raises:
        FixInput: there is no such upload.
    """
    shown = (
        status_of_session(storage, name)
        or status_of_activity(storage, name)
        or status_of_upload(storage, name)
    )
    if shown["status"] == PROCESSING and "job_id" in shown:
        states = {batch.job_id: batch.status for batch in unreported()}
        shown["status"] = states.get(shown["job_id"], PROCESSING).replace("running", PROCESSING)
    return shown


def status_of_upload(storage: ObjectStorage, name: str) -> dict[str, Any]:
    """Status, counts and report of the last upload of this key or library.

    Raises:
        FixInput: there is no such upload.
    """
    records = BookRecords(storage)
    sought = _spellings_of(name)
    known = [upload for upload in records.uploads() if sought & _names_of(upload.key)]
    stored = [object_ for object_ in storage.list(EXPORTS) if sought & _names_of(object_.key)]
    unseen = {(export.key, export.version) for export in stored} - {
        (upload.key, upload.version) for upload in known
    }
    for abandoned in records.abandoned():
        if (abandoned.key, abandoned.version) in unseen:
            return {"upload": abandoned.key, "status": FAILED, "problem": abandoned.problem}
    if unseen:
        return {"upload": min(unseen)[0], "status": WAITING}
    if not known:
        # People may name a raw file after a child.
        upload = "such class session" if name.startswith(RAW) else f"upload {name!r}"
        raise FixInput(
            f"There is no {upload}: `orf-books status` lists batches, `orf-books upload` puts one."
        )
    return _status(records, known[-1])


def status_of_activity(storage: ObjectStorage, name: str) -> dict[str, Any] | None:
    """Status and figures of an activity, by its id or its folder; None if there is none."""
    records = ActivityRecords(storage)
    activity = activity_of_folder(f"{name.rstrip('/')}/{RECORD}") if "/" in name else name
    if activity is None:
        return None
    try:
        key, folder = activity_key(activity), activity_folder(activity)
    except FixInput:
        return None
    digest = records.latest([key]).get(key)
    failure = records.standing_failures([key]).get(key)
    if failure:
        return {
            "upload": folder,
            "status": FAILED,
            "category": failure.category,
            "problem": failure.message,
            "job_id": failure.run_id,
        }
    if digest:
        shown = ("words_attempted", "misread", "changed", "accuracy", "wcpm", "is_draft")
        figures = {name: getattr(digest, name) for name in shown}
        return {"upload": folder, "status": RESCORED} | figures | {"job_id": digest.run_id}
    if activity in records.requested():
        return {"upload": folder, "status": PROCESSING}
    return {"upload": folder, "status": WAITING} if any(storage.list(folder)) else None


def status_of_session(storage: ObjectStorage, name: str) -> dict[str, Any] | None:
    """Status and figures of a class session, by its raw file or partition; None if there is none.

    A raw file is not named in the answer: people may name it after a child.
    """
    records = SessionRecords(storage)
    present = sessions_in(storage, f"{RAW}{name.split('/')[1]}/") if name.startswith(RAW) else ()
    key = next((session.key for session in present if session.raw_key == name), name)
    upload = next((upload for upload in reversed(records.uploads()) if upload.key == key), None)
    if upload is None and key not in {session.key for session in present}:
        return None
    if upload and upload.status == WITHDRAWN:
        return {"upload": key, "status": WITHDRAWN}
    failure = records.standing_failures([key]).get(key)
    row = records.latest([key]).get(key)
    if upload and upload.problem:
        return {"upload": key, "status": REFUSED, "problem": upload.problem}
    if failure:
        return {
            "upload": key,
            "status": REFUSED if failure.code else FAILED,
            "category": failure.category,
            "code": failure.code,
            "problem": failure.message,
            "job_id": failure.run_id,
        }
    if row is None:
        at_work = {"status": PROCESSING, "job_id": upload.run_id} if upload else {"status": WAITING}
        return {"upload": key} | at_work
    waiting = {
        publication.key for publication in records.publications() if not publication.is_published
    }
    shown = ("job_id", "utterances", "students", "unscored_students", "evidence", "without_consent")
    figures = asdict(row)
    return {
        "upload": key,
        "status": SCORED,
        "published": "no" if key in waiting else "yes",
        **{name: figures[name] for name in (*shown, "warnings", "seconds")},
        "warnings_by_code": json.loads(row.warnings_by_code),
    }


def _spellings_of(name: str) -> set[str]:
    """As it is, and as a library is written in keys."""
    with suppress(FixInput):
        return {name, library_name(name)}
    return {name}


def _names_of(key: str) -> set[str]:
    """What people may call an upload by: its key, its key below `uploads/`, its library."""
    if not is_export(key):
        return set()
    names = {key, key.removeprefix(EXPORTS)}
    with suppress(FixInput):
        names.add(library_of_export(key))
    return names


def _status(records: BookRecords, upload: ExportUpload) -> dict[str, Any]:
    found: dict[str, Any] = {
        "upload": upload.key,
        "library": upload.library,
        "status": upload.status,
        "arrived_at": upload.arrived_at.isoformat(),
        "job_id": upload.run_id,
        "rows": upload.rows,
        "books": upload.books,
        "refused_rows": json.loads(upload.refused_rows),
        "problem": upload.problem,
    }
    if upload.status != ACCEPTED:
        return found
    report = records.report_of_run(upload.run_id)
    if report is None:
        return found | {"status": PROCESSING}
    if report.failed:
        report = _as_of_now(records, report)
    counts = report.document()
    shown = ("status", "books_processed", "successful_enrichments", "failed_enrichments")
    return found | {name: counts[name] for name in (*shown, "not_found", "success_rate")}


def _as_of_now(records: BookRecords, report: EnrichmentReport) -> EnrichmentReport:
    """What a report would say after the backfills and retries since."""
    read = libraries_of(records.uploads_of_run(report.run_id))
    failed = len(records.standing_failures({row.book_key for row in records.rows(read)}))
    succeeded = report.items - failed
    return replace(
        report,
        failed=failed,
        succeeded=succeeded,
        status=COMPLETE_WITH_FAILURES if failed else COMPLETE,
        success_rate=success_rate(succeeded, report.items),
    )
