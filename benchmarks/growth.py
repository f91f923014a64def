"""What does not grow with the store: a batch, a retry, `status` and a sensor's tick.

Measured on stores with 1,000, 10,000 and 100,000 books that are enriched and materialized, in
libraries of 564: the CPU seconds and the largest resident size of `orf-books run books` with 564
new books, of `orf-books retry books` with nothing to do, and of `orf-books status`. Services answer
at once. With as many uploads that are dealt with: the CPU of a tick of their sensor that lists
them, and the share of a core that waiting takes, as the next listing is put off.

And what does grow: the files and bytes that 100 uploads of five books leave in the store and in
Dagster's home, each with a run of its own; and what stays of it once the logs of runs have been
forgotten, as they are after a month, and tables have been compacted, as they are every night.

Baseline: the same at the smallest size.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import dagster as dg
import pytest
import typer

from benchmarks.filled_store import (
    add_history,
    store_enriched,
    store_libraries,
    upload_of,
    without_home,
)
from benchmarks.measuring import (
    COMMAND,
    Measurement,
    SandboxProcess,
    Use,
    end_cleanly_when_stopped,
    parts_of_export,
    platform_environment,
    print_measurements,
    running_sandbox,
    tell,
    temporary_folder,
    use_of,
)
from orf_books.batches.resource import BatchResource
from orf_books.books.exports.entries import LibraryEntry
from orf_books.books.exports.reading import parse_export
from orf_books.commands.local_runs import ingest_export
from orf_books.dagster_internals import forget_runs
from orf_books.instance import HOME_VARIABLE, open_instance
from orf_books.object_keys import EXPORTS, export_key
from orf_books.records.books import BookRecords, ExportUpload
from orf_books.resources.tables import Tables
from orf_books.sandbox.synthetic_library import synthetic_library
from orf_books.sensors import watch_exports
from orf_books.settings import Settings
from orf_books.upload_watch import Timing

SIZES = (1000, 10_000, 100_000)
BATCH_BOOKS = 564
UPLOADS_OF_A_RUN = 10
SMALL_UPLOADS, BOOKS_OF_A_SMALL_UPLOAD = 100, 5
FIRST_UPLOADS = 2
"""Which bring tables, databases and pages that later ones only add to."""
GROWTH = 1.3
"""How much of what it costs at the smallest size it may cost at any."""
BUDGET_SHARE = 3.0
LISTINGS_TO_SETTLE = 3
"""Of a process: uploads are dealt with once two listings agree and their receipts are read."""


def main(
    sizes: Annotated[list[int] | None, typer.Option(help="Books, and uploads.")] = None,
    uploads: Annotated[int, typer.Option(help="Uploads of five books each.")] = SMALL_UPLOADS,
) -> None:
    """Measure, and print the tables."""
    end_cleanly_when_stopped()
    sizes = sizes or list(SIZES)
    with running_sandbox(BATCH_BOOKS) as sandbox:
        used = {size: _used_at(size, sandbox) for size in sizes}
        ticks = {size: _tick_at(size) for size in sizes}
        left = _left_by(uploads, sandbox)
    smallest = used[sizes[0]]
    print_measurements(
        "What a store of many books costs those who work on few",
        [
            measurement
            for what, use in smallest.items()
            for size in sizes
            for measurement in _measurements(f"{what}, {size:,} books", used[size][what], use)
        ],
        [f"Baseline: the same with {sizes[0]:,} books; the budget is {GROWTH} times of it."],
    )
    print_measurements(
        "A sensor's tick with every upload dealt with",
        [
            measurement
            for size, (seconds, share) in ticks.items()
            for measurement in (
                Measurement(f"CPU of a listing, {size:,} uploads", [seconds], "s"),
                Measurement(f"share of a core, {size:,} uploads", [share], "%", BUDGET_SHARE),
            )
        ],
        ["Listed from a folder; the longer it takes, the more seldom it is done."],
    )
    print_measurements(
        f"What {uploads} uploads of {BOOKS_OF_A_SMALL_UPLOAD} books leave, for each upload",
        [
            measurement
            for place in ("store", "Dagster home")
            for what in ("files", "kB")
            for measurement in _left_measurements(place, what, left, uploads)
        ],
        [
            "Baseline: before logs of runs are forgotten and tables compacted.",
            "What stays in the store: a library's page and data, and for two days logs of commits.",
        ],
    )


def _measurements(what: str, use: Use, smallest: Use) -> Iterator[Measurement]:
    yield Measurement(
        f"{what}: CPU", [use.cpu_seconds], "s", GROWTH * smallest.cpu_seconds, smallest.cpu_seconds
    )
    yield Measurement(
        f"{what}: memory", [use.megabytes], "MB", GROWTH * smallest.megabytes, smallest.megabytes
    )


@dataclass(frozen=True, slots=True)
class _Left:
    """What lies in a folder, without what its first two uploads brought."""

    files: int
    bytes: int


def _left_measurements(
    place: str, what: str, left: tuple[Mapping[str, _Left], Mapping[str, _Left]], uploads: int
) -> Iterator[Measurement]:
    before, after = (
        (of[place].files if what == "files" else of[place].bytes / 1000) / uploads for of in left
    )
    yield Measurement(f"{place}: {what}", [after], what, baseline=before)


def _left_by(
    uploads: int, sandbox: SandboxProcess
) -> tuple[Mapping[str, _Left], Mapping[str, _Left]]:
    """What so many runs leave in each place: at once, and after retention."""
    with temporary_folder() as folder, pytest.MonkeyPatch.context() as environment:
        for name, value in platform_environment(sandbox).items():
            environment.setenv(name, value)
        environment.setenv(HOME_VARIABLE, str(folder / "data" / "dagster"))
        environment.setenv("ORF_BOOKS_STORAGE", str(folder / "data"))
        environment.setenv("ORF_BOOKS_LEDGER", f"sqlite:///{folder / 'ledger.sqlite'}")
        settings = Settings()
        parts = parts_of_export(sandbox.export(), BOOKS_OF_A_SMALL_UPLOAD)
        for number, export in enumerate(parts[:FIRST_UPLOADS]):
            _run(settings, f"first-{number}", export)
        at_first = _lying_in(folder / "data")
        for number in range(uploads):
            _run(settings, f"reader-{number}", parts[(FIRST_UPLOADS + number) % len(parts)])
        at_once = _lying_in(folder / "data")
        with open_instance(settings) as instance:
            forget_runs(instance, datetime.now(UTC) + timedelta(days=1))
        tables = Tables(settings.open_storage())
        for table in BookRecords.all_tables:
            # What a compaction replaces is deleted by one that comes later.
            tables.maintain(table, kept_hours=0)
            tables.maintain(table, kept_hours=0)
        afterwards = _lying_in(folder / "data")
    return _grown(at_first, at_once), _grown(at_first, afterwards)


def _run(settings: Settings, library: str, export: bytes) -> None:
    ingest_export(
        settings,
        export,
        library,
        BatchResource(concurrency=settings.concurrency, ledger=settings.ledger),
    )


def _lying_in(data: Path) -> Mapping[str, _Left]:
    """Files by place. Uploads are not counted: they are the reader's."""
    found = {"store": _Left(0, 0), "Dagster home": _Left(0, 0)}
    for file in filter(Path.is_file, data.rglob("*")):
        first, *_ = file.relative_to(data).parts
        if first != "uploads":
            place = "Dagster home" if first == "dagster" else "store"
            left = found[place]
            found[place] = _Left(left.files + 1, left.bytes + _bytes_in_use(file))
    return found


