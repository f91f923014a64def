import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import pytest

from orf_books.failures import FailureCategory, FixConfiguration, OrfBooksError, RetryLater
from orf_books.resources.circuit_breaker import FAILURES_THAT_OPEN, CircuitBreaker
from orf_books.resources.grouped_lookup import GroupedLookup, GroupUndecided, at_once
from orf_books.resources.http import ServiceFailure

GROUP = 50


class Service:
    """Answers even numbers with their text; fails groups that hold a broken number.

    Like a real client it has a circuit breaker, which decides what an outage is.
    """

    def __init__(
        self,
        broken: Iterable[int] = (),
        *,
        failure: Exception | None = None,
        seconds: float = 0.0,
    ) -> None:
        self._broken = frozenset(broken)
        self._failure = failure or server_error()
        self._seconds = seconds
        self.groups: list[list[int]] = []
        self.attempts: list[int | None] = []
        self._circuit_breaker = CircuitBreaker("The service")

    async def __call__(self, numbers: Sequence[int], attempts: int | None) -> Mapping[int, str]:
        self._circuit_breaker.check()
        self.groups.append(list(numbers))
        self.attempts.append(attempts)
        await asyncio.sleep(self._seconds)
        if not self._broken.isdisjoint(numbers):
            self._circuit_breaker.failed()
            raise self._failure
        self._circuit_breaker.answered()
        return {number: str(number) for number in numbers if number % 2 == 0}

    def is_back(self, broken: Iterable[int]) -> None:
        self._broken = frozenset(broken)
        self._circuit_breaker.answered()


def server_error() -> ServiceFailure:
    return ServiceFailure("The service is unavailable.", FailureCategory.UNAVAILABLE)


def found(
    service: Service,
    numbers: Iterable[int],
    *,
    group_size: int = GROUP,
    turn: Callable[[], Awaitable[None]] = at_once,
) -> list[str | BaseException | None]:
    async def find() -> list[str | BaseException | None]:
        lookup = GroupedLookup(
            service,
            group_size=group_size,
            gather_seconds=0.001,
            turn=turn,
        )
        outcomes = await asyncio.gather(*map(lookup.find, numbers), return_exceptions=True)
        await lookup.aclose()
        return outcomes

    return asyncio.run(find())


def failed(outcomes: Iterable[object]) -> list[int]:
    return [n for n, outcome in enumerate(outcomes) if isinstance(outcome, OrfBooksError)]


def test_concurrent_lookups_share_requests_and_get_their_own_answers() -> None:
    service = Service()
    outcomes = found(service, range(120))
    assert outcomes == [str(n) if n % 2 == 0 else None for n in range(120)]
    assert [len(group) for group in service.groups] == [50, 50, 20]


def test_the_same_question_is_asked_once_and_answered_to_all() -> None:
    service = Service()
    assert found(service, [2, 2, 4]) == ["2", "2", "4"]
    assert service.groups == [[2, 4]]


def test_a_question_that_is_alone_has_the_usual_patience() -> None:
    service = Service()
    found(service, [2])
    assert service.attempts == [None]


def test_one_broken_question_costs_its_neighbours_nothing() -> None:
    service = Service(broken=[17])
    outcomes = found(service, range(GROUP))
    assert failed(outcomes) == [17]
    assert [n for n in range(GROUP) if outcomes[n] == str(n)] == list(range(0, GROUP, 2))
    assert len(service.groups) <= 1 + 2 * 6


def test_halves_are_not_retried_but_the_last_question_is() -> None:
    service = Service(broken=[17])
    found(service, range(GROUP))
    by_size = {
        len(group): tries for group, tries in zip(service.groups, service.attempts, strict=True)
    }
    assert (by_size[50], by_size[25], by_size[1]) == (2, 1, 2)


def test_three_broken_questions_among_many_cost_few_requests() -> None:
    service = Service(broken=[3, 300, 301])
    assert failed(found(service, range(565))) == [3, 300, 301]
    assert len(service.groups) <= 12 + 3 * 12


def test_a_broken_question_in_every_group_still_costs_only_itself() -> None:
    broken = list(range(0, 600, GROUP))
    service = Service(broken=broken, seconds=0.001)
    assert failed(found(service, range(600))) == broken


def test_many_broken_questions_in_a_single_group_still_cost_only_themselves() -> None:
    broken = list(range(0, GROUP, 5))
    service = Service(broken=broken, seconds=0.001)
    assert failed(found(service, range(GROUP))) == broken


def test_an_outage_costs_less_than_half_a_request_a_question() -> None:
    service = Service(broken=range(600), seconds=0.001)
    assert len(failed(found(service, range(600)))) == 600
    assert len(service.groups) <= 2 * FAILURES_THAT_OPEN


def test_an_outage_that_is_known_costs_no_request() -> None:
    async def find() -> int:
        service = Service(broken=range(600))
        lookup = GroupedLookup(service, group_size=GROUP, gather_seconds=0.001)
        await asyncio.gather(*map(lookup.find, range(300)), return_exceptions=True)
        before = len(service.groups)
        await asyncio.gather(*map(lookup.find, range(300, 600)), return_exceptions=True)
        return len(service.groups) - before

    assert asyncio.run(find()) == 0


