"""Attacks, one after the other, each on ground of its own.

Belongs here: sharing out the time, and what becomes of an attack that breaks. Does not belong here:
what attacks do, and printing.
"""

import os
import time
import traceback
from collections.abc import Sequence
from random import Random

import pytest

from benchmarks.measuring import tell, temporary_folder
from chaos.counting import Attack, NotPossibleHere, Outcome, Tally
from chaos.ground import Ground, a_calm_day
from orf_books.sandbox.server import Sandbox
from orf_books_tests.conftest import invented_library


def carry_out(attacks: Sequence[tuple[Attack, int]], seed: int, minutes: float) -> list[Outcome]:
    """Carry out attacks, each so many times, in folders that are deleted in the end."""
    until = time.monotonic() + minutes * 60
    export, catalogue = invented_library()
    with temporary_folder() as folder, Sandbox(catalogue, export=export) as sandbox:
        # What the platform keeps in the home of whoever starts it.
        os.environ["HOME"] = str(folder)
        calm_day = a_calm_day(folder / "calm", sandbox)
        outcomes = []
        for number, (attack, tries) in enumerate(attacks):
            # What an attack leaves of its time falls to those after it.
            shares = sum(later.share for later, _ in attacks[number:])
            seconds = max(0.0, until - time.monotonic()) * attack.share / shares
            # Random numbers of its own: an attack does the same alone as among the others.
            ground = Ground(
                folder / attack.name.replace(" ", "-"),
                sandbox,
                calm_day,
                Random(f"{seed} {attack.name}"),
                seconds,
            )
            outcomes.append(outcome_of(attack, tries, ground))
        return outcomes


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
        f"  {tally.tries} tries, {len(tally.lost)} lost, {len(tally.wrong)} wrong, {seconds:.0f} s"
    )
    return Outcome(attack, tally, seconds, error, skipped)
