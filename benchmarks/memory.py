"""How much memory a big batch takes.

Measured: the largest resident size of `orf-books run books` with 10,000 books in one batch, from
services that answer at once, and its seconds.

Baseline: the same with 100 books, which is about what Dagster and the libraries take by themselves.
"""

import json
from typing import Annotated

import typer

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
        few = _use(sandbox, parts_of_export(export, FEW_BOOKS)[0], FEW_BOOKS)
        many = [_use(sandbox, export, rows) for _ in range(repetitions)]
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


def _use(sandbox: SandboxProcess, export: bytes, rows: int) -> Use:
    """Of the command with an empty store."""
    with temporary_folder() as folder:
        file = folder / "library.csv"
        file.write_bytes(export)
        use = use_of(
            [COMMAND, "run", "books", file, "--json"],
            folder=folder,
            environment=platform_environment(sandbox),
        )
        books = json.loads((folder / "data" / "data" / "library.json").read_bytes())["books"]
    if len(books) != rows:
        raise RuntimeError(f"{len(books)} of {rows} books")
    tell(f"{rows:,} books: {use.megabytes:.0f} MB, {use.seconds:.1f} s.")
    return use


if __name__ == "__main__":
    typer.run(main)
