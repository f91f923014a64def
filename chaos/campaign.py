"""Attacks, several at a time, each on ground of its own.

Belongs here: sharing out processes and time, and what becomes of an attack that breaks. Does not
belong here: what attacks do, and printing.

Some attacks change their whole process, its clock, names or environment, and others mostly wait. So
attacks run side by side, each lane in a process with a sandbox and a calm day of its own.
"""

import logging
import os
import tempfile
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random

import pytest

from benchmarks.measuring import end_cleanly_when_stopped, tell, temporary_folder
from chaos.counting import Attack, NotPossibleHere, Outcome, Tally
from chaos.ground import Ground, a_calm_day
from chaos.judging import CalmDay
from orf_books.sandbox.server import Sandbox
from orf_books_tests.conftest import invented_library

LANES = 3
"""One more than usual cores: in some lane an attack mostly waits."""


def carry_out(
    attacks: Sequence[tuple[Attack, int]], seed: int, minutes: float, lanes: int = LANES
) -> list[Outcome]:
    """Carry out attacks, each so many times, in folders that are deleted in the end."""
    until = time.monotonic() + minutes * 60
    # The longest first, or the last lane would be busy alone.
    left = sorted(attacks, key=lambda attack: -attack[0].share)
    outcomes = dict[str, Outcome]()
    at_work = set[Future[Outcome]]()
    lanes = min(lanes, len(left))
    with (
        temporary_folder() as folder,
        # Forked before any thread is started, with all modules loaded.
        ProcessPoolExecutor(
            lanes, get_context("fork"), initializer=_open_lane, initargs=(folder,)
        ) as pool,
    ):
        while left or at_work:
            while left and len(at_work) < lanes:
                # What an attack leaves of its time falls to those after it.
                shares = sum(attack.share for attack, _ in left)
                attack, tries = left.pop(0)
                remaining = max(0.0, until - time.monotonic())
                seconds = min(remaining, remaining * lanes * attack.share / shares)
                at_work.add(pool.submit(_attack, attack, tries, seed, seconds))
            done, at_work = wait(at_work, return_when=FIRST_COMPLETED)
            outcomes |= {each.result().attack.name: each.result() for each in done}
    return [outcomes[attack.name] for attack, _ in attacks]


@dataclass(frozen=True, slots=True)
class _Lane:
    """What the attacks of one process share."""

    folder: Path
    sandbox: Sandbox
    calm_day: CalmDay


_lanes: list[_Lane] = []
"""The lane of this process."""


def _open_lane(parent: Path) -> None:
    end_cleanly_when_stopped()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    folder = Path(tempfile.mkdtemp(dir=parent))
    # What the platform keeps in the home of whoever starts it.
    os.environ["HOME"] = str(folder)
    export, catalogue = invented_library()
    # It ends with the process.
    sandbox = Sandbox(catalogue, export=export)
    sandbox.start()
    _lanes.append(_Lane(folder, sandbox, a_calm_day(folder / "calm", sandbox)))


def _attack(attack: Attack, tries: int, seed: int, seconds: float) -> Outcome:
    (lane,) = _lanes
    ground = Ground(
        lane.folder / attack.name.replace(" ", "-"),
        lane.sandbox,
        lane.calm_day,
        # Random numbers of its own: an attack does the same alone as among the others.
        Random(f"{seed} {attack.name}"),
        seconds,
    )
    return outcome_of(attack, tries, ground)


def outcome_of(attack: Attack, tries: int, ground: Ground) -> Outcome:
    """Carry out one attack; one that breaks says so, with what it had counted."""
    tell(f"{attack.name} …")
    ground.folder.mkdir()
    ground.calm()
    tally, started, error, skipped = Tally(), time.monotonic(), "", ""
    try:
        attack.carry_out(ground, tally, tries)
    except (NotPossibleHere, pytest.skip.Exception) as reason:
        skipped = str(reason)
    except Exception as broken:  # noqa: BLE001 - one attack that breaks must not hide the others
        traceback.print_exc()
        error = f"{type(broken).__name__}: {broken}"
    finally:
        ground.end()
    seconds = time.monotonic() - started
    tell(
        f"{attack.name}: {tally.tries} tries, {len(tally.lost)} lost, {len(tally.wrong)} wrong, "
        f"{seconds:.0f} s"
    )
    return Outcome(attack, tally, seconds, error, skipped)
