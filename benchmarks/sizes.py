"""Libraries of the sizes that the systems before this one published: seconds and memory.

Measured, with services that take 0.9 s a request and no limits: `orf-books run books` in an empty
store with 150 to 10,000 books, from start to dashboard.

Budget: the seconds that those systems published for the same sizes. Baseline: the usual way
(`usual_way.py`), one book at a time and 15 at once, measured with the smallest library in the same
run and extrapolated to the others.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from benchmarks.measuring import (
    Measurement,
    SandboxProcess,
    Use,
    end_cleanly_when_stopped,
    parts_of_export,
    print_measurements,
    running_sandbox,
    use_of_library,
)
from benchmarks.usual_way import look_up_one_by_one

PUBLISHED_SECONDS = {150: 30.0, 565: 63.0, 762: 90.0, 1500: 150.0, 3500: 300.0}
LARGEST = 10_000
BUDGET_MEGABYTES = 500.0
SECONDS_FOR_THE_USUAL_WAY = 120.0


def main(
    latency: Annotated[float, typer.Option(help="Seconds that an API request takes.")] = 0.9,
) -> None:
    """Measure, and print the table."""
    end_cleanly_when_stopped()
    sizes = [*PUBLISHED_SECONDS, LARGEST]
    with running_sandbox(LARGEST, latency) as sandbox:
        export = sandbox.export()
        libraries = {size: parts_of_export(export, size)[0] for size in sizes}
        uses = {size: use_of_library(sandbox, library, size) for size, library in libraries.items()}
        usual = _seconds_a_book_the_usual_way(sandbox, libraries[sizes[0]])
    print_measurements(
        f"orf-books run books by size of the library, {latency:g} s an API request",
        [
            measurement
            for size in sizes
            for measurement in _measurements(size, uses[size], usual * size)
        ],
        [
            "Budget of time: what the systems before published for the size.",
            f"Baseline: one book at a time, 15 at once, EXTRAPOLATED from {sizes[0]} books.",
        ],
    )


def _measurements(size: int, use: Use, usual: float) -> Iterator[Measurement]:
    published = PUBLISHED_SECONDS.get(size)
    yield Measurement(f"{size:,} books", [use.seconds], "s", published, usual)
    yield Measurement(f"{size:,} books: CPU", [use.cpu_seconds], "s")
    yield Measurement(f"{size:,} books: memory", [use.megabytes], "MB", BUDGET_MEGABYTES)


def _seconds_a_book_the_usual_way(sandbox: SandboxProcess, export: bytes) -> float:
    started = time.monotonic()
    done = asyncio.run(look_up_one_by_one(export, sandbox, SECONDS_FOR_THE_USUAL_WAY))
    return (time.monotonic() - started) / len(done)


if __name__ == "__main__":
    typer.run(main)
