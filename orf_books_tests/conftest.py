"""What tests of several modules share: storages, instances, the sandbox, the platform over them."""

import csv
import gc
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar
from uuid import uuid4

import boto3
import dagster as dg
import hypothesis
import pytest
import stamina
from alembic.config import Config
from alembic.script import ScriptDirectory
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from orf_books.assets.books.step import BOOKS, ENRICHED_BOOKS
from orf_books.cli import main
from orf_books.dagster_internals import PartitionStatus, partition_statuses
from orf_books.definitions import build_defs
from orf_books.object_keys import library_data_key
from orf_books.records.books import BookRecords, EnrichmentReport
from orf_books.resources.dagster_resources import OpenLibraryResource, user_agent
from orf_books.resources.http import RetryPolicy
from orf_books.resources.open_library import OpenLibrary
from orf_books.resources.raw_answers import RawAnswer
from orf_books.resources.storage import ObjectStorage, S3Options
from orf_books.sandbox.behaviour import Behaviour
from orf_books.sandbox.catalogue import Catalogue
from orf_books.sandbox.server import Sandbox
from orf_books.sandbox.synthetic_library import FIRST_GOODREADS_ID, synthetic_library
from orf_books.settings import Settings
from orf_books_tests.postgres import PostgresServer, running_postgres

# A busy machine fails no test by its time.
hypothesis.settings.register_profile("busy machine", deadline=None)
hypothesis.settings.load_profile("busy machine")

BUCKET = "orf-books-tests"
INVENTED_BOOKS = 520
CONTACT = "tests@example.org"
UNHURRIED = 1000.0
"""Requests a second: the sandbox is nobody else's server."""

Answer = TypeVar("Answer")


def pytest_collection() -> None:
    """What is collected stays to the end: looking for garbage in it costs a third of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _revisions_are_read_once() -> Iterator[None]:
    """Alembic would read a hundred files for each storage of Dagster that a test creates."""
    scripts: dict[str | None, ScriptDirectory] = {}
    read = ScriptDirectory.from_config

    def from_config(config: Config) -> ScriptDirectory:
        place = config.get_main_option("script_location")
        if place not in scripts:
            scripts[place] = read(config)
        return scripts[place]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", from_config)
        yield


@pytest.fixture(scope="session")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where tests that name no ledger have one of their own each."""
    return tmp_path_factory.mktemp("ledgers")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Before any fixture of a module: it would put its data where the settings of others say."""
    with pytest.MonkeyPatch.context() as patch:
        _forget_settings(patch)
        yield


def _forget_settings(patch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("ORF_BOOKS_", "AWS_", "DAGSTER_HOME")):
            patch.delenv(name)


@pytest.fixture(autouse=True)
def _no_settings_of_other_tests(monkeypatch: pytest.MonkeyPatch, ledgers: Path) -> None:
    _forget_settings(monkeypatch)
    monkeypatch.setenv("ORF_BOOKS_LEDGER", f"sqlite:///{ledgers / uuid4().hex}.sqlite")


@pytest.fixture
def retries_at_once() -> Iterator[None]:
    """As many attempts as ever, but no wait before the next one."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Options]:
    """A server that speaks S3, with one bucket."""
    with running_s3() as options:
        yield options


@contextmanager
def running_s3() -> Iterator[S3Options]:
    """A server that speaks S3, with one bucket, until the block ends."""
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


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A Postgres server; make a database of your own in it."""
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStorage:
    """A fresh storage of each kind."""
    if request.param == "folder":
        return ObjectStorage((tmp_path / "store").as_uri())
    options = request.getfixturevalue("s3_server")
    return ObjectStorage(f"s3://{BUCKET}/{tmp_path.name}", options)


@pytest.fixture
def folder(tmp_path: Path) -> ObjectStorage:
    """A fresh storage in a folder."""
    return ObjectStorage((tmp_path / "store").as_uri())


@pytest.fixture(scope="session")
def _instance_in_memory() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def instance(_instance_in_memory: dg.DagsterInstance) -> dg.DagsterInstance:
    """An empty Dagster instance in memory."""
    _instance_in_memory.wipe()
    return _instance_in_memory


# Invented books, by number


@cache
def invented_library() -> tuple[bytes, Catalogue]:
    """An export of all invented books, and what the sandbox knows of them."""
    return synthetic_library(INVENTED_BOOKS)


@cache
def _invented_rows() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(invented_library()[0].decode())))


def book(number: int) -> str:
    """The Goodreads id of an invented book, which is its partition too."""
    return str(FIRST_GOODREADS_ID + number)


def export_of(numbers: Iterable[int], **cells: str) -> bytes:
    """A Goodreads export with these books; `cells` changes columns in all of its rows."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _invented_rows()[0], lineterminator="\n")
    writer.writeheader()
    changes = {name.replace("_", " "): cell for name, cell in cells.items()}
    writer.writerows(_invented_rows()[number] | changes for number in numbers)
    return text.getvalue().encode()


