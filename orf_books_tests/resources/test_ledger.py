import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy

from orf_books.failures import FixConfiguration, OrfBooksError, RetryLater
from orf_books.resources.ledger import Ledger
from orf_books_tests.postgres import PostgresServer
from orf_books_tests.small_disk import small_disk

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


@pytest.mark.slow
def test_processes_never_share_a_turn(url: str) -> None:
    waits = [wait for taken in in_processes(take_turns, url, 6) for wait in taken]

    assert sorted(waits) == pytest.approx(list(range(120)))


def test_what_a_window_allows_may_leave_at_once_and_the_next_waits_for_its_end(
    ledger: Ledger, clock: Clock
) -> None:
    assert [ledger.take_turn_in_window("google", 3, 100) for _ in range(3)] == [0, 0, 0]
    clock.seconds += 40
    assert ledger.take_turn_in_window("google", 3, 100) == pytest.approx(60)
    assert ledger.seconds_until_turn_in_window("google", 3, 100) == pytest.approx(60)
    clock.seconds += 200
    assert ledger.take_turn_in_window("google", 3, 100) == 0


def test_no_window_wherever_it_begins_holds_more_than_it_may(ledger: Ledger, clock: Clock) -> None:
    moments = []
    for _ in range(30):
        moments.append(clock.seconds + float(ledger.take_turn_in_window("google", 4, 10) or 0))
        clock.seconds += 1.5
    for start in moments:
        assert sum(start <= moment < start + 10 for moment in moments) <= 4


def test_a_turn_that_is_too_far_away_is_not_taken(ledger: Ledger) -> None:
    assert ledger.take_turn_in_window("google", 1, 100, longest_wait=2) == 0
    assert ledger.take_turn_in_window("google", 1, 100, longest_wait=2) is None
    assert ledger.take_turn_in_window("google", 1, 100) == pytest.approx(100)


def test_a_turn_that_is_as_far_away_as_it_may_be_is_taken(ledger: Ledger) -> None:
    assert ledger.take_turn_in_window("google", 1, 100, longest_wait=0) == 0


def test_a_pause_of_a_service_holds_its_windows_too(ledger: Ledger) -> None:
    ledger.hold("google", 30)
    assert ledger.take_turn_in_window("google", 5, 100) == pytest.approx(30)
    assert ledger.take_turn_in_window("another", 5, 100) == 0


def take_in_window(url: str, _: int) -> float | None:
    return Ledger(url).take_turn_in_window("google", 4, 1000, longest_wait=0)


@pytest.mark.slow
def test_processes_never_share_a_place_in_a_window(url: str) -> None:
    turns = in_processes(take_in_window, url, 12)
    assert [turn for turn in turns if turn is not None] == [0] * 4


def test_no_more_is_spent_than_the_quota_of_a_day(ledger: Ledger) -> None:
    assert [ledger.spend("google_books", TODAY, 3) for _ in range(5)] == [True] * 3 + [False] * 2
    assert ledger.spent("google_books", TODAY) == 3
    assert ledger.spend("google_books", TOMORROW, 3)


def test_a_quota_of_nothing_is_spent_from_the_start(ledger: Ledger) -> None:
    assert not ledger.spend("google_books", TODAY, 0)


def test_a_quota_of_one_is_spent_once(ledger: Ledger) -> None:
    assert [ledger.spend("google_books", TODAY, 1) for _ in range(2)] == [True, False]


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


@pytest.mark.slow
def test_processes_spend_one_quota_together(url: str) -> None:
    assert sum(in_processes(spend, url, 6)) == 50


def test_an_item_is_claimed_by_one_holder_at_a_time(ledger: Ledger) -> None:
    assert ledger.claim(["a", "b"], "first run", 60) == {"a", "b"}
    assert ledger.claim(["b", "c"], "second run", 60) == {"c"}
    assert ledger.claim(["a", "b"], "first run", 60) == {"a", "b"}


def test_who_holds_an_item_is_known_by_the_item(ledger: Ledger) -> None:
    ledger.claim(["a"], "first run", 60)
    ledger.claim(["b"], "second run", 60)
    assert ledger.holders(["a", "c"]) == {"first run"}


def test_a_claim_ends_when_it_is_released_or_runs_out(ledger: Ledger, clock: Clock) -> None:
    ledger.claim(["a"], "first run", 60)
    ledger.release("first run")
    assert ledger.claim(["a"], "second run", 60) == {"a"}

    clock.seconds += 61
    assert ledger.claim(["a"], "third run", 60) == {"a"}


def claim(url: str, number: int) -> set[str]:
    return Ledger(url).claim([str(item) for item in range(40)], f"run {number}", 60)


@pytest.mark.slow
def test_processes_never_claim_the_same_item(url: str) -> None:
    claimed = [item for items in in_processes(claim, url, 4) for item in items]

    assert sorted(claimed) == sorted(str(item) for item in range(40))


A_DAY = 24 * 60 * 60.0


def test_a_ledger_a_day_ahead_silences_nobody(ledger: Ledger, clock: Clock) -> None:
    clock.seconds += A_DAY
    ledger.take_turn("open_library", 0.5)
    ledger.hold("google_books", 30.0)
    clock.seconds -= A_DAY

    assert ledger.seconds_until_turn("open_library") == 0.0
    assert ledger.seconds_until_turn("google_books") == 0.0
    assert [ledger.take_turn("open_library", 0.5) for _ in range(3)] == pytest.approx([0, 0.5, 1])
    ledger.hold("google_books", 5.0)
    assert ledger.take_turn("google_books", 0.5) == pytest.approx(5.0)


