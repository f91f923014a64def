"""An hour of uploads, with memory, files and bytes watched. It is `make soak`, not `make chaos`.

Uploads come at an even pace, most of books that others hold too, some of one that is refused. At
the end nothing is lost or wrong, and what the platform uses has stopped growing: the last third of
the time is compared with the one before it.
"""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chaos.counting import Attack, Tally
from chaos.ground import Ground
from chaos.live import Live, live, settle
from chaos.processes import Use, use_of

UPLOADS_A_MINUTE = 10
REFUSED_EVERY = 25
SECONDS_BETWEEN_LOOKS = 15.0
MOST_GROWTH = 0.25
"""Of memory and open files, from the second third to the last one."""
MOST_BYTES_OF_AN_UPLOAD = 1_500_000
"""On disk, with Dagster's history, before anything is purged or compacted."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was used at a moment."""

    seconds: float
    use: Use
    bytes_on_disk: int


def soak(ground: Ground, tally: Tally, tries: int) -> None:
    """Upload for so many minutes."""
    orf_books = ground.command("soak")
    with live(ground, orf_books, ground.libraries()) as running:
        looks = _upload_evenly(running, tally, minutes=tries)
        settle(running, tally)
        looks.append(_look(running, orf_books.folder, looks[-1].seconds))
    judge_growth(tally, looks, tally.tries)


def _upload_evenly(running: Live, tally: Tally, minutes: int) -> list[Look]:
    started = time.monotonic()
    folder = running.platform.orf_books.folder
    looks = [_look(running, folder, 0.0)]
    for number in range(minutes * UPLOADS_A_MINUTE):
        due = started + number * 60 / UPLOADS_A_MINUTE
        time.sleep(max(0.0, due - time.monotonic()))
        if number % REFUSED_EVERY == REFUSED_EVERY - 1:
            running.put(f"refused-{number}", b"Name;Price\nMilk;1\n")
        else:
            running.upload()
        tally.tries += 1
        seconds = time.monotonic() - started
        if seconds - looks[-1].seconds >= SECONDS_BETWEEN_LOOKS:
            looks.append(_look(running, folder, seconds))
    return looks


def _look(running: Live, folder: Path, seconds: float) -> Look:
    return Look(seconds, use_of(running.platform.process), _bytes_below(folder))


def _bytes_below(folder: Path) -> int:
    total = 0
    for inner, _, names in os.walk(folder):
        for name in names:
            # Journals of databases come and go.
            with suppress(FileNotFoundError):
                total += (Path(inner) / name).stat().st_size
    return total


def judge_growth(tally: Tally, looks: Sequence[Look], uploads: int) -> None:
    """Count what grew from the second third of the time to the last one."""
    third = max(1, len(looks) // 3)
    before, last = looks[-2 * third : -third] or looks[:1], looks[-third:]
    for what, values in {
        "memory in MB": [look.use.bytes / 1e6 for look in looks],
        "open files": [float(look.use.files) for look in looks],
    }.items():
        earlier = _middle([values[looks.index(look)] for look in before])
        later = _middle([values[looks.index(look)] for look in last])
        tally.notes.append(f"{what}: {earlier:.0f} in the second third, {later:.0f} in the last")
        tally.check(
            holds=later <= earlier * (1 + MOST_GROWTH),
            wrong=f"{what} grew: {earlier:.0f}, {later:.0f}",
        )
    grown = (looks[-1].bytes_on_disk - looks[0].bytes_on_disk) / max(1, uploads)
    tally.notes.append(f"bytes on disk an upload: {grown:,.0f}")
    tally.check(holds=grown <= MOST_BYTES_OF_AN_UPLOAD, wrong=f"{grown:,.0f} bytes an upload")


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def soaking(minutes: int) -> Attack:
    """The attack, for so many minutes."""
    return Attack(f"soak: {UPLOADS_A_MINUTE} uploads a minute", soak, tries=minutes)
