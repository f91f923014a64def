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


def test_whoever_comes_later_knows_how_long_to_wait(rate_limit: RateLimit) -> None:
    async def wait_after(turns: int) -> float:
        for _ in range(turns):
            await rate_limit.turn()
        return await rate_limit.seconds_until_free()

    assert 0 < asyncio.run(wait_after(2)) <= 1 / PER_SECOND


def test_a_pause_that_the_service_wants_holds_the_next_turn_up(rate_limit: RateLimit) -> None:
    async def seconds() -> float:
        started = time.perf_counter()
        await rate_limit.hold(0.1)
        await rate_limit.turn()
        return time.perf_counter() - started

    assert asyncio.run(seconds()) >= 0.09


def test_without_a_limit_nobody_waits() -> None:
    async def wait_after_many_turns() -> float:
        rate_limit = LocalRateLimit()
        for _ in range(1_000):
            await rate_limit.turn()
        return await rate_limit.seconds_until_free()

    assert asyncio.run(wait_after_many_turns()) == 0.0


def test_no_limit_means_no_spacing_but_a_pause_is_kept() -> None:
    async def waits() -> tuple[float, float]:
        unlimited = LocalRateLimit(None)
        await unlimited.turn()
        free = await unlimited.seconds_until_free()
        await unlimited.hold(5.0)
        return free, await unlimited.seconds_until_free()

    free, held = asyncio.run(waits())
    assert free == 0.0
    assert 4.0 < held <= 5.0


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    async def wait() -> float:
        rate_limit = LocalRateLimit(PER_SECOND)
        await rate_limit.hold(5.0)
        await rate_limit.hold(0.1)
        return await rate_limit.seconds_until_free()

    assert asyncio.run(wait()) > 4.0


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
