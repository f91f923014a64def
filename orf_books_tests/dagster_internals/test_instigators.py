import json
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    CodeLocationOrigin,
    GrpcServerCodeLocationOrigin,
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    SensorInstigatorData,
)
from dagster._core.workspace.load import location_origins_from_yaml_paths

from orf_books.dagster_internals.instigators import take_over_instigators

HERE, ELSEWHERE = "orf_books", "another_project"


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    return dg.DagsterInstance.local_temp(str(tmp_path))


def sensor_of(location: CodeLocationOrigin) -> InstigatorState:
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), "uploads")
    seen = SensorInstigatorData(cursor="seen")
    return InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.STOPPED, seen)


@pytest.mark.parametrize(
    "before",
    [
        RegisteredCodeLocationOrigin(HERE),
        GrpcServerCodeLocationOrigin("localhost", None, "/tmp/before.sock", HERE),
    ],
    ids=["loaded by page and daemon", "on another socket"],
)
def test_a_sensor_belongs_to_the_code_server_that_the_page_asks_and_goes_on(
    instance: dg.DagsterInstance, tmp_path: Path, before: CodeLocationOrigin
) -> None:
    instance.add_instigator_state(sensor_of(before))
    socket, workspace = tmp_path / "code.sock", tmp_path / "workspace.yaml"
    server = {"grpc_server": {"socket": str(socket), "location_name": HERE}}
    workspace.write_text(json.dumps({"load_from": [server]}))

    take_over_instigators(instance, socket, HERE)

    (asked,) = location_origins_from_yaml_paths([str(workspace)])
    assert instance.all_instigator_state() == [sensor_of(asked)]


def test_sensors_of_other_code_stay_where_they_are(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    other = sensor_of(GrpcServerCodeLocationOrigin("localhost", 4000, None, ELSEWHERE))
    instance.add_instigator_state(other)
    take_over_instigators(instance, tmp_path / "code.sock", HERE)
    assert instance.all_instigator_state() == [other]
