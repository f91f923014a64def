import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise

import pytest

from orf_books.batches.batch import (
    BatchOutcome,
    CommitPolicy,
    ItemFailure,
    Progress,
    work_on_items,
)
from orf_books.failures import FailureCategory, RetryLater
from orf_books_tests.hasty_loop import HastyLoop


def run(
    keys: Sequence[str],
    work: Callable[[str], Awaitable[str]],
    commit: Callable[[Sequence[str]], None] = lambda _: None,
    *,
    concurrency: int = 10,
    item_seconds: float = 5,
    progress: Callable[[Progress], None] = lambda _: None,
    policy: CommitPolicy | None = None,
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> BatchOutcome:
    batch = work_on_items(
        keys,
        work,
        commit,
        concurrency=concurrency,
        item_seconds=item_seconds,
        progress=progress,
        policy=policy,
    )
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(batch)


async def echo(key: str) -> str:
    return key


def test_a_failed_item_does_not_stop_the_others() -> None:
    async def work(key: str) -> str:
        if key == "b":
            raise RetryLater("b: the service is down.", FailureCategory.UNAVAILABLE)
        return key

    committed: list[str] = []
    outcome = run(["a", "b", "c"], work, committed.extend)

    assert sorted(committed) == ["a", "c"]
    assert outcome.succeeded == 2
    assert [(f.key, f.category) for f in outcome.failures] == [("b", FailureCategory.UNAVAILABLE)]


def test_a_defect_met_by_one_item_is_counted_as_a_crash_and_its_text_is_not_repeated() -> None:
    async def work(key: str) -> str:
        if key == "b":
            raise ValueError("words of a reader")
        return key

    outcome = run(["a", "b"], work)

    (failure,) = outcome.failures
    assert failure.category is FailureCategory.CRASH
    assert "ValueError" in failure.message
    assert "words of a reader" not in failure.message


def test_an_item_that_takes_too_long_fails_alone() -> None:
    async def work(key: str) -> str:
        await asyncio.sleep(30 if key == "slow" else 0)
        return key

    outcome = run(["slow", "quick"], work, item_seconds=0.05)

    assert outcome.succeeded == 1
    assert outcome.failed_by_category == {"timeout": 1}


def test_no_more_items_than_allowed_are_worked_on_at_once() -> None:
    under_way = most = 0

    async def work(key: str) -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return key

    run([str(number) for number in range(50)], work, concurrency=7)

    assert most == 7


def test_rows_are_committed_while_others_are_still_worked_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first_commit = threading.Event()

    async def work(key: str) -> str:
        if key == "last":
            assert await asyncio.to_thread(first_commit.wait, 5)
        return key

    commits: list[list[str]] = []

    def commit(rows: Sequence[str]) -> None:
        commits.append(list(rows))
        first_commit.set()

    run(["early", "last"], work, commit, policy=CommitPolicy(first_wait=0.02))

    assert commits == [["early"], ["last"]]


def test_many_finished_rows_do_not_wait_for_the_clock() -> None:
    commits: list[int] = []
    started = time.monotonic()
    release = threading.Event()

    def commit(rows: Sequence[str]) -> None:
        commits.append(len(rows))
        release.set()

    async def work(key: str) -> str:
        if key == "last":
            assert await asyncio.to_thread(release.wait, 5)
        return key

    run(["a", "b", "c", "last"], work, commit, policy=CommitPolicy(first_wait=60, rows=3))

    assert commits == [3, 1]
    assert time.monotonic() - started < 60


def test_every_row_is_committed_exactly_once() -> None:
    keys = [str(number) for number in range(2_000)]
    committed: list[str] = []

    outcome = run(keys, echo, committed.extend, concurrency=100)

    assert sorted(committed) == sorted(keys)
    assert outcome.succeeded == len(keys)


def test_a_commit_that_fails_ends_the_batch() -> None:
    def commit(rows: Sequence[str]) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run(["a"], echo, commit)


PATIENT = CommitPolicy(first_wait=0.01, first_pause=0.01, longest_pause=0.02)


def test_a_store_that_is_away_for_a_while_costs_no_result() -> None:
    failures = iter([True, True, True])
    committed: list[str] = []

    def commit(rows: Sequence[str]) -> None:
        if next(failures, False):
            raise RetryLater("The store is away.", FailureCategory.UNAVAILABLE)
        committed.extend(rows)

    outcome = run(["a", "b", "c"], echo, commit, policy=PATIENT)

    assert sorted(committed) == ["a", "b", "c"]
    assert (outcome.succeeded, outcome.failures) == (3, ())


def test_no_item_is_begun_while_the_store_is_away() -> None:
    away = threading.Event()
    begun_while_away: list[str] = []
    tries = 0

    async def work(key: str) -> str:
        if away.is_set():
            begun_while_away.append(key)
        await asyncio.sleep(0.002)
        return key

    def commit(rows: Sequence[str]) -> None:
        nonlocal tries
        tries += 1
        if tries < 6:
            away.set()
            raise RetryLater("The store is away.", FailureCategory.UNAVAILABLE)
        away.clear()

    keys = [str(number) for number in range(100)]
    run(keys, work, commit, concurrency=2, policy=PATIENT)

    # Those whose turn came between the failed commit and the pause.
    assert len(begun_while_away) <= 2 * 5


def test_a_store_that_stays_away_ends_the_batch_and_finished_rows_are_set_aside() -> None:
    def commit(rows: Sequence[str]) -> None:
        raise RetryLater("The store is away.", FailureCategory.UNAVAILABLE)

    aside: list[str] = []
    with pytest.raises(RetryLater, match="away"):
        asyncio.run(
            work_on_items(
                ["a", "b"],
                echo,
                commit,
                concurrency=2,
                item_seconds=5,
                policy=CommitPolicy(first_wait=0.01, patience=0.0),
                set_aside=aside.extend,
            )
        )
    assert sorted(aside) == ["a", "b"]


def test_a_store_is_tried_again_until_patience_ends_with_pauses_that_double() -> None:
    tries = 0

    def commit(rows: Sequence[str]) -> None:
        nonlocal tries
        tries += 1
        raise RetryLater("The store is away.", FailureCategory.UNAVAILABLE)

    policy = CommitPolicy(first_wait=0.01, patience=0.8, first_pause=0.1, longest_pause=60.0)
    with pytest.raises(RetryLater, match="away"):
        run(["a"], echo, commit, policy=policy)
    # At once, and after 0.1, 0.2 and 0.4 s: another pause would end too late.
    assert 3 <= tries <= 4


def test_pauses_before_the_store_is_tried_again_double_up_to_the_longest() -> None:
    tried_at: list[float] = []

    def commit(rows: Sequence[str]) -> None:
        tried_at.append(asyncio.get_running_loop().time())
        if len(tried_at) < 6:
            raise RetryLater("The store is away.", FailureCategory.UNAVAILABLE)

    policy = CommitPolicy(first_pause=1.0, longest_pause=4.0)
    run(["a"], echo, commit, policy=policy, loop=HastyLoop)
    pauses = [later - earlier for earlier, later in pairwise(tried_at)]
    assert pauses == pytest.approx([1.0, 2.0, 4.0, 4.0, 4.0])


def test_the_longer_a_batch_goes_on_the_longer_its_rows_wait_up_to_the_longest() -> None:
    committed_at: list[float] = []

    async def work(key: str) -> str:
        await asyncio.sleep(1.0)
        return key

    policy = CommitPolicy(first_wait=1.5, longest_wait=6.0)
    run(
        [str(number) for number in range(20)],
        work,
        lambda _: committed_at.append(asyncio.get_running_loop().time()),
        concurrency=1,
        policy=policy,
        loop=HastyLoop,
    )
    assert committed_at == pytest.approx([1.5, 4.5, 10.5, 16.5, 20.0])


def test_few_rows_wait_for_their_time_and_many_do_not() -> None:
    committed: list[str] = []
    seen: list[int] = []

    async def work(key: str) -> str:
        if key in {"c", "d"}:
            await asyncio.sleep(0.1)
            seen.append(len(committed))
        return key

    policy = CommitPolicy(first_wait=60.0, rows=3)
    run(["a", "b", "c", "d"], work, committed.extend, concurrency=1, policy=policy)
    assert seen == [0, 3]


def test_by_default_rows_are_stored_soon_and_a_store_may_be_away_for_minutes() -> None:
    assert CommitPolicy() == CommitPolicy(
        first_wait=0.25,
        longest_wait=2.0,
        rows=500,
        patience=300.0,
        first_pause=0.5,
        longest_pause=15.0,
    )


def test_outcomes_of_two_batches_are_added() -> None:
    failure = ItemFailure("a", FailureCategory.NETWORK, "No.")
    other = ItemFailure("b", FailureCategory.NETWORK, "No.")
    both = BatchOutcome(1, (failure,), 2.0) + BatchOutcome(2, (other,), 0.5)
    assert both == BatchOutcome(3, (failure, other), 2.5)


def test_progress_tells_of_every_item() -> None:
    async def work(key: str) -> str:
        if key == "bad":
            raise RetryLater("bad: no.", FailureCategory.NETWORK)
        return key

    seen: list[Progress] = []
    run(["good", "bad"], work, progress=seen.append)

    assert seen[-1] == Progress(done=1, failed=1, total=2)
    assert len(seen) == 2


def test_an_empty_batch_commits_nothing() -> None:
    committed: list[str] = []

    outcome = run([], echo, committed.extend)

    assert (outcome.succeeded, outcome.failures, committed) == (0, (), [])
