import errno
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import dagster as dg
import pytest
import yaml

from orf_books.batches.resource import BatchResource
from orf_books.failures import FixConfiguration
from orf_books.instance import (
    HOME_VARIABLE,
    PROCESS_TAG,
    failure_of_home,
    forget_old_runs,
    open_instance,
    prepare_home,
    process_tag,
)
from orf_books.sensors import abandoned_runs
from orf_books.settings import Settings
from orf_books_tests.conftest import Call, export_of
from orf_books_tests.small_disk import small_disk

PROJECT = Path(__file__).parent.parent
CONFIGURATION = (PROJECT / "dagster.yaml").read_text()
Status = dg.DagsterRunStatus


POSTGRES = ("orf_books.dagster_internals.postgres_storage", "PooledPostgresStorage")
NO_URL = "hunter2"


def custom_storage(module: str, name: str, **config: object) -> str:
    return yaml.safe_dump(
        {"storage": {"custom": {"module": module, "class": name, "config": config}}}
    )


@pytest.fixture(autouse=True)
def _home_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    # Preparing a home sets the variable; this removes it after the test.
    monkeypatch.setenv(HOME_VARIABLE, "")
    monkeypatch.delenv(HOME_VARIABLE)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(storage=str(tmp_path / "my data"))


@pytest.fixture
def dead_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.fixture
def living_process() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid


def test_runs_are_forgotten_once_a_day_where_no_daemon_does_it(settings: Settings) -> None:
    def failed_run(instance: dg.DagsterInstance) -> str:
        run = instance.create_run_for_job(dg.GraphDefinition("nothing").to_job())
        instance.report_run_failed(run)
        return run.run_id

    long_ago = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    with open_instance(settings) as instance:
        home = Path(os.environ[HOME_VARIABLE])
        run_id = failed_run(instance)
        _make_older(home, days=settings.keep_runs_days + 1)

        forget_old_runs(instance, settings)
        assert instance.get_run_by_id(run_id) is None

        run_id = failed_run(instance)
        _make_older(home, days=settings.keep_runs_days + 1)
        forget_old_runs(instance, settings)
        assert instance.get_run_by_id(run_id) is not None
        os.utime(home / "old_runs_forgotten", (long_ago, long_ago))
        forget_old_runs(instance, settings)
        assert instance.get_run_by_id(run_id) is None


def _make_older(home: Path, days: int) -> None:
    with sqlite3.connect(home / "history" / "runs.db") as database:
        database.execute(f"UPDATE runs SET update_timestamp = datetime('now', '-{days} days')")


def test_the_configuration_at_the_root_is_the_one_in_the_package() -> None:
    in_package = files("orf_books") / "configuration" / "dagster.yaml"
    assert (PROJECT / "dagster.yaml").resolve() == in_package


def test_the_home_lies_in_the_data_folder_with_the_projects_configuration(
    settings: Settings, tmp_path: Path
) -> None:
    home = prepare_home(settings)

    assert home == tmp_path / "my data" / "dagster"
    assert (home / "dagster.yaml").read_text() == CONFIGURATION
    assert os.environ[HOME_VARIABLE] == str(home)


def test_with_data_on_s3_the_home_lies_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert prepare_home(Settings(storage="s3://bucket")) == tmp_path / "data" / "dagster"


def test_the_default_home_follows_changes_of_the_projects_configuration(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "my data" / "dagster"
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text("# of an older version")

    prepare_home(settings)
    assert (home / "dagster.yaml").read_text() == CONFIGURATION


def test_a_chosen_home_gets_the_configuration_where_it_has_none(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "chosen"))

    assert prepare_home(settings) == tmp_path / "chosen"
    assert (tmp_path / "chosen" / "dagster.yaml").read_text() == CONFIGURATION
    assert not (tmp_path / "my data").exists()


def test_a_chosen_home_keeps_a_configuration_of_its_own(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}")

    prepare_home(settings)
    assert (tmp_path / "dagster.yaml").read_text() == "telemetry: {enabled: false}"


def statuses_after_opening(settings: Settings, *runs: dg.DagsterRun) -> list[Status]:
    with open_instance(settings) as instance:
        for run in runs:
            instance.add_run(run)
    with open_instance(settings) as instance:
        return [instance.get_run_by_id(run.run_id).status for run in runs]  # type: ignore[union-attr]


def run_of(process: str, status: Status) -> dg.DagsterRun:
    tags = {PROCESS_TAG: process} if process else {}
    return dg.DagsterRun(job_name="ingest_books", status=status, tags=tags)


def test_runs_of_dead_processes_are_failed_and_those_of_living_ones_are_not(
    settings: Settings, dead_process: int, living_process: int
) -> None:
    dead, living = (f"{socket.gethostname()}:{pid}" for pid in (dead_process, living_process))

    assert statuses_after_opening(
        settings,
        run_of(dead, Status.STARTED),
        run_of(dead, Status.STARTING),
        run_of(dead, Status.SUCCESS),
        run_of(living, Status.STARTED),
        run_of(process_tag()[PROCESS_TAG], Status.STARTED),
        run_of("another-host:1", Status.STARTED),
        run_of("", Status.STARTED),
    ) == [
        Status.FAILURE,
        Status.FAILURE,
        Status.SUCCESS,
        Status.STARTED,
        Status.STARTED,
        Status.STARTED,
        Status.STARTED,
    ]


