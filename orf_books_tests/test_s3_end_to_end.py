"""The platform over a bucket instead of a folder: the same commands, the same results."""

import json
from dataclasses import asdict
from pathlib import Path

import dagster as dg
import pytest

from orf_books.records.books import TABLES, BookRecords
from orf_books.resources.storage import ObjectStorage, S3Options
from orf_books.resources.tables import Tables
from orf_books.sandbox.behaviour import Service
from orf_books.sandbox.server import Sandbox
from orf_books.sensors import watch_exports
from orf_books.upload_watch import Timing
from orf_books_tests.conftest import (
    BUCKET,
    Call,
    CommandLine,
    Platform,
    book,
    export_of,
    plain_books,
    settings_for,
)

pytestmark = pytest.mark.slow


def aws_variables(server: S3Options) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": server.endpoint_url or "",
        "AWS_ACCESS_KEY_ID": server.aws_access_key_id or "",
        "AWS_SECRET_ACCESS_KEY": server.aws_secret_access_key or "",
        "AWS_REGION": server.region_name or "",
        "AWS_DEFAULT_REGION": server.region_name or "",
    }


@pytest.fixture
def bucket(s3_server: S3Options, orf_books: CommandLine) -> ObjectStorage:
    """The store of `orf_books` from now on, found by the variables that AWS's own tools read."""
    url = f"s3://{BUCKET}/{orf_books.folder.name}"
    orf_books.settings = orf_books.settings.model_copy(update={"storage": url})
    orf_books.environment = aws_variables(s3_server)
    return ObjectStorage(url, s3_server)


def books_shown(storage: ObjectStorage, library: str) -> dict[str, str]:
    dashboard = json.loads(storage.get(f"data/{library}.json"))
    return {shown["goodreads_id"]: shown["enrichment_status"] for shown in dashboard["books"]}


@pytest.mark.slow
def test_two_runs_at_once_over_shared_books_leave_dashboards_and_tables_whole(
    orf_books: CommandLine, bucket: ObjectStorage
) -> None:
    libraries = {"ada": plain_books()[:120], "bob": plain_books()[60:180]}
    for library, numbers in libraries.items():
        (orf_books.folder / f"{library}.csv").write_bytes(export_of(numbers))

    # As on two machines: the bucket is all that they share.
    runs = [
        orf_books.start(
            "run",
            "books",
            f"{library}.csv",
            "--json",
            DAGSTER_HOME=str(orf_books.folder / f"home-of-{library}"),
        )
        for library in libraries
    ]
    finished = [run.communicate(timeout=90) for run in runs]

    assert [run.returncode for run in runs] == [0, 0], [messages for _, messages in finished]
    for library, numbers in libraries.items():
        assert books_shown(bucket, library) == {book(number): "enriched" for number in numbers}
    records = BookRecords(bucket)
    assert len(records.with_answers({book(number) for number in plain_books()[:180]})) == 180
    assert [digest.library_id for digest in records.digests()] == ["ada", "bob"]
    assert {upload.library for upload in records.uploads()} == set(libraries)
    report = json.loads(finished[0][0])
    assert report["dashboards"]["ada"]["page"] == bucket.location("data/ada.html")
    page = bucket.get("dashboard.html").decode()
    assert "ada" in page
    assert "bob" in page
    for table in TABLES:
        Tables(bucket).maintain(table)
    assert len(records.rows()) == 240


def test_failed_books_are_retried_and_refused_files_copied_in_a_bucket_too(
    sandbox: Sandbox, s3_server: S3Options, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    url = f"s3://{BUCKET}/{tmp_path.name}"
    options = {f"s3_{name}": value for name, value in asdict(s3_server).items()}
    platform = Platform(settings_for(sandbox, url, **options), instance)
    broken, *good = plain_books()[:5]
    sandbox.behaviour.broken_books = {book(broken)}
    assert not platform.ingest("ada", export_of([broken, *good])).success
    assert books_shown(platform.storage, "ada")[book(broken)] == "failed"

    sandbox.behaviour.broken_books = set()
    sandbox.counts.clear()
    assert platform.run("retry_failed_books").success
    assert sandbox.counts.identifiers(Service.OPEN_LIBRARY) == 1
    assert set(books_shown(platform.storage, "ada").values()) == {"enriched"}

    assert not platform.ingest("bob", b"no export").success
    assert platform.storage.get("rejected/bob/raw.csv") == b"no export"


def test_a_bucket_that_is_not_there_is_one_line(
    call: Call, s3_server: S3Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ada.csv").write_bytes(export_of(plain_books()[:1]))
    for name, value in aws_variables(s3_server).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ORF_BOOKS_STORAGE", "s3://no-such-bucket")
    done = call("run", "books", "ada.csv")
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1


def test_the_sensor_finds_uploads_in_a_bucket(
    bucket: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    version = bucket.put("uploads/ada/raw.csv", b"...")
    context = dg.build_sensor_context(instance=instance)
    result = watch_exports(bucket).tick(context, Timing(bucket_pause=0.1))
    (request,) = result.run_requests or []
    assert request.run_key == f"uploads/ada/raw.csv:{version}"
