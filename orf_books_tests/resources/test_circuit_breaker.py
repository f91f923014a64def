import pytest

from orf_books.failures import FailureCategory, FixConfiguration, RetryLater
from orf_books.resources.circuit_breaker import Circuit

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
def circuit(clock: Clock) -> Circuit:
    return Circuit("The service", failures_that_open=THREE, open_seconds=TEN_SECONDS, now=clock)


def is_closed(circuit: Circuit) -> bool:
    try:
        circuit.pass_or_refuse()
    except RetryLater:
        return False
    return True


def fail(circuit: Circuit, times: int) -> None:
    for _ in range(times):
        circuit.failed()


def test_failures_in_a_row_open_it(circuit: Circuit) -> None:
    fail(circuit, THREE - 1)
    assert is_closed(circuit)
    fail(circuit, 1)
    with pytest.raises(RetryLater, match="The service was not asked") as caught:
        circuit.pass_or_refuse()
    assert caught.value.category is FailureCategory.UNAVAILABLE


def test_an_answer_between_failures_keeps_it_closed(circuit: Circuit) -> None:
    for _ in range(THREE):
        fail(circuit, THREE - 1)
        circuit.answered()
    assert is_closed(circuit)


def test_after_a_while_one_request_looks_whether_the_service_is_back(
    circuit: Circuit, clock: Clock
) -> None:
    fail(circuit, THREE)
    clock.seconds = TEN_SECONDS
    assert [is_closed(circuit) for _ in range(3)] == [True, False, False]
    circuit.answered()
    assert is_closed(circuit)


def test_a_look_in_vain_keeps_it_open_for_as_long_again(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, THREE)
    clock.seconds = TEN_SECONDS
    circuit.pass_or_refuse()
    circuit.failed()
    clock.seconds = 2 * TEN_SECONDS - 1
    assert not is_closed(circuit)
    clock.seconds = 2 * TEN_SECONDS
    assert is_closed(circuit)


def test_once_stopped_nothing_passes(circuit: Circuit, clock: Clock) -> None:
    refusal = FixConfiguration("Set the thing.")
    circuit.stop(refusal)
    circuit.answered()
    clock.seconds = TEN_SECONDS
    with pytest.raises(FixConfiguration) as caught:
        circuit.pass_or_refuse()
    assert caught.value is refusal
