"""The count of agreed cases, by group, at the end of a run."""

import re
from collections import Counter

import pytest

from orf_books_tests.activities.goldens import MARK

_GROUP = re.compile(rf"\[{MARK}(\w+):")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many cases of each group passed."""
    by_group: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            if found := _GROUP.search(getattr(report, "nodeid", "")):
                by_group.setdefault(found[1], Counter())[outcome] += 1
    if by_group:
        terminalreporter.section("agreed cases of scoring oral reading")
    for group, counts in sorted(by_group.items()):
        terminalreporter.write_line(f"{group}: {counts['passed']} of {counts.total()} passed")
