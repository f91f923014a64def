import asyncio

import pytest

from orf_books.books.gap_deadline import AskedFirst, AskedInTime, GapDeadline
from orf_books.books.metadata import NO_TIME, BookQuery, SourceAnswer

DUNE = BookQuery("1", "1", "Dune", "Frank Herbert", None, "9780441013593")
AN_INSTANT, A_WHILE, NEVER = 0.01, 0.1, 60.0


class Source:
    """Answers after so many seconds."""

    def __init__(self, name: str, seconds: float) -> None:
        self.name = name
        self._seconds = seconds

    async def find(self, _book: BookQuery, _earlier: SourceAnswer | None = None) -> SourceAnswer:
        await asyncio.sleep(self._seconds)
        return SourceAnswer(self.name, ("isbn:9780441013593",), None)

    def likely_knows(self, _book: BookQuery) -> None:
        pass


def answered(first: float, second: float, earlier: SourceAnswer | None = None) -> SourceAnswer:
    """By the second source, of which people wait an instant, while the first is asked."""

    async def ask() -> SourceAnswer:
        deadline = GapDeadline(AN_INSTANT)
        in_time = AskedInTime(Source("google_books", second), deadline)
        asking = asyncio.create_task(AskedFirst(Source("open_library", first), deadline).find(DUNE))
        await asyncio.sleep(0)
        answer = await in_time.find(DUNE, earlier)
        await asking
        return answer

    return asyncio.run(ask())


def test_while_the_first_source_is_asked_the_second_has_time() -> None:
    assert answered(first=2 * A_WHILE, second=A_WHILE).note is None


def test_what_is_not_answered_soon_after_the_first_source_is_left_to_a_later_run() -> None:
    assert answered(first=A_WHILE, second=NEVER) == SourceAnswer("google_books", (), None, NO_TIME)


def test_without_a_question_to_the_first_source_the_time_begins_at_once() -> None:
    async def ask() -> SourceAnswer:
        return await AskedInTime(Source("google_books", NEVER), GapDeadline(AN_INSTANT)).find(DUNE)

    assert asyncio.run(ask()).note == NO_TIME


def test_how_far_a_source_was_asked_before_is_not_lost() -> None:
    earlier = SourceAnswer("google_books", ("isbn:9780441013593",), None, "not asked yet")
    assert answered(first=0.0, second=NEVER, earlier=earlier).asked == earlier.asked


def test_a_source_s_own_timeout_is_its_failure() -> None:
    class TimesOut(Source):
        async def find(self, _book: BookQuery, _earlier: object = None) -> SourceAnswer:
            raise TimeoutError

    async def ask() -> SourceAnswer:
        return await AskedInTime(TimesOut("google_books", 0.0), GapDeadline(NEVER)).find(DUNE)

    with pytest.raises(TimeoutError):
        asyncio.run(ask())
