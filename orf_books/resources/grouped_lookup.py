"""Many single lookups, few requests: what is asked at about the same time is asked together.

Belongs here: collecting lookups into groups, handing out the answers, and finding the question
that breaks a group. Does not belong here: how a group is asked and what an answer means.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from orf_books.failures import OrfBooksError
from orf_books.resources.http import ServiceFailure

Question = TypeVar("Question")
Answer = TypeVar("Answer")

AskGroup = Callable[[Sequence[Question], int | None], Awaitable[Mapping[Question, Answer]]]
"""Asks one request's worth of questions, where one of them may be the cause of a failure in at most
so many attempts (None: as many as usual).
What has no answer is left out. May raise `GroupUndecided` for several questions, never for one."""

LEVEL_OF_EIGHTHS = 3
FAILURES_OF_AN_OUTAGE = 18


class GroupUndecided(Exception):
    """The answer to several questions cannot be believed; smaller groups may get a better one."""


class GroupedLookup(Generic[Question, Answer]):
    """Answers single questions by asking groups of them.

    A group leaves when it is full, or after `gather_seconds`, or, where requests have to wait for
    their turn anyway, when its turn comes: until then it takes more questions.

    A group that fails is split in halves, and these again, so that a question on which the service
    chokes costs its neighbours nothing but time: about two requests for each halving. It is not
    split where the failure is the service's alone (not reached, too many requests, refused), and
    splitting ends when even the eighths of groups fail and no request at all has been answered
    among the last `FAILURES_OF_AN_OUTAGE`: that is an outage, and until the next answer no group is
    split.

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
        seconds_until_free: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._ask = ask
        self._group_size = group_size
        self._gather_seconds = gather_seconds
        self._seconds_until_free = seconds_until_free
        self._waiting: list[_Lookup[Question, Answer]] = []
        self._departure: asyncio.TimerHandle | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._failures_in_a_row = 0
        self._is_outage = False

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
            self._departure = asyncio.get_running_loop().call_later(
                self._gather_seconds, self._depart
            )
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

    def _depart(self) -> None:
        wait = self._seconds_until_free()
        if wait > 0:
            self._departure = asyncio.get_running_loop().call_later(wait, self._depart)
        else:
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
            self._note_answer()
            await self._settle_halves(group, level + 1)
        except OrfBooksError as failure:
            self._note_failure(level)
            if self._may_be_one_question(failure, len(questions)):
                await self._settle_halves(group, level + 1)
            else:
                for lookup in group:
                    lookup.fail(failure)
        else:
            self._note_answer()
            for lookup in group:
                lookup.settle(answers.get(lookup.question))

    async def _settle_halves(
        self, group: Sequence["_Lookup[Question, Answer]"], level: int
    ) -> None:
        middle = (len(group) + 1) // 2
        await asyncio.gather(
            self._settle(group[:middle], level), self._settle(group[middle:], level)
        )

    def _attempts(self, questions: int, level: int) -> int | None:
        """All attempts where nothing else is left to do; what is split instead needs few."""
        if self._is_outage or (questions == 1 and level == 0):
            return None
        return 2 if questions == 1 or level == 0 else 1

    def _note_answer(self) -> None:
        self._failures_in_a_row = 0
        self._is_outage = False

    def _note_failure(self, level: int) -> None:
        self._failures_in_a_row += 1
        # Whole groups may each hold a question that breaks them; eighths hardly all do.
        if level >= LEVEL_OF_EIGHTHS and self._failures_in_a_row >= FAILURES_OF_AN_OUTAGE:
            self._is_outage = True

    def _may_be_one_question(self, failure: OrfBooksError, questions: int) -> bool:
        return (
            questions > 1
            and not self._is_outage
            and isinstance(failure, ServiceFailure)
            and failure.one_question_may_be_the_cause
        )


class _Lookup(Generic[Question, Answer]):
    """One question on its way, and the place where its asker waits."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

    def settle(self, answer: Answer | None) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, failure: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(failure)
