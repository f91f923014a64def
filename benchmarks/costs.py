"""What jobs cost on Fargate: `python -m benchmarks.costs --write docs/costs.md`.

Measured: the CPU seconds of `orf-books run` on a library of 565 books, on bundled readings, and on
an invented class day of 1,000 utterances, each in an empty store, with services that answer at
once. Computed: what AWS charges for the tasks of `deploy/aws` that do the same.

Belongs here: jobs, and the arithmetic. Does not belong here: what AWS charges besides Fargate.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.measuring import (
    COMMAND,
    clean_environment,
    end_cleanly_when_stopped,
    running_sandbox,
    tell,
    temporary_folder,
    use_of,
    use_of_library,
)
from orf_books.sandbox.class_sessions import write_invented_day
from orf_books.sandbox.readings.recorded_reading import recorded_readings, write_folders

BOOKS, READINGS, SCHOOL_DAYS, UTTERANCES = 565, 1000, 180, 1000
MEASURED_READINGS = 2
HOUR, MONTH_HOURS = 3600, 730
VCPU_HOUR, GB_HOUR = 0.04048, 0.004445
"""Dollars: Linux/X86, US East (N. Virginia); https://aws.amazon.com/ecs/pricing/, 2026-09-20."""
START_SECONDS = 60.0
"""From when AWS charges for a task until it works: an assumption, not measured."""
LEAST_SECONDS = 60.0
WORKERS = 4
"""Of the cluster, while readings are heard."""
BEFORE = "$0.61 and $0.13"
"""What a job cost in the systems before this one."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a task of Fargate is made of."""

    vcpus: float
    gigabytes: float

    def dollars(self, seconds: float) -> float:
        """What it costs for so long."""
        return (self.vcpus * VCPU_HOUR + self.gigabytes * GB_HOUR) * seconds / HOUR


# As `deploy/aws/stack.py` has them.
RUN, WORKER = Task(2, 8), Task(1, 2)
ALWAYS_ON = {
    "code server": Task(0.5, 2),
    "daemon": Task(1, 2),
    "page": Task(1, 2),
    "scheduler": Task(0.5, 2),
    "first worker": WORKER,
}


@dataclass(frozen=True, slots=True)
class Job:
    """A job, and what it took."""

    name: str
    cpu_seconds: float
    charged: str
    """Which tasks, for how long."""
    dollars: float


def run_task_seconds(work_seconds: float) -> float:
    """What AWS charges for a run that works for so long."""
    return max(LEAST_SECONDS, START_SECONDS + work_seconds)


def job_of_books(cpu_seconds: float) -> Job:
    """A library; the run waits for services about as long as it works."""
    seconds = run_task_seconds(2 * cpu_seconds)
    return Job(f"{BOOKS} books", cpu_seconds, f"a run, {seconds:.0f} s", RUN.dollars(seconds))


def job_of_readings(cpu_seconds: float) -> Job:
    """Many readings: workers listen, and the run waits for them."""
    seconds = run_task_seconds(cpu_seconds / WORKERS)
    dollars = RUN.dollars(seconds) + WORKER.dollars(cpu_seconds)
    charged = f"a run, {seconds:,.0f} s; {WORKERS} workers, {cpu_seconds:,.0f} s in all"
    return Job(f"{READINGS:,} readings", cpu_seconds, charged, dollars)


def job_of_class_year(cpu_seconds_of_a_day: float) -> Job:
    """A class, a run for each school day."""
    seconds = run_task_seconds(cpu_seconds_of_a_day)
    return Job(
        f"a class year: {SCHOOL_DAYS} days of {UTTERANCES:,} utterances",
        SCHOOL_DAYS * cpu_seconds_of_a_day,
        f"{SCHOOL_DAYS} runs, {seconds:.0f} s each",
        SCHOOL_DAYS * RUN.dollars(seconds),
    )


def main(
    write: Annotated[Path | None, typer.Option(help="Write the page here.")] = None,
) -> None:
    """Measure, and print or write the page."""
    end_cleanly_when_stopped()
    with running_sandbox(BOOKS) as sandbox:
        books = job_of_books(use_of_library(sandbox, sandbox.export(), BOOKS).cpu_seconds)
    cpu_of_readings, recorded = _readings()
    jobs = [
        books,
        job_of_readings(cpu_of_readings * READINGS / MEASURED_READINGS),
        job_of_class_year(_class_day()),
    ]
    page = _page(jobs, recorded / MEASURED_READINGS)
    if write is None:
        typer.echo(page)
    else:
        write.write_text(page)


def _readings() -> tuple[float, float]:
    """CPU seconds of some readings, and how many seconds of sound they are."""
    with temporary_folder() as folder:
        uploads = write_folders(folder)[:MEASURED_READINGS]
        cpu = _cpu_of("activities", *uploads, folder=folder)
    sound = list(recorded_readings())[:MEASURED_READINGS]
    return cpu, sum(reading.recording().seconds for reading in sound)


def _class_day() -> float:
    with temporary_folder() as folder:
        class_id, day = write_invented_day(folder, UTTERANCES)
        place = ("--class", class_id, "--date", str(day))
        return _cpu_of("transcripts", folder / "morning.txt", *place, folder=folder)


def _cpu_of(kind: str, *arguments: str | Path, folder: Path) -> float:
    command = [COMMAND, "run", kind, *arguments, "--json"]
    use = use_of(command, folder=folder, environment=clean_environment())
    tell(f"{kind}: {use.cpu_seconds:.1f} s CPU.")
    return use.cpu_seconds


def _page(jobs: list[Job], recorded: float) -> str:
    month = sum(task.dollars(HOUR * MONTH_HOURS) for task in ALWAYS_ON.values())
    rows = "\n".join(
        f"| {job.name} | {job.cpu_seconds:,.0f} | {job.charged} | {job.dollars:.4f} |"
        for job in jobs
    )
    return f"""# What it costs on AWS

Made on {datetime.now(UTC):%Y-%m-%d} by `python -m benchmarks.costs`, which measures the CPU and
does the arithmetic. Prices of Fargate for Linux/X86 in US East (N. Virginia), by the examples on
[AWS's page](https://aws.amazon.com/ecs/pricing/) of 2026-09-20: ${VCPU_HOUR} a vCPU and hour,
${GB_HOUR} a GB and hour, {LEAST_SECONDS:.0f} s at least, [from the download of the image
on](https://aws.amazon.com/fargate/pricing/). A task is taken to start within {START_SECONDS:.0f} s,
which was not measured. No bill of AWS was compared with this page.

| job | CPU seconds, measured | charged | dollars |
|---|--:|---|--:|
{rows}

The systems before this one cost {BEFORE} a job.

- Books: gaps that Google Books fills later, as its quota allows, are runs of their own; each costs
  about ${RUN.dollars(run_task_seconds(0)):.4f}.
- Readings: {MEASURED_READINGS} bundled ones of {recorded:.0f} s on average were measured, with the
  loading of models, and multiplied. Fetching sound and starting workers is not counted.
- A class year: the first day was measured in an empty store. The last days of a year take some
  seconds more ([scaling.md](scaling.md)).

The services that are always on ({", ".join(ALWAYS_ON)}) cost ${month:.0f} a month on Fargate,
whatever is done: with few jobs, they are the price. Not counted: the database, the load balancer,
the NAT gateway, storage, logs and requests of AWS; Google, Deepgram and other services.
"""


if __name__ == "__main__":
    typer.run(main)