def test_claims_of_a_ledger_a_day_ahead_are_over(ledger: Ledger, clock: Clock) -> None:
    clock.seconds += A_DAY
    ledger.claim(["a"], "first run", 60)
    clock.seconds -= A_DAY

    assert ledger.holders(["a"]) == set()
    assert ledger.claim(["a"], "second run", 60) == {"a"}
    assert ledger.claim(["a"], "first run", 60) == set()


def test_a_clock_that_is_read_before_a_lock_is_held_gives_no_turn_twice(
    ledger: Ledger, clock: Clock
) -> None:
    ledger.take_turn("open_library", 1.0)
    clock.seconds -= 15

    assert ledger.take_turn("open_library", 1.0) == pytest.approx(16.0)


def test_a_long_queue_is_no_clock_set_back(ledger: Ledger) -> None:
    waits = [ledger.take_turn("google_books", 30.0) for _ in range(20)]

    assert waits == pytest.approx([30.0 * number for number in range(20)])


def test_turns_do_not_rest_on_the_wall_clock(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    Ledger(url, time.time).take_turn("open_library", 3600.0)

    assert Ledger(url).take_turn("open_library", 0.5) == 0.0


def test_machines_with_other_clocks_share_that_of_the_server(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    url = postgres_server.create_database(tmp_path.name)

    waits = [Ledger(url).take_turn("open_library", 60.0) for _ in range(3)]
    assert waits == pytest.approx([0, 60, 120], abs=10)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    ledger.hold("service", 0.0)
    ledger._engine.dispose()
    return tmp_path / "ledger.sqlite"


def failure_of(file: Path) -> OrfBooksError:
    with pytest.raises(OrfBooksError) as caught:
        Ledger(f"sqlite:///{file}").take_turn("service", 1.0)
    assert str(file) in str(caught.value)
    return caught.value


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" * 100])
def test_a_damaged_ledger_may_be_deleted(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    failure = failure_of(file)
    assert isinstance(failure, FixConfiguration)
    assert "delete it" in str(failure)


def test_a_full_disk_is_named(file: Path) -> None:
    # What fills up here is the database itself; SQLite says the same of a full disk.
    class Full(Ledger):
        @cached_property
        def _engine(self) -> sqlalchemy.Engine:
            engine = super()._engine
            engine.dispose()
            sqlalchemy.event.listen(engine, "connect", _allow_no_page_more)
            return engine

    full = Full(f"sqlite:///{file}")
    with pytest.raises(FixConfiguration, match=f"{file}.*disk is full"):
        full.claim([f"{number:0100}" for number in range(10_000)], "run", 60)


@pytest.mark.parametrize("size", ["4k", "12k", "32k", "44k"])
def test_a_disk_that_is_full_is_named_however_early(tmp_path: Path, size: str) -> None:
    with small_disk(tmp_path / "disk", size) as disk:
        ledger = Ledger(f"sqlite:///{disk}/ledger.sqlite")
        with pytest.raises(FixConfiguration, match="disk is full"):
            ledger.claim([f"{number:0100}" for number in range(10_000)], "run", 60)


def _allow_no_page_more(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA max_page_count = 1")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_ledger_that_may_not_be_written_names_the_permissions(file: Path) -> None:
    file.chmod(0o400)
    assert "permissions" in str(failure_of(file))


def test_a_ledger_below_a_file_names_the_setting(file: Path) -> None:
    failure = failure_of(file / "below" / "ledger.sqlite")
    assert isinstance(failure, FixConfiguration)
    assert "ORF_BOOKS_LEDGER" in str(failure)


def test_a_database_that_does_not_answer_may_answer_later() -> None:
    unreachable = Ledger("postgresql+psycopg://ann:secret@127.0.0.1:9/ledger")
    with pytest.raises(RetryLater, match="does not answer") as caught:
        unreachable.take_turn("service", 1.0)
    assert "secret" not in str(caught.value)


def test_a_lease_that_is_renewed_never_lapses(ledger: Ledger, clock: Clock) -> None:
    for _ in range(5):
        ledger.renew_lease("run", 45)
        clock.seconds += 40
        assert ledger.lapsed_leases(0) == set()


def test_a_lease_has_lapsed_when_it_was_seen_so_for_long_enough(
    ledger: Ledger, clock: Clock
) -> None:
    ledger.renew_lease("run", 45)
    clock.seconds += 1000
    assert ledger.lapsed_leases(15) == set(), "this look is the first to notice"
    clock.seconds += 14
    assert ledger.lapsed_leases(15) == set()
    clock.seconds += 1
    assert ledger.lapsed_leases(15) == {"run"}
    ledger.end_lease("run")
    assert ledger.lapsed_leases(15) == set()


def test_runs_that_live_through_an_outage_of_the_ledger_keep_their_leases(
    ledger: Ledger, clock: Clock
) -> None:
    ledger.renew_lease("run", 45)
    clock.seconds += 1000
    assert ledger.lapsed_leases(15) == set()
    ledger.renew_lease("run", 45)
    clock.seconds += 15
    assert ledger.lapsed_leases(15) == set()


def test_a_lease_of_before_a_boot_has_lapsed(ledger: Ledger, clock: Clock) -> None:
    ledger.renew_lease("run", 45)
    clock.seconds = 10
    assert ledger.lapsed_leases(0) == {"run"}
