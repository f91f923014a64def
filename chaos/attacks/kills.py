"""SIGKILL of whatever is at work, at moments drawn from a seed.

Each try uploads a library of its own, and kills a process at some moment between the upload and its
dashboard. One retry after the kills must make everything whole.
"""

import os
import signal
import subprocess
import time

from chaos.counting import Attack, Tally
from chaos.ground import Ground
from chaos.libraries import Libraries
from chaos.live import Live, live, settle
from chaos.processes import CODE_SERVER, DAEMON, named
from orf_books_tests.conftest import CommandLine, wait_for

KILLS_BEFORE_A_RETRY = 5
LATENCY = 0.15
"""Of the services, so that a good part of a run is asking."""
REQUESTS_PER_SECOND = 20.0
SECONDS_TO_NOTICE = 150.0
"""Until the daemon has launched a run, on a machine that does much else."""
SECONDS_OF_A_WORKER = 4.0
SECONDS_TO_A_DASHBOARD = 8.0


def kill_commands(ground: Ground, tally: Tally, tries: int) -> None:
    """Kill `orf-books run books`, over and over in one store."""
    orf_books = _command(ground)
    seconds = _seconds_of_a_calm_run(ground, orf_books)
    tally.notes.append(f"an undisturbed run took {seconds:.1f} s")
    libraries = ground.libraries()
    for number in ground.tries(tally, tries):
        process = _start(orf_books, libraries)
        try:
            process.wait(ground.random.uniform(0, seconds))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        if (number + 1) % KILLS_BEFORE_A_RETRY == 0:
            libraries.judge_after_retry(tally, orf_books)
            libraries = ground.libraries()
    libraries.judge_after_retry(tally, orf_books)


def kill_workers(ground: Ground, tally: Tally, tries: int) -> None:
    """Kill the process of a run that the daemon has launched."""
    with live(ground, _command(ground), ground.libraries()) as running:
        for _ in ground.tries(tally, tries):
            library = running.upload()
            run = wait_for("run", lambda: running.run_over(library), SECONDS_TO_NOTICE)  # noqa: B023
            run_id = str(run["runId"])
            worker = wait_for(
                "worker",
                lambda: running.platform.worker_of(run_id),  # noqa: B023
                SECONDS_TO_NOTICE,
            )
            time.sleep(ground.random.uniform(0, SECONDS_OF_A_WORKER))
            _kill(worker)
        settle(running, tally)


def kill_code_servers(ground: Ground, tally: Tally, tries: int) -> None:
    """Kill the process that holds the code of the platform, for the page and the daemon."""
    with live(ground, _command(ground), ground.libraries()) as running:
        for _ in ground.tries(tally, tries):
            running.upload()
            time.sleep(ground.random.uniform(0, SECONDS_TO_A_DASHBOARD))
            _kill_named(running, CODE_SERVER)
        settle(running, tally)


def kill_daemons(ground: Ground, tally: Tally, tries: int) -> None:
    """Kill the daemon, with which the whole of `orf-books dev` ends; then start it again."""
    orf_books, libraries = _command(ground), ground.libraries()
    for _ in ground.tries(tally, tries):
        with live(ground, orf_books, libraries) as running:
            running.upload()
            time.sleep(ground.random.uniform(0, SECONDS_TO_A_DASHBOARD))
            _kill_named(running, DAEMON)
    with live(ground, orf_books, libraries) as running:
        settle(running, tally)


def _command(ground: Ground) -> CommandLine:
    ground.sandbox.behaviour.latency_seconds = LATENCY
    return ground.command("killed", open_library_rate=REQUESTS_PER_SECOND)


def _start(orf_books: CommandLine, libraries: Libraries) -> "subprocess.Popen[str]":
    library, export = libraries.draw()
    (orf_books.folder / f"{library}.csv").write_bytes(export)
    return orf_books.start("run", "books", f"{library}.csv", "--json")


def _seconds_of_a_calm_run(ground: Ground, orf_books: CommandLine) -> float:
    started = time.monotonic()
    process = _start(orf_books, ground.libraries())
    _, said = process.communicate()
    if process.returncode:
        raise RuntimeError(said)
    return time.monotonic() - started


def _kill_named(running: Live, words: str) -> None:
    """Kill all processes of a platform that are named so, once they are there."""
    command = running.platform.process
    for process in wait_for(words, lambda: named(command, words), SECONDS_TO_NOTICE, pause=0.5):
        _kill(process.pid)


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return  # It has ended by itself, which is a moment like any other.


ATTACKS = (
    Attack(
        "SIGKILL of a command",
        kill_commands,
        tries=27,
        share=3,
        short_tries=3,
        person="`orf-books retry books`",
    ),
    Attack(
        "SIGKILL of a worker", kill_workers, tries=14, share=4, person="`orf-books retry books`"
    ),
    Attack("SIGKILL of the code servers", kill_code_servers, tries=4, share=4),
    Attack(
        "SIGKILL of the daemon",
        kill_daemons,
        tries=5,
        share=3,
        person="start `orf-books dev` again, where no service manager does",
    ),
)
