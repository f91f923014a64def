"""`python -m orf_books.sandbox.readings FOLDER`: the bundled readings as upload folders.

Belongs here: arguments. Does not belong here: what a reading is (`recorded_reading.py`).
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from orf_books.sandbox.readings.recorded_reading import write_folders


def write(
    folder: Annotated[Path, typer.Argument(help="Where to; it is made.")],
    half: Annotated[
        Literal["tuning", "held-out"] | None, typer.Option(help="Only one half of them.")
    ] = None,
) -> None:
    """Write the bundled readings."""
    written = write_folders(folder, half)
    typer.echo(f"{len(written)} readings in {folder}: orf-books run activities {folder}")


if __name__ == "__main__":
    typer.run(write)
