"""Tables are damaged in six ways; `orf-books doctor --repair` and a retry make all whole.

Each try damages one table of a platform that has done its work. Doctor must name the table, repair
it, and find all well afterwards; then a retry must make again what lay in lost files.
"""

import os
from collections.abc import Callable
from pathlib import Path

from chaos.counting import Attack, Tally
from chaos.ground import Ground, settings_in_environment
from chaos.libraries import Libraries
from orf_books.batches.batch import ItemFailure
from orf_books.commands.doctor import examine
from orf_books.failures import FailureCategory
from orf_books_tests.conftest import Platform, book


def _log_gone(table: Path) -> None:
    for commit in (table / "_delta_log").iterdir():
        commit.unlink()


def _first_commit_gone(table: Path) -> None:
    min((table / "_delta_log").glob("*.json")).unlink()


def _commit_empty(table: Path) -> None:
    os.truncate(max((table / "_delta_log").glob("*.json")), 0)


def _commit_garbled(table: Path) -> None:
    max((table / "_delta_log").glob("*.json")).write_text("garbage")


def _file_gone(table: Path) -> None:
    min(table.glob("*.parquet")).unlink()


def _file_cut(table: Path) -> None:
    os.truncate(min(table.glob("*.parquet")), 200)


WAYS: tuple[Callable[[Path], None], ...] = (
    _log_gone,
    _first_commit_gone,
    _commit_empty,
    _commit_garbled,
    _file_gone,
    _file_cut,
)


def damaged_tables(ground: Ground, tally: Tally, tries: int) -> None:
    """Damage every table in every way, in the order that the seed draws."""
    names = _tables_of_a_used_platform(ground)
    pairs = [(name, way) for name in names for way in WAYS]
    ground.random.shuffle(pairs)
    for number in ground.tries(tally, min(tries, len(pairs))):
        name, way = pairs[number]
        what = f"{name}, {way.__name__}"
        with tally.about(what), ground.platform(str(number)) as platform:
            _damage_and_repair(ground, tally, platform, name, way)


def _tables_of_a_used_platform(ground: Ground) -> list[str]:
    with ground.platform("used") as platform:
        _use(platform, ground.libraries())
        return sorted(folder.name for folder in _folder_of_tables(platform).iterdir())


def _use(platform: Platform, libraries: Libraries) -> None:
    """Let there be rows in several commits, of every kind that books have."""
    for _ in range(2):
        library, export = libraries.draw()
        platform.ingest(library, export)
        platform.records.claim(f"uploads/{library}/raw.csv")
        platform.records.abandon(f"uploads/{library}/gone.csv", "1", "It was given up.")
    ids = [book(number) for numbers in libraries.numbers.values() for number in numbers]
    failures = [ItemFailure(key, FailureCategory.TIMEOUT, "It took too long.") for key in ids[:2]]
    platform.records.add_failures(failures, "an earlier run")


def _damage_and_repair(
    ground: Ground, tally: Tally, platform: Platform, name: str, way: Callable[[Path], None]
) -> None:
    libraries = ground.libraries()
    _use(platform, libraries)
    way(_folder_of_tables(platform) / name)
    home = {"DAGSTER_HOME": str(ground.place(f"home-{name}-{way.__name__}"))}
    with settings_in_environment(platform.settings, **home):
        named = _not_well(platform)
        tally.check(holds=f"table {name}" in named, wrong=f"doctor found {named}")
        examine(platform.settings, repair=True)
        still = _not_well(platform)
        tally.check(holds=not still, wrong=f"after the repair {still}")
    tally.check(holds=platform.run("retry_failed_books").success, wrong="the retry failed")
    # What is shown may be of before the damage.
    refreshed = platform.run("refresh_libraries")
    tally.check(holds=refreshed.success, wrong="the dashboards cannot be made anew")
    libraries.judge(tally, platform.storage)


def _not_well(platform: Platform) -> set[str]:
    return {found.check for found in examine(platform.settings) if not found.is_well}


def _folder_of_tables(platform: Platform) -> Path:
    return Path(platform.storage.location("tables"))


ATTACKS = (
    Attack(
        "tables damaged in six ways",
        damaged_tables,
        tries=54,
        share=2,
        short_tries=3,
        person="`orf-books doctor --repair`, then `orf-books retry books`",
    ),
)
