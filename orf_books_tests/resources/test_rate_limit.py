import asyncio
import time
from pathlib import Path

import pytest

from orf_books.resources.ledger import Ledger
from orf_books.resources.rate_limit import LocalRateLimit, RateLimit, SharedRateLimit

PER_SECOND = 50.0


@pytest.fixture(params=["own", "shared"])
def rate_limit(request: pytest.FixtureRequest, tmp_path: Path) -> RateLimit:
    if request.param == "own":
        return LocalRateLimit(PER_SECOND)
    return SharedRateLimit(Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}"), "service", PER_SECOND)


async def seconds_of_turns(*paces: RateLimit) -> list[float]:
    async def turn(rate_limit: RateLimit) -> float:
        await rate_limit.turn()
        return time.perf_counter()

    return sorted(await asyncio.gather(*map(turn, paces)))


def test_turns_are_evenly_spaced(rate_limit: RateLimit) -> None:
    moments = asyncio.run(seconds_of_turns(*[rate_limit] * 6))

    assert moments[-1] - moments[0] >= 0.08


def test_a_pause_that_the_service_wants_holds_the_next_turn_up(rate_limit: RateLimit) -> None:
    async def seconds() -> float:
        started = time.perf_counter()
        await rate_limit.hold(0.1)
        await rate_limit.turn()
        return time.perf_counter() - started

    assert asyncio.run(seconds()) >= 0.09


def test_without_a_limit_nobody_waits() -> None:
    async def passes_of_the_loop_meanwhile() -> int:
        passes, rate_limit = 0, LocalRateLimit()

        async def count() -> None:
            nonlocal passes
            while True:
                await asyncio.sleep(0)
                passes += 1

        counting = asyncio.create_task(count())
        for _ in range(1_000):
            await rate_limit.turn()
        counting.cancel()
        return passes

    assert asyncio.run(passes_of_the_loop_meanwhile()) == 0


class SlowLedger(Ledger):
    """A ledger whose database makes everybody wait."""

    def take_turn(self, service: str, spacing: float) -> float:
        time.sleep(0.2)
        return 0.0


def test_the_event_loop_does_not_wait_for_the_ledger() -> None:
    async def passes_of_the_loop_meanwhile() -> int:
        turn = asyncio.create_task(SharedRateLimit(SlowLedger(""), "service", PER_SECOND).turn())
        passes = 0
        while not turn.done():
            await asyncio.sleep(0.005)
            passes += 1
        return passes

    assert asyncio.run(passes_of_the_loop_meanwhile()) > 2