def _bytes_in_use(file: Path) -> int:
    """Its size, without pages of a database that are free for what comes next."""
    if file.suffix != ".db":
        return file.stat().st_size
    with closing(sqlite3.connect(file)) as database:
        facts = (
            database.execute(f"PRAGMA {fact}").fetchone()[0]
            for fact in ("page_count", "freelist_count", "page_size")
        )
        pages, free, page_bytes = facts
    return int((pages - free) * page_bytes)


def _grown(before: Mapping[str, _Left], after: Mapping[str, _Left]) -> Mapping[str, _Left]:
    return {
        place: _Left(
            after[place].files - before[place].files, after[place].bytes - before[place].bytes
        )
        for place in before
    }


def _used_at(size: int, sandbox: SandboxProcess) -> Mapping[str, Use]:
    with without_home(), temporary_folder() as folder:
        started = time.monotonic()
        fill(Settings(storage=str(folder / "data")), size)
        tell(f"Stored {size:,} books in {time.monotonic() - started:.0f} s.")
        export = folder / "new.csv"
        export.write_bytes(sandbox.export())
        environment = platform_environment(sandbox)

        def use(*arguments: str | Path) -> Use:
            return use_of([COMMAND, *arguments, "--json"], folder=folder, environment=environment)

        # The first run also makes the dashboards of all libraries, which filling leaves out.
        first = folder / "first.csv"
        first.write_bytes(parts_of_export(sandbox.export(), 1)[0])
        use("run", "books", first)
        used = {
            f"run books of {BATCH_BOOKS}": use("run", "books", export),
            "retry books, nothing to do": use("retry", "books"),
            "status": use("status", "new"),
        }
    for what, one in used.items():
        tell(f"{size:,} books, {what}: {one.cpu_seconds:.3g} s CPU, {one.megabytes:.0f} MB.")
    return used


