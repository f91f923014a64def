import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orf_books.failures import FailureCategory, FixInput, RetryLater
from orf_books.resources.workers import ProcessWorkers, worker_pool
from orf_books_tests.conftest import wait_for
from orf_books_tests.resources import work

PROGRAM = """
import os, sys, time
from orf_books.resources.workers import worker_pool

if __name__ == "__main__":
    pool = worker_pool(2)
    work = [pool.submit(time.sleep, 60) for _ in range(2)] if sys.argv[1] == "busy" else []
    pids = [pool.submit(os.getpid).result()] if not work else []
    while len(pool._processes) < 1:
        time.sleep(0.01)
    print(*pool._processes, flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["idle", "busy"])
def parent(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_processes_do_not_outlive_a_killed_run(parent: "subprocess.Popen[str]") -> None:
    assert parent.stdout is not None
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert workers

    parent.kill()
    parent.wait(30)

    wait_for("end of its processes", lambda: not any(map(is_alive, workers)))


def test_a_pool_works_and_is_shut_down_as_usual() -> None:
    with worker_pool(2) as pool:
        assert list(pool.map(abs, [-1, 2, -3])) == [1, 2, 3]
        assert pool.submit(os.getpid).result() != os.getpid()


def processes_in(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def test_work_is_carried_out_in_other_processes_which_are_used_again() -> None:
    async def run() -> set[int]:
        async with ProcessWorkers(2) as workers:
            assert workers.slots == 2
            return {await workers.run(work.process_id) for _ in range(3)}

    (process,) = asyncio.run(run())
    assert process != os.getpid()
    wait_for("end of the process", lambda: not is_alive(process))


def test_failures_arrive_as_they_were_raised() -> None:
    async def run() -> None:
        async with ProcessWorkers(1) as workers:
            with pytest.raises(FixInput, match="The recording cannot be used") as refused:
                await workers.run(work.refuse, "The recording")
            assert refused.value.code == "unusable"
            with pytest.raises(RetryLater, match="The service is down") as postponed:
                await workers.run(work.postpone)
            assert postponed.value.category is FailureCategory.UNAVAILABLE

    asyncio.run(run())


def test_a_call_that_kills_its_process_fails_alone() -> None:
    async def run() -> None:
        async with ProcessWorkers(2) as workers:
            await asyncio.gather(workers.run(work.process_id), workers.run(work.process_id))
            beside = asyncio.create_task(workers.run(work.wait, 1.0))
            await asyncio.sleep(0.1)
            with pytest.raises(RetryLater, match="died") as died:
                await workers.run(work.kill_itself)
            assert died.value.category is FailureCategory.CRASH
            assert await beside
            assert await workers.run(work.process_id)

    asyncio.run(run())


def test_a_call_that_nobody_waits_for_any_more_ends_and_frees_its_place(tmp_path: Path) -> None:
    started = tmp_path / "started"

    async def run() -> None:
        async with ProcessWorkers(1) as workers:
            endless = asyncio.create_task(workers.run(work.wait, 600.0, started))
            (process,) = await asyncio.to_thread(
                wait_for, "start of the work", lambda: processes_in(started)
            )
            endless.cancel()
            assert await workers.run(work.process_id) != process
            await asyncio.to_thread(wait_for, "end of it", lambda: not is_alive(process))

    asyncio.run(run())
