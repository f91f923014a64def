"""Many single lookups, few requests: what is asked at about the same time is asked together.

Belongs here: collecting lookups into groups, handing out the answers, and finding the question
that breaks a group. Does not belong here: how a group is asked, what an answer means, and whether
the service is down (`circuit_breaker.py`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from orf_books.failures import OrfBooksError
from orf_books.resources.http import ServiceFailure

Question = TypeVar("Question")
Answer = TypeVar("Answer")

AskGroup = Callable[[Sequence[Question], int | None], Awaitable[Mapping[Question, Answer]]]
"""Asks the questions of one request.

The number limits the attempts on failures that one question may have caused; None is no limit
besides the retry policy. Questions without an answer are left out of the result. May raise
`GroupUndecided` for several questions, never for one."""


async def never_waits() -> float:
    """The wait for a turn where there is no rate limit."""
    return 0.0


class GroupUndecided(Exception):
    """The answer to several questions cannot be believed; smaller groups may get a better one."""


class GroupedLookup(Generic[Question, Answer]):
    """Answers single questions by asking groups of them.

    A group leaves when it is full, or after `gather_seconds`; where requests have to wait for their
    turn, it goes on taking questions until its turn comes.

    A group that fails is split in halves, and these again, so that a question that breaks its group
    costs its neighbours only time: about two requests for each halving. A failure that cannot be
    one question's (service not reached, too many requests, access refused) splits nothing, and
    neither does an outage: once the circuit breaker of the client is open, `ask` raises without a
    request.

    Args:
        ask: asks a group.
        group_size: questions in a request, at most.
        gather_seconds: how long the first question of a group waits for others.
        seconds_until_free: how long a request would wait for its turn now.
    """

    def __init__(
        self,
        ask: AskGroup[Question, Answer],
        *,
        group_size: int,
        gather_seconds: float = 0.01,
        seconds_until_free: Callable[[], Awaitable[float]] = never_waits,
    ) -> None:
        self._ask = ask
        self._group_size = group_size
        self._gather_seconds = gather_seconds
        self._seconds_until_free = seconds_until_free
        self._waiting: list[_Lookup[Question, Answer]] = []
        self._departure: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def find(self, question: Question) -> Answer | None:
        """The answer to one question, None where there is none.

        Raises:
            RetryLater, FixConfiguration: as the request for its group, or for it alone, failed.
        """
        lookup = _Lookup[Question, Answer](question)
        self._waiting.append(lookup)
        if len(self._waiting) >= self._group_size:
            self._send_waiting()
        elif self._departure is None:
            self._departure = asyncio.create_task(self._depart_in_turn())
        return await lookup.answer

    async def aclose(self) -> None:
        """Drop everything that is still waiting or under way."""
        self._cancel_departure()
        for lookup in self._waiting:
            lookup.answer.cancel()
        self._waiting = []
        under_way = tuple(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _depart_in_turn(self) -> None:
        wait = self._gather_seconds
        # Where the wait cannot be known, asking meets the same failure and reports it.
        with suppress(OrfBooksError):
            while wait > 0:
                await asyncio.sleep(wait)
                wait = await self._seconds_until_free()
        self._departure = None
        self._send_waiting()

    def _cancel_departure(self) -> None:
        if self._departure is not None:
            self._departure.cancel()
            self._departure = None

    def _send_waiting(self) -> None:
        self._cancel_departure()
        group, self._waiting = self._waiting, []
        task = asyncio.create_task(self._settle(group, level=0))
        self._under_way.add(task)
        task.add_done_callback(lambda done: self._leave(done, group))

    def _leave(
        self, task: asyncio.Task[None], group: Sequence["_Lookup[Question, Answer]"]
    ) -> None:
        self._under_way.discard(task)
        for lookup in group:
            if task.cancelled():
                lookup.answer.cancel()
            elif mistake := task.exception():
                lookup.fail(mistake)

    async def _settle(self, group: Sequence["_Lookup[Question, Answer]"], level: int) -> None:
        questions = list(dict.fromkeys(lookup.question for lookup in group))
        try:
            answers = await self._ask(questions, self._attempts(len(questions), level))
        except GroupUndecided:
            await self._settle_halves(group, level + 1)
        except OrfBooksError as failure:
            if len(questions) > 1 and _one_question_may_be_the_cause(failure):
                await self._settle_halves(group, level + 1)
            else:
                for lookup in group:
                    lookup.fail(failure)
        else:
            for lookup in group:
                lookup.settle(answers.get(lookup.question))

    async def _settle_halves(
        self, group: Sequence["_Lookup[Question, Answer]"], level: int
    ) -> None:
        middle = (len(group) + 1) // 2
        await asyncio.gather(
            self._settle(group[:middle], level), self._settle(group[middle:], level)
        )

    @staticmethod
    def _attempts(questions: int, level: int) -> int | None:
        """All attempts where nothing else is left to do; a group that can be split needs few."""
        if questions == 1 and level == 0:
            return None
        return 2 if questions == 1 or level == 0 else 1


def _one_question_may_be_the_cause(failure: OrfBooksError) -> bool:
    return isinstance(failure, ServiceFailure) and failure.one_question_may_be_the_cause


class _Lookup(Generic[Question, Answer]):
    """One question under way, and the future that its caller awaits."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

    def settle(self, answer: Answer | None) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, failure: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(failure)
