"""The table of outcomes: for a terminal, and as a page of the docs.

Belongs here: how outcomes are shown. Does not belong here: which attacks there are.
"""

import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from benchmarks.measuring import output
from chaos.counting import Outcome

SHOWN_PROBLEMS = 5
_HEADINGS = ("attack", "tries", "lost", "wrong", "needs a person: what")


def print_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Print the table, and below it what was lost or wrong, and what was measured besides."""
    table = Table(*_HEADINGS, "seconds")
    for outcome in outcomes:
        table.add_row(*_cells(outcome), f"{outcome.seconds:.0f}")
    output.print(table)
    for outcome in outcomes:
        for line in [*_problems(outcome), *outcome.tally.notes]:
            output.print(f"  {outcome.attack.name}: {line}", markup=False, highlight=False)


def page(
    outcomes: Sequence[Outcome], command: str, seed: int, minutes: float, earlier: str = ""
) -> str:
    """The page of the docs; `command` made the outcomes.

    The earlier page keeps its soak, or everything else where these outcomes are of a soak.
    """
    attacks, _, soak = earlier.partition(_SOAK)
    if command.startswith("make soak"):
        return f"{attacks.rstrip()}\n{_SOAK}{_table(outcomes, command, seed, minutes)}"
    of_attacks = f"{_INTRODUCTION}{_table(outcomes, command, seed, minutes)}{_END}"
    return f"{of_attacks}{_SOAK}{soak}" if soak else of_attacks


def _table(outcomes: Sequence[Outcome], command: str, seed: int, minutes: float) -> str:
    """Who made the outcomes, and the outcomes."""
    rows = [_HEADINGS, ("---", "--:", "--:", "--:", "---"), *map(_cells, outcomes)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    notes = [
        f"- {outcome.attack.name}: {line}"
        for outcome in outcomes
        for line in [*_problems(outcome), *outcome.tally.notes]
    ]
    return _TABLE.format(
        command=command,
        day=datetime.now(UTC).date().isoformat(),
        machine=_machine(),
        seed=seed,
        minutes=f"{minutes:.0f}",
        table=table,
        notes="\n".join(notes) or "- none",
    )


def _cells(outcome: Outcome) -> tuple[str, ...]:
    if outcome.skipped:
        return outcome.attack.name, "0", "-", "-", f"not carried out: {outcome.skipped}"
    tally = outcome.tally
    counts = (tally.tries, len(tally.lost), len(tally.wrong))
    return outcome.attack.name, *map(str, counts), outcome.attack.person


def _problems(outcome: Outcome) -> list[str]:
    tally = outcome.tally
    found = [f"lost: {what}" for what in tally.lost] + [f"wrong: {what}" for what in tally.wrong]
    shown = found[:SHOWN_PROBLEMS]
    if more := len(found) - len(shown):
        shown.append(f"and {more} more")
    return [*shown, *([f"broke off: {outcome.error}"] if outcome.error else [])]


def _machine() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    models = re.findall(r"^model name\s*: (.*)$", text, re.MULTILINE)
    name = models[0] if models else platform.machine()
    return (
        f"{len(models) or 1} CPUs, {name}, {platform.system()}, Python {platform.python_version()}"
    )


_INTRODUCTION = """\
# Bad days

What `make chaos` did to the platform, and what it cost. Each attack counts its tries, what was
lost, what was wrong, and what a person had to do. Lost is what should be there afterwards and is
not: an upload that nobody reads, a book that is not on its dashboard. Wrong is what is there and
should not be: a book that reads otherwise than after a calm day, an item that stays red after the
retry, a traceback instead of a sentence. Both must be 0.

"""
_TABLE = """\
Written by `{command}` on {day}: {minutes} minutes, seed {seed}, {machine}.

{table}

What attacks measured besides:

{notes}
"""
_END = """
`python -m chaos --help` says how to run one attack, the short half, or another seed; `make soak`
runs the hour. The attacks are in `chaos/attacks/`. What one of them finds is fixed with a fast test
beside the module that was wrong.
"""
_SOAK = "\n## Soak\n\n"
