"""Two machines that share a bucket, an instance and a ledger, and nothing else.

Each has its own folder, Dagster home and host name; the bucket is a server that speaks S3, instance
and ledger are databases of a real Postgres server.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import pytest

from orf_books.dagster_internals import PartitionStatus
from orf_books.records.books import BookRecords
from orf_books.resources.storage import ObjectStorage, S3Options
from orf_books.sandbox.behaviour import Behaviour, Service
from orf_books.sandbox.server import Sandbox
from orf_books_tests.conftest import (
    BUCKET,
    CommandLine,
    book,
    export_of,
    plain_books,
    settings_for,
    statuses_of_books,
    wait_for,
)
from orf_books_tests.live_platform import INSTANCE_URL, home_on_postgres, running_platform
from orf_books_tests.postgres import PostgresServer
from orf_books_tests.test_s3_end_to_end import aws_variables

pytestmark = [pytest.mark.machines, pytest.mark.timeout(600)]

SECONDS_TO_FAIL_A_RUN = 120
SECONDS_TO_RETRY = 120


@dataclass
class Machine(CommandLine):
    """The command line on a machine of its own."""

    name: str = ""

    def command(self, *arguments: str) -> list[str]:  # type: ignore[override]
        """What is started, under the machine's own host name."""
        renamed = 'hostname "$0" && exec "$@"'
        return ["unshare", "--uts", "sh", "-c", renamed, self.name, *super().command(*arguments)]


@pytest.fixture
def machines(
    sandbox: Sandbox, s3_server: S3Options, postgres_server: PostgresServer, tmp_path: Path
) -> Iterator[list[Machine]]:
    if os.geteuid() or not shutil.which("unshare"):
        pytest.skip("A host name of one's own needs root and util-linux.")
    ledger = postgres_server.create_database(f"{tmp_path.name}-ledger")
    instance = postgres_server.create_database(tmp_path.name)
    settings = settings_for(sandbox, f"s3://{BUCKET}/{tmp_path.name}", ledger=ledger)
    machines = []
    for name in ("one", "another"):
        variables = home_on_postgres(tmp_path / name / "home", instance)
        environment = aws_variables(s3_server) | variables
        machines.append(Machine(tmp_path / name, settings, environment, name=name))
    yield machines
    for machine in machines:
        machine.end()


@contextmanager
def instance_of(machine: Machine) -> Iterator[dg.DagsterInstance]:
    """The instance as a machine sees it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(INSTANCE_URL, machine.environment[INSTANCE_URL])
        with machine.instance() as instance:
            yield instance


def statuses(machine: Machine) -> dict[str, PartitionStatus]:
    with instance_of(machine) as instance:
        return statuses_of_books(instance)


def run_seen_by(machine: Machine) -> dg.DagsterRun:
    """The first run."""
    with instance_of(machine) as instance:
        *_, run = instance.get_runs()
        return run


def test_overlapping_uploads_on_two_machines_ask_about_no_book_twice(
    machines: list[Machine], sandbox: Sandbox, s3_server: S3Options
) -> None:
    runs = []
    libraries = {"ada": plain_books()[:120], "bob": plain_books()[60:180]}
    for machine, (library, numbers) in zip(machines, libraries.items(), strict=True):
        (machine.folder / f"{library}.csv").write_bytes(export_of(numbers))
        runs.append(machine.start("run", "books", f"{library}.csv", "--json"))
    messages = [run.communicate(timeout=200)[1] for run in runs]

    assert [run.returncode for run in runs] == [0, 0], messages
    assert sandbox.counts.identifiers(Service.OPEN_LIBRARY) == 180
    all_books = {book(number) for numbers in libraries.values() for number in numbers}
    for machine in machines:
        assert statuses(machine) == dict.fromkeys(all_books, PartitionStatus.MATERIALIZED)
    records = BookRecords(ObjectStorage(machines[0].settings.storage, s3_server))
    assert len(records.with_answers(all_books)) == 180


def test_the_run_of_a_killed_machine_is_failed_by_the_other_which_settles_its_items(
    machines: list[Machine], sandbox: Sandbox, s3_server: S3Options
) -> None:
    killed, living = machines
    numbers = plain_books()[:120]
    (killed.folder / "ada.csv").write_bytes(export_of(numbers))
    sandbox.behaviour.change(replace(Behaviour(), latency_seconds=20.0).as_json())
    process = killed.start("run", "books", "ada.csv", "--json")
    wait_for("request", lambda: sandbox.counts.requests(Service.OPEN_LIBRARY), seconds=120)

    with running_platform(living, sandbox):
        process.kill()
        process.communicate()
        assert run_seen_by(living).status is dg.DagsterRunStatus.STARTED
        wait_for(
            "failed run",
            lambda: run_seen_by(living).is_finished,
            seconds=SECONDS_TO_FAIL_A_RUN,
            pause=1,
        )
        assert run_seen_by(living).status is dg.DagsterRunStatus.FAILURE

        sandbox.behaviour.change(Behaviour().as_json())
        settled = {book(number): PartitionStatus.MATERIALIZED for number in numbers}
        wait_for("retry", lambda: statuses(living) == settled, seconds=SECONDS_TO_RETRY, pause=1)
