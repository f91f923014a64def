"""`make bench`: the benchmarks whose figures are published, and the page that publishes them.

Belongs here: which those are, and `docs/benchmarks.md` with its tables, its chart and the machine.
Does not belong here: anything that is measured.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.measuring import (
    HEADINGS,
    KEPT_RESULTS,
    WHAT,
    Results,
    end_cleanly_when_stopped,
    kept_results,
    tell,
    temporary_folder,
)
from benchmarks.sizes import PUBLISHED_SECONDS

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
BENCHMARKS: Sequence[Sequence[str]] = (
    ("sizes",),
    ("partition_events", "--repetitions", "1"),
    ("dashboards", "--repetitions", "3"),
    ("activities",),
    ("scoring",),
    ("transcripts", "--repetitions", "1"),
    # The longest comes last: the page is written after each.
    ("growth",),
)
_INTRODUCTION = """# Benchmarks

Made by `make bench`, which measures and writes this page. A budget is what the project set itself,
or what the systems before it published; a baseline was measured in the same run, on the same
machine. The ratio is how many times better than the baseline. What is measured, and against what,
stands at the top of each module of `benchmarks/`; `make benchmark` and `python -m benchmarks`
measure more.
"""


def main(
    only: Annotated[list[str] | None, typer.Option(help="Of these benchmarks alone.")] = None,
) -> None:
    """Measure, and write the page; it says which benchmarks broke off."""
    end_cleanly_when_stopped()
    started = time.monotonic()
    broken = []
    with temporary_folder() as folder:
        kept = folder / "results.jsonl"
        kept.touch()
        for name, *arguments in BENCHMARKS:
            if only and name not in only:
                continue
            tell(f"benchmarks.{name}")
            command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
            done = subprocess.run(command, env=os.environ | {KEPT_RESULTS: str(kept)}, check=False)
            if done.returncode:
                broken.append(name)
            # What is measured so far is not lost with what comes after it.
            minutes = (time.monotonic() - started) / 60
            page = "\n".join(_page(kept_results(kept), broken, minutes))
            PAGE.write_text(page, "utf-8")
            tell(f"Wrote {PAGE} after {minutes:.0f} minutes.")
    sys.exit(1 if broken else 0)


def _page(results: Sequence[Results], broken: Sequence[str], minutes: float) -> Iterator[str]:
    yield _INTRODUCTION
    yield (
        f"{datetime.now(UTC):%Y-%m-%d}, {_machine()}, Python {platform.python_version()}; "
        f"{minutes:.0f} minutes for all of it.\n"
    )
    if broken:
        yield f"Broke off: {', '.join(broken)}.\n"
    for one in results:
        yield f"## {one.title}\n"
        yield from _chart(one)
        yield f"| {WHAT} | {' | '.join(HEADINGS)} |"
        yield "|---|--:|--:|--:|--:|"
        yield from (f"| {' | '.join(measurement.cells())} |" for measurement in one.measurements)
        yield ""
        yield from (f"{note}\n" for note in one.notes)


def _chart(results: Results) -> Iterator[str]:
    """Our seconds and those published before, as bars, where a table has both."""
    both = [
        (one.what, one.value, one.budget)
        for one in results.measurements
        if one.unit == "s" and one.budget in PUBLISHED_SECONDS.values()
    ]
    if len(both) < len(PUBLISHED_SECONDS):
        return
    names = [json.dumps(what) for what, _, _ in both]
    published = [f"{seconds:g}" for _, _, seconds in both]
    now = [f"{seconds:.1f}" for _, seconds, _ in both]
    yield "```mermaid\nxychart-beta"
    yield '    title "Seconds from file to dashboard: published before, and now"'
    yield f"    x-axis [{', '.join(names)}]"
    yield '    y-axis "seconds"'
    yield f"    bar [{', '.join(published)}]"
    yield f"    bar [{', '.join(now)}]"
    yield "```\n"


def _machine() -> str:
    """Processor, cores and memory."""
    facts = Path("/proc/cpuinfo")
    models = [
        line.partition(":")[2].strip()
        for line in (facts.read_text() if facts.exists() else "").splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    model = models[0] if models else platform.machine()
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GB, {platform.system()}"


if __name__ == "__main__":
    typer.run(main)
