"""What tests of several modules share: storages, instances, the sandbox."""

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import dagster as dg
import pytest
from moto.server import ThreadedMotoServer

from orf_books.resources.storage import ObjectStorage, S3Options

BUCKET = "orf-books-tests"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("ORF_BOOKS_", "AWS_", "DAGSTER_HOME")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Options]:
    """A server that speaks S3, with one bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = S3Options(
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client = boto3.client(
        "s3",
        endpoint_url=options.endpoint_url,
        region_name=options.region_name,
        aws_access_key_id=options.aws_access_key_id,
        aws_secret_access_key=options.aws_secret_access_key,
    )
    client.create_bucket(Bucket=BUCKET)
    yield options
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def storage(
    request: pytest.FixtureRequest, tmp_path: Path
) -> ObjectStorage:
    """A fresh storage of each kind."""
    if request.param == "folder":
        return ObjectStorage((tmp_path / "store").as_uri())
    options = request.getfixturevalue("s3_server")
    return ObjectStorage(f"s3://{BUCKET}/{tmp_path.name}", options)


@pytest.fixture
def folder(tmp_path: Path) -> ObjectStorage:
    """A fresh storage in a folder."""
    return ObjectStorage((tmp_path / "store").as_uri())


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in memory."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral
