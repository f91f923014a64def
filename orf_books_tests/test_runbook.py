"""The runbook has every alarm and every failure category, and its commands exist."""

import re
import shlex
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer.main

from orf_books.cli import app
from orf_books.failures import FailureCategory
from orf_books_tests.postgres import PostgresServer

PROJECT = Path(__file__).parent.parent
RUNBOOK = (PROJECT / "docs" / "runbook.md").read_text()
STACK = (PROJECT / "deploy" / "aws" / "stack.py").read_text()
ALARMS = {
    *re.findall(r'"(\w+Alarm)"', STACK),
    *(f"{name}Alarm" for name in re.findall(r'\("(\w+)", \w+, [\w.]+\)', STACK)),
    "Budget",
}


def section(title: str) -> str:
    """What stands below a heading; empty where there is none."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def test_alarms_are_found_in_the_stack() -> None:
    assert {"FailedRunsAlarm", "DatabaseDiskAlarm"} < ALARMS
    assert len(ALARMS) == 8


@pytest.mark.parametrize("alarm", sorted(ALARMS))
def test_every_alarm_says_what_it_means_how_to_look_and_how_to_fix_it(alarm: str) -> None:
    said = section(alarm)
    assert [word for word in ("**Means**", "**Look**", "**Fix**") if word not in said] == []


@pytest.mark.parametrize("category", FailureCategory)
def test_every_failure_category_says_what_it_means_how_to_look_and_how_to_fix_it(
    category: FailureCategory,
) -> None:
    (row,) = re.findall(rf"^\| `{category}` \|(.*)\|$", section("Failure categories"), re.MULTILINE)
    assert [bool(cell.strip()) for cell in row.split(" | ")] == [True] * 3


COMMANDS = sorted({*re.findall(r"^orf-books [^#\n&]+", RUNBOOK, re.MULTILINE)}) + sorted(
    {*re.findall(r"`(orf-books [^`]+)`", RUNBOOK)}
)


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_exist(command: str) -> None:
    _, *arguments = shlex.split(command)
    at: Any = typer.main.get_command(app)
    while hasattr(at, "commands"):
        name = arguments.pop(0)
        assert name in at.commands, command
        at = at.commands[name]
    at.make_context(command, arguments)


@pytest.mark.slow
def test_its_queries_are_understood_by_postgres(postgres_server: PostgresServer) -> None:
    queries = re.findall(r"`(SELECT[^`]+)`", RUNBOOK)
    assert queries
    with psycopg.connect(postgres_server.url().replace("+psycopg", "")) as connection:
        for query in queries:
            assert connection.execute(query).fetchall()
