"""Attacks can fail: what is planted as lost or wrong is counted as such."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import dagster as dg
import pytest

from chaos.attacks import generated, identifiers
from chaos.attacks.soak import Look, judge_growth
from chaos.campaign import outcome_of
from chaos.counting import Attack, NotPossibleHere, Outcome, Tally
from chaos.ground import Ground
from chaos.judging import CalmDay, judge_history, judge_library
from chaos.processes import Use
from chaos.reporting import page
from orf_books.books.exports.entries import Export
from orf_books.books.exports.reading import parse_export
from orf_books.object_keys import library_data_key
from orf_books.resources.storage import ObjectStorage
from orf_books.sandbox.server import Sandbox
from orf_books_tests.conftest import Platform, book, export_of, plain_books

LIBRARY = "ada"
Change = Callable[[list[dict[str, Any]]], None]


@pytest.fixture(scope="module")
def numbers() -> list[int]:
    return plain_books()[:4]


@pytest.fixture(scope="module")
def dashboard(
    running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, numbers: list[int]
) -> bytes:
    folder = tmp_path_factory.mktemp("calm")
    ground = Ground(folder, running_sandbox, CalmDay({}), Random(1), 60.0)
    with ground.platform("calm") as platform:
        platform.ingest(LIBRARY, export_of(numbers))
        return platform.storage.get(library_data_key(LIBRARY))


def _is_gone(books: list[dict[str, Any]]) -> None:
    del books[0]


def _stands_twice(books: list[dict[str, Any]]) -> None:
    books.append(books[0])


def _is_of_somebody_else(books: list[dict[str, Any]]) -> None:
    books[0]["goodreads_id"] = "1"


def _failed(books: list[dict[str, Any]]) -> None:
    books[0]["enrichment_status"] = "failed"


def _has_another_genre(books: list[dict[str, Any]]) -> None:
    books[0]["genres"] = ["Cookery"]


def _is_as_it_was(_books: list[dict[str, Any]]) -> None:
    """A calm day."""


@pytest.mark.parametrize(
    ("change", "lost", "wrong"),
    [
        (_is_as_it_was, 0, 0),
        (_is_gone, 1, 0),
        (_stands_twice, 0, 1),
        (_is_of_somebody_else, 1, 2),
        (_failed, 0, 1),
        (_has_another_genre, 0, 1),
    ],
)
def test_a_book_that_is_shown_otherwise_is_counted(  # noqa: PLR0917 - fixtures and cases
    folder: ObjectStorage,
    dashboard: bytes,
    numbers: list[int],
    change: Change,
    lost: int,
    wrong: int,
) -> None:
    document = json.loads(dashboard)
    change(document["books"])
    folder.put(library_data_key(LIBRARY), json.dumps(document).encode())
    tally = Tally()
    judge_library(tally, CalmDay.of(dashboard), folder, LIBRARY, numbers)
    assert (len(tally.lost), len(tally.wrong)) == (lost, wrong)


def test_a_library_without_a_dashboard_is_lost(folder: ObjectStorage) -> None:
    tally = Tally()
    judge_library(tally, CalmDay({}), folder, LIBRARY, [1])
    assert tally.lost == ["ada: no dashboard"]


def test_red_and_unknown_books_and_endless_runs_are_counted(
    platform: Platform, sandbox: Sandbox, instance: dg.DagsterInstance, numbers: list[int]
) -> None:
    sandbox.behaviour.broken_books = {book(numbers[0])}
    platform.ingest(LIBRARY, export_of(numbers))
    job = platform.definitions.resolve_job_def("ingest_books")
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    tally = Tally()
    judge_history(tally, instance, [*numbers, plain_books()[9]])
    assert len(tally.lost) == 1
    assert [what.split()[-1] for what in tally.wrong] == ["green", "ended"]


# Attacks on readers


def test_an_export_that_loses_a_row_is_counted() -> None:
    def forgetful(content: bytes) -> Export:
        export = parse_export(content)
        return replace(export, entries=export.entries[1:])

    tally = Tally()
    for number in range(0, 10, 2):
        generated.check_export(tally, Random(number), number, forgetful)
    assert len(tally.wrong) == 5


def test_an_error_that_is_no_refusal_is_wrong(ground: Ground) -> None:
    def breaks(_tally: Tally, _random: Random, number: int) -> None:
        [0][number]

    tally = Tally()
    generated.generated_files(breaks, ground, tally, 3)
    assert (tally.tries, len(tally.wrong)) == (3, 2)


@pytest.mark.parametrize(
    "key_of", [lambda text: f"é{text}", lambda _: "the/same", lambda text: f"a/../{text}"]
)
def test_a_key_that_is_not_plain_not_its_own_or_leads_outside_is_wrong(
    key_of: Callable[[str], str],
) -> None:
    tally = Tally()
    identifiers.try_character(tally, "library", key_of, "x")
    assert tally.wrong


def test_memory_that_grows_is_wrong() -> None:
    looks = [Look(number, Use(1, 10**8 * (1 + number), 10), 0) for number in range(9)]
    tally = Tally()
    judge_growth(tally, looks, uploads=10)
    assert [what.split()[0] for what in tally.wrong] == ["memory"]


# Outcomes


@pytest.fixture
def ground(tmp_path: Path, sandbox: Sandbox) -> Iterator[Ground]:
    made = Ground(tmp_path / "ground", sandbox, CalmDay({}), Random(1), 60.0)
    made.folder.mkdir()
    yield made
    made.end()


def outcome(ground: Ground, carry_out: Callable[[Ground, Tally, int], None]) -> Outcome:
    ground.folder.rmdir()
    return outcome_of(Attack("an attack", carry_out, tries=1), 1, ground)


def _succeeds(ground: Ground, tally: Tally, tries: int) -> None:
    tally.tries = tries


def _tries_nothing(_ground: Ground, _tally: Tally, _tries: int) -> None:
    """And so shows nothing."""


def _breaks(_ground: Ground, tally: Tally, tries: int) -> None:
    tally.tries = tries
    raise RuntimeError("broken")


def _loses(_ground: Ground, tally: Tally, tries: int) -> None:
    tally.tries = tries
    tally.lost.append("a book")


def _is_impossible(_ground: Ground, _tally: Tally, _tries: int) -> None:
    raise NotPossibleHere("it needs root")


@pytest.mark.parametrize(
    ("carry_out", "is_well"),
    [
        (_succeeds, True),
        (_tries_nothing, False),
        (_breaks, False),
        (_loses, False),
        (_is_impossible, True),
    ],
)
def test_only_what_was_tried_and_cost_nothing_is_well(
    ground: Ground, carry_out: Callable[[Ground, Tally, int], None], is_well: bool
) -> None:
    assert outcome(ground, carry_out).is_well is is_well


def test_the_page_tells_counts_and_what_was_not_carried_out(ground: Ground, tmp_path: Path) -> None:
    lost = outcome(ground, _loses)
    impossible = outcome(ground, _is_impossible)
    shown = page([lost, impossible], "make chaos", seed=7, minutes=1.0)
    assert "| an attack | 1 | 1 | 0 | nothing |" in shown
    assert "not carried out: it needs root" in shown
    assert "lost: a book" in shown
    assert "seed 7" in shown


def test_a_soak_and_the_other_attacks_keep_each_other_on_the_page(ground: Ground) -> None:
    attacks = [outcome(ground, _loses)]
    soak = [outcome(ground, _is_impossible)]
    first = page(attacks, "make chaos", seed=7, minutes=1.0)
    both = page(soak, "make soak", seed=1, minutes=60.0, earlier=first)
    assert both.startswith(first)
    assert "Written by `make soak`" in both
    again = page(attacks, "make chaos", seed=7, minutes=1.0, earlier=both)
    assert again == both
    assert page(soak, "make soak", seed=1, minutes=60.0, earlier=both) == both


def test_what_is_counted_says_which_try_it_belongs_to() -> None:
    tally = Tally()
    tally.check(holds=False, wrong="before")
    with tally.about("second try"):
        tally.check(holds=False, wrong="red")
        tally.lost.append("a book")
    assert (tally.lost, tally.wrong) == (["second try: a book"], ["before", "second try: red"])


def test_an_attack_ends_with_its_time_and_says_so(ground: Ground) -> None:
    ground.seconds = -1.0
    tally = Tally()
    assert list(ground.tries(tally, 5)) == [0]
    assert (tally.tries, tally.notes) == (1, ["1 of 5 tries in -1 s"])