def test_a_failed_run_says_why(settings: Settings, dead_process: int) -> None:
    run = run_of(f"{socket.gethostname()}:{dead_process}", Status.STARTED)
    statuses_after_opening(settings, run)

    with open_instance(settings) as instance:
        messages = [entry.message for entry in instance.all_logs(run.run_id)]
    assert "The process that carried out this run is gone." in messages


def test_the_page_fails_abandoned_runs_too(settings: Settings, dead_process: int) -> None:
    run = run_of(f"{socket.gethostname()}:{dead_process}", Status.STARTED)
    with open_instance(settings) as instance:
        instance.add_run(run)
        batch = BatchResource(concurrency=1, ledger=settings.ledger)
        skipped = abandoned_runs(
            dg.build_sensor_context(instance=instance, resources={"batch": batch})
        )

        assert isinstance(skipped, dg.SkipReason)
        assert run.run_id in str(skipped.skip_message)
        assert instance.get_runs()[0].status is Status.FAILURE


def test_a_home_that_is_part_of_an_image_is_only_read(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = {"storage": {"sqlite": {"base_dir": str(tmp_path / "storage")}}}
    with small_disk(tmp_path / "home", "1m") as home:
        (home / "dagster.yaml").write_text(yaml.safe_dump(storage))
        subprocess.run(["mount", "-o", "remount,ro", str(home)], check=True)
        monkeypatch.setenv(HOME_VARIABLE, str(home))
        with open_instance(settings) as instance:
            forget_old_runs(instance, settings)
            assert instance.get_runs_count() == 0


@pytest.mark.parametrize(
    ("configuration", "remedy"),
    [
        ("next_year: {enabled: true}", "compare its dagster.yaml with"),
        ("storage: [", "compare its dagster.yaml with"),
        ("- a list", "compare its dagster.yaml with"),
        (custom_storage("orf_books.gone", "Gone"), "compare its dagster.yaml with"),
        (custom_storage(*POSTGRES, postgres_url={"env": "NOT_SET"}), "set NOT_SET, which its"),
        (custom_storage(*POSTGRES, postgres_url=NO_URL), "check that this runs"),
    ],
)
def test_a_home_that_dagster_cannot_use_is_something_to_configure(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    configuration: str,
    remedy: str,
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    (tmp_path / "dagster.yaml").write_text(configuration)
    with pytest.raises(FixConfiguration, match=remedy) as caught:
        open_instance(settings)
    assert str(tmp_path) in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_home_below_the_working_directory_may_be_named_from_there(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(HOME_VARIABLE, "chosen")

    assert prepare_home(settings) == tmp_path / "chosen"
    assert os.environ[HOME_VARIABLE] == str(tmp_path / "chosen")


SQLITE_SAYS = {
    "database or disk is full": "full disk",
    "disk I/O error": "full disk",
    "attempt to write a readonly database": "permissions",
    "unable to open database file": "permissions",
    "file is not a database": "damaged",
    "database disk image is malformed": "damaged",
}


@pytest.mark.parametrize(("said", "meaning"), SQLITE_SAYS.items())
def test_what_sqlite_says_of_the_home_is_understood_wherever_it_comes_from(
    settings: Settings, said: str, meaning: str
) -> None:
    home = prepare_home(settings)
    wrapped = RuntimeError("Exception while writing an event")
    wrapped.__cause__ = sqlite3.OperationalError(said)
    failure = failure_of_home(wrapped)
    assert failure is not None
    assert str(home) in str(failure)
    assert meaning in str(failure)


@pytest.mark.parametrize(
    ("number", "meaning"), [(errno.ENOSPC, "full disk"), (errno.EROFS, "permissions")]
)
def test_what_the_system_says_of_the_home_is_understood(
    settings: Settings, number: int, meaning: str
) -> None:
    home = prepare_home(settings)
    failure = failure_of_home(OSError(number, os.strerror(number), str(home / "dagster.yaml")))
    assert meaning in str(failure)


def test_other_errors_are_not_the_homes(settings: Settings, tmp_path: Path) -> None:
    assert failure_of_home(OSError(errno.ENOSPC, "full")) is None
    prepare_home(settings)
    assert failure_of_home(OSError(errno.ENOSPC, "full", str(tmp_path / "elsewhere"))) is None
    assert failure_of_home(sqlite3.OperationalError("no such table: things")) is None
    assert failure_of_home(ValueError("disk is full")) is None


@pytest.mark.slow
@pytest.mark.parametrize("size", ["60k", "700k", "1200k"])
def test_a_command_says_that_the_disk_of_the_home_is_full(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    (tmp_path / "ada.csv").write_bytes(export_of(range(3)))
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    with small_disk(tmp_path / "home", size):
        done = call("run", "books", "ada.csv", "--json")
    assert done.returncode == 2
    assert "is on a full disk: free space" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_command_says_that_the_home_is_damaged(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ada.csv").write_bytes(export_of(range(3)))
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    assert call("run", "books", "ada.csv", "--json").returncode != 2
    for file in (tmp_path / "home").rglob("*.db*"):
        file.write_bytes(b"garbage" * 1000)

    done = call("run", "books", "ada.csv", "--json")

    assert done.returncode == 2
    assert "is damaged: move it away" in done.stderr
