"""`python -m benchmarks.activity_picture FOLDER`: the specialist's page that the docs show.

Belongs here: a bundled reading with a phrase too soft to be scored, as a page. Does not belong
here: what is on the page (`orf_books/pages/activity_page.py`).

The picture is taken of it with

    chromium --headless --window-size=1040,2400 --screenshot=docs/activity.png FOLDER/activity.html
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.labelled_readings import labelled_readings, listening
from benchmarks.measuring import end_cleanly_when_stopped, output, temporary_folder
from benchmarks.planted import rescored
from benchmarks.planted_readings import Disturbance, disturbed
from orf_books.activities.story import phrases_by_page, words_of
from orf_books.pages.activity_page import ActivityReport, render_activity_page
from orf_books.sandbox.readings.recorded_reading import write_folders

READING = "boat-06"
SOFT_PHRASE, DECIBELS = 4, 50.0


def main(folder: Annotated[Path, typer.Argument(help="Where the page and its sound go.")]) -> None:
    """Rescore the reading, and write the page."""
    end_cleanly_when_stopped()
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_write(folder))
    output.print(f"{folder / 'activity.html'}")


async def _write(folder: Path) -> None:
    with temporary_folder() as scratch:
        write_folders(scratch / "readings")
        (reading,) = [
            one for one in await labelled_readings(scratch / "readings") if one.reader == READING
        ]
        async with listening(scratch / "answers") as recognisers:
            source = await recognisers.placed(reading)
            soft = disturbed(source, Disturbance.SOFT, DECIBELS, source, [SOFT_PHRASE])
            report = ActivityReport(
                await rescored(soft, recognisers),
                soft.activity,
                datetime.now(UTC),
                phrases_by_page(
                    [words_of(phrase) for phrase in soft.activity.phrases], soft.sound.pages
                ).pages,
                recording_address="complete.wav",
            )
    (folder / "complete.wav").write_bytes(soft.sound.recording.wav())
    (folder / "activity.html").write_text(render_activity_page(report), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
