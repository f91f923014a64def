import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orf_books.resources.ledger import Ledger
from orf_books.resources.rate_limit import (
    Allowance,
    DailyQuota,
    LocalRateLimit,
    RateLimit,
    SharedRateLimit,
    SharedWindow,
    TurnIsTooFarAway,
)
from orf_books_tests.hasty_loop import HastyLoop

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


def test_the_first_turn_is_now_and_the_next_ones_follow_at_the_rate() -> None:
    async def moments() -> list[float]:
        rate_limit, loop = LocalRateLimit(4.0), asyncio.get_running_loop()
        found = []
        for _ in range(3):
            await rate_limit.turn()
            found.append(loop.time())
        return found

    with asyncio.Runner(loop_factory=HastyLoop) as runner:
        assert runner.run(moments()) == pytest.approx([0.0, 0.25, 0.5])


# Midnight Pacific time is 08:00 UTC in November.
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
AN_ALLOWANCE = Allowance(window_requests=100, window_seconds=100, requests_per_day=1000)


@pytest.mark.parametrize(
    ("requests", "free_in", "left_today", "last"),
    [
        (100, 0, 1000, NOON + timedelta(seconds=100)),
        (101, 0, 1000, NOON + timedelta(seconds=200)),
        (100, 30, 1000, NOON + timedelta(seconds=130)),
        (1000, 0, 1000, NOON + timedelta(seconds=1000)),
        (1001, 0, 1000, datetime(2026, 11, 29, 8, 1, 40, tzinfo=UTC)),
        (250, 0, 0, datetime(2026, 11, 29, 8, 5, tzinfo=UTC)),
        (1001, 0, 0, datetime(2026, 11, 30, 8, 1, 40, tzinfo=UTC)),
    ],
)
def test_when_many_requests_will_have_left_follows_from_windows_and_days(
    requests: int, free_in: float, left_today: int, last: datetime
) -> None:
    until = AN_ALLOWANCE.time_of_last(requests, NOON, free_in=free_in, left_today=left_today)
    assert until == last


def test_of_one_request_a_day_each_leaves_on_a_day_of_its_own() -> None:
    strict = Allowance(window_requests=1, window_seconds=100, requests_per_day=1)
    until = strict.time_of_last(2, NOON, free_in=0, left_today=0)
    assert until == datetime(2026, 11, 30, 8, 1, 40, tzinfo=UTC)


def test_where_a_day_takes_no_request_there_is_no_last_one() -> None:
    nothing = Allowance(window_requests=100, window_seconds=100, requests_per_day=0)
    assert nothing.time_of_last(1, NOON, free_in=0, left_today=0) is None


async def is_free(rate_limit: LocalRateLimit) -> bool:
    """Whether the next turn is now, and not in seconds."""
    try:
        async with asyncio.timeout(0.05):
            await rate_limit.turn()
    except TimeoutError:
        return False
    return True


def test_no_limit_means_no_spacing_but_a_pause_is_kept() -> None:
    async def turns() -> list[bool]:
        unlimited = LocalRateLimit(None)
        unspaced = [await is_free(unlimited) for _ in range(3)]
        await unlimited.hold(5.0)
        return [*unspaced, await is_free(unlimited)]

    assert asyncio.run(turns()) == [True, True, True, False]


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    async def is_over() -> bool:
        rate_limit = LocalRateLimit(None)
        await rate_limit.hold(5.0)
        await rate_limit.hold(0.0)
        return await is_free(rate_limit)

    assert not asyncio.run(is_over())


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


def test_of_a_quota_that_was_overspent_nothing_is_left(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")

    async def left() -> list[int]:
        generous, strict = DailyQuota(ledger, "service", 3), DailyQuota(ledger, "service", 1)
        assert await generous.spend()
        assert await generous.spend()
        return [await generous.left(), await strict.left()]

    assert asyncio.run(left()) == [1, 0]


def test_a_request_that_would_wait_too_long_in_a_window_is_not_sent(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    patient = SharedWindow(ledger, "service", 1, 1000.0)
    hasty = SharedWindow(ledger, "service", 1, 1000.0, longest_wait=2.0)

    async def waits() -> list[float]:
        await hasty.turn()
        with pytest.raises(TurnIsTooFarAway):
            await hasty.turn()
        return [await patient.seconds_until_free(), await hasty.seconds_until_free()]

    longest, none = asyncio.run(waits())
    assert longest > 2.0
    assert none == 0.0
