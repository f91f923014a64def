"""What makes runs start by themselves, other than uploads."""

import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster_aws.s3 import S3Resource
from pydantic import SecretStr

from orf_books.batches.resource import BatchResource
from orf_books.failures import FixInput
from orf_books.instance import PROCESS_TAG
from orf_books.records.books import (
    ACCEPTED,
    ExportUpload,
    export_uploads,
)
from orf_books.records.sessions import Publication, publications
from orf_books.resources.dagster_resources import (
    ActivityApiResource,
    GoogleBooksResource,
    StorageResource,
    UploadQueueResource,
)
from orf_books.resources.storage import ObjectStorage, S3Options
from orf_books.resources.tables import Tables
from orf_books.sandbox.behaviour import GOOGLE_BOOKS_KEY, Service, Troubles
from orf_books.sandbox.server import Sandbox
from orf_books.sensors import (
    abandoned_runs,
    dead_letters,
    gaps_to_fill,
    new_activity_recordings,
    refresh_after_backfill,
    unfinished_batches,
    unpublished_scores,
)
from orf_books.settings import Settings
from orf_books_tests.assets.transcripts.class_platform import NOTHING_SAID, platform_in
from orf_books_tests.conftest import BUCKET, Platform, book, export_of, plain_books
from orf_books_tests.resources.upload_queue import Queue

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


# Scores that wait for the database


def publishing_tick(
    storage: ObjectStorage, instance: dg.DagsterInstance
) -> dg.RunRequest | dg.SkipReason:
    resources = {"storage": StorageResource(url=storage.url)}
    result = unpublished_scores(dg.build_sensor_context(instance=instance, resources=resources))
    assert isinstance(result, dg.RunRequest | dg.SkipReason)
    return result


def tried(storage: ObjectStorage, ago: timedelta, tries: int = 1, key: str = "a") -> None:
    """An attempt to publish that failed."""
    row = Publication(key, "run", False, tries, datetime.now(UTC) - ago)
    Tables(storage).append(publications, [row])


