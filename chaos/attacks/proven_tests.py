"""Tests that are such attacks already, counted with the others.

Each try is a test; one that fails is wrong, one that this machine cannot carry out is a note.
"""

import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path
from typing import NamedTuple

from chaos.counting import Attack, Tally
from chaos.ground import Ground

ROOT = Path(__file__).parents[2]
LEAST_SECONDS = 240.0

TESTS: dict[str, tuple[str, ...]] = {
    "services that fail or turn us away": ("test_bad_days.py",),
    "outages of recognisers": ("test_outages_of_recognisers.py",),
    "database away while scores are published": ("test_publishing.py",),
    "processes at once: tables, ledger, spill": (
        "resources/test_tables.py",
        "resources/test_ledger.py",
        "resources/test_spill.py",
    ),
    "writer of events killed": ("dagster_internals/test_event_storage.py",),
    "endless answers, redirects, deep JSON": ("resources/test_http.py", "test_bounded_json.py"),
}


def carry_out_tests(files: tuple[str, ...], ground: Ground, tally: Tally, _tries: int) -> None:
    """Run these files of tests, slow tests among them."""
    passed, failed, skipped = _run(ground, *_paths(files))
    tally.tries = passed + len(failed)
    tally.notes += [f"not possible on this machine: {name}" for name in skipped]
    if failed:
        # Some watch the time. What fails on a busy machine counts if it fails alone, too.
        failed = _run(ground, *_paths(files), "--last-failed").failed
    tally.wrong += [f"{name} failed" for name in failed]


class _Results(NamedTuple):
    passed: int
    failed: list[str]
    skipped: list[str]


def _paths(files: tuple[str, ...]) -> list[str]:
    return [str(ROOT / "orf_books_tests" / file) for file in files]


def _run(ground: Ground, *arguments: str) -> _Results:
    file = ground.folder / "results.xml"
    options = ["-m", "", f"--junitxml={file}", "-o", f"cache_dir={ground.folder / 'cache'}"]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", *options, *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        check=False,
        timeout=max(LEAST_SECONDS, ground.seconds),
    )
    results = _Results(0, [], [])
    passed = 0
    for case in ET.parse(file).iter("testcase"):
        outcomes = {part.tag for part in case}
        if outcomes & {"failure", "error"}:
            results.failed.append(str(case.get("name")))
        elif "skipped" in outcomes:
            results.skipped.append(str(case.get("name")))
        else:
            passed += 1
    return results._replace(passed=passed)


ATTACKS = tuple(
    Attack(f"tests: {name}", partial(carry_out_tests, files), tries=1)
    for name, files in TESTS.items()
)
