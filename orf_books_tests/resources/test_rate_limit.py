import asyncio
import time
from pathlib import Path

import pytest

from orf_books.resources.ledger import Ledger
from orf_books.resources.rate_limit import OwnPace, Pace, SharedPace

PER_SECOND = 50.0


@pytest.fixture(params=["own", "shared"])
def pace(request: pytest.FixtureRequest, tmp_path: Path) -> Pace:
    if request.param == "own":
        return OwnPace(PER_SECOND)
    return SharedPace(Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}"), "service", PER_SECOND)


async def seconds_of_turns(*paces: Pace) -> list[float]:
    async def turn(pace: Pace) -> float:
        await pace.turn()
        return time.perf_counter()

    return sorted(await asyncio.gather(*map(turn, paces)))


def test_turns_are_evenly_spaced(pace: Pace) -> None:
    moments = asyncio.run(seconds_of_turns(*[pace] * 6))

    assert moments[-1] - moments[0] >= 0.08


def test_whoever_comes_later_knows_how_long_to_wait(pace: Pace) -> None:
    async def wait_after(turns: int) -> float:
        for _ in range(turns):
            await pace.turn()
        return pace.seconds_until_free()

    assert 0 < asyncio.run(wait_after(2)) <= 1 / PER_SECOND


def test_a_pause_that_the_service_wants_holds_the_next_turn_up(pace: Pace) -> None:
    async def seconds() -> float:
        started = time.perf_counter()
        pace.hold(0.1)
        await pace.turn()
        return time.perf_counter() - started

    assert asyncio.run(seconds()) >= 0.09


def test_without_a_limit_nobody_waits() -> None:
    async def wait_after_many_turns() -> float:
        pace = OwnPace()
        for _ in range(1_000):
            await pace.turn()
        return pace.seconds_until_free()

    assert asyncio.run(wait_after_many_turns()) == 0.0
