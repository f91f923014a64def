"""What all benchmarks need: processes that end, folders that go, and the table of results.

Belongs here: starting a process until it answers, the sandbox in a process of its own, the
environment of the platform, what a command used, printing. Does not belong here: what is measured,
and the page of results (`page.py`).
"""

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table

from orf_books.sandbox.synthetic_library import SHARE_IN_OPEN_LIBRARY

LOOPBACK = "127.0.0.1"
COMMAND = Path(sys.executable).with_name("orf-books")
DAGSTER = Path(sys.executable).with_name("dagster")
SECONDS_TO_START = 90.0
SECONDS_TO_STOP = 15.0
SECONDS_BETWEEN_LOOKS = 0.02
UNLIMITED_REQUESTS_PER_SECOND = 1000.0
SHOWN_LOG = 3000
WIDTH_WITHOUT_TERMINAL = 120

KEPT_RESULTS = "BENCHMARK_RESULTS"
"""Variable with the file that results are appended to."""
WHAT, HEADINGS = "what", ("measured", "budget", "baseline", "ratio")

output = Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
messages = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of a table of results."""

    what: str
    values: Sequence[float]
    """One for each repetition."""
    unit: str
    budget: float | None = None
    baseline: float | None = None

    @property
    def value(self) -> float:
        """The median of the repetitions."""
        return median(self.values)

    def cells(self) -> tuple[str, str, str, str, str]:
        """What was measured, how much, its budget, its baseline, and the ratio to that."""
        budget = ""
        if self.budget is not None:
            word = "kept" if self.value <= self.budget else "missed"
            budget = f"{_shown(self.budget, self.unit)}, {word}"
        baseline = "" if self.baseline is None else _shown(self.baseline, self.unit)
        return self.what, _with_range(self), budget, baseline, _ratio(self)


@dataclass(frozen=True, slots=True)
class Results:
    """The table of one benchmark, and below it what a reader has to know."""

    title: str
    measurements: Sequence[Measurement]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """What one process used."""

    seconds: float
    """From start to end."""
    cpu_seconds: float
    megabytes: float
    """The largest resident size."""


def use_of(arguments: Sequence[str | Path], *, folder: Path, environment: Mapping[str, str]) -> Use:
    """What a command used that did all its work.

    Raises:
        RuntimeError: it did not.
    """
    # A process starts with the memory of the one that starts it as its largest: a small one does.
    with subprocess.Popen(
        [sys.executable, "-ISc", _MEASURE, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        raise RuntimeError(f"{arguments} ended with exit status {process.returncode}")
    seconds, cpu_seconds, kibibytes = json.loads(printed)
    return Use(seconds, cpu_seconds, kibibytes * 1024 / 1e6)


_MEASURE = """\
import json, resource, subprocess, sys, time

