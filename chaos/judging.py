"""What is right after a bad day: the same as after a calm one.

Belongs here: comparing what the platform shows with what was uploaded and with a calm day. Does
not belong here: attacks.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import dagster as dg

from chaos.counting import Tally
from orf_books.dagster_internals import PartitionStatus
from orf_books.object_keys import library_data_key
from orf_books.resources.storage import ObjectNotFoundError, ObjectStorage
from orf_books_tests.conftest import book, statuses_of_books

_SHOWN = ("enrichment_status", "genres", "description", "thumbnail_url")
SHOWN_ITEMS = 3

Shown = tuple[Any, ...]
"""What a dashboard shows of a book, as far as the services decide it."""


@dataclass(frozen=True, slots=True)
class CalmDay:
    """What is shown of books when nothing goes wrong."""

    books: dict[str, Shown]
    """By Goodreads id."""

    @classmethod
    def of(cls, dashboard: bytes) -> Self:
        """Read it from a dashboard's JSON."""
        return cls(dict(_shown_books(dashboard)))


def judge_library(
    tally: Tally, calm_day: CalmDay, storage: ObjectStorage, library: str, numbers: Iterable[int]
) -> None:
    """Count what a library's dashboard lacks, and what it shows otherwise than on a calm day.

    Args:
        tally: counts.
        calm_day: what is right.
        storage: where the dashboard is.
        library: its name.
        numbers: the invented books that it should hold, each once.
    """
    try:
        shown = _shown_books(storage.get(library_data_key(library)))
    except ObjectNotFoundError:
        tally.lost.append(f"{library}: no dashboard")
        return
    due = {book(number) for number in numbers}
    missing = due - {book_id for book_id, _ in shown}
    if missing:
        tally.lost.append(f"{library}: {_some(missing)} not on its dashboard")
    unexpected = [
        book_id
        for book_id, count in Counter(book_id for book_id, _ in shown).items()
        if count > 1 or book_id not in due
    ]
    if unexpected:
        tally.wrong.append(f"{library}: {_some(unexpected)} twice, or from elsewhere")
    different = [
        f"{book_id} ({found[0]})"
        for book_id, found in shown
        if calm_day.books.get(book_id) != found
    ]
    if different:
        tally.wrong.append(f"{library}: {_some(different)} not as on a calm day")


def judge_history(tally: Tally, instance: dg.DagsterInstance, numbers: Iterable[int]) -> None:
    """Count books that are not green, and runs that never end."""
    statuses = statuses_of_books(instance)
    due = {book(number) for number in numbers}
    if unknown := due - statuses.keys():
        tally.lost.append(f"{_some(unknown)} no partition")
    red = [
        key for key in due & statuses.keys() if statuses[key] is not PartitionStatus.MATERIALIZED
    ]
    if red:
        tally.wrong.append(f"{_some(red)} not green")
    at_work = instance.get_runs(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    )
    if at_work:
        tally.wrong.append(f"{_some(run.run_id for run in at_work)} never ended")


def _shown_books(dashboard: bytes) -> list[tuple[str, Shown]]:
    return [
        (shown["goodreads_id"], tuple(_hashable(shown.get(name)) for name in _SHOWN))
        for shown in json.loads(dashboard)["books"]
    ]


def _hashable(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    return tuple(value) if isinstance(value, list) else value


def _some(things: Iterable[str]) -> str:
    """A few of them, and how many there are."""
    found = sorted(things)
    return f"{len(found)} ({', '.join(found[:SHOWN_ITEMS])}{', …' if found[SHOWN_ITEMS:] else ''})"
