"""Every use of Dagster that is not its public interface, in one place.

Each has a contract test in `orf_books_tests/dagster_internals/` that fails when Dagster changes
underneath; Dagster is pinned to a minor version for the same reason. Does not belong here: anything
that Dagster offers in public.
"""

from orf_books.dagster_internals.event_storage import PooledSqliteEventLogStorage
from orf_books.dagster_internals.partition_events import (
    PartitionEvents,
    PartitionFailure,
    PartitionMaterialization,
)
from orf_books.dagster_internals.partition_status import (
    PartitionStatus,
    not_materialized,
    partition_statuses,
)
from orf_books.dagster_internals.run_retention import Forgotten, forget_runs
from orf_books.dagster_internals.schemas import other_schemas

__all__ = [
    "Forgotten",
    "PartitionEvents",
    "PartitionFailure",
    "PartitionMaterialization",
    "PartitionStatus",
    "PooledSqliteEventLogStorage",
    "forget_runs",
    "not_materialized",
    "other_schemas",
    "partition_statuses",
]