started = time.monotonic()
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
seconds = time.monotonic() - started
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss]))
sys.exit(status)
"""


def print_measurements(
    title: str, measurements: Sequence[Measurement], notes: Sequence[str] = ()
) -> None:
    """Print the table of one benchmark, and keep it for whoever makes a page of several."""
    if kept := os.environ.get(KEPT_RESULTS):
        with Path(kept).open("ab") as file:
            file.write(_RESULTS.dump_json(Results(title, measurements, notes)) + b"\n")
    table = Table(WHAT, title=title, title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for one in measurements:
        what, measured, budget, *others = one.cells()
        colour = "red" if budget.endswith("missed") else "green"
        table.add_row(what, measured, f"[{colour}]{budget}[/{colour}]", *others)
    output.print(table)
    for note in notes:
        output.print(f"  {note}", markup=False, highlight=False)
    output.print()


_RESULTS = TypeAdapter(Results)


def kept_results(file: Path) -> list[Results]:
    """The tables that benchmarks kept in a file."""
    return [_RESULTS.validate_json(line) for line in file.read_bytes().splitlines()]


def tell(what: str) -> None:
    """Say what goes on, apart from the results."""
    messages.print(what, style="dim", markup=False, highlight=False)


def end_cleanly_when_stopped() -> None:
    """Leave by way of every `finally` when asked to stop.

    Processes started from here can be stopped too, even where a shell started this one with
    these signals ignored: a handler is reset to the default in a new process, an ignored signal
    stays ignored.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is deleted in the end."""
    with tempfile.TemporaryDirectory(
        prefix="orf-books-benchmark-", ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        return int(listening.getsockname()[1])


def wait_until(is_so: Callable[[], bool], what: str, seconds: float) -> None:
    """Look again and again until it is so.

    Raises:
        TimeoutError: it took too long.
    """
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError(f"{what} took longer than {seconds:g} s.")
        time.sleep(SECONDS_BETWEEN_LOOKS)


@contextmanager
def running(
    arguments: Sequence[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str],
    answers: Callable[[], bool],
) -> Iterator[None]:
    """A process with all that it starts, from when it answers until the block ends.

    Raises:
        RuntimeError: it ended or did not answer; the message has the end of its output.
    """
    log = folder / "output.txt"
    with log.open("wb") as written:
        process = subprocess.Popen(
            arguments,
            cwd=folder,
            env=environment,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for_answer(process, answers, log)
        yield
    finally:
        _stop_group(process)


def _wait_for_answer(
    process: "subprocess.Popen[bytes]", answers: Callable[[], bool], log: Path
) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while not answers():
        if process.poll() is not None or time.monotonic() > until:
            said = log.read_text(errors="replace")[-SHOWN_LOG:]
            raise RuntimeError(f"{process.args!r} did not start. It said:\n{said}")
        time.sleep(0.2)


def _stop_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process and everything that it started, politely first."""
    _signal_group(process.pid, signal.SIGINT)
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        messages.print(f"{process.args!r} had to be killed.", style="dim", markup=False)
    finally:
        # What it started and left behind is still in its group.
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


@dataclass(frozen=True, slots=True)
class SandboxProcess:
    """Open Library and Google Books in a process of their own."""

    url: str

    @property
    def open_library_url(self) -> str:
        """What stands in for Open Library."""
        return f"{self.url}/openlibrary"

    @property
    def google_books_url(self) -> str:
        """What stands in for Google Books."""
        return f"{self.url}/books/v1"

    def export(self) -> bytes:
        """The Goodreads export whose books the services know."""
        return httpx.get(f"{self.url}/sandbox/library.csv").raise_for_status().content

    def change(self, **switches: Any) -> None:  # noqa: ANN401 - switches are of many types
        """Set switches of its behaviour."""
        httpx.patch(f"{self.url}/sandbox/behaviour", json=switches).raise_for_status()

    def forget_counts(self) -> None:
        """Count requests from nothing."""
        httpx.delete(f"{self.url}/sandbox/counts").raise_for_status()

    def requests(self) -> int:
        """Requests to Open Library since the counts were forgotten."""
        counts = httpx.get(f"{self.url}/sandbox/counts").raise_for_status().json()
        return sum(counts["open_library"]["requests"].values())


@contextmanager
def running_sandbox(
    rows: int, latency: float = 0.0, open_library_share: float = SHARE_IN_OPEN_LIBRARY
) -> Iterator[SandboxProcess]:
    """The services, knowing an invented library of so many rows."""
    sandbox = SandboxProcess(f"http://{LOOPBACK}:{free_port()}")
    arguments = [sys.executable, "-m", "orf_books.sandbox"]
    arguments += ["--port", sandbox.url.rpartition(":")[2]]
    arguments += ["--latency", str(latency), "--library-rows", str(rows)]
    arguments += ["--open-library-share", str(open_library_share)]
    with (
        temporary_folder() as folder,
        running(
            arguments,
            folder=folder,
            environment=os.environ,
            answers=lambda: is_answering(f"{sandbox.url}/sandbox/counts"),
        ),
    ):
        yield sandbox


