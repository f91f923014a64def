"""What an instance knows of its sensors and schedules, when their code server has moved.

Belongs here: making it known to belong to the present server. Does not belong here: starting that
(`commands/dev_server.py`).

Dagster knows a sensor by the address of its code server, too. Behind another address its state goes
on, but the page shows none of its ticks.
"""

from pathlib import Path

import dagster as dg
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin


def take_over_instigators(instance: dg.DagsterInstance, socket: Path, location: str) -> None:
    """Have all sensors and schedules of a code location belong to the server on this socket."""
    server = GrpcServerCodeLocationOrigin(
        host="localhost", socket=str(socket), location_name=location
    )
    for state in instance.all_instigator_state():
        repository = state.origin.repository_origin
        before = repository.code_location_origin
        if before.location_name == location and before != server:
            moved = state.origin._replace(
                repository_origin=repository._replace(code_location_origin=server)
            )
            instance.update_instigator_state(state._replace(origin=moved))
