"""Partition sets that grow while runs are at work.

Belongs here: adding keys to a set. Does not belong here: what keys are made from, events.
"""

from collections.abc import Sequence

import dagster as dg
import stamina
from sqlalchemy.exc import IntegrityError

KEYS_AT_ONCE = 10_000
"""Databases limit the parameters of one statement."""


def register(
    instance: dg.DagsterInstance, partitions: dg.DynamicPartitionsDefinition, keys: Sequence[str]
) -> None:
    """Add the keys that the set does not have yet; runs that do so at once do not disturb."""
    unique = list(dict.fromkeys(keys))
    for start in range(0, len(unique), KEYS_AT_ONCE):
        # Two runs may both find a key missing; the one that comes second finds it the next time.
        for attempt in stamina.retry_context(on=IntegrityError, wait_initial=0.02):
            with attempt:
                instance.add_dynamic_partitions(
                    str(partitions.name), unique[start : start + KEYS_AT_ONCE]
                )
