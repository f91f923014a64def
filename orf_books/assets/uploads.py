"""Uploads in the configuration and in the log of a run.

Belongs here: which uploads a run is told to read, and reporting those that were refused. Does not
belong here: which uploads need a run (`orf_books/records/uploads.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import dagster as dg
from pydantic import Field

from orf_books.records.uploads import NotedT, NotedUpload, UploadRecords, VersionedUpload
from orf_books.resources.dagster_resources import StorageResource
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage
from orf_books.tracing import TRACE_TAG, trace_id_of_uploads

FRESHNESS = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(days=30), warn_window=timedelta(days=7)
)
"""Of what people look at: without uploads for so long, something upstream has probably stopped."""
SAME_FOR_EARLIER_ITEMS = dg.DataVersion("1")
"""Of assets that uploads add to: a later upload must not make items of earlier ones stale, which
follow their own input by a digest of it."""
EVERY_UPLOAD_IS_READ = "every_upload_is_read"
SHOWN_UPLOADS = 10


class UploadConfig(dg.Config):
    """One version of one upload."""

    key: str
    version: str
    arrived_at: str
    """ISO 8601; of two uploads of the same thing the later one counts."""
    copy_key: str = ""
    """A copy that nobody replaces, to read instead of the upload; deleted once it is read."""

    @classmethod
    def noticed_now(cls, upload: VersionedUpload) -> Self:
        """An upload that is only now known of."""
        return cls(key=upload.key, version=upload.version, arrived_at=datetime.now(UTC).isoformat())


class UploadsConfig(dg.Config):
    """Which uploads a run is about."""

    uploads: list[UploadConfig] = Field(default_factory=list)
    """Empty, as from the page: every upload that was not dealt with yet."""

    @classmethod
    def noticed_now(cls, uploads: Iterable[VersionedUpload]) -> Self:
        """Uploads that are only now known of."""
        return cls(uploads=[UploadConfig.noticed_now(upload) for upload in uploads])

    def run_config(self, step: str) -> dict[str, Any]:
        """The configuration of a run about these uploads, whose first step has this name."""
        return {"ops": {step: {"config": self.model_dump()}}}


def trace_tag(run_config: Mapping[str, Any]) -> dict[str, str]:
    """The tag that names the trace of a run by the uploads in its configuration, if any."""
    uploads = [
        (upload["key"], upload["version"])
        for step in run_config.get("ops", {}).values()
        for upload in step.get("config", {}).get("uploads", ())
    ]
    return {TRACE_TAG: trace_id_of_uploads(uploads)} if uploads else {}


def log_refused(context: dg.AssetExecutionContext, noted: Sequence[NotedUpload]) -> int:
    """Log which uploads a run refused; how many.

    Raises:
        dg.Failure: all of them.
    """
    refused = [upload for upload in noted if upload.problem]
    for upload in refused[:SHOWN_UPLOADS]:
        context.log.warning("%s was refused. %s", upload.key, upload.problem)
    if len(refused) > SHOWN_UPLOADS:
        context.log.warning("%s more uploads were refused.", len(refused) - SHOWN_UPLOADS)
    if refused and len(refused) == len(noted):
        raise dg.Failure(
            f"No upload could be used. {refused[0].key}: {refused[0].problem}", allow_retries=False
        )
    return len(refused)


def refused_uploads(
    asset: dg.AssetKey, check: str, uploads: int, refused: Mapping[str, str]
) -> dg.AssetCheckEvaluation:
    """How a check on the uploads stands, for `report_runless_asset_event`.

    Args:
        asset: the external asset that stands for the uploads.
        check: its name.
        uploads: how many there are, at their last versions.
        refused: those that were refused, and why. While others are good, this is a warning.
    """
    rows = [f"| `{key}` | {why} |" for key, why in sorted(refused.items())[:SHOWN_UPLOADS]]
    rest = len(refused) - len(rows)
    table = ["| upload | why it was refused |", "|---|---|", *rows]
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=check,
        # A store without uploads is not well, it is unknown: Dagster draws what passed in green.
        passed=uploads > 0 and not refused,
        severity=(
            dg.AssetCheckSeverity.ERROR
            if refused and len(refused) == uploads
            else dg.AssetCheckSeverity.WARN
        ),
        description=(
            f"{len(refused)} of {uploads} uploads were refused; all others are read."
            if refused
            else f"{uploads} uploads, none of them refused."
            if uploads
            else "There is no upload yet: nothing was checked."
        ),
        metadata={
            "uploads": uploads,
            "refused": len(refused),
            "refusals": dg.MetadataValue.md(
                "\n".join([*table, f"| and {rest} more | |"] if rest else table)
            ),
        },
    )


def result_of(evaluation: dg.AssetCheckEvaluation) -> dg.AssetCheckResult:
    """The same, for a check that is executed by hand."""
    return dg.AssetCheckResult(
        passed=evaluation.passed,
        severity=evaluation.severity,
        description=evaluation.description,
        metadata=evaluation.metadata,
    )


def read_those_left(
    context: dg.AssetExecutionContext,
    uploads: Iterable[UploadConfig],
    read: Callable[[UploadConfig], NotedT],
) -> list[NotedT]:
    """Read uploads, but for those that were moved or deleted since they were noticed.

    The others share the run. What is gone leaves no receipt: if it comes back, it is requested
    anew.
    """
    noted = []
    for upload in uploads:
        try:
            noted.append(read(upload))
        except ObjectNotFoundError:
            context.log.warning("%s is gone: it was moved or deleted.", upload.key)
    return noted


def every_upload_is_read(
    asset: dg.AssetKey, records: Callable[[ObjectStorage], UploadRecords[Any]]
) -> dg.AssetChecksDefinition:
    """A check that fails while uploads lie there that several runs failed to read.

    The sensor reports it when it gives an upload up, and the run that reads it after all.
    """

    @dg.asset_check(
        asset=asset,
        name=EVERY_UPLOAD_IS_READ,
        description=(
            "No upload was given up: it is, when several runs ended before they had read it. "
            "A retry reads it again."
        ),
    )
    def check(storage: StorageResource) -> dg.AssetCheckResult:
        problem = _unread(records(storage.open()))
        return dg.AssetCheckResult(passed=problem is None, description=problem)

    return check


def report_unread(
    instance: dg.DagsterInstance, asset: dg.AssetKey, records: UploadRecords[Any]
) -> None:
    """Evaluate that check now."""
    problem = _unread(records)
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=asset,
            check_name=EVERY_UPLOAD_IS_READ,
            passed=problem is None,
            description=problem,
        )
    )


@contextmanager
def reporting_unread(
    instance: dg.DagsterInstance, asset: dg.AssetKey, records: UploadRecords[Any]
) -> Iterator[None]:
    """Evaluate that check after the block, if uploads had been given up before it."""
    were_given_up = bool(records.abandoned())
    yield
    if were_given_up:
        report_unread(instance, asset, records)


def _unread(records: UploadRecords[Any]) -> str | None:
    unread = records.abandoned()
    shown = "; ".join(f"{upload.key}: {upload.problem}" for upload in unread[:SHOWN_UPLOADS])
    return f"{len(unread)} uploads were given up. {shown}" if unread else None
