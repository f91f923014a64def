"""Uploads in the configuration and in the log of a run.

Belongs here: which uploads a run is told to read, and reporting those that were refused. Does not
belong here: which uploads need a run (`orf_books/records/uploads.py`).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import dagster as dg
from pydantic import Field

from orf_books.records.uploads import NotedUpload, VersionedUpload


class UploadConfig(dg.Config):
    """One version of one upload."""

    key: str
    version: str
    arrived_at: str
    """ISO 8601; of two uploads of the same thing the later one counts."""

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


def log_refused(context: dg.AssetExecutionContext, noted: Sequence[NotedUpload]) -> int:
    """Log which uploads a run refused; how many.

    Raises:
        dg.Failure: all of them.
    """
    refused = [upload for upload in noted if upload.problem]
    for upload in refused:
        context.log.error("%s was refused. %s", upload.key, upload.problem)
    if refused and len(refused) == len(noted):
        raise dg.Failure(
            f"No upload could be used. {refused[0].key}: {refused[0].problem}", allow_retries=False
        )
    return len(refused)
