import os
import signal
import subprocess
import sys
from pathlib import Path

from orf_books_tests.conftest import wait_for

RUN_TOGETHER = """
import sys
from orf_books.commands.dev_server import run_together
sys.exit(run_together(*([sys.executable, "-c", program] for program in sys.argv[1:])))
"""
ENDS = "raise SystemExit(3)"
STAYS = """
import pathlib, signal, time
def stop(*_):
    pathlib.Path("stopped").touch()
    raise SystemExit
signal.signal(signal.SIGINT, stop)
signal.signal(signal.SIGTERM, stop)
pathlib.Path("started").touch()
time.sleep(60)
"""
WAITS_FOR_IT = f"""
import pathlib, time
while not pathlib.Path("started").exists():
    time.sleep(0.01)
{ENDS}
"""


def start(folder: Path, *programs: str) -> subprocess.Popen[bytes]:
    command = ["env", "--default-signal=INT,TERM", sys.executable, "-c", RUN_TOGETHER, *programs]
    return subprocess.Popen(command, cwd=folder, start_new_session=True)


def test_when_one_process_ends_the_other_is_stopped_and_the_status_says_so(tmp_path: Path) -> None:
    with start(tmp_path, STAYS, WAITS_FOR_IT) as process:
        assert process.wait(30) == 1
    assert (tmp_path / "stopped").exists()


def test_sigterm_stops_all_and_is_no_failure(tmp_path: Path) -> None:
    with start(tmp_path, STAYS) as process:
        wait_for("the process", (tmp_path / "started").exists)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert (tmp_path / "stopped").exists()


def test_ctrl_c_stops_all_and_is_no_failure(tmp_path: Path) -> None:
    with start(tmp_path, STAYS) as process:
        wait_for("the process", (tmp_path / "started").exists)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
    assert (tmp_path / "stopped").exists()
