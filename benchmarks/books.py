"""A library from file to dashboard: the platform against scripts and stock Dagster.

Measured, with services that take 0.9 s an API request: the time from putting an export into
`uploads/` until its dashboard is written, with the page and its daemon running; the time of
`orf-books run books` for the same, once as fast as the services allow and once within Open
Library's published limits, which the sandbox then enforces; the time until the last dashboard of
many exports that are put at once. Every repetition has books of its own, so nothing is reused.

Baseline: stock Dagster with one run per book (`benchmarks/stock_dagster`) on a sample of books,
extrapolated. Beside it: the usual script of asyncio and aiohttp (`usual_way.py`), extrapolated if
it is stopped, and the command of another checkout, such as the state before a change.
"""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.measuring import (
    COMMAND,
    DAGSTER,
    LOOPBACK,
    Measurement,
    SandboxProcess,
    ask_page,
    clean_environment,
    end_cleanly_when_stopped,
    free_port,
    parts_of_export,
    platform_environment,
    print_measurements,
    running,
    running_sandbox,
    sensor_has_looked,
    tell,
    temporary_folder,
    wait_until,
)
from benchmarks.usual_way import look_up_one_by_one

BUDGET_LIVE, BUDGET_COMMAND, BUDGET_WITHIN_LIMITS = 6.0, 3.5, 12.0
BUDGET_REQUESTS = 0.1
BUDGET_MANY_UPLOADS = 60.0
ROWS_OF_MANY_UPLOADS = 60
SECONDS_FOR_A_LIBRARY = 120.0
SECONDS_FOR_MANY_UPLOADS = 600.0
SECONDS_FOR_A_SCRIPT = 60.0
SECONDS_FOR_STOCK = 240.0
SECONDS_OF_REST = 3.0
"""Between repetitions, so that the end of one does not slow the next."""
STOCK_DEFINITIONS = Path(__file__).with_name("stock_dagster") / "definitions.py"
_STOCK_RUNS = """{runsOrError{... on Runs{results{
    jobName stats{... on RunStatsSnapshot{launchTime endTime}}}}}}"""


@dataclass(frozen=True, slots=True)
class StockTimes:
    """How long stock Dagster took for a sample."""

    books: int
    around: float
    """Seconds that do not grow with the books: until the first run starts, and the dashboard."""
    runs: float
    """Seconds from the start of the first book's run to the end of the last one's."""

    @property
    def seconds_a_book(self) -> float:
        """What each further book costs."""
        return self.runs / self.books

    def extrapolated(self, books: int) -> float:
        """Seconds for so many books."""
        return self.around + self.seconds_a_book * books


def main(  # noqa: PLR0913, PLR0917 - options
    repetitions: Annotated[int, typer.Option(help="Libraries measured each way.")] = 3,
    rows: Annotated[int, typer.Option(help="Books of a library.")] = 565,
    latency: Annotated[float, typer.Option(help="Seconds that an API request takes.")] = 0.9,
    stock_books: Annotated[int, typer.Option(help="Books given to stock Dagster.")] = 20,
    uploads: Annotated[int, typer.Option(help="Exports of 60 books that are put at once.")] = 200,
    before: Annotated[
        Path | None, typer.Option(help="Another checkout, with its .venv, to compare with.")
    ] = None,
) -> None:
    """Measure, and print the table."""
    end_cleanly_when_stopped()
    with running_sandbox(uploads * ROWS_OF_MANY_UPLOADS, latency) as sandbox:
        many = parts_of_export(sandbox.export(), ROWS_OF_MANY_UPLOADS)
        many_uploads = _seconds_of_many_uploads(sandbox, many)
    with running_sandbox(rows * repetitions, latency) as sandbox:
        libraries = parts_of_export(sandbox.export(), rows)
        live = _seconds_live(sandbox, libraries)
        first = [_seconds_of_first_command(sandbox, library) for library in libraries]
        command = _seconds_of_commands(sandbox, libraries)
        within_limits, requests = _within_limits(sandbox, libraries[0])
        script = _seconds_of_script(sandbox, libraries[0])
        earlier = [
            _seconds_of_first_command(sandbox, library, command=checkout / ".venv/bin/orf-books")
            for checkout in filter(None, [before])
            for library in libraries
        ]
        sample = parts_of_export(libraries[0], stock_books)[0]
        stock = _stock_times(sandbox, sample, stock_books)
    baseline = stock.extrapolated(rows)
    print_measurements(
        f"{rows} books, {latency:g} s an API request",
        [
            Measurement(
                "from file put to dashboard, live daemon", live, "s", BUDGET_LIVE, baseline
            ),
            Measurement("orf-books run books", command, "s", BUDGET_COMMAND, baseline),
            Measurement(
                "orf-books run books, the first in a store", first, "s", BUDGET_COMMAND, baseline
            ),
            Measurement(
                "orf-books run books, published limits enforced",
                [within_limits],
                "s",
                BUDGET_WITHIN_LIMITS,
                baseline,
            ),
            Measurement(
                "requests to Open Library a book", [requests / rows], "", BUDGET_REQUESTS, 1.0
            ),
            Measurement(
                f"{uploads} exports of {ROWS_OF_MANY_UPLOADS} books put at once, live daemon",
                [many_uploads],
                "s",
                BUDGET_MANY_UPLOADS,
                stock.extrapolated(uploads * ROWS_OF_MANY_UPLOADS),
            ),
            Measurement("asyncio and aiohttp, a book at a time, 15 at once", [script], "s"),
            *(
                [Measurement("orf-books run books of the other checkout", earlier, "s")]
                if earlier
                else []
            ),
            Measurement("stock Dagster, one run per book, extrapolated", [baseline], "s"),
        ],
        [
            f"Baseline: stock Dagster on {stock.books} books, EXTRAPOLATED to {rows}.",
            f"Measured: {stock.runs:.1f} s for their runs, {stock.seconds_a_book:.2f} s a book,",
            f"and {stock.around:.1f} s before and after, which do not grow with the books.",
        ],
    )


