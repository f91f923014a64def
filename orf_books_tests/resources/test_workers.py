import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orf_books.failures import FailureCategory, FixInput, RetryLater
from orf_books.resources.workers import ProcessWorkers
from orf_books_tests.conftest import wait_for
from orf_books_tests.resources import work


def is_alive(process: int) -> bool:
    # A process that ended and was not waited for yet is in state Z.
    status = Path(f"/proc/{process}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


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


def test_its_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    started = tmp_path / "started"
    program = f"""
import asyncio
from pathlib import Path
from orf_books.resources.workers import ProcessWorkers
from orf_books_tests.resources import work

async def run():
    async with ProcessWorkers(1) as workers:
        await workers.run(work.wait, 600.0, Path({str(started)!r}))

if __name__ == "__main__":
    asyncio.run(run())
"""
    file = tmp_path / "parent.py"
    file.write_text(program)
    project = Path(__file__).parent.parent.parent
    with subprocess.Popen(
        [sys.executable, file], env=os.environ | {"PYTHONPATH": str(project)}
    ) as parent:
        (child,) = wait_for("start of the work", lambda: processes_in(started))
        parent.send_signal(signal.SIGKILL)
    wait_for("end of the child", lambda: not is_alive(child))
