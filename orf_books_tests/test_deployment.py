"""What stands in `deploy/`, as far as it can be tried without a cloud."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy
import yaml
from dagster._config import process_config, resolve_to_config_type
from dagster._core.instance.ref import InstanceRef
from dagster_aws.ecs import EcsRunLauncher
from dagster_aws.s3.compute_log_manager import S3ComputeLogManager

from orf_books.dagster_internals.postgres_storage import PooledPostgresStorage
from orf_books_tests.postgres import PostgresServer

PROJECT = Path(__file__).parent.parent
DEPLOY = PROJECT / "deploy"
DEFAULT = PROJECT / "orf_books" / "configuration" / "dagster.yaml"
ITS_OWN = {"storage", "event_log_storage", "compute_logs", "run_launcher"}
"""What deployments set otherwise than the default instance."""

ENVIRONMENTS = ["aws", "compose", "kubernetes"]


@pytest.fixture
def variables(
    postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the containers get."""
    url = sqlalchemy.make_url(postgres_server.create_database(tmp_path.name))
    for name, value in {
        "DAGSTER_POSTGRES_USER": url.username,
        "DAGSTER_POSTGRES_PASSWORD": "unused",
        "DAGSTER_POSTGRES_HOST": url.host,
        "DAGSTER_POSTGRES_DATABASE": url.database,
        "ORF_BOOKS_LOG_BUCKET": "logs",
        "ORF_BOOKS_NAMESPACE": "orf-books",
        "ORF_BOOKS_S3_ENDPOINT_URL": "http://127.0.0.1:9",
        "ORF_BOOKS_RUN_TASK_DEFINITION": "orf-books-run",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, str(value))


def configuration(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    return content


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_instances_differ_from_the_default_one_only_where_they_must(environment: str) -> None:
    def common(content: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in content.items() if name not in ITS_OWN}

    here = configuration(DEPLOY / environment / "dagster.yaml")
    assert common(here) == common(configuration(DEFAULT))
    assert here.keys() - common(here).keys() == {"storage", "compute_logs", "run_launcher"}


@pytest.mark.usefixtures("variables")
def test_the_instance_of_compose_loads(postgres_server: PostgresServer, tmp_path: Path) -> None:
    content = configuration(DEPLOY / "compose" / "dagster.yaml")
    database = content["storage"]["custom"]["config"]["postgres_db"]
    assert database["port"] == 5432
    database["port"] = postgres_server.port
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(content))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.get_runs() == []
        assert type(instance.compute_log_manager).__name__ == "S3ComputeLogManager"
        assert type(instance.event_log_storage).__name__ == "PooledPostgresEventLogStorage"


@pytest.mark.usefixtures("variables")
def test_the_instance_of_aws_is_understood(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "aws" / "dagster.yaml", tmp_path)
    reference = InstanceRef.from_dir(str(tmp_path))
    # The launcher asks ECS when it is made, so only what it is told is looked at.
    for part, kind in (
        (reference.run_launcher_data, EcsRunLauncher),
        (reference.compute_logs_data, S3ComputeLogManager),
        (reference.storage_data, PooledPostgresStorage),
    ):
        assert part is not None
        assert part.class_name == kind.__name__
        expected = resolve_to_config_type(kind.config_type())
        assert process_config(expected, part.config_dict).errors in (None, [])


@pytest.mark.parametrize(
    ("environment", "file"),
    [
        ("aws", "aws/stack.py"),
        ("compose", "compose/docker-compose.yaml"),
        ("kubernetes", "kubernetes/settings.yaml"),
    ],
)
def test_containers_get_every_variable_that_their_instance_needs(
    environment: str, file: str
) -> None:
    needed = set(variables_in(configuration(DEPLOY / environment / "dagster.yaml")))
    assert "DAGSTER_POSTGRES_PASSWORD" in needed
    given = (DEPLOY / file).read_text()
    assert not [name for name in needed if name not in given]


def variables_in(part: object) -> Iterator[str]:
    """Names in `{env: NAME}`, wherever they stand."""
    if isinstance(part, Mapping):
        if part.keys() == {"env"}:
            yield part["env"]
        for inner in part.values():
            yield from variables_in(inner)


def test_what_compose_starts_is_what_the_image_has() -> None:
    services = configuration(DEPLOY / "compose" / "docker-compose.yaml")["services"]
    ours = {name for name, service in services.items() if service.get("image") == "orf-books"}
    assert ours == {"code", "daemon", "webserver", "buckets"}
    assert all(
        published.startswith("127.0.0.1:")
        for service in services.values()
        for published in service.get("ports", [])
    ), "the page has no log-in, so only this machine may reach it"


def test_certificates_that_come_as_variables_become_files_of_the_user_alone(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [DEPLOY / "image" / "with-certificates", "env"],
        env={
            "HOME": str(tmp_path),
            "PATH": os.environ["PATH"],
            "CLUSTER_CA_PEM": "ca",
            "CLUSTER_CERTIFICATE_PEM": "certificate",
            "CLUSTER_KEY_PEM": "key",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    files = {file.name: file for file in (tmp_path / "certificates").iterdir()}
    assert {name: file.read_text() for name, file in files.items()} == {
        "ca.pem": "ca\n",
        "certificate.pem": "certificate\n",
        "key.pem": "key\n",
    }
    assert {file.stat().st_mode & 0o777 for file in files.values()} == {0o600}
    assert "_PEM" not in done.stdout, "the command does not have them in its environment"
