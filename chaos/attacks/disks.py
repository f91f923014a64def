"""The disk of the store, of Dagster's home or of the ledger is full.

Each of them has a disk of its own. A try fills one and leaves some room, drawn from the seed, so
that the disk is full early in one run and late in another. The command must say so in one line;
when there is room again, a retry makes all whole.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from chaos.counting import Attack, Tally
from chaos.ground import Ground
from chaos.libraries import Libraries
from orf_books_tests.conftest import CommandLine
from orf_books_tests.small_disk import small_disk

DISK = "32m"
BLOCK = 4096

Place = Callable[[CommandLine, Path], None]
"""Moves one thing of a platform to a disk."""


def _store(orf_books: CommandLine, disk: Path) -> None:
    orf_books.settings = orf_books.settings.model_copy(update={"storage": disk.as_uri()})
    orf_books.environment["DAGSTER_HOME"] = str(orf_books.folder / "home")


def _home(orf_books: CommandLine, disk: Path) -> None:
    orf_books.environment["DAGSTER_HOME"] = str(disk)


def _ledger(orf_books: CommandLine, disk: Path) -> None:
    ledger = f"sqlite:///{disk}/ledger.sqlite"
    orf_books.settings = orf_books.settings.model_copy(update={"ledger": ledger})


PLACES: dict[str, tuple[Place, int]] = {
    "store": (_store, 700_000),
    "home": (_home, 1_500_000),
    "ledger": (_ledger, 60_000),
}
"""What lies on the disk, and the most room to leave: hardly enough for a run."""


def full_disks(ground: Ground, tally: Tally, tries: int) -> None:
    """Fill the disk of each in turn, run a command, make room; a retry when each was full."""
    for number in ground.tries(tally, tries // len(PLACES)):
        orf_books, libraries = ground.command(str(number)), ground.libraries()
        with ExitStack() as disks:
            mounted = {
                name: disks.enter_context(small_disk(orf_books.folder / name, DISK))
                for name in PLACES
            }
            for name, (place, _) in PLACES.items():
                place(orf_books, mounted[name])
            for name, (_, most_room) in PLACES.items():
                room = ground.random.randrange(0, most_room)
                with tally.about(f"{name}, {room} bytes left"):
                    _fill_and_free(tally, orf_books, libraries, mounted[name], room)
            libraries.judge_after_retry(tally, orf_books)
        tally.tries += len(PLACES) - 1


def _fill_and_free(
    tally: Tally, orf_books: CommandLine, libraries: Libraries, disk: Path, room: int
) -> None:
    library, export = libraries.draw()
    (orf_books.folder / f"{library}.csv").write_bytes(export)
    ballast = disk / "ballast"
    with ballast.open("wb") as opened:
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        opened.write(bytes(max(0, free - room) // BLOCK * BLOCK))
    done = orf_books("run", "books", f"{library}.csv", "--json")
    tally.check(holds="Traceback" not in done.stderr, wrong="a traceback")
    says_why = done.returncode == 0 or "full" in done.stderr + done.stdout
    tally.check(holds=says_why, wrong=f"exit {done.returncode}, {done.stderr[-300:]!r}")
    ballast.unlink()
    if done.returncode == 2:
        # What could not even be put has to be given again, as the message says.
        orf_books("run", "books", f"{library}.csv", "--json")


ATTACKS = (
    Attack(
        "disk full: store, home, ledger",
        full_disks,
        tries=12,
        share=2,
        short_tries=3,
        person="free space; `orf-books retry books`",
    ),
)