def _seconds_live(sandbox: SandboxProcess, libraries: list[bytes]) -> list[float]:
    """From putting each library to its dashboard, with the page and its daemon running."""
    with _running_platform(sandbox) as store:
        return [
            _seconds_to_dashboard(store, f"library-{number}", library)
            for number, library in enumerate(libraries)
        ]


def _seconds_of_many_uploads(sandbox: SandboxProcess, exports: list[bytes]) -> float:
    """From the moment when the last of many exports is put until every dashboard is there."""
    with _running_platform(sandbox) as store:
        time.sleep(SECONDS_OF_REST)
        for number, export in enumerate(exports):
            upload = store / "uploads" / f"reader-{number}" / "export.csv"
            upload.parent.mkdir(parents=True)
            upload.write_bytes(export)
        started = time.monotonic()
        for number in range(len(exports)):
            dashboard = store / "data" / f"reader-{number}.json"
            wait_until(
                partial(_is_whole, dashboard),
                f"The whole dashboard of reader {number}",
                SECONDS_FOR_MANY_UPLOADS,
            )
        seconds = time.monotonic() - started
        for number, export in enumerate(exports):
            _check(json.loads((store / "data" / f"reader-{number}.json").read_bytes()), export)
    tell(f"{len(exports)} exports at once: {seconds:.1f} s.")
    return seconds


@contextmanager
def _running_platform(sandbox: SandboxProcess) -> Iterator[Path]:
    """The page and its daemon, over an empty store; where the store is."""
    port = free_port()
    tell("Starting orf-books dev.")
    with (
        temporary_folder() as folder,
        running(
            [COMMAND, "dev", "--port", str(port)],
            folder=folder,
            environment=platform_environment(sandbox),
            answers=lambda: sensor_has_looked(port, "orf_books", "new_goodreads_exports"),
        ),
    ):
        yield folder / "data"


def _seconds_to_dashboard(store: Path, name: str, export: bytes) -> float:
    time.sleep(SECONDS_OF_REST)
    upload = store / "uploads" / name / "export.csv"
    upload.parent.mkdir(parents=True)
    dashboard = store / "data" / f"{name}.json"
    started = time.monotonic()
    upload.write_bytes(export)
    wait_until(dashboard.exists, f"The dashboard of {name}", SECONDS_FOR_A_LIBRARY)
    seconds = time.monotonic() - started
    _check(json.loads(dashboard.read_bytes()), export)
    tell(f"From file put to dashboard: {seconds:.2f} s.")
    return seconds


def _is_whole(dashboard: Path) -> bool:
    """Whether it is there, and not only with the books that a run has answered so far."""
    return dashboard.exists() and all(
        book["enrichment_status"] != "pending"
        for book in json.loads(dashboard.read_bytes())["books"]
    )


