import os
import signal
import subprocess
import sys
from pathlib import Path

from orf_books_tests.conftest import wait_for

RUN_TOGETHER = """
import pathlib, sys
from orf_books.commands.dev_server import run_together
code, *others = ([sys.executable, "-c", program] for program in sys.argv[1:])
sys.exit(run_together(*others, code_server=code, code_socket=pathlib.Path("socket")))
"""
SERVES_CODE = """
import os, pathlib, time
pathlib.Path("socket").touch()
pathlib.Path("code_server.new").write_text(str(os.getpid()))
os.rename("code_server.new", "code_server")
time.sleep(60)
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


def start(folder: Path, *programs: str, code: str = SERVES_CODE) -> subprocess.Popen[bytes]:
    together = [sys.executable, "-c", RUN_TOGETHER, code, *programs]
    command = ["env", "--default-signal=INT,TERM", *together]
    return subprocess.Popen(command, cwd=folder, start_new_session=True)


def test_when_one_process_ends_the_other_is_stopped_and_the_status_says_so(tmp_path: Path) -> None:
    with start(tmp_path, STAYS, WAITS_FOR_IT) as process:
        assert process.wait(30) == 1
    assert (tmp_path / "stopped").exists()


def test_a_code_server_that_is_killed_is_started_again_and_the_others_go_on(tmp_path: Path) -> None:
    code_server = tmp_path / "code_server"
    with start(tmp_path, STAYS) as process:
        wait_for("the process", (tmp_path / "started").exists)
        killed = int(code_server.read_text())
        os.kill(killed, signal.SIGKILL)
        wait_for("another", lambda: int(code_server.read_text()) != killed)
        assert process.poll() is None
        assert not (tmp_path / "stopped").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_code_server_that_cannot_start_ends_the_others(tmp_path: Path) -> None:
    with start(tmp_path, STAYS, code=ENDS) as process:
        assert process.wait(30) == 1


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
