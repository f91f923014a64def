"""Whole runs that publish to a real Postgres server, which may be killed meanwhile."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import dagster as dg
import pytest
from pydantic import SecretStr

from orf_books.resources.dagster_resources import DatabaseResource
from orf_books.resources.database import Database
from orf_books.resources.published_tables import ASSESSMENTS, CLASS_AGGREGATES, EVIDENCE
from orf_books.resources.storage import S3Options
from orf_books.settings import Settings
from orf_books.transcripts.score_document import read_scores
from orf_books_tests.assets.transcripts.class_platform import (
    MONDAY,
    ClassPlatform,
    check_of,
    metadata_of,
)
from orf_books_tests.conftest import BUCKET
from orf_books_tests.postgres import PostgresServer
from orf_books_tests.published import at, everything, rows

pytestmark = pytest.mark.slow


class DisturbedDatabase(DatabaseResource):
    """A database whose server is killed while evidence is written."""

    server: ClassVar[PostgresServer]

    def open(self) -> Database:
        """The database."""
        database = super().open()
        at(database, "INSERT INTO evidence", self.server.kill)
        return database


@pytest.fixture
def url(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[str]:
    """An empty database of a server that other tests find alive again."""
    yield postgres_server.create_database(tmp_path.name)
    postgres_server.start()


@pytest.fixture
def settings(url: str, s3_server: S3Options, tmp_path: Path) -> Settings:
    """A bucket and a Postgres server."""
    return Settings(
        storage=f"s3://{BUCKET}/{tmp_path.name}",
        s3_endpoint_url=s3_server.endpoint_url,
        s3_region_name=s3_server.region_name,
        s3_aws_access_key_id=s3_server.aws_access_key_id,
        s3_aws_secret_access_key=SecretStr(s3_server.aws_secret_access_key or ""),
        database_url=SecretStr(url),
    )


def test_a_server_killed_in_mid_publish_loses_nothing_and_a_later_run_publishes_without_scoring(
    settings: Settings, url: str, postgres_server: PostgresServer, instance: dg.DagsterInstance
) -> None:
    calm = ClassPlatform(settings, instance)
    calm.put_roster()
    first = calm.put(MONDAY)
    assert calm.ingest().success
    before = everything(url)
    assert len(before["assessments"]) == calm.row(first).students
    assert len(before["evidence"]) == calm.row(first).evidence

    DisturbedDatabase.server = postgres_server
    second = calm.put(MONDAY + timedelta(days=1))
    disturbed = ClassPlatform(settings, instance, {"database": DisturbedDatabase(url=url)})
    run = disturbed.ingest()
    assert run.success
    assert metadata_of(run, "published_scores")["published"] == "no"
    assert not check_of(run, "all_scores_are_published").passed
    scores = calm.versions("scores/", "normalized/", "aggregates/")
    assert calm.row(second).scores_key in scores

    postgres_server.start()
    assert everything(url) == before
    assert calm.run("refresh_classes").success
    assert calm.versions("scores/", "normalized/", "aggregates/") == scores
    found = [calm.row(key) for key in (first, second)]
    assert len(rows(url, ASSESSMENTS)) == sum(row.students for row in found)
    assert len(rows(url, EVIDENCE)) == sum(row.evidence for row in found)


def test_publishing_twice_changes_nothing(
    settings: Settings, url: str, instance: dg.DagsterInstance
) -> None:
    platform = ClassPlatform(settings, instance)
    platform.put_roster()
    platform.put(MONDAY)
    assert platform.ingest().success
    published = everything(url)
    assert published["class_aggregates"]

    (of_class,) = platform.records.classes().values()
    scores = [read_scores(platform.storage.get(row.scores_key)) for row in of_class.rows]
    assert scores
    Database(url).publish(scores)
    assert everything(url) == published


def test_figures_in_the_database_are_those_beside_the_session(
    settings: Settings, url: str, instance: dg.DagsterInstance
) -> None:
    platform = ClassPlatform(settings, instance)
    platform.put_roster()
    key = platform.put(MONDAY)
    assert platform.ingest().success

    in_tables = {
        (row["window_start"].isoformat(), row["metric_name"]): row["metric_value"]
        for row in rows(url, CLASS_AGGREGATES)
    }
    beside = {
        (window["window_start"], metric): value
        for window in platform.document(platform.row(key).aggregates_key)["windows"]
        for metric, value in window["class"].items()
    }
    assert beside == in_tables