def _check(dashboard: dict[str, Any], export: bytes) -> None:
    """A time counts only if all the work was done."""
    statuses = [book["enrichment_status"] for book in dashboard["books"]]
    expected = len(export.splitlines()) - 1
    if len(statuses) != expected or not set(statuses) <= {"enriched", "not_found"}:
        raise RuntimeError(f"{len(statuses)} of {expected} books: {sorted(set(statuses))}")


def _seconds_of_first_command(
    sandbox: SandboxProcess,
    export: bytes,
    environment: dict[str, str] | None = None,
    command: Path = COMMAND,
) -> float:
    """Of `orf-books run books` in an empty store: it makes the tables and Dagster's databases."""
    with temporary_folder() as folder:
        return _seconds_of_command(
            folder, export, environment or platform_environment(sandbox), command
        )


def _seconds_of_commands(sandbox: SandboxProcess, libraries: list[bytes]) -> list[float]:
    """Of `orf-books run books` for each library, in one store that is in use already."""
    environment = platform_environment(sandbox)
    with temporary_folder() as folder:
        _seconds_of_command(folder, parts_of_export(libraries[0], 1)[0], environment)
        return [_seconds_of_command(folder, library, environment) for library in libraries]


def _seconds_of_command(
    folder: Path, export: bytes, environment: dict[str, str], command: Path = COMMAND
) -> float:
    file = folder / "library.csv"
    file.write_bytes(export)
    started = time.monotonic()
    subprocess.run(
        [command, "run", "books", file, "--json"],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    seconds = time.monotonic() - started
    _check(json.loads((folder / "data" / "data" / "library.json").read_bytes()), export)
    tell(f"orf-books run books: {seconds:.2f} s.")
    return seconds


def _seconds_of_script(sandbox: SandboxProcess, export: bytes) -> float:
    """Of the usual script; extrapolated from the books that it looked up before it was stopped."""
    started = time.monotonic()
    looked_up = asyncio.run(look_up_one_by_one(export, sandbox, SECONDS_FOR_A_SCRIPT))
    books = len(export.splitlines()) - 1
    tell(f"The usual script: {len(looked_up)} of {books} books.")
    return (time.monotonic() - started) * books / len(looked_up)


def _within_limits(sandbox: SandboxProcess, export: bytes) -> tuple[float, int]:
    """Seconds and requests of the command, at the rate that Open Library grants."""
    tell("Now within the published limits.")
    sandbox.change(enforce_limits=True)
    sandbox.forget_counts()
    seconds = _seconds_of_first_command(
        sandbox, export, platform_environment(sandbox, requests_per_second=None)
    )
    sandbox.change(enforce_limits=False)
    return seconds, sandbox.requests()


def _stock_times(sandbox: SandboxProcess, export: bytes, books: int) -> StockTimes:
    """Of the sample, from putting it to the dashboard."""
    port = free_port()
    tell("Starting stock Dagster.")
    with temporary_folder() as folder:
        home = folder / "home"
        home.mkdir()
        environment = clean_environment() | {
            "DAGSTER_HOME": str(home),
            "STOCK_DAGSTER_FOLDER": str(folder),
            "STOCK_DAGSTER_SERVICE": sandbox.open_library_url,
        }
        with running(
            [DAGSTER, "dev", "-f", STOCK_DEFINITIONS, "-h", LOOPBACK, "-p", str(port)],
            folder=folder,
            environment=environment,
            answers=lambda: sensor_has_looked(port, STOCK_DEFINITIONS.name, "all_books_done"),
        ):
            time.sleep(SECONDS_OF_REST)
            return _measure_stock(folder, export, books, port)


def _measure_stock(folder: Path, export: bytes, books: int, port: int) -> StockTimes:
    half_done = folder / "upload.tmp"
    half_done.write_bytes(export)
    started = time.time()
    half_done.rename(folder / "upload.csv")
    wait_until((folder / "dashboard.json").exists, "Stock Dagster", SECONDS_FOR_STOCK)
    seconds = time.time() - started
    runs = [
        run["stats"]
        for run in ask_page(port, _STOCK_RUNS)["runsOrError"]["results"]
        if run["jobName"] == "book_job"
    ]
    if len(runs) != books:
        raise RuntimeError(f"{len(runs)} runs for {books} books")
    of_books = max(run["endTime"] for run in runs) - min(run["launchTime"] for run in runs)
    tell(f"Stock Dagster: {books} books in {seconds:.2f} s.")
    return StockTimes(books, seconds - of_books, of_books)


if __name__ == "__main__":
    typer.run(main)
