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
from orf_books.tracing import traced_item

Question = TypeVar("Question")
Answer = TypeVar("Answer")

AskGroup = Callable[[Sequence[Question], int | None], Awaitable[Mapping[Question, Answer]]]
"""Asks the questions of one request.

The number limits the attempts on failures that one question may have caused; None is no limit
besides the retry policy. Questions without an answer are left out of the result. May raise
`GroupUndecided` for several questions, never for one."""


async def at_once() -> None:
    """The turn of a group where there is no rate limit."""


class GroupUndecided(Exception):
    """The answer to several questions cannot be believed; smaller groups may get a better one."""


class GroupedLookup(Generic[Question, Answer]):
    """Answers single questions by asking groups of them.

    A group takes its place in the queue with its first question, and goes on taking questions until
    its turn comes. With its turn it leaves if it is full, and otherwise after `gather_seconds`.

    A group that fails is split in halves, and these again, so that a question that breaks its group
    costs its neighbours only time: about two requests for each halving. A failure that cannot be
    one question's (service not reached, too many requests, access refused) splits nothing, and
    neither does an outage: once the circuit breaker of the client is open, `ask` raises without a
    request.

    Args:
        ask: asks a group.
        group_size: questions in a request, at most.
        gather_seconds: how long a group whose turn has come waits for more questions.
        turn: waits for the turn of a group; groups are served in the order in which they ask.
    """

    def __init__(
        self,
        ask: AskGroup[Question, Answer],
        *,
        group_size: int,
        gather_seconds: float = 0.01,
        turn: Callable[[], Awaitable[None]] = at_once,
    ) -> None:
        self._ask = ask
        self._group_size = group_size
        self._gather_seconds = gather_seconds
        self._turn = turn
        self._gathering: _Group[Question, Answer] | None = None
        self._under_way: dict[asyncio.Task[None], _Group[Question, Answer]] = {}

    async def find(self, question: Question) -> Answer | None:
        """The answer to one question, None where there is none.

        Raises:
            RetryLater, FixConfiguration: as the request for its group, or for it alone, failed.
        """
        lookup = _Lookup[Question, Answer](question)
        group = self._gathering or self._new_group()
        group.lookups.append(lookup)
        if len(group.lookups) >= self._group_size:
            self._gathering = None
            group.is_full.set()
        return await lookup.answer

    async def aclose(self) -> None:
        """Drop everything that is still waiting or under way."""
        under_way = tuple(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _new_group(self) -> "_Group[Question, Answer]":
        group = self._gathering = _Group[Question, Answer]()
        with traced_item(None):  # it is about many
            task = asyncio.create_task(self._depart(group))
        self._under_way[task] = group
        task.add_done_callback(self._leave)
        return group

    def _leave(self, task: asyncio.Task[None]) -> None:
        for lookup in self._under_way.pop(task).lookups:
            if task.cancelled():
                lookup.answer.cancel()
            elif failure := task.exception():
                lookup.fail(failure)

    async def _depart(self, group: "_Group[Question, Answer]") -> None:
        try:
            await self._turn()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._gather_seconds):
                    await group.is_full.wait()
        finally:
            if self._gathering is group:
                self._gathering = None
        await self._settle(group.lookups, level=0)

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


class _Group(Generic[Question, Answer]):
    """Questions that will leave together."""

    def __init__(self) -> None:
        self.lookups: list[_Lookup[Question, Answer]] = []
        self.is_full = asyncio.Event()
