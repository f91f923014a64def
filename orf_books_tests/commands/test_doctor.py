import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy

from orf_books.commands.doctor import TABLES, Finding, examine
from orf_books.instance import open_instance
from orf_books.records import activities, books, items, readings, sessions, uploads
from orf_books.records.activities import ActivityRecords
from orf_books.resources.database import upgrade
from orf_books.resources.embedded_speech import installed_models
from orf_books.resources.storage import S3Options
from orf_books.resources.tables import Table
from orf_books.settings import Settings
from orf_books_tests.conftest import Call, Platform, export_of, plain_books
from orf_books_tests.postgres import PostgresServer
from orf_books_tests.resources.cluster import new_certificates, running_cluster
from orf_books_tests.resources.upload_queue import Queue
from orf_books_tests.small_disk import small_disk

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(home))


def found(settings: Settings, check: str, *, repair: bool = False) -> Finding:
    (finding,) = (one for one in examine(settings, repair=repair) if one.check == check)
    return finding


def wrong(settings: Settings) -> set[str]:
    return {finding.check for finding in examine(settings) if not finding.is_well}


def test_a_sound_set_up_is_well_and_nothing_is_left_behind(settings: Settings) -> None:
    assert wrong(settings) == set()
    assert not list(settings.open_storage().list("doctor/"))


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


def test_a_service_that_does_not_answer_is_named(settings: Settings) -> None:
    broken = settings.model_copy(update={"open_library_url": NOWHERE})
    assert wrong(broken) == {"Open Library"}


# Broken set-ups: one line each


