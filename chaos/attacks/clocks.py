"""The clock is set back between two uploads of a library.

The first command of each try believes that it is later than it is, by up to two days, and one of
its books fails; the second one has the right time, so its clock was set back. The second export
must count, the book's result must end its failure, and nobody may be silenced.
"""

from datetime import UTC, datetime
from importlib.util import find_spec

from chaos.counting import Attack, NotPossibleHere, Tally
from chaos.ground import Ground
from orf_books.records.books import BookRecords
from orf_books_tests.conftest import CommandLine, book, export_of

LIBRARY = "ada"
SHORTEST_LEAP, LONGEST_LEAP = 600.0, 2 * 24 * 3600.0
SHIFT = "CHAOS_SECONDS_AHEAD"
_SHIFTED = f"""\
import os
from datetime import UTC, datetime, timedelta

import time_machine

ahead = timedelta(seconds=float(os.environ.get("{SHIFT}", "0")))
if ahead:
    time_machine.travel(datetime.now(UTC) + ahead, tick=True).start()
"""
"""Read by Python before anything else, where it lies in a folder that it imports from."""


def clocks_set_back(ground: Ground, tally: Tally, tries: int) -> None:
    """Run a command in the future, then one now."""
    if find_spec("time_machine") is None:
        raise NotPossibleHere("time-machine is not installed")
    start_up = ground.place("start-up")
    (start_up / "sitecustomize.py").write_text(_SHIFTED)
    for number in ground.tries(tally, tries):
        orf_books = ground.command(str(number))
        orf_books.environment["PYTHONPATH"] = str(start_up)
        ahead = ground.random.uniform(SHORTEST_LEAP, LONGEST_LEAP)
        with tally.about(f"{ahead:.0f} s back"):
            _set_back(ground, tally, orf_books, ahead)


def _set_back(ground: Ground, tally: Tally, orf_books: CommandLine, ahead: float) -> None:
    libraries = ground.libraries()
    file = orf_books.folder / "library.csv"
    older, export = libraries.draw()
    file.write_bytes(export)
    *stay, failing = libraries.numbers.pop(older)
    ground.sandbox.behaviour.broken_books = {book(failing)}
    arguments = ("run", "books", file.name, "--library", LIBRARY)
    first = orf_books(*arguments, **{SHIFT: str(ahead)})
    ground.calm()
    tally.check(holds=first.returncode == 1, wrong=f"before the leap: {first.stderr[-300:]}")
    (read,) = BookRecords(orf_books.storage).uploads()
    if read.arrived_at < datetime.now(UTC):
        raise RuntimeError("The clock of the first command was not ahead.")
    libraries.numbers[LIBRARY] = [failing, *stay[: len(stay) // 2]]
    file.write_bytes(export_of(libraries.numbers[LIBRARY]))
    second = orf_books(*arguments)
    tally.check(holds=second.returncode == 0, wrong=second.stderr[-300:])
    libraries.judge_after_retry(tally, orf_books)


ATTACKS = (Attack("clock set back", clocks_set_back, tries=4, short_tries=1),)
