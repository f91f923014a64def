import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orf_books.resources.workers import worker_pool
from orf_books_tests.conftest import wait_for

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
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_processes_do_not_outlive_a_killed_run(
    parent: "subprocess.Popen[str]", end: signal.Signals
) -> None:
    assert parent.stdout is not None
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert workers

    parent.send_signal(end)
    parent.wait(30)

    wait_for("end of its processes", lambda: not any(map(is_alive, workers)))


def test_a_pool_works_and_is_shut_down_as_usual() -> None:
    with worker_pool(2) as pool:
        assert list(pool.map(abs, [-1, 2, -3])) == [1, 2, 3]
        assert pool.submit(os.getpid).result() != os.getpid()
