"""`orf-books dev` as people start it, and what they see of it; for tests and `chaos/`."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from orf_books.instance import CONFIGURATION
from orf_books.sandbox.server import Sandbox
from orf_books_tests.conftest import CommandLine, wait_for

CODE_LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": "orf_books"}
ENRICHED_BOOKS = {"path": ["enriched_books"]}
RESCORED_ACTIVITIES = {"path": ["rescored_activities"]}
SCORED_TRANSCRIPTS = {"path": ["scored_transcripts"]}
INSTANCE_URL = "URL_OF_THE_INSTANCE"
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

SENSORS = """query($of: RepositorySelector!) {
  sensorsOrError(repositorySelector: $of) {
    ... on Sensors { results { name sensorState { ticks(limit: 1) { status } } } } } }"""
PARTITIONS = """query($asset: AssetKeyInput!) {
  assetNodeOrError(assetKey: $asset) { ... on AssetNode { assetPartitionStatuses {
    ... on DefaultPartitionStatuses {
      materializedPartitions failedPartitions unmaterializedPartitions materializingPartitions
    } } } } }"""
RUNS = """{ runsOrError { ... on Runs { results {
  runId jobName status assetSelection { path } tags { key value } } } } }"""
EVENTS = """query($run: ID!) { logsForRun(runId: $run, limit: 1000) {
  ... on EventConnection { events { ... on MessageEvent { message } } } } }"""
BACKFILL = """mutation($of: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $of) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""


@dataclass
class LivePlatform:
    """`orf-books dev`, and what somebody sees who looks at its page and its folder."""

    orf_books: CommandLine
    sandbox: Sandbox
    url: str
    output: Path
    process: int
    """Of the command, which leads a process group."""

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """Ask the page's GraphQL."""
        question = {"query": query, "variables": variables}
        answer = httpx.post(f"{self.url}/graphql", json=question, timeout=30).json()
        assert "errors" not in answer, answer
        return dict(answer["data"])

    def is_up(self) -> bool:
        """Whether the sensors have ticked."""
        try:
            found = self.ask(SENSORS, of=CODE_LOCATION)["sensorsOrError"].get("results", [])
        except httpx.HTTPError:
            return False
        ticks = {sensor["name"]: sensor["sensorState"]["ticks"] for sensor in found}
        return bool(ticks.get("new_goodreads_exports") and ticks.get("refresh_after_backfill"))

    def put(self, library: str, export: bytes) -> None:
        """Put a file into the uploads folder, as any program would."""
        file = self.orf_books.folder / "data" / "uploads" / library / "export.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(export)

    def dashboard(self, library: str) -> dict[str, Any] | None:
        """A library's dashboard, if there is one yet."""
        file = self.orf_books.folder / "data" / "data" / f"{library}.json"
        return json.loads(file.read_text()) if file.exists() else None

    def run_over(self, library: str) -> dict[str, Any] | None:
        """The run that the sensor started for a library's upload."""
        upload = {"key": "orf_books/upload", "value": f"uploads/{library}/export.csv"}
        runs = self.ask(RUNS)["runsOrError"]["results"]
        return next((run for run in runs if upload in run["tags"]), None)

    def ended_run_over(self, library: str) -> dict[str, Any]:
        """The same, when it has ended."""

        def ended() -> dict[str, Any] | None:
            run = self.run_over(library)
            return run if run and run["status"] in ENDED else None

        return wait_for(f"ended run over {library}", ended, seconds=90)

    def has_succeeded(self, job: str) -> bool:
        """Whether a run of this job has."""
        runs = self.ask(RUNS)["runsOrError"]["results"]
        return any((run["jobName"], run["status"]) == (job, "SUCCESS") for run in runs)

    def partitions(self, status: str, asset: dict[str, list[str]] = ENRICHED_BOOKS) -> set[str]:
        """Items of a status, as the asset's page shows them."""
        node = self.ask(PARTITIONS, asset=asset)["assetNodeOrError"]
        return set(node["assetPartitionStatuses"][f"{status}Partitions"])

    def backfill(self, keys: Iterable[str], asset: dict[str, list[str]] = ENRICHED_BOOKS) -> None:
        """Launch a backfill of items, as the page does."""
        chosen = {"assetSelection": [asset], "partitionNames": sorted(keys)}
        launched = self.ask(BACKFILL, of=chosen)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched

    def worker_of(self, run_id: str) -> int | None:
        """The process that carries out a run."""
        events = self.ask(EVENTS, run=run_id)["logsForRun"]["events"]
        started = [
            re.search(r"Started process for run \(pid: (\d+)\)", event.get("message", ""))
            for event in events
        ]
        return next((int(found[1]) for found in started if found), None)


@contextmanager
def running_platform(orf_books: CommandLine, sandbox: Sandbox) -> Iterator[LivePlatform]:
    """`orf-books dev`, from when its sensors tick until the block ends."""
    port = _free_port()
    output = orf_books.folder / "output.txt"
    with output.open("ab") as opened:
        process = subprocess.Popen(
            # The daemon stops by itself when asked; a shell may have told its children not to.
            ["env", "--default-signal=INT,TERM", *orf_books.command("dev", "--port", str(port))],
            cwd=orf_books.folder,
            env=orf_books.variables(),
            stdout=opened,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    platform = LivePlatform(orf_books, sandbox, f"http://127.0.0.1:{port}", output, process.pid)
    try:
        wait_for("page with ticking sensors", platform.is_up, seconds=90, pause=0.5)
        yield platform
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        pass
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        process.wait(20)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def home_on_postgres(home: Path, url: str) -> dict[str, str]:
    """Make a Dagster home whose instance lies in a database; the variables to use it with."""
    content = yaml.safe_load((CONFIGURATION / "dagster.yaml").read_text())
    del content["event_log_storage"]
    content["storage"] = {
        "custom": {
            "module": "orf_books.dagster_internals.postgres_storage",
            "class": "PooledPostgresStorage",
            "config": {"postgres_url": {"env": INSTANCE_URL}},
        }
    }
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(yaml.safe_dump(content))
    # As people write it.
    return {"DAGSTER_HOME": str(home), INSTANCE_URL: url.replace("+psycopg", "")}