def test_without_waiting_scores_nothing_is_published(
    folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    assert isinstance(publishing_tick(folder, instance), dg.SkipReason)
    tried(folder, timedelta(days=1))
    done = Publication("a", "run", is_published=True, tries=2, tried_at=datetime.now(UTC))
    Tables(folder).append(publications, [done])
    assert isinstance(publishing_tick(folder, instance), dg.SkipReason)


def test_scores_that_were_published_long_ago_start_no_run(
    folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=400)
    done = Publication("a", "run", is_published=True, tries=1, tried_at=long_ago)
    Tables(folder).append(publications, [done])
    assert isinstance(publishing_tick(folder, instance), dg.SkipReason)


@pytest.mark.parametrize(
    ("tries", "pause"), [(1, 30), (2, 60), (3, 120), (7, 1920), (8, 3600), (9, 3600), (5000, 3600)]
)
def test_the_pause_before_another_try_doubles_up_to_an_hour(
    folder: ObjectStorage, instance: dg.DagsterInstance, tries: int, pause: int
) -> None:
    tried(folder, timedelta(seconds=pause + 1), tries)
    assert isinstance(publishing_tick(folder, instance), dg.RunRequest)
    tried(folder, timedelta(seconds=pause - 10), tries)
    assert isinstance(publishing_tick(folder, instance), dg.SkipReason)


def test_one_run_is_asked_for_until_it_has_tried(
    folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    for key in "ab":
        tried(folder, timedelta(hours=1), key=key)
    first, again = (publishing_tick(folder, instance) for _ in range(2))
    assert isinstance(first, dg.RunRequest)
    assert isinstance(again, dg.RunRequest)
    assert first.run_key == again.run_key


def test_while_a_run_is_publishing_no_other_is_asked_for(
    folder: ObjectStorage, instance: dg.DagsterInstance
) -> None:
    tried(folder, timedelta(days=1))
    instance.add_run(dg.DagsterRun(job_name="refresh_classes", status=dg.DagsterRunStatus.STARTED))
    assert isinstance(publishing_tick(folder, instance), dg.SkipReason)


# Books mended by hand or backfill


def mending_tick(
    instance: dg.DagsterInstance, cursor: str | None
) -> tuple[dg.SensorResult | dg.SkipReason, str]:
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    result = refresh_after_backfill(context)
    assert isinstance(result, dg.SensorResult | dg.SkipReason)
    moved = result.cursor if isinstance(result, dg.SensorResult) else context.cursor
    assert moved is not None
    return result, moved


def requests_of(result: dg.SensorResult | dg.SkipReason) -> list[dg.RunRequest]:
    return list(result.run_requests or []) if isinstance(result, dg.SensorResult) else []


@pytest.mark.slow
def test_many_ended_runs_of_chosen_books_are_one_refresh(platform: Platform) -> None:
    chosen = plain_books()[:3]
    platform.ingest("ada", export_of(chosen))
    _, cursor = mending_tick(platform.instance, None)
    runs = [platform.materialize_books(book(number), book(number)) for number in chosen]

    result, cursor = mending_tick(platform.instance, cursor)

    (request,) = requests_of(result)
    after_runs = request.run_config["ops"]["library_dashboard"]["config"]["after_runs"]
    assert after_runs == [run.run_id for run in runs]
    assert platform.run("refresh_libraries", library_dashboard={"after_runs": after_runs}).success
    again, _ = mending_tick(platform.instance, cursor)
    assert requests_of(again) == []


def test_batches_make_their_dashboards_themselves(platform: Platform) -> None:
    _, cursor = mending_tick(platform.instance, None)
    platform.ingest("ada", export_of(plain_books()[:2]))
    platform.run("retry_failed_books")
    result, moved = mending_tick(platform.instance, cursor)
    assert requests_of(result) == []
    assert moved > cursor


def test_runs_that_failed_for_some_books_have_mended_others(platform: Platform) -> None:
    _, cursor = mending_tick(platform.instance, None)
    platform.instance.add_dynamic_partitions("books", ["404"])
    assert not platform.materialize_books("404", "404").success
    result, _ = mending_tick(platform.instance, cursor)
    assert len(requests_of(result)) == 1


def test_an_ended_run_of_chosen_sessions_refreshes_the_classes(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    classes = platform_in(tmp_path, instance)
    key = classes.put(content=NOTHING_SAID)
    classes.ingest()
    classes.put()
    _, cursor = mending_tick(instance, None)
    assert classes.backfill(key).success

    result, _ = mending_tick(instance, cursor)

    (request,) = requests_of(result)
    assert request.job_name == "refresh_classes"
    assert classes.run("refresh_classes", request.run_config).success


def test_without_ended_runs_nothing_is_requested(instance: dg.DagsterInstance) -> None:
    first, cursor = mending_tick(instance, None)
    assert isinstance(first, dg.SkipReason)
    second, moved = mending_tick(instance, cursor)
    assert isinstance(second, dg.SkipReason)
    assert moved == cursor


# Runs that broke off once they had read their uploads


def unfinished_tick(
    platform: Platform, cursor: str | None
) -> tuple[list[dg.RunRequest], str | None]:
    context = dg.build_sensor_context(
        instance=platform.instance,
        cursor=cursor,
        resources={"storage": StorageResource(url=platform.storage.url)},
    )
    result = unfinished_batches(context)
    assert isinstance(result, dg.SensorResult | dg.SkipReason)
    moved = result.cursor if isinstance(result, dg.SensorResult) else context.cursor
    return requests_of(result), moved


def break_off(platform: Platform, *, read: str | None, problem: str | None = None) -> str:
    """A run that fails without a report; `read` is the upload that it left a receipt for."""
    job = platform.definitions.resolve_job_def("ingest_books")
    run = platform.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    if read:
        upload = ExportUpload(read, "1", "ada", ACCEPTED, NOW, run.run_id, problem=problem)
        Tables(platform.storage).append(export_uploads, [upload])
    platform.instance.report_run_failed(run)
    return run.run_id


def test_a_run_that_broke_off_with_an_upload_read_is_followed_by_one_retry(
    platform: Platform,
) -> None:
    _, cursor = unfinished_tick(platform, None)
    run_id = break_off(platform, read="uploads/ada/raw.csv")
    (request,), cursor = unfinished_tick(platform, cursor)
    assert (request.job_name, request.run_key) == ("retry_failed_books", run_id)
    assert platform.definitions.resolve_job_def(str(request.job_name))
    assert unfinished_tick(platform, cursor) == ([], cursor)


def test_runs_with_a_report_or_without_an_upload_to_work_on_are_not_retried(
    platform: Platform, sandbox: Sandbox
) -> None:
    _, cursor = unfinished_tick(platform, None)
    sandbox.behaviour.broken_books = {book(plain_books()[0])}
    assert not platform.ingest("ada", export_of(plain_books()[:1])).success
    break_off(platform, read=None)
    break_off(platform, read="uploads/eve/raw.csv", problem="It is no export.")
    requests, moved = unfinished_tick(platform, cursor)
    assert (requests, moved == cursor) == ([], False)


# Books that wait for their turn at Google Books


def library_with_gaps(platform: Platform, sandbox: Sandbox, window: int) -> tuple[Platform, int]:
    """A library ingested with so many requests to Google Books in a window; how many gaps."""
    settings = platform.settings.model_copy(
        update={
            "google_books_key": SecretStr(GOOGLE_BOOKS_KEY),
            "google_books_window_requests": window,
        }
    )
    with_key = Platform(settings, platform.instance)
    run = with_key.ingest("ada", export_of(range(60)))
    return with_key, with_key.report(run).gaps


def filling_tick(
    platform: Platform, cursor: str | None = None
) -> tuple[dg.RunRequest | dg.SkipReason, str | None]:
    settings = platform.settings
    key = settings.google_books_key
    resources = {
        "storage": StorageResource(url=settings.storage),
        "google_books": GoogleBooksResource(
            url=settings.google_books_url,
            key=key.get_secret_value() if key else None,
            window_requests=settings.google_books_window_requests,
            window_seconds=settings.google_books_window_seconds,
            requests_per_day=settings.google_books_daily_quota,
            ledger=settings.ledger,
        ),
    }
    context = dg.build_sensor_context(
        instance=platform.instance, resources=resources, cursor=cursor
    )
    result = gaps_to_fill(context)
    assert isinstance(result, dg.RunRequest | dg.SkipReason)
    return result, context.cursor


@pytest.mark.slow
def test_the_first_dashboard_does_not_wait_for_windows_and_the_gaps_are_filled_behind(
    platform: Platform, sandbox: Sandbox
) -> None:
    with_key, gaps = library_with_gaps(platform, sandbox, window=2)
    assert gaps > 0
    assert len(with_key.shown_books("ada")) == 60

    shown = with_key.dashboard("ada")["summary"]
    assert shown["waiting_books"] == gaps
    assert datetime.fromisoformat(shown["waiting_until"]) > datetime.now(UTC)
    waiting, _ = filling_tick(with_key)
    assert isinstance(waiting, dg.SkipReason)
    assert "books wait for Google Books: the next window, in" in str(waiting.skip_message)

    roomy = with_key.settings.model_copy(update={"google_books_window_requests": 1000})
    with_room = Platform(roomy, platform.instance)
    assert isinstance(filling_tick(with_room)[0], dg.RunRequest)
    assert with_room.run("fill_gaps").success
    assert with_room.records.gaps() == {}
    shown = with_room.dashboard("ada")["summary"]
    assert (shown["waiting_books"], shown["waiting_until"]) == (0, None)
    done, cursor = filling_tick(with_room)
    assert isinstance(done, dg.SkipReason)
    assert cursor == with_room.records.version_of_books()


@pytest.mark.slow
def test_filling_gaps_stops_at_the_window_and_works_on_nothing_else(
    platform: Platform, sandbox: Sandbox
) -> None:
    with_key, gaps = library_with_gaps(platform, sandbox, window=2)
    some_room = with_key.settings.model_copy(update={"google_books_window_requests": 6})
    sandbox.counts.clear()

    run = Platform(some_room, platform.instance).run("fill_gaps")

    report = platform.report(run)
    assert 0 < report.gaps < gaps
    assert report.items == gaps
    assert sandbox.counts.requests(Service.GOOGLE_BOOKS) <= 6
    assert sandbox.counts.requests(Service.OPEN_LIBRARY) == 0


@pytest.mark.slow
def test_no_run_after_the_other_asks_in_vain_about_the_same_books(
    platform: Platform, sandbox: Sandbox, retries_at_once: None
) -> None:
    with_key, _ = library_with_gaps(platform, sandbox, window=2)
    sandbox.behaviour.services = {Service.GOOGLE_BOOKS: Troubles(down=True)}
    roomy = with_key.settings.model_copy(update={"google_books_window_requests": 1000})
    with_room = Platform(roomy, platform.instance)

    assert not with_room.run("fill_gaps").success

    assert isinstance(filling_tick(with_room)[0], dg.SkipReason)
    sandbox.behaviour.services = {}
    assert with_room.run("retry_failed_books").success
    assert with_room.records.gaps() == {}


def test_without_a_key_no_run_fills_gaps(platform: Platform) -> None:
    platform.ingest("ada", export_of(range(60)))
    assert platform.records.gaps()
    assert platform.dashboard("ada")["summary"]["waiting_books"] == 0
    assert isinstance(filling_tick(platform)[0], dg.SkipReason)


def test_on_a_day_without_quota_gaps_wait_for_the_next(
    platform: Platform, sandbox: Sandbox
) -> None:
    with_key, _ = library_with_gaps(platform, sandbox, window=2)
    spent = with_key.settings.model_copy(update={"google_books_daily_quota": 1})
    waiting, _ = filling_tick(Platform(spent, platform.instance))
    assert isinstance(waiting, dg.SkipReason)
    assert "tomorrow's quota" in str(waiting.skip_message)


# Uploads that wait for their record


def test_where_the_activity_api_has_the_records_a_recording_needs_none(
    folder: ObjectStorage,
) -> None:
    folder.put("activities/anna-1/complete.wav", b"...")
    storage = StorageResource(url=folder.url)
    resources = {
        "storage": storage,
        "activity_api": ActivityApiResource(url="http://127.0.0.1:9"),
        "upload_queue": UploadQueueResource(storage=storage),
    }
    result = new_activity_recordings(dg.build_sensor_context(resources=resources))
    assert isinstance(result, dg.SensorResult)
    (request,) = result.run_requests or []
    (upload,) = request.run_config["ops"]["requested_activities"]["config"]["uploads"]
    assert upload["key"] == "activities/anna-1/"


# Runs whose process is gone


def abandoning_tick(settings: Settings, instance: dg.DagsterInstance) -> str:
    batch = BatchResource(concurrency=1, ledger=settings.ledger)
    context = dg.build_sensor_context(instance=instance, resources={"batch": batch})
    result = abandoned_runs(context)
    assert isinstance(result, dg.SkipReason)
    return str(result.skip_message)


def test_a_run_whose_process_is_gone_is_failed_and_named(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert abandoning_tick(settings, instance) == "No run is abandoned."
    tags = {PROCESS_TAG: f"{socket.gethostname()}:{gone.pid}"}
    run = instance.create_run_for_job(
        dg.JobDefinition(name="ingest_books", graph_def=dg.GraphDefinition("empty")),
        status=dg.DagsterRunStatus.STARTED,
        tags=tags,
    )
    assert abandoning_tick(settings, instance) == f"Failed: {run.run_id}."
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.FAILURE


# Messages that nobody could deal with


def dead_letters_tick(options: S3Options, url: str | None) -> str:
    names = ("endpoint_url", "region_name", "aws_access_key_id", "aws_secret_access_key")
    access = S3Resource.model_validate({name: getattr(options, name) for name in names})
    storage = StorageResource(url=f"s3://{BUCKET}/platform", s3=access)
    result = dead_letters(
        dg.build_sensor_context(
            resources={"upload_queue": UploadQueueResource(url=url, storage=storage)}
        )
    )
    assert isinstance(result, dg.SkipReason)
    return str(result.skip_message)


def test_a_message_among_the_dead_letters_shows_in_red_and_says_what_to_do(
    s3_server: S3Options, tmp_path: Path
) -> None:
    queue = Queue(s3_server, tmp_path.name.replace("_", "-"))
    assert "empty" in dead_letters_tick(s3_server, queue.url)
    queue.client.send_message(QueueUrl=queue.dead_letters, MessageBody="poison")
    with pytest.raises(FixInput, match=r"1 messages .* docs/runbook.md"):
        dead_letters_tick(s3_server, queue.url)


def test_without_a_queue_or_its_dead_letters_the_sensor_says_so(
    s3_server: S3Options, tmp_path: Path
) -> None:
    queue = Queue(s3_server, tmp_path.name.replace("_", "-"))
    assert "found by listing" in dead_letters_tick(s3_server, None)
    assert "has no dead-letter queue" in dead_letters_tick(s3_server, queue.dead_letters)