def test_an_outage_of_a_single_group_ends_after_a_few_halvings() -> None:
    service = Service(broken=range(GROUP), seconds=0.001)
    assert len(failed(found(service, range(GROUP)))) == GROUP
    assert len(service.groups) <= 40


def test_after_an_outage_groups_are_split_again() -> None:
    async def find() -> list[str | BaseException | None]:
        service = Service(broken=range(GROUP))
        lookup = GroupedLookup(service, group_size=GROUP, gather_seconds=0.001)
        await asyncio.gather(*map(lookup.find, range(GROUP)), return_exceptions=True)
        service.is_back(broken={7})
        return await asyncio.gather(*map(lookup.find, range(GROUP)), return_exceptions=True)

    assert failed(asyncio.run(find())) == [7]


@pytest.mark.parametrize(
    "failure",
    [
        ServiceFailure(
            "Too fast.", FailureCategory.RATE_LIMITED, one_question_may_be_the_cause=False
        ),
        ServiceFailure(
            "Cannot be reached.", FailureCategory.NETWORK, one_question_may_be_the_cause=False
        ),
        RetryLater("The quota is used up.", FailureCategory.QUOTA_EXHAUSTED),
        FixConfiguration("Set a contact."),
    ],
)
def test_what_no_single_question_can_cause_is_not_split(failure: OrfBooksError) -> None:
    service = Service(broken=[17], failure=failure)
    outcomes = found(service, range(GROUP))
    assert outcomes == [failure] * GROUP
    assert len(service.groups) == 1


def test_an_undecided_group_is_asked_again_in_halves() -> None:
    service = Service(broken=[17], failure=GroupUndecided())

    async def find() -> list[str | None]:
        async def ask(numbers: Sequence[int], attempts: int | None) -> Mapping[int, str]:
            if len(numbers) == 1:
                return {numbers[0]: "alone"}
            return await service(numbers, attempts)

        lookup = GroupedLookup(ask, group_size=GROUP, gather_seconds=0.001)
        return await asyncio.gather(*map(lookup.find, range(GROUP)))

    outcomes = asyncio.run(find())
    assert outcomes[17] == "alone"
    assert outcomes[20] == "20"


def test_a_mistake_in_the_asking_reaches_those_who_wait() -> None:
    outcomes = found(Service(broken=[17], failure=KeyError("docs")), range(GROUP))
    assert all(isinstance(outcome, KeyError) for outcome in outcomes)


def test_a_group_that_has_to_wait_for_its_turn_takes_more_questions() -> None:
    async def find() -> list[list[int]]:
        service, turn = Service(), asyncio.Event()

        async def wait_for_turn() -> None:
            await turn.wait()

        lookup = GroupedLookup(service, group_size=GROUP, gather_seconds=0.001, turn=wait_for_turn)
        early = asyncio.create_task(lookup.find(2))
        await asyncio.sleep(0.02)
        late = asyncio.create_task(lookup.find(4))
        await asyncio.sleep(0)
        turn.set()
        await asyncio.gather(early, late)
        return service.groups

    assert asyncio.run(find()) == [[2, 4]]


def test_a_small_group_is_not_overtaken_by_full_ones_that_came_later() -> None:
    async def find() -> list[list[int]]:
        service, queue = Service(), asyncio.Lock()

        async def turn() -> None:
            async with queue:
                await asyncio.sleep(0.01)

        few, many = (
            GroupedLookup(service, group_size=size, gather_seconds=0.001, turn=turn)
            for size in (GROUP, 2)
        )
        small = asyncio.create_task(few.find(100))
        await asyncio.sleep(0)
        await asyncio.gather(*map(many.find, range(8)))
        await small
        return service.groups

    assert asyncio.run(find())[0] == [100]


def test_without_a_turn_a_group_fails_as_the_turn_did() -> None:
    async def turn() -> None:
        raise FixConfiguration("The ledger is damaged.")

    service = Service()
    outcomes = found(service, range(3), turn=turn)
    assert [str(outcome) for outcome in outcomes] == ["The ledger is damaged."] * 3
    assert service.groups == []


def test_a_lookup_that_is_given_up_takes_no_other_with_it() -> None:
    async def find() -> str | None:
        lookup = GroupedLookup(Service(seconds=0.02), group_size=GROUP, gather_seconds=0.001)
        given_up = asyncio.create_task(lookup.find(2))
        kept = asyncio.create_task(lookup.find(4))
        await asyncio.sleep(0.01)
        given_up.cancel()
        return await kept

    assert asyncio.run(find()) == "4"


def test_closing_ends_what_waits_and_what_is_under_way() -> None:
    async def find() -> list[bool]:
        lookup = GroupedLookup(Service(seconds=60), group_size=2, gather_seconds=60)
        tasks = [asyncio.create_task(lookup.find(number)) for number in range(3)]
        await asyncio.sleep(0.01)
        await lookup.aclose()
        await asyncio.wait(tasks)
        return [task.cancelled() for task in tasks]

    assert asyncio.run(find()) == [True, True, True]
