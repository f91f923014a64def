"""The schemas of an instance's tables, as its storages tell them.

Belongs here: whether the Dagster that is installed works with the tables that are there. Does not
belong here: migrating them, which `dagster instance migrate` does.
"""

import dagster as dg


def other_schemas(instance: dg.DagsterInstance) -> list[str]:
    """Storages whose tables another version of Dagster has made, each with both revisions."""
    storages = {
        "runs": instance.run_storage,
        "events": instance.event_log_storage,
        "schedules": instance.schedule_storage,
    }
    found = {
        name: storage.alembic_version() for name, storage in storages.items() if storage is not None
    }
    return [
        f"{name} of revision {version[0]} instead of {version[1]}"
        for name, version in found.items()
        if version is not None and version[0] != version[1]
    ]
