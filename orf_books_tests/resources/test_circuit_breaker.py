import pytest

from orf_books.failures import FailureCategory, FixConfiguration, RetryLater
from orf_books.resources.circuit_breaker import CircuitBreaker

THREE, TEN_SECONDS = 3, 10.0


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit_breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(
        "The service", failures_that_open=THREE, open_seconds=TEN_SECONDS, now=clock
    )


def is_closed(circuit_breaker: CircuitBreaker) -> bool:
    try:
        circuit_breaker.check()
    except RetryLater:
        return False
    return True


def fail(circuit_breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        circuit_breaker.failed()


def test_failures_in_a_row_open_it(circuit_breaker: CircuitBreaker) -> None:
    fail(circuit_breaker, THREE - 1)
    assert is_closed(circuit_breaker)
    fail(circuit_breaker, 1)
    with pytest.raises(RetryLater, match="The service was not asked") as caught:
        circuit_breaker.check()
    assert caught.value.category is FailureCategory.UNAVAILABLE


def test_an_answer_between_failures_keeps_it_closed(circuit_breaker: CircuitBreaker) -> None:
    for _ in range(THREE):
        fail(circuit_breaker, THREE - 1)
        circuit_breaker.answered()
    assert is_closed(circuit_breaker)


def test_an_answer_sets_the_count_of_failures_back_to_zero(
    circuit_breaker: CircuitBreaker,
) -> None:
    fail(circuit_breaker, THREE)
    circuit_breaker.answered()
    fail(circuit_breaker, THREE - 1)
    assert is_closed(circuit_breaker)
    fail(circuit_breaker, 1)
    assert not is_closed(circuit_breaker)


def test_the_failure_that_opens_it_starts_the_pause(
    circuit_breaker: CircuitBreaker, clock: Clock
) -> None:
    fail(circuit_breaker, THREE - 1)
    clock.seconds = 5.0
    fail(circuit_breaker, 1)
    clock.seconds = 5.0 + TEN_SECONDS - 1
    assert not is_closed(circuit_breaker)
    clock.seconds = 5.0 + TEN_SECONDS
    assert is_closed(circuit_breaker)


def test_by_default_twenty_failures_in_a_row_open_it_for_ten_seconds(clock: Clock) -> None:
    by_default = CircuitBreaker("The service", now=clock)
    fail(by_default, 19)
    assert is_closed(by_default)
    fail(by_default, 1)
    clock.seconds = 9.9
    assert not is_closed(by_default)
    clock.seconds = 10.0
    assert is_closed(by_default)


def test_after_a_while_one_request_looks_whether_the_service_is_back(
    circuit_breaker: CircuitBreaker, clock: Clock
) -> None:
    fail(circuit_breaker, THREE)
    clock.seconds = TEN_SECONDS
    assert [is_closed(circuit_breaker) for _ in range(3)] == [True, False, False]
    circuit_breaker.answered()
    assert is_closed(circuit_breaker)


def test_a_look_in_vain_keeps_it_open_for_as_long_again(
    circuit_breaker: CircuitBreaker, clock: Clock
) -> None:
    fail(circuit_breaker, THREE)
    clock.seconds = TEN_SECONDS
    circuit_breaker.check()
    circuit_breaker.failed()
    clock.seconds = 2 * TEN_SECONDS - 1
    assert not is_closed(circuit_breaker)
    clock.seconds = 2 * TEN_SECONDS
    assert is_closed(circuit_breaker)


def test_once_stopped_nothing_passes(circuit_breaker: CircuitBreaker, clock: Clock) -> None:
    refusal = FixConfiguration("Set the thing.")
    circuit_breaker.stop(refusal)
    circuit_breaker.answered()
    clock.seconds = TEN_SECONDS
    with pytest.raises(FixConfiguration) as caught:
        circuit_breaker.check()
    assert caught.value is refusal
