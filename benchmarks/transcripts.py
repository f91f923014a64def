"""A class day from file to published: scores, figures, tables and pages.

Measured, with invented class days of 1,000 utterances and 30 students: the time from putting the
raw file until its scores are in the published tables and its page is written, with the page of
Dagster and its daemon running; the time of `orf-books run transcripts` for one day, and for many
days in one batch. Every day has words of its own, so nothing is reused.

Baseline: as many runs of the command as there are days, one for each.
"""

import json
import subprocess
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from benchmarks.measuring import (
    COMMAND,
    Measurement,
    clean_environment,
    end_cleanly_when_stopped,
    free_port,
    print_measurements,
    running,
    sensor_has_looked,
    tell,
    temporary_folder,
    wait_until,
)
from orf_books.object_keys import class_page_key
from orf_books.resources.published_tables import ASSESSMENTS
from orf_books.sandbox.class_sessions import InventedClass, invented_class, invented_session

BUDGET_CLASS_DAY = 30.0
SECONDS_FOR_A_DAY = 120.0
SECONDS_OF_REST = 3.0
"""Between repetitions, so that the end of one does not slow the next."""
FIRST_DAY = date(2026, 1, 5)


def main(
    repetitions: Annotated[int, typer.Option(help="Class days measured each way.")] = 3,
    utterances: Annotated[int, typer.Option(help="Utterances of a class day.")] = 1000,
    students: Annotated[int, typer.Option(help="Students of a class.")] = 30,
    batch: Annotated[int, typer.Option(help="Class days in one batch.")] = 10,
) -> None:
    """Measure, and print the table."""
    end_cleanly_when_stopped()
    live = _seconds_live(invented_class("live", students), repetitions, utterances)
    of_class = invented_class("command", students)
    with temporary_folder() as folder:
        single = [
            _seconds_of_command(folder, of_class, [_day(number)], utterances)
            for number in range(repetitions)
        ]
    with temporary_folder() as folder:
        days = [_day(number) for number in range(batch)]
        many = _seconds_of_command(folder, of_class, days, utterances)
    one = Measurement("orf-books run transcripts, a class day", single, "s", BUDGET_CLASS_DAY)
    print_measurements(
        f"A class day of {utterances} utterances and {students} students",
        [
            Measurement("from file put to published, live daemon", live, "s", BUDGET_CLASS_DAY),
            one,
            Measurement(
                f"orf-books run transcripts, {batch} class days in one batch",
                [many],
                "s",
                baseline=batch * one.value,
            ),
        ],
        [f"Baseline: the time of one class day by the command, {batch} times."],
    )


def _seconds_live(of_class: InventedClass, days: int, utterances: int) -> list[float]:
    """From putting each class day to its tables and pages, with the daemon running."""
    port = free_port()
    tell("Starting orf-books dev.")
    with (
        temporary_folder() as folder,
        running(
            [COMMAND, "dev", "--port", str(port)],
            folder=folder,
            environment=clean_environment(),
            answers=lambda: sensor_has_looked(port, "orf_books", "new_class_transcripts"),
        ),
    ):
        store = folder / "data"
        _put(store / "raw" / of_class.class_id / "roster.json", of_class.roster())
        return [
            _seconds_to_published(store, of_class, _day(number), utterances)
            for number in range(days)
        ]


def _seconds_to_published(
    store: Path, of_class: InventedClass, day: date, utterances: int
) -> float:
    content = invented_session(of_class, day, utterances).write("txt")
    page = store / class_page_key(of_class.class_id)
    time.sleep(SECONDS_OF_REST)
    started, begun = time.monotonic(), time.time()
    _put(store / "raw" / of_class.class_id / day.isoformat() / "day.txt", content)
    wait_until(
        lambda: (
            page.exists()
            and page.stat().st_mtime > begun
            and _published(store / "published.sqlite", day) > 0
        ),
        f"Publishing {day}",
        SECONDS_FOR_A_DAY,
    )
    seconds = time.monotonic() - started
    tell(f"From file put to published: {seconds:.2f} s.")
    return seconds


def _published(database: Path, day: date) -> int:
    """Students of a day in the published tables."""
    if not database.exists():
        return 0
    engine = sa.create_engine(f"sqlite:///{database}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(ASSESSMENTS.name):
            return 0
        of_day = sa.select(sa.func.count()).where(ASSESSMENTS.c.assessed_on == day)
        return int(connection.execute(of_day).scalar_one())


def _seconds_of_command(
    folder: Path, of_class: InventedClass, days: Sequence[date], utterances: int
) -> float:
    """Of `orf-books run transcripts` for sessions of one date, all of different words."""
    uploads = folder / f"uploads-{days[0]}"
    _put(uploads / "roster.json", of_class.roster())
    for day in days:
        _put(uploads / f"{day}.txt", invented_session(of_class, day, utterances).write("txt"))
    of_day = ["--class", of_class.class_id, "--date", days[0].isoformat(), "--json"]
    started = time.monotonic()
    done = subprocess.run(
        [COMMAND, "run", "transcripts", uploads, *of_day],
        cwd=folder,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        check=True,
    )
    seconds = time.monotonic() - started
    report = json.loads(done.stdout)
    if (report["successful_scorings"], report["published"]) != (len(days), "yes"):
        raise RuntimeError(f"Not all was scored and published: {report}")
    tell(f"orf-books run transcripts, {len(days)} days: {seconds:.2f} s.")
    return seconds


def _day(number: int) -> date:
    return FIRST_DAY + timedelta(days=number)


def _put(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    half_done = file.with_name(f".{file.name}")
    half_done.write_bytes(content)
    half_done.rename(file)


if __name__ == "__main__":
    typer.run(main)
