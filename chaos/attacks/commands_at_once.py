"""Two commands on one library at once, and a library deleted while it is processed.

Of two exports of a library, both are read, each command reports its own rows, and in the end the
library is one of them, whole. After a deletion nothing of the library is left, or all of it is.
"""

import json
import time

from chaos.attacks.kills import LATENCY
from chaos.counting import Attack, Tally
from chaos.ground import Ground
from chaos.judging import judge_library
from orf_books.object_keys import library_data_key
from orf_books.records.books import BookRecords
from orf_books_tests.conftest import CommandLine, export_of, plain_books
from orf_books_tests.stored_text import objects_mentioning

SMALLER, LARGER = 8, 11
"""Books of the two exports."""
LATEST_SECOND = 2.0
LATEST_DELETION = 6.0
PATIENCE = 240.0


def two_commands(ground: Ground, tally: Tally, tries: int) -> None:
    """Start two commands over different exports of one library."""
    ground.sandbox.behaviour.latency_seconds = LATENCY
    orf_books = ground.command("shared")
    for number in ground.tries(tally, tries):
        library = f"shared-{number}"
        exports = [
            ground.random.sample(plain_books(), SMALLER),
            ground.random.sample(plain_books(), LARGER),
        ]
        _run_together(ground, tally, orf_books, library, exports)


def _run_together(
    ground: Ground, tally: Tally, orf_books: CommandLine, library: str, exports: list[list[int]]
) -> None:
    processes = []
    for numbers in exports:
        file = orf_books.folder / f"{library}-{len(numbers)}.csv"
        file.write_bytes(export_of(numbers))
        processes.append(orf_books.start("run", "books", file.name, "--library", library, "--json"))
        time.sleep(ground.random.uniform(0, LATEST_SECOND))
    for numbers, process in zip(exports, processes, strict=True):
        output, said = process.communicate(timeout=PATIENCE)
        ended_well = process.returncode == 0
        tally.check(holds=ended_well, wrong=f"{library}: exit {process.returncode}: {said[-300:]}")
        rows = json.loads(output)["rows"] if ended_well else len(numbers)
        tally.check(holds=rows == len(numbers), wrong=f"{library}: read {rows} of {len(numbers)}")
    storage = orf_books.storage
    counts = BookRecords(storage).libraries()[library].books
    # The later one counts; which one that is, the store decides.
    (last,) = [numbers for numbers in exports if len(numbers) == counts] or [exports[-1]]
    judge_library(tally, ground.calm_day, storage, library, last)


def deleted_libraries(ground: Ground, tally: Tally, tries: int) -> None:
    """Delete a library at some moment of its run."""
    ground.sandbox.behaviour.latency_seconds = LATENCY
    orf_books = ground.command("deleted")
    kept = ground.libraries()
    library, export = kept.draw()
    (orf_books.folder / "kept.csv").write_bytes(export)
    orf_books("run", "books", "kept.csv", "--library", library)
    for number in ground.tries(tally, tries):
        _delete_while_at_work(ground, tally, orf_books, f"to-be-deleted-{number}")
    kept.judge_after_retry(tally, orf_books)


def _delete_while_at_work(
    ground: Ground, tally: Tally, orf_books: CommandLine, library: str
) -> None:
    file = orf_books.folder / f"{library}.csv"
    file.write_bytes(export_of(ground.random.sample(plain_books(), SMALLER)))
    at_work = orf_books.start("run", "books", file.name, "--json")
    time.sleep(ground.random.uniform(0, LATEST_DELETION))
    deletion = orf_books("delete", "library", library, "--json")
    _, said = at_work.communicate(timeout=PATIENCE)
    tally.check(holds="Traceback" not in said + deletion.stderr, wrong=f"{library}: a traceback")
    storage = orf_books.storage
    if deletion.returncode == 0:
        left = {key for key, _ in objects_mentioning(storage, library)}
        tally.check(holds=not left, wrong=f"{library} is deleted, yet stands in {sorted(left)[:3]}")
    else:
        # It came too early, when there was no such library yet, or said that a run is at work.
        told = "There is no library" in deletion.stderr or "repeat" in deletion.stderr
        tally.check(holds=told, wrong=f"{library}: {deletion.stderr[-300:]}")
        tally.check(
            holds=storage.exists(library_data_key(library)),
            wrong=f"{library} was not deleted, yet has no dashboard",
        )


ATTACKS = (
    Attack("two commands on one library", two_commands, tries=8, short_tries=1),
    Attack(
        "library deleted while it is processed",
        deleted_libraries,
        tries=8,
        person="repeat the deletion, where it says so",
    ),
)