@pytest.fixture
def line_of(call: Call, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What `orf-books doctor` prints of one check, with these variables."""

    def line_of(check: str, **variables: str) -> str:
        for name, value in variables.items():
            monkeypatch.setenv(f"ORF_BOOKS_{name}", value)
        done = call("doctor")
        assert done.returncode == 1
        (line,) = (line for line in done.stdout.splitlines() if f" {check} (" in line)
        return line

    return line_of


def test_a_store_that_is_read_only(line_of: Callable[..., str], tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        line = line_of("store", STORAGE=str(disk))
    assert line.startswith("WRONG  store (unavailable): ")
    assert "check ORF_BOOKS_STORAGE, the credentials and the bucket, or the folder" in line


def test_a_store_that_is_no_folder(line_of: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    line = line_of("store", STORAGE=str(tmp_path / "file"))
    assert "ORF_BOOKS_STORAGE" in line


def test_a_home_that_is_read_only(
    line_of: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        monkeypatch.setenv("DAGSTER_HOME", str(disk))
        line = line_of("Dagster home")
    assert line.startswith("WRONG  Dagster home (unavailable): ")
    assert "check its permissions, or set DAGSTER_HOME to another folder" in line


def test_a_ledger_that_does_not_answer(line_of: Callable[..., str]) -> None:
    url = "postgresql+psycopg://someone:hunter2@127.0.0.1:1/ledger"
    line = line_of("ledger", LEDGER=url)
    assert line.startswith("WRONG  ledger (unavailable): ")
    assert "Check ORF_BOOKS_LEDGER, and that its database runs" in line
    assert "hunter2" not in line


def test_a_ledger_that_is_no_database(line_of: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "ledger").write_bytes(b"no database" * 100)
    line = line_of("ledger", LEDGER=f"sqlite:///{tmp_path / 'ledger'}")
    assert "is damaged: delete it" in line


@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "postgresql"])
def test_a_database_that_does_not_answer(line_of: Callable[..., str], scheme: str) -> None:
    line = line_of("database", DATABASE_URL=f"{scheme}://someone:hunter2@127.0.0.1:1/nothing")
    assert line.startswith("WRONG  database (unavailable): ")
    assert "Check ORF_BOOKS_DATABASE_URL; scores are kept and published later." in line
    assert "hunter2" not in line


def test_a_url_that_names_no_database(line_of: Callable[..., str]) -> None:
    line = line_of("database", DATABASE_URL="mysql://someone:hunter2@127.0.0.1/nothing")
    assert line.startswith("WRONG  database (unavailable): ")
    assert "write postgresql+psycopg://user:password@host/database" in line
    assert "hunter2" not in line


def test_tables_of_another_version(line_of: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "published.sqlite"
    upgrade(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")
    line = line_of("database", DATABASE_URL=f"sqlite:///{file}")
    assert "are of revision 0001" in line
    assert "run `orf-books database upgrade`" in line


def test_a_home_of_another_version_of_dagster(
    line_of: Callable[..., str],
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    open_instance(settings).dispose()
    with closing(sqlite3.connect(tmp_path / "home" / "history" / "runs.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '567bc23fd1ac'")
    line = line_of("Dagster home")
    assert "runs of revision 567bc23fd1ac instead of" in line
    assert "run `dagster instance migrate`" in line


def test_a_ledger_in_a_database_that_can_only_be_read(
    line_of: Callable[..., str], postgres_server: PostgresServer, tmp_path: Path
) -> None:
    url = sqlalchemy.make_url(postgres_server.create_database(tmp_path.name))
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(
            f'ALTER DATABASE "{url.database}" SET default_transaction_read_only = on'
        )
    engine.dispose()
    line = line_of("ledger", LEDGER=url.render_as_string(hide_password=False))
    assert "can only be read: name the primary server" in line


@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        (
            "tls://127.0.0.1:1",
            "cannot be read (No such file or directory): check ORF_BOOKS_CLUSTER_",
        ),
        ("tls://127.0.0.1", "must be tls://host:port"),
    ],
)
def test_a_cluster_that_is_named_wrongly(
    line_of: Callable[..., str], tmp_path: Path, address: str, remedy: str
) -> None:
    names = ("CLUSTER_CA", "CLUSTER_CERTIFICATE", "CLUSTER_KEY")
    files = {name: str(tmp_path / name) for name in names}
    assert remedy in line_of("cluster", CLUSTER=address, **files)


def test_an_upload_queue_that_is_not_there(
    line_of: Callable[..., str], s3_server: S3Options, tmp_path: Path
) -> None:
    queue = Queue(s3_server, tmp_path.name)
    named = {name.upper(): str(value) for name, value in queue.settings().items() if value}
    line = line_of("upload queue", **named | {"UPLOAD_QUEUE_URL": f"{queue.url}-gone"})
    assert line.startswith("WRONG  upload queue (unavailable): ")
    assert "check ORF_BOOKS_UPLOAD_QUEUE_URL" in line


@pytest.mark.slow
def test_a_certificate_that_the_cluster_does_not_take(
    line_of: Callable[..., str], tmp_path: Path
) -> None:
    other = new_certificates(tmp_path / "other")
    with running_cluster(tmp_path / "cluster", workers=0) as cluster:
        line = line_of(
            "cluster",
            CLUSTER=cluster.address,
            CLUSTER_CA=str(other.ca),
            CLUSTER_CERTIFICATE=str(other.certificate),
            CLUSTER_KEY=str(other.key),
        )
    assert line.startswith("WRONG  cluster (unavailable): ")
    assert "do not trust each other" in line
    assert "Check ORF_BOOKS_CLUSTER_CA, …_CERTIFICATE and …_KEY" in line


@pytest.fixture
def _without_hama(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # For what looks for a package, a module that is None is one that is not there.
    monkeypatch.setitem(sys.modules, "hama", None)
    installed_models.cache_clear()
    yield
    installed_models.cache_clear()


@pytest.mark.usefixtures("_without_hama")
def test_a_model_that_is_not_installed(line_of: Callable[..., str]) -> None:
    line = line_of("models")
    assert line.startswith("WRONG  models (unavailable): hama is not installed")
    assert "install orf_books again" in line


def test_speech_services_without_a_key(line_of: Callable[..., str]) -> None:
    assert "ORF_BOOKS_DEEPGRAM_KEY" in line_of("speech services", SPEECH="services")


def test_the_command_ends_with_one_where_something_is_wrong(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("doctor").returncode == 0
    monkeypatch.setenv("ORF_BOOKS_OPEN_LIBRARY_URL", NOWHERE)
    done = call("doctor")
    assert done.returncode == 1
    assert "WRONG  Open Library (network): " in done.stdout
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