@cache
def plain_books() -> list[int]:
    """Books that one question to Open Library settles: it knows number and genres."""
    return [
        number
        for number, (row, known) in enumerate(
            zip(_invented_rows(), invented_library()[1].books, strict=True)
        )
        if known.open_library and known.open_library.subjects and row["ISBN13"] != '=""'
    ]


# The sandbox, and the platform against it


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """The services, knowing the invented books."""
    export, catalogue = invented_library()
    with Sandbox(catalogue, export=export) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """The services, calm, nothing counted yet."""
    running_sandbox.behaviour.change(Behaviour().as_json())
    running_sandbox.counts.clear()
    return running_sandbox


def settings_for(sandbox: Sandbox, storage: str, **others: Any) -> Settings:  # noqa: ANN401
    """Settings that know the sandbox; Google Books is off."""
    return Settings(
        storage=storage,
        contact=CONTACT,
        open_library_url=sandbox.open_library_url,
        open_library_rate=UNHURRIED,
        google_books_url=sandbox.google_books_url,
        google_books_window_requests=int(UNHURRIED * 100),
        **others,
    )


@pytest.fixture
def settings(sandbox: Sandbox, folder: ObjectStorage) -> Settings:
    """Settings that know the sandbox and a fresh folder."""
    return settings_for(sandbox, folder.url)


class HastyOpenLibrary(OpenLibraryResource):
    """Open Library asked by someone who hardly waits before asking again."""

    def open(self, keep: Callable[[RawAnswer], None] = lambda _: None) -> OpenLibrary:
        """A client."""
        return OpenLibrary(
            self.url,
            user_agent=user_agent(self.contact),
            retry_policy=RetryPolicy(attempts=2, first_wait=0.01, jitter=0.01),
            keep=keep,
        )


@dataclass
class Platform:
    """The platform over one store and one Dagster instance, runs in this process."""

    settings: Settings
    instance: dg.DagsterInstance

    @cached_property
    def definitions(self) -> dg.Definitions:
        """All of it, with hasty retries."""
        open_library = HastyOpenLibrary(
            url=self.settings.open_library_url,
            contact=self.settings.contact,
            requests_per_second=self.settings.open_library_requests_per_second,
            ledger=self.settings.ledger,
        )
        return build_defs(self.settings, open_library=open_library)

    @cached_property
    def storage(self) -> ObjectStorage:
        """Its store."""
        return self.settings.open_storage()

    @cached_property
    def records(self) -> BookRecords:
        """Its tables."""
        return BookRecords(self.storage)

    def put(self, library: str, export: bytes, name: str = "raw.csv") -> str:
        """Store an upload; returns its key."""
        key = f"uploads/{library}/{name}"
        self.storage.put(key, export)
        return key

    def run(self, job: str = "ingest_books", **configs: Any) -> dg.ExecuteInProcessResult:  # noqa: ANN401
        """Run a job; `configs` are the configurations of its steps."""
        ops = {step: {"config": config} for step, config in configs.items()}
        return self.definitions.resolve_job_def(job).execute_in_process(
            run_config=_quietly(ops), instance=self.instance, raise_on_error=False
        )

    def ingest(self, library: str, export: bytes) -> dg.ExecuteInProcessResult:
        """Store an upload and run `ingest_books` over it, as the sensor would request it."""
        key = self.put(library, export)
        return self.run(library_entries={"uploads": [self.upload_config(key)]})

    def upload_config(self, key: str, arrived_at: datetime | None = None) -> dict[str, str]:
        """The configuration by which a run is about this upload."""
        return {
            "key": key,
            "version": self.storage.head(key).version,
            "arrived_at": (arrived_at or datetime.now(UTC)).isoformat(),
        }

    def materialize_books(self, first: str, last: str) -> dg.ExecuteInProcessResult:
        """What a backfill launches: one run of the partitions from first to last."""
        return self.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            asset_selection=[ENRICHED_BOOKS],
            tags={
                "dagster/asset_partition_range_start": first,
                "dagster/asset_partition_range_end": last,
            },
            run_config=_quietly({}),
            instance=self.instance,
            raise_on_error=False,
        )

    def report(self, run: dg.ExecuteInProcessResult) -> EnrichmentReport:
        """The report that a run has left."""
        report = self.records.report_of_run(run.run_id)
        assert report is not None
        return report

    def dashboard(self, library: str) -> dict[str, Any]:
        """A library's dashboard JSON."""
        return dict(json.loads(self.storage.get(library_data_key(library))))

    def shown_books(self, library: str) -> dict[str, dict[str, Any]]:
        """The books on a library's dashboard, by Goodreads id."""
        return {shown["goodreads_id"]: shown for shown in self.dashboard(library)["books"]}

    def statuses(self) -> dict[str, PartitionStatus]:
        """Dagster's status of every book."""
        return statuses_of_books(self.instance)

    def books_that_are(self, status: PartitionStatus) -> set[str]:
        """The books of this status."""
        return {key for key, found in self.statuses().items() if found is status}


