"""What came of a batch, in one shape for every kind of item.

Belongs here: the counts that every batch has, and their names in JSON. Does not belong here: how a
batch is run (`driver.py`), where reports are stored.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

COMPLETE, COMPLETE_WITH_FAILURES = "complete", "complete_with_failures"
"""The status of a batch that came to its end."""
FIGURES = "figures"
"""The attribute of a log record that holds figures by name, for programs that collect logs."""


def success_rate(succeeded: int, items: int) -> float:
    """Percent of a batch's items; an empty batch succeeded."""
    return round(100 * succeeded / items, 1) if items else 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """What came of one batch. A kind of item may add figures of its own in a subclass."""

    json_names: ClassVar[Mapping[str, str]] = {}
    """Fields that have another name in JSON and in stored tables."""

    run_id: str
    """The Dagster run."""
    status: str
    """`COMPLETE` or `COMPLETE_WITH_FAILURES`."""
    uploads: tuple[str, ...]
    """What the batch was started for; empty for a retry of everything unsettled."""
    items: int
    succeeded: int
    failed: int
    reused: int
    """Succeeded without any work: the result of an earlier run is still valid."""
    failed_by_category: Mapping[str, int]
    """How many items failed for which reason."""
    success_rate: float
    """Percent of the items."""
    started_at: datetime
    seconds: float
    notes: tuple[str, ...] = ()
    """What a reader of the report should know."""

    def common(self) -> dict[str, Any]:
        """The fields that every report has, to make a subclass from."""
        return {field.name: getattr(self, field.name) for field in fields(BatchReport)}

    def document(self) -> dict[str, Any]:
        """The report as JSON shows it."""
        return {self.json_names.get(name, name): value for name, value in asdict(self).items()}
