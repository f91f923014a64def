"""`docs/commands.md`: what every command says of itself, and what some print.

Belongs here: writing that file, `python -m orf_books_tests.command_docs`. Does not belong here:
holding it to be true (`test_command_docs.py`).
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import typer
from typer.testing import CliRunner

from orf_books.cli import app, main
from orf_books.sandbox.behaviour import Behaviour
from orf_books.sandbox.server import Sandbox
from orf_books_tests.conftest import book, export_of, invented_library, settings_for, variables_of

DOCUMENT = Path(__file__).parent.parent / "docs" / "commands.md"
HELP, OUTPUT = "## Help", "## Output"
WIDTH = "80"
BOOKS = range(12)
BROKEN = book(3)
SCENES = (
    "run books ana.csv --library ana",
    "status ana",
    "status",
    "retry books",
    "status ana",
    "status --status nonsense",
    "upload books photo.csv",
    "status nobody",
    "delete library ana",
)
_INTRODUCTION = """# The command line

Written by `python -m orf_books_tests.command_docs`; tests hold it to be true. Exit status: 0 when
all went well, 1 when items failed, 2 for a wrong call, unreadable input or a setting that has to be
fixed, with one line on standard error, and 130 after Ctrl-C. Every command but `dev` and `serve`
takes `--json`. `orf-books --install-completion` completes commands and options in your shell.
"""
_CHANGING = (
    (
        re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        "3f6c0a1e-7b52-4c0d-9a38-5d1e4f2b6c70",
    ),
    (re.compile(r"(?<=books )[0-9a-f]{8}(?= )"), "3f6c0a1e"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.+]+"), "2026-11-16T08:15:00.000000+00:00"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(?= )"), "2026-11-16 08:15"),
    (re.compile(r"(?<=08:15)( +\d+/\d+) +[\d.]+ "), r"\1     1.4 "),
    (re.compile(r"(?<=│ seconds ).*"), "               │ 1.4                                  │"),
    (re.compile(r"/\S+/data/"), "/home/ana/data/"),
    (re.compile(r"^Books [^\n]*\n", re.MULTILINE), ""),
    (re.compile(r" +$", re.MULTILINE), ""),
)
"""What differs each time, and what stands for it."""


def help_texts() -> str:
    """What every command says of itself."""
    return "\n".join([HELP, "", *(_block(call, text) for call, text in _helps())])


def outputs() -> str:
    """What commands print, one after the other, over a library of which a book fails."""
    export, catalogue = invented_library()
    with TemporaryDirectory() as folder, Sandbox(catalogue, export=export) as sandbox:
        sandbox.behaviour.change(Behaviour(broken_books={BROKEN}).as_json())
        home = Path(folder)
        (home / "ana.csv").write_bytes(export_of(BOOKS))
        (home / "photo.csv").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
        blocks = []
        with pytest.MonkeyPatch.context() as patch, chdir(home):
            for name in os.environ:
                if name.startswith(("ORF_BOOKS_", "DAGSTER_HOME")):
                    patch.delenv(name)
            settings = variables_of(settings_for(sandbox, str(home / "data")))
            shown_with = {"COLUMNS": WIDTH, "TZ": "UTC", "NO_COLOR": "1"}
            for name, value in (settings | shown_with).items():
                patch.setenv(name, value)
            for scene in SCENES:
                if scene.startswith("retry"):
                    sandbox.behaviour.broken_books = set()
                blocks.append(_block(scene, _without_what_changes(_printed(scene, patch))))
    return "\n".join([OUTPUT, "", *blocks])


def _printed(call: str, patch: pytest.MonkeyPatch) -> str:
    """What a command prints, in this process: starting nine takes much longer than all they do."""
    patch.setattr(sys, "argv", ["orf-books", *call.split()])
    with StringIO() as printed, redirect_stdout(printed), redirect_stderr(printed):
        try:
            main()
        except SystemExit as end:
            if end.code:
                printed.write(f"[exit status {end.code}]\n")
        return printed.getvalue()


def _helps() -> Iterator[tuple[str, str]]:
    for call in ("", *_commands(app)):
        arguments = [*call.split(), "--help"]
        shown = CliRunner().invoke(
            app, arguments, prog_name="orf-books", env={"COLUMNS": WIDTH, "NO_COLOR": "1"}
        )
        text = "\n".join(line.rstrip() for line in shown.stdout.splitlines()).strip("\n")
        yield " ".join(arguments), f"{text}\n"


def _commands(of: typer.Typer, before: str = "") -> Iterator[str]:
    for command in of.registered_commands:
        name = command.name or (command.callback.__name__ if command.callback else "")
        yield f"{before}{name}"
    for group in of.registered_groups:
        if group.typer_instance:
            yield from _commands(group.typer_instance, f"{before}{group.name} ")


def _block(call: str, text: str) -> str:
    return f"```text\n$ orf-books {call}\n{text}```\n"


def _without_what_changes(text: str) -> str:
    for changing, stands_for_it in _CHANGING:
        text = changing.sub(stands_for_it, text)
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(f"{_INTRODUCTION}\n{help_texts()}\n{outputs()}", encoding="utf-8")
