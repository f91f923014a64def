import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from orf_books.commands.doctor import TABLES, Finding, examine
from orf_books.records import activities, books, items, readings, sessions, uploads
from orf_books.records.activities import ActivityRecords
from orf_books.resources.storage import S3Options
from orf_books.resources.tables import Table
from orf_books.settings import Settings
from orf_books_tests.conftest import Call, Platform, export_of, plain_books
from orf_books_tests.resources.upload_queue import Queue

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))


def found(settings: Settings, check: str, *, repair: bool = False) -> Finding:
    (finding,) = (one for one in examine(settings, repair=repair) if one.check == check)
    return finding


def wrong(settings: Settings) -> set[str]:
    return {finding.check for finding in examine(settings) if not finding.is_well}


def test_a_sound_set_up_is_well_and_nothing_is_left_behind(settings: Settings) -> None:
    assert wrong(settings) == set()
    assert not list(settings.open_storage().list("doctor/"))


def test_a_store_that_is_no_folder_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    broken = settings.model_copy(update={"storage": (tmp_path / "file").as_uri()})
    assert "store" in wrong(broken)


def test_a_damaged_table_is_named_and_repaired(platform: Platform) -> None:
    platform.ingest("ada", export_of(plain_books()[:2]))
    log = Path(platform.storage.location("tables/enriched_books/_delta_log"))
    for file in log.iterdir():
        file.write_text("{ not a commit")
    damaged = found(platform.settings, "table enriched_books")
    assert not damaged.is_well
    assert "doctor --repair" in damaged.detail

    assert found(platform.settings, "table enriched_books", repair=True).is_well

    assert wrong(platform.settings) == set()
    assert len(platform.records.with_answers(["1", *platform.statuses()])) == 2


@pytest.mark.slow
def test_what_lay_in_a_lost_file_of_a_library_is_read_again_by_a_retry(platform: Platform) -> None:
    for library, number in (("ada", 0), ("bob", 1)):
        platform.ingest(library, export_of(plain_books()[number : number + 2]))
    min(Path(platform.storage.location("tables/library_entries")).glob("*.parquet")).unlink()

    examine(platform.settings, repair=True)
    assert platform.run("retry_failed_books").success

    assert sorted(row.library for row in platform.records.rows()) == ["ada", "ada", "bob", "bob"]


def test_what_lay_in_a_lost_file_of_a_list_of_activities_is_read_again(settings: Settings) -> None:
    records = ActivityRecords(settings.open_storage())
    for name in ("monday", "tuesday"):
        key, now = f"activities/{name}.csv", datetime.now(UTC)
        records.accept(activities.ActivityUpload(key, "1", 1, now, name), [f"of-{name}"])
    min(Path(records.storage.location("tables/requested_activities")).glob("*.parquet")).unlink()

    examine(settings, repair=True)

    (left,) = records.uploads()
    assert records.requested() == [f"of-{left.run_id}"]


def test_every_table_that_is_declared_is_looked_at() -> None:
    declared = {
        table.name
        for module in (activities, books, items, readings, sessions, uploads)
        for table in vars(module).values()
        if isinstance(table, Table)
    }
    assert {table.name for table in TABLES} == declared


def test_a_database_that_does_not_answer_is_named_without_its_password(settings: Settings) -> None:
    url = SecretStr("postgresql+psycopg://someone:hunter2@127.0.0.1:1/nothing")
    broken = settings.model_copy(update={"database_url": url})
    database = found(broken, "database")
    assert not database.is_well
    assert "ORF_BOOKS_DATABASE_URL" in database.detail
    assert "hunter2" not in str(examine(broken))


def test_a_service_that_does_not_answer_is_named(settings: Settings) -> None:
    broken = settings.model_copy(update={"open_library_url": NOWHERE})
    assert wrong(broken) == {"Open Library"}


def test_speech_services_without_a_key_are_named(settings: Settings) -> None:
    broken = settings.model_copy(update={"speech": "services"})
    assert "ORF_BOOKS_DEEPGRAM_KEY" in found(broken, "speech services").detail


def test_a_ledger_that_cannot_be_used_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "ledger").write_bytes(b"no database" * 100)
    broken = settings.model_copy(update={"ledger": f"sqlite:///{tmp_path / 'ledger'}"})
    assert "ledger" in wrong(broken)


def test_the_command_ends_with_one_where_something_is_wrong(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("doctor").returncode == 0
    monkeypatch.setenv("ORF_BOOKS_OPEN_LIBRARY_URL", NOWHERE)
    done = call("doctor")
    assert done.returncode == 1
    assert "WRONG  Open Library" in done.stdout
    assert os.environ["DAGSTER_HOME"] in done.stdout


def test_dead_letters_are_named_with_what_to_do(
    settings: Settings, s3_server: S3Options, tmp_path: Path
) -> None:
    queue = Queue(s3_server, tmp_path.name)
    queue.client.send_message(QueueUrl=queue.dead_letters, MessageBody="poison")
    broken = Settings.model_validate(settings.model_dump() | queue.settings())
    waiting = found(broken, "upload queue")
    assert not waiting.is_well
    assert "1 messages are in its dead-letter queue" in waiting.detail


def test_a_cluster_that_does_not_answer_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orf_books.resources.cluster.CONNECT_SECONDS", 0.5)
    broken = settings.model_copy(update={"cluster": "tcp://127.0.0.1:1"})
    cluster = found(broken, "cluster")
    assert not cluster.is_well
    assert "127.0.0.1:1" in cluster.detail
