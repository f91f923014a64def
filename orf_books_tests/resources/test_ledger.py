from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import pytest

from orf_books.resources.ledger import Ledger
from orf_books_tests.postgres import PostgresServer

Answer = TypeVar("Answer")
TODAY, TOMORROW = date(2026, 11, 22), date(2026, 11, 23)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a folder' / 'ledger.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create_database(tmp_path.name)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(url: str, clock: Clock) -> Ledger:
    return Ledger(url, clock)


def in_processes(work: Callable[[str, int], Answer], url: str, times: int) -> list[Answer]:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as processes:
        return [
            answer.result()
            for answer in [processes.submit(work, url, number) for number in range(times)]
        ]


def test_turns_are_spaced(ledger: Ledger) -> None:
    waits = [ledger.take_turn("open_library", 0.5) for _ in range(3)]

    assert waits == pytest.approx([0.0, 0.5, 1.0])
    assert ledger.seconds_until_turn("open_library") == pytest.approx(1.5)


def test_turns_that_nobody_took_are_not_saved_up(ledger: Ledger, clock: Clock) -> None:
    ledger.take_turn("open_library", 0.5)
    clock.seconds += 60

    assert [ledger.take_turn("open_library", 0.5) for _ in range(2)] == pytest.approx([0.0, 0.5])


def test_services_take_turns_of_their_own(ledger: Ledger) -> None:
    ledger.take_turn("open_library", 5.0)

    assert ledger.take_turn("google_books", 5.0) == 0.0
    assert ledger.seconds_until_turn("a third") == 0.0


def test_a_pause_holds_everybody_up_and_is_never_shortened(ledger: Ledger, url: str) -> None:
    ledger.hold("open_library", 30.0)
    ledger.hold("open_library", 1.0)

    assert ledger.seconds_until_turn("open_library") == pytest.approx(30.0)
    assert ledger.take_turn("open_library", 0.5) == pytest.approx(30.0)


def take_turns(url: str, number: int) -> list[float]:
    ledger = Ledger(url, now=lambda: 1_000.0)
    return [ledger.take_turn("open_library", 1.0) for _ in range(20)]


def test_processes_never_share_a_turn(url: str) -> None:
    waits = [wait for taken in in_processes(take_turns, url, 6) for wait in taken]

    assert sorted(waits) == pytest.approx(list(range(120)))


def test_no_more_is_spent_than_the_quota_of_a_day(ledger: Ledger) -> None:
    assert [ledger.spend("google_books", TODAY, 3) for _ in range(5)] == [True] * 3 + [False] * 2
    assert ledger.spent("google_books", TODAY) == 3
    assert ledger.spend("google_books", TOMORROW, 3)


def test_a_quota_of_nothing_is_spent_from_the_start(ledger: Ledger) -> None:
    assert not ledger.spend("google_books", TODAY, 0)


def test_what_was_spent_is_known_after_a_restart(ledger: Ledger, url: str) -> None:
    ledger.spend("google_books", TODAY, 10)

    assert Ledger(url).spent("google_books", TODAY) == 1


def test_a_quota_that_the_service_calls_exhausted_is(ledger: Ledger) -> None:
    ledger.spend("google_books", TODAY, 10)
    ledger.exhaust("google_books", TODAY, 10)

    assert not ledger.spend("google_books", TODAY, 10)


def spend(url: str, number: int) -> int:
    ledger = Ledger(url)
    return sum(ledger.spend("google_books", TODAY, 50) for _ in range(20))


def test_processes_spend_one_quota_together(url: str) -> None:
    assert sum(in_processes(spend, url, 6)) == 50


def test_an_item_is_claimed_by_one_holder_at_a_time(ledger: Ledger) -> None:
    assert ledger.claim(["a", "b"], "first run", 60) == {"a", "b"}
    assert ledger.claim(["b", "c"], "second run", 60) == {"c"}
    assert ledger.claim(["a", "b"], "first run", 60) == {"a", "b"}


def test_a_claim_ends_when_it_is_released_or_runs_out(ledger: Ledger, clock: Clock) -> None:
    ledger.claim(["a"], "first run", 60)
    ledger.release("first run")
    assert ledger.claim(["a"], "second run", 60) == {"a"}

    clock.seconds += 61
    assert ledger.claim(["a"], "third run", 60) == {"a"}


def claim(url: str, number: int) -> set[str]:
    return Ledger(url).claim([str(item) for item in range(40)], f"run {number}", 60)


def test_processes_never_claim_the_same_item(url: str) -> None:
    claimed = [item for items in in_processes(claim, url, 4) for item in items]

    assert sorted(claimed) == sorted(str(item) for item in range(40))
