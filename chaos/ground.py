"""Where an attack takes place: a folder of its own, the sandbox, and the platform in both.

Belongs here: what every attack starts from. Does not belong here: attacks, and judging.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import dagster as dg

from chaos.counting import Tally
from chaos.judging import CalmDay
from chaos.libraries import Libraries
from orf_books.object_keys import library_data_key
from orf_books.sandbox.behaviour import Behaviour
from orf_books.sandbox.server import Sandbox
from orf_books.settings import Settings
from orf_books_tests.conftest import (
    CommandLine,
    Platform,
    export_of,
    plain_books,
    settings_for,
    variables_of,
)

ALL_BOOKS = "all"


@dataclass
class Ground:
    """What one attack has to itself."""

    folder: Path
    sandbox: Sandbox
    calm_day: CalmDay
    random: Random
    seconds: float
    """How long the attack may go on trying."""
    numbering: Iterator[int] = field(default_factory=count)
    commands: list[CommandLine] = field(default_factory=list)

    def tries(self, tally: Tally, most: int) -> Iterator[int]:
        """Count tries, at least one; a note says where there was no time for all of them."""
        until = time.monotonic() + self.seconds
        for number in range(most):
            if number and time.monotonic() > until:
                tally.notes.append(f"{number} of {most} tries in {self.seconds:.0f} s")
                return
            yield number
            tally.tries += 1

    def place(self, name: str) -> Path:
        """A new folder."""
        made = self.folder / name
        made.mkdir(parents=True)
        return made

    def command(self, name: str, **settings: Any) -> CommandLine:  # noqa: ANN401 - settings of many types
        """`orf-books` in a new folder with a store, a ledger and a home of its own."""
        folder = self.place(name)
        storage = settings.pop("storage", str(folder / "data"))
        settings.setdefault("ledger", f"sqlite:///{folder}/ledger.sqlite")
        command = CommandLine(
            folder,
            settings_for(self.sandbox, storage).model_copy(update=settings),
            {"HOME": str(folder)},
        )
        self.commands.append(command)
        return command

    @contextmanager
    def platform(self, name: str, **settings: Any) -> Iterator[Platform]:  # noqa: ANN401
        """The platform in this process, over a new store."""
        folder = self.place(name)
        storage = settings.pop("storage", (folder / "store").as_uri())
        settings.setdefault("ledger", f"sqlite:///{folder}/ledger.sqlite")
        with dg.DagsterInstance.ephemeral() as instance:
            known = settings_for(self.sandbox, storage).model_copy(update=settings)
            yield Platform(known, instance)

    def libraries(self) -> Libraries:
        """Libraries to upload; none is drawn yet."""
        return Libraries(self.random, self.calm_day, self.numbering)

    def calm(self) -> None:
        """The services behave, from now on."""
        self.sandbox.behaviour.change(Behaviour().as_json())

    def end(self) -> None:
        """Kill what still runs."""
        for command in self.commands:
            command.end()


def a_calm_day(folder: Path, sandbox: Sandbox) -> CalmDay:
    """What the platform shows of every plain book when nothing goes wrong."""
    storage = (folder / "store").as_uri()
    settings = settings_for(sandbox, storage, ledger=f"sqlite:///{folder}/ledger.sqlite")
    with dg.DagsterInstance.ephemeral() as instance:
        platform = Platform(settings, instance)
        if not platform.ingest(ALL_BOOKS, export_of(plain_books())).success:
            raise RuntimeError("The platform failed on a calm day.")
        return CalmDay.of(platform.storage.get(library_data_key(ALL_BOOKS)))


@contextmanager
def settings_in_environment(settings: Settings, **others: str) -> Iterator[None]:
    """The environment of a process with these settings, for code that reads it."""
    before = dict(os.environ)
    os.environ.update(variables_of(settings) | others)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
