"""How long the dashboards take after one of very many libraries has changed.

Measured: the assets `library_dashboard` and `dashboard` after a run that took in a new export of
one library and enriched the books that came with it: they make the dashboard of that library and
the page that lists all. The store holds 1,000 libraries and is compacted as every night. Readers
share most of their books; the changed library brings some that nobody else has.

Baseline: making the dashboards of all libraries, extrapolated from a tenth of them.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Annotated

import dagster as dg
import typer

from benchmarks.filled_store import (
    megabytes_below,
    store_enriched,
    store_libraries,
    upload_of,
    without_home,
)
from benchmarks.measuring import (
    Measurement,
    end_cleanly_when_stopped,
    print_measurements,
    tell,
    temporary_folder,
)
from orf_books.books.exports.entries import Export, LibraryEntry
from orf_books.books.exports.reading import parse_export
from orf_books.definitions import build_defs
from orf_books.instance import open_instance
from orf_books.records.books import (
    TABLES,
    BookRecords,
    LibraryDigest,
)
from orf_books.resources.tables import Tables
from orf_books.sandbox.synthetic_library import synthetic_library
from orf_books.settings import Settings

BUDGET_SECONDS = 0.5
SHARED_BOOKS = 20_000
OWN_BOOKS = 20
"""Books that come with a new export, and that no other library has."""
FEWEST_BOOKS, MOST_BOOKS = 50, 500
ROWS_OF_A_COMMIT = 250
SHARE_OF_BASELINE = 0.1
LIBRARIES_OF_A_COMMIT = 50
FIRST_RUN, RUN_OF_BASELINE = "first-uploads", "uploads-of-the-baseline"


@dataclass(frozen=True, slots=True)
class Seconds:
    """How long the steps of one run took."""

    library_dashboard: float
    dashboard: float
    cpu: float
    """Of the whole run in this process, what Dagster does included."""

    @property
    def both(self) -> float:
        """What a reader waits for."""
        return self.library_dashboard + self.dashboard


def main(
    repetitions: Annotated[int, typer.Option(help="How often a library changes.")] = 5,
    libraries: Annotated[int, typer.Option(help="Libraries in the store.")] = 1000,
) -> None:
    """Measure, and print the table."""
    end_cleanly_when_stopped()
    with temporary_folder() as folder, without_home():
        settings = Settings(storage=str(folder))
        store = LargeStore(settings, libraries, repetitions)
        store.fill()
        with open_instance(settings) as instance:
            some = _seconds_of_refresh(settings, instance, RUN_OF_BASELINE)
            tell(f"A tenth of all dashboards: {some.both:.1f} s.")
            changes = [
                _seconds_of_refresh(settings, instance, store.change_one_library(number))
                for number in range(repetitions)
            ]
        size = megabytes_below(folder / "tables")
    _print(changes, some, f"{libraries:,} libraries, {store.rows:,} rows, {size:.0f} MB")


def _print(changes: Sequence[Seconds], some: Seconds, store: str) -> None:
    everything = some.library_dashboard / SHARE_OF_BASELINE
    print_measurements(
        f"Dashboards after one changed library: {store}",
        [
            Measurement(
                "dashboard of the library, and the list of all",
                [change.both for change in changes],
                "s",
                BUDGET_SECONDS,
                everything + some.dashboard,
            ),
            Measurement(
                "of this, library_dashboard",
                [change.library_dashboard for change in changes],
                "s",
                baseline=everything,
            ),
            Measurement("of this, dashboard", [change.dashboard for change in changes], "s"),
            Measurement("CPU of the whole run", [change.cpu for change in changes], "s"),
        ],
        ["Baseline: making all dashboards, EXTRAPOLATED from making a tenth of them."],
    )


class LargeStore:
    """A store with very many libraries, and ways to change one of them."""

    def __init__(self, settings: Settings, libraries: int, changes: int) -> None:
        self._tables = Tables(settings.open_storage())
        self._records = BookRecords(settings.open_storage())
        self._chance = Random(0)
        self._names = [f"reader-{number:04}" for number in range(libraries)]
        export, _ = synthetic_library(SHARED_BOOKS + changes * OWN_BOOKS)
        entries = parse_export(export).entries
        self._shared, self._own = entries[:SHARED_BOOKS], entries[SHARED_BOOKS:]
        self._held = {name: self._some_books() for name in self._names}
        self.rows = sum(map(len, self._held.values()))

    def fill(self) -> None:
        """Store every library and every book, and the line of each library."""
        started = time.monotonic()
        store_enriched(self._records, self._shared, FIRST_RUN)
        of_baseline = round(len(self._names) * SHARE_OF_BASELINE)
        self._store(self._names[:of_baseline], RUN_OF_BASELINE)
        self._store(self._names[of_baseline:], FIRST_RUN)
        self._records.add_digests([_digest(name, self._held[name]) for name in self._names])
        self.maintain()
        tell(f"Stored {len(self._names)} libraries in {time.monotonic() - started:.0f} s.")

    def maintain(self) -> None:
        """Do what the job `maintain_tables` does every night."""
        for table in TABLES:
            self._tables.maintain(table)

    def change_one_library(self, number: int) -> str:
        """Take in a new export of one library, and enrich what it brings; returns the run."""
        run = f"change-{number}"
        own = self._own[number * OWN_BOOKS : (number + 1) * OWN_BOOKS]
        name = self._chance.choice(self._names)
        self._held[name] += own
        upload = upload_of(name, len(self._held[name]), run)
        self._records.accept(upload, Export("B", upload.rows, self._held[name], (), ()))
        store_enriched(self._records, own, run)
        return run

    def _some_books(self) -> tuple[LibraryEntry, ...]:
        number = self._chance.randint(FEWEST_BOOKS, MOST_BOOKS)
        return tuple(self._chance.sample(self._shared, number))

    def _store(self, names: Sequence[str], run: str) -> None:
        for start in range(0, len(names), LIBRARIES_OF_A_COMMIT):
            some = names[start : start + LIBRARIES_OF_A_COMMIT]
            uploads = [upload_of(name, len(self._held[name]), run) for name in some]
            store_libraries(self._records, uploads, self._held)


def _digest(library: str, books: Sequence[LibraryEntry]) -> LibraryDigest:
    return LibraryDigest(
        library_id=library,
        books=len(books),
        read=len(books),
        failed=0,
        not_found=0,
        genre_enrichment_rate=100.0,
        updated=datetime.now(UTC),
    )


def _seconds_of_refresh(settings: Settings, instance: dg.DagsterInstance, run: str) -> Seconds:
    """Of making what the run has changed."""
    started = time.process_time()
    result = (
        build_defs(settings)
        .resolve_job_def("refresh_libraries")
        .execute_in_process(
            instance=instance,
            run_config={
                "ops": {"library_dashboard": {"config": {"after_runs": [run]}}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
        )
    )
    return Seconds(
        _seconds_of_step(result, "library_dashboard"),
        _seconds_of_step(result, "dashboard"),
        time.process_time() - started,
    )


def _seconds_of_step(result: dg.ExecuteInProcessResult, step: str) -> float:
    (duration,) = (
        event.step_success_data.duration_ms
        for event in result.events_for_node(step)
        if event.is_step_success
    )
    return duration / 1000


if __name__ == "__main__":
    typer.run(main)