def statuses_of_books(instance: dg.DagsterInstance) -> dict[str, PartitionStatus]:
    """Dagster's status of every partition of enriched books."""
    keys = instance.get_dynamic_partitions(str(BOOKS.partitions.name))
    return partition_statuses(instance, ENRICHED_BOOKS, BOOKS.partitions, keys)


def _quietly(ops: dict[str, Any]) -> dict[str, Any]:
    return {"ops": ops, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def platform(settings: Settings, instance: dg.DagsterInstance) -> Platform:
    """The platform over a fresh folder, against the sandbox."""
    return Platform(settings, instance)


# The command line


@dataclass
class CommandLine:
    """`orf-books` as people start it: a process of its own, in a folder of its own."""

    folder: Path
    settings: Settings
    environment: dict[str, str] = field(default_factory=dict)
    """What is set besides."""
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.start(*arguments, **variables)
        output, messages = process.communicate(timeout=90)
        return subprocess.CompletedProcess(arguments, process.returncode, output, messages)

    def document(self, *arguments: str, status: int = 0) -> dict[str, Any]:
        """What a command prints with `--json`; the command ends with this exit status."""
        done = self(*arguments, "--json")
        assert done.returncode == status, done.stderr
        return dict(json.loads(done.stdout))

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command; it is killed at the end of the test, if it still runs."""
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.variables() | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    @staticmethod
    def command(*arguments: str) -> list[str]:
        """What is started."""
        return [str(Path(sys.executable).with_name("orf-books")), *arguments]

    def variables(self) -> dict[str, str]:
        """What its environment is."""
        return _other_variables() | variables_of(self.settings) | self.environment

    def end(self) -> None:
        """Kill what still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.communicate()

    @property
    def storage(self) -> ObjectStorage:
        """Its store."""
        return self.settings.open_storage()

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """The Dagster instance of its runs."""
        with pytest.MonkeyPatch.context() as patch:
            home = self.environment.get("DAGSTER_HOME", str(self.folder / "data" / "dagster"))
            patch.setenv("DAGSTER_HOME", home)
            with dg.DagsterInstance.get() as found:
                yield found


def variables_of(settings: Settings) -> dict[str, str]:
    """The variables that make these settings."""
    given = settings.model_dump(exclude_none=True, exclude_defaults=True)
    return {
        f"ORF_BOOKS_{name.upper()}": value.get_secret_value()
        if isinstance(value, SecretStr)
        else str(value)
        for name, value in given.items()
    }


def _other_variables() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ORF_BOOKS_", "AWS_", "DAGSTER_HOME"))
    }


@pytest.fixture
def orf_books(sandbox: Sandbox, tmp_path: Path) -> Iterator[CommandLine]:
    """The command line in an empty folder, with the sandbox for services."""
    started = CommandLine(tmp_path, settings_for(sandbox, str(tmp_path / "data")))
    yield started
    started.end()


Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def call(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Call:
    """`orf-books` in this process, with `tmp_path` as working directory."""
    monkeypatch.chdir(tmp_path)
    for name, value in variables_of(settings).items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["orf-books", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        status = end.value.code
        assert status is None or isinstance(status, int)
        return subprocess.CompletedProcess(arguments, status or 0, printed.out, printed.err)

    return call


def wait_for(
    what: str, look: Callable[[], Answer | None], seconds: float = 30.0, pause: float = 0.05
) -> Answer:
    """Look again and again until something is there."""
    until = monotonic() + seconds
    while monotonic() < until:
        if found := look():
            return found
        sleep(pause)
    raise AssertionError(f"After {seconds:g} s still no {what}.")
