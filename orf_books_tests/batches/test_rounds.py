"""Runs at once that want the same items."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest

from orf_books.batches.batch import BatchOutcome
from orf_books.batches.claims import Claims
from orf_books.batches.rounds import work_in_rounds
from orf_books.resources.ledger import Ledger
from orf_books_tests.hasty_loop import HastyLoop


@dataclass
class Run:
    """A run over items: what it worked on, and what happens meanwhile."""

    claims: Claims
    made: set[str] = field(default_factory=set)
    """What others have finished."""
    looks: list[Callable[[], object]] = field(default_factory=list)
    """What happens at its first look at what others have finished, at the second, and so on."""
    while_working: Callable[[str], object] = lambda _: None
    worked_on: list[str] = field(default_factory=list)
    looked_at: list[float] = field(default_factory=list)
    """When it looked at what others have finished, in seconds."""

    def over(self, keys: Sequence[str]) -> BatchOutcome:
        async def work(key: str) -> str:
            self.worked_on.append(key)
            self.while_working(key)
            return key

        def made_meanwhile(waiting: Collection[str]) -> set[str]:
            self.looked_at.append(asyncio.get_running_loop().time())
            if self.looks:
                self.looks.pop(0)()
            return self.made & set(waiting)

        rounds = work_in_rounds(
            keys,
            self.claims,
            made_meanwhile,
            work,
            lambda _: None,
            concurrency=2,
            item_seconds=5,
            progress=lambda _: None,
        )
        with asyncio.Runner(loop_factory=HastyLoop) as runner:
            return runner.run(rounds)


def nothing() -> None:
    """Nothing happens."""


@pytest.fixture
def claims_of(tmp_path: Path, instance: dg.DagsterInstance) -> Callable[[str], Claims]:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    return lambda run_id: Claims(ledger, instance, "file:///store", run_id)


@pytest.fixture
def other(claims_of: Callable[[str], Claims]) -> Claims:
    """Another run, which holds the item b."""
    other = claims_of("other")
    other.take(["b"])
    return other


def test_alone_a_run_works_on_everything_once(claims_of: Callable[[str], Claims]) -> None:
    run = Run(claims_of("ours"))
    assert run.over(["a", "b"]).succeeded == 2
    assert sorted(run.worked_on) == ["a", "b"]


def test_over_nothing_nothing_comes_of_it(claims_of: Callable[[str], Claims]) -> None:
    assert Run(claims_of("ours")).over([]) == BatchOutcome(0, (), 0.0)


def test_a_run_works_on_nothing_that_another_holds(
    claims_of: Callable[[str], Claims], other: Claims
) -> None:
    run = Run(claims_of("ours"))
    seen: list[list[str]] = []
    run.looks = [nothing, lambda: seen.append(list(run.worked_on)), other.give_up]

    assert run.over(["a", "b"]).succeeded == 2
    assert seen == [["a"]]
    assert run.worked_on == ["a", "b"]


def test_items_that_another_holds_are_looked_at_once_a_second(
    claims_of: Callable[[str], Claims], other: Claims
) -> None:
    run = Run(claims_of("ours"), looks=[nothing, nothing, nothing, other.give_up])
    assert run.over(["b"]).succeeded == 1
    assert run.looked_at == pytest.approx([0.0, 1.0, 2.0, 3.0, 4.0])


def test_what_another_run_finished_meanwhile_is_not_made_again(
    claims_of: Callable[[str], Claims], other: Claims
) -> None:
    run = Run(claims_of("ours"))

    def other_finishes(_: str) -> None:
        run.made.add("b")
        other.give_up()

    run.while_working = other_finishes
    assert run.over(["a", "b"]).succeeded == 1
    assert run.worked_on == ["a"]


def test_what_was_finished_just_before_it_was_claimed_is_not_made_again(
    claims_of: Callable[[str], Claims],
) -> None:
    run = Run(claims_of("ours"), made={"a"})
    assert run.over(["a", "b"]).succeeded == 1
    assert run.worked_on == ["b"]


def test_claims_are_released_after_each_round_so_that_no_two_runs_wait_for_each_other(
    claims_of: Callable[[str], Claims], other: Claims
) -> None:
    third = claims_of("third")
    taken: list[set[str]] = []
    run = Run(claims_of("ours"))
    run.looks = [nothing, lambda: taken.append(third.take(["a"])), other.give_up]

    run.over(["a", "b"])
    assert taken == [{"a"}]


def test_a_run_holds_its_items_while_it_works_on_them_and_no_longer(
    claims_of: Callable[[str], Claims],
) -> None:
    other, taken = claims_of("other"), set[str]()
    run = Run(claims_of("ours"), while_working=lambda key: taken.update(other.take([key])))
    run.over(["a"])
    assert taken == set()
    assert other.take(["a"]) == {"a"}


def test_outcomes_of_all_rounds_are_added(
    claims_of: Callable[[str], Claims], other: Claims
) -> None:
    def fail(key: str) -> None:
        raise ValueError(key)

    run = Run(claims_of("ours"), looks=[nothing, other.give_up], while_working=fail)
    outcome = run.over(["a", "b"])
    assert [failure.key for failure in outcome.failures] == ["a", "b"]
