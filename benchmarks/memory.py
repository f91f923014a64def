"""How much memory a big batch takes.

Measured: the largest resident size of `orf-books run books` with 10,000 books in one batch, from
services that answer at once, and its seconds.

Baseline: the same with 100 books, which is about what Dagster and the libraries take by themselves.
"""

from typing import Annotated

import typer

from benchmarks.measuring import (
    Measurement,
    end_cleanly_when_stopped,
    parts_of_export,
    print_measurements,
    running_sandbox,
    use_of_library,
)

BUDGET_MEGABYTES = 500.0
FEW_BOOKS = 100


def main(
    repetitions: Annotated[int, typer.Option(help="Runs of each size.")] = 3,
    rows: Annotated[int, typer.Option(help="Books in the batch.")] = 10_000,
) -> None:
    """Measure, and print the table."""
    end_cleanly_when_stopped()
    with running_sandbox(rows) as sandbox:
        export = sandbox.export()
        few = use_of_library(sandbox, parts_of_export(export, FEW_BOOKS)[0], FEW_BOOKS)
        many = [use_of_library(sandbox, export, rows) for _ in range(repetitions)]
    print_measurements(
        f"orf-books run books, {rows:,} books in one batch, services that answer at once",
        [
            Measurement(
                "largest resident size",
                [use.megabytes for use in many],
                "MB",
                BUDGET_MEGABYTES,
                few.megabytes,
            ),
            Measurement("time", [use.seconds for use in many], "s"),
        ],
        [f"Baseline: the same command with {FEW_BOOKS} books, which took {few.seconds:.1f} s."],
    )


if __name__ == "__main__":
    typer.run(main)
