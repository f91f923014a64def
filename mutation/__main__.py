"""`python -m mutation`: change modules, run their tests, and say what survives.

Belongs here: which modules and how many changes, the report. Does not belong here: the changes
(`mutants.py`), running tests (`trial.py`).
"""

import argparse
import random
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mutation.mutants import Mutant, mutants_of
from mutation.trial import load_libraries, run_tests

HERE = Path(__file__).parent
PROJECT = HERE.parent
REPORT = PROJECT / "docs" / "mutation.md"
MUTANTS_OF_A_MODULE = 22
INTRODUCTION = """\
# Mutation testing

Do the tests notice a defect? `make mutate` changes one token of a module at a time, and runs the
test files that hold the module. A change that a test notices is killed. Annotations, decorators,
docstrings, messages and patterns are not changed. The command writes the rows of the modules that
it looks at; `mutation/modules.toml` has the tests of each module, and why a survivor may survive.
"""
MODULES = "\n| module | changes | killed | share |\n|---|---|---|---|"
SURVIVORS = "\n## What survives\n\n| module | line | change | why |\n|---|---|---|---|"
GAP = "a gap"
PATIENCE = 3
"""A run that takes so many times as long as without a change, and some seconds, hangs."""


@dataclass(frozen=True, slots=True)
class Argued:
    """A survivor that no test should kill, and why."""

    module: str
    code: str
    change: str
    why: str


@dataclass(frozen=True, slots=True)
class Result:
    """What the tests of a module noticed."""

    module: str
    mutants: int
    survivors: tuple[Mutant, ...]
    seconds: float

    @property
    def killed(self) -> int:
        """Changes that a test noticed."""
        return self.mutants - len(self.survivors)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is checked in about the modules: the tests of each, and argued survivors."""

    modules: dict[str, list[str]]
    argued: tuple[Argued, ...]

    def why(self, module: str, mutant: Mutant) -> str | None:
        """Why a survivor is no gap; None where it is one."""
        wanted = (module, mutant.code, mutant.change)
        reasons = (
            each.why for each in self.argued if (each.module, each.code, each.change) == wanted
        )
        return next(reasons, None)


def main() -> int:
    """Change what was asked for; the exit status is 1 where a survivor is not argued."""
    plan = read_plan()
    asked = _arguments()
    modules = asked.modules or list(plan.modules)
    if unknown := set(modules) - plan.modules.keys():
        sys.exit(f"No tests are known for {', '.join(sorted(unknown))}: see modules.toml.")
    load_libraries()
    results = []
    for module in modules:
        result = look_at(module, plan.modules[module], asked.seed, asked.mutants)
        results.append(result)
        print(
            f"{module}: {result.killed} of {result.mutants} in {result.seconds:.0f} s", flush=True
        )
        for mutant in result.survivors:
            why = plan.why(module, mutant)
            print(f"  {mutant.line}: {mutant.code}\n    {mutant.change} ({why or 'unargued'})")
        earlier = REPORT.read_text("utf-8") if REPORT.exists() else ""
        REPORT.write_text(report(result, plan, earlier), "utf-8")
    gaps = [
        mutant for each in results for mutant in each.survivors if not plan.why(each.module, mutant)
    ]
    return int(bool(gaps))


def read_plan() -> Plan:
    """What `modules.toml` says."""
    document = tomllib.loads((HERE / "modules.toml").read_text("utf-8"))
    return Plan(document["modules"], tuple(Argued(**each) for each in document.get("argued", ())))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", help="such as batches/claims; by default all")
    parser.add_argument("--seed", type=int, default=1, help="what the changes are drawn from")
    parser.add_argument("--mutants", type=int, default=MUTANTS_OF_A_MODULE, help="of each module")
    return parser.parse_args()


def look_at(module: str, tests: Sequence[str], seed: int, most: int) -> Result:
    """Run the tests of a module against changes to it.

    Raises:
        SystemExit: the tests fail without any change.
    """
    started = time.monotonic()
    files = [str(PROJECT / "orf_books_tests" / test) for test in tests]
    # Many tests need no fixture that all share, and are much faster without.
    choices = (["--noconftest", *files], files, files)
    trials = ((chosen, run_tests(chosen)) for chosen in choices)
    passed = next((each for each in trials if each[1].passed), None)
    if passed is None:
        sys.exit(f"The tests of {module} fail as it is: run them first.")
    files, unchanged = passed
    source = (PROJECT / "orf_books" / f"{module}.py").read_text("utf-8")
    possible = mutants_of(source)
    drawn = random.Random(f"{seed} {module}").sample(possible, min(most, len(possible)))
    name = f"orf_books.{module.replace('/', '.')}"
    patience = PATIENCE * (unchanged.seconds + 1)
    survivors = tuple(
        mutant
        for mutant in sorted(drawn, key=lambda mutant: mutant.line)
        if run_tests(files, name, mutant.source, seconds=patience).passed
    )
    return Result(module, len(drawn), survivors, time.monotonic() - started)


def report(result: Result, plan: Plan, earlier: str) -> str:
    """The page, as Markdown; of other modules it says what the earlier page does."""
    modules, survivors = (
        [row for row in table.splitlines() if _module_of(row) not in {None, result.module}]
        for table in [*earlier.split(SURVIVORS), "", ""][:2]
    )
    modules = sorted([*modules, _row(result)])
    survivors += [
        f"| `{result.module}` | {_code(mutant.code)} | {_code(mutant.change)}"
        f" | {plan.why(result.module, mutant) or GAP} |"
        for mutant in result.survivors
    ]
    killed, mutants = (sum(int(row.split("|")[column]) for row in modules) for column in (3, 2))
    gaps = sum(row.endswith(f"| {GAP} |") for row in survivors)
    total = (
        f"Of {mutants} changes, {killed} are killed: {_percent(killed, mutants)}. Of the others, "
        f"{len(survivors) - gaps} may survive for the reasons below, and {gaps} are gaps."
    )
    return "\n".join([INTRODUCTION, total, MODULES, *modules, SURVIVORS, *sorted(survivors), ""])


def _row(result: Result) -> str:
    share = _percent(result.killed, result.mutants)
    return f"| `{result.module}` | {result.mutants} | {result.killed} | {share} |"


def _module_of(row: str) -> str | None:
    """The module that a row of a table is about; None for any other line."""
    return row.split("`")[1] if row.startswith("| `") else None


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %"


def _code(text: str) -> str:
    """Code in a cell of a table."""
    return f"`{text}`".replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