def fill(settings: Settings, size: int) -> None:
    """Store so many books in libraries, as runs over several uploads each would have."""
    records = BookRecords(settings.open_storage())
    # The books of the batch have the lowest numbers.
    _, *exports = parts_of_export(synthetic_library(BATCH_BOOKS + size)[0], BATCH_BOOKS)
    with open_instance(settings) as instance:
        for start in range(0, len(exports), UPLOADS_OF_A_RUN):
            of_run = enumerate(exports[start : start + UPLOADS_OF_A_RUN], start)
            libraries = {f"reader-{n:06}": parse_export(export).entries for n, export in of_run}
            books = [book for library in libraries.values() for book in library]
            run = add_history(instance, books)
            uploads = [_put_upload(records, *library, run) for library in libraries.items()]
            store_libraries(records, uploads, libraries)
            store_enriched(records, books, run)


def _put_upload(
    records: BookRecords, library: str, books: Sequence[LibraryEntry], run: str
) -> ExportUpload:
    """Put an upload, and make its receipt."""
    key = export_key(library)
    records.storage.put(key, b"Book Id,Title,Author\n")
    return upload_of(library, len(books), run, records.storage.head(key).version)


def _tick_at(size: int) -> tuple[float, float]:
    """CPU seconds of a tick that lists so many uploads, and percent of a core from then on."""
    with without_home(), temporary_folder() as folder:
        settings = Settings(storage=str(folder / "data"))
        records = BookRecords(settings.open_storage())
        for number in range(size):
            upload = folder / "data" / export_key(f"reader-{number:06}")
            upload.parent.mkdir(parents=True)
            upload.write_bytes(b"Book Id,Title,Author\n")
        receipts = [
            upload_of(found.key.split("/")[1], 0, "run", found.version)
            for found in records.storage.list(EXPORTS)
        ]
        store_libraries(records, receipts, {receipt.library: [] for receipt in receipts})
        watch = watch_exports(records.storage)
        with open_instance(settings) as instance:
            for hour in range(LISTINGS_TO_SETTLE):
                context = dg.build_sensor_context(instance)
                timing = Timing(tick=0.01, now=partial(_later, 3600.0 * hour))
                started = time.process_time()
                result = watch.tick(context, timing)
                cpu = time.process_time() - started
        if result.run_requests:
            raise RuntimeError(f"{len(result.run_requests)} runs were requested")
    pause = max(timing.folder_pause, cpu / timing.share)
    tell(f"{size:,} uploads: {cpu:.3g} s CPU a listing, one every {pause:.1f} s.")
    return cpu, 100 * cpu / pause


def _later(seconds: float) -> float:
    """A clock that is so far ahead: by then it is time to list again."""
    return time.monotonic() + seconds


if __name__ == "__main__":
    typer.run(main)