def is_answering(url: str) -> bool:
    """Whether a server answers there."""
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def platform_environment(
    sandbox: SandboxProcess, requests_per_second: float | None = UNLIMITED_REQUESTS_PER_SECOND
) -> dict[str, str]:
    """The environment of an `orf-books` that asks the sandbox, and has no other settings.

    Args:
        sandbox: what stands in for the services.
        requests_per_second: None leaves the rate that Open Library's policy grants.
    """
    environment = clean_environment() | {
        "ORF_BOOKS_CONTACT": "benchmark@localhost",
        "ORF_BOOKS_OPEN_LIBRARY_URL": sandbox.open_library_url,
        "ORF_BOOKS_GOOGLE_BOOKS_URL": sandbox.google_books_url,
    }
    if requests_per_second is not None:
        environment["ORF_BOOKS_OPEN_LIBRARY_RATE"] = str(requests_per_second)
    return environment


def clean_environment() -> dict[str, str]:
    """This process's environment without settings of the platform and of Dagster."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ORF_BOOKS_", "DAGSTER_"))
    } | {"DAGSTER_DISABLE_TELEMETRY": "1"}


def parts_of_export(export: bytes, rows: int) -> list[bytes]:
    """The export in parts of so many rows, each an export of books that no other part has."""
    header, *books = csv.reader(io.StringIO(export.decode()))
    return [_export(header, books[start : start + rows]) for start in range(0, len(books), rows)]


def _export(header: Sequence[str], books: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header, *books])
    return text.getvalue().encode()


def ask_page(port: int, query: str) -> dict[str, Any]:
    """What Dagster's page answers to a GraphQL query; empty while it does not answer."""
    try:
        answer = httpx.post(
            f"http://{LOOPBACK}:{port}/graphql", json={"query": query}, timeout=30
        ).json()
    except (httpx.TransportError, ValueError):
        return {}
    return dict(answer.get("data") or {})


def sensor_has_looked(port: int, location: str, sensor: str) -> bool:
    """Whether the daemon behind a page has evaluated a sensor once."""
    query = (
        '{sensorsOrError(repositorySelector:{repositoryName:"__repository__",'
        f'repositoryLocationName:"{location}"}}){{'
        "... on Sensors{results{name sensorState{ticks(limit:1){status}}}}}}"
    )
    sensors = ask_page(port, query).get("sensorsOrError", {}).get("results", ())
    return any(one["name"] == sensor and one["sensorState"]["ticks"] for one in sensors)


def _with_range(one: Measurement) -> str:
    shown = _shown(one.value, one.unit)
    if len(one.values) > 1:
        shown += f" ({_number(min(one.values))} to {_number(max(one.values))})"
    return shown


def _ratio(one: Measurement) -> str:
    return f"{_number(one.baseline / one.value)} x" if one.baseline and one.value else ""


def _shown(value: float, unit: str) -> str:
    return f"{_number(value)} {unit}".rstrip()


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2g}" if value < 1 else f"{value:.3g}"


def use_of_library(sandbox: SandboxProcess, export: bytes, books: int) -> Use:
    """Of `orf-books run books` on an export of so many books, with an empty store.

    Raises:
        RuntimeError: not all of them are on the dashboard.
    """
    with temporary_folder() as folder:
        file = folder / "library.csv"
        file.write_bytes(export)
        use = use_of(
            [COMMAND, "run", "books", file, "--json"],
            folder=folder,
            environment=platform_environment(sandbox),
        )
        shown = json.loads((folder / "data" / "data" / "library.json").read_bytes())["books"]
    if len(shown) != books:
        raise RuntimeError(f"{len(shown)} of {books} books")
    tell(
        f"{books:,} books: {use.seconds:.1f} s, {use.cpu_seconds:.1f} s CPU, "
        f"{use.megabytes:.0f} MB."
    )
    return use
