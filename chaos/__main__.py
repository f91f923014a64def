"""`python -m chaos`: carries out attacks and prints the table.

Belongs here: which attacks there are, arguments, and the exit status. Does not belong here: what an
attack does.
"""

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.measuring import end_cleanly_when_stopped
from chaos.attacks import (
    clocks,
    commands_at_once,
    crowds,
    damage,
    disks,
    formulas,
    generated,
    identifiers,
    kills,
    network,
    proven_tests,
    services,
    soak,
    stores,
    uploads_in_motion,
)
from chaos.campaign import carry_out
from chaos.counting import Attack
from chaos.reporting import page, print_outcomes

ATTACKS: tuple[Attack, ...] = (
    *kills.ATTACKS,
    *stores.ATTACKS,
    *disks.ATTACKS,
    *clocks.ATTACKS,
    *damage.ATTACKS,
    *commands_at_once.ATTACKS,
    *uploads_in_motion.ATTACKS,
    *crowds.ATTACKS,
    *generated.ATTACKS,
    *identifiers.ATTACKS,
    *network.ATTACKS,
    *services.ATTACKS,
    *formulas.ATTACKS,
    *proven_tests.ATTACKS,
)


def main(  # noqa: PLR0913 - each is an option of the command line
    *,
    short: Annotated[bool, typer.Option(help="Only the short half, in a minute.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Attacks whose name holds this; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws moments, files and characters.")] = 1,
    minutes: Annotated[float, typer.Option(help="How long all of them may go on trying.")] = 18.0,
    soak_minutes: Annotated[
        int, typer.Option("--soak", help="Instead of all attacks, upload for so many minutes.")
    ] = 0,
    write: Annotated[Path | None, typer.Option(help="Write the table to this page.")] = None,
) -> None:
    """Attack the platform and count what is lost and what is wrong."""
    end_cleanly_when_stopped()
    _forget_settings()
    attacks = (soak.soaking(soak_minutes),) if soak_minutes else ATTACKS
    chosen = [
        (attack, attack.short_tries if short else attack.tries)
        for attack in attacks
        if not only or any(part in attack.name for part in only)
    ]
    chosen = [(attack, tries) for attack, tries in chosen if tries]
    if not chosen:
        sys.exit("No attack is named so: `python -m chaos` prints the names of all.")
    started = time.monotonic()
    outcomes = carry_out(chosen, seed, max(minutes, 2.0 * soak_minutes))
    print_outcomes(outcomes)
    if write:
        command = "make soak" if soak_minutes else "make chaos-short" if short else "make chaos"
        took = (time.monotonic() - started) / 60
        earlier = write.read_text(encoding="utf-8") if write.exists() else ""
        write.write_text(page(outcomes, command, seed, took, earlier), encoding="utf-8")
    sys.exit(0 if outcomes and all(outcome.is_well for outcome in outcomes) else 1)


def _forget_settings() -> None:
    for name in list(os.environ):
        if name.startswith(("ORF_BOOKS_", "AWS_", "DAGSTER_")):
            del os.environ[name]
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"


if __name__ == "__main__":
    typer.run(main)
