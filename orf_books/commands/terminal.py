"""Progress of a batch on a terminal.

Belongs here: the bar. Does not belong here: reports and exit statuses (`orf_books/cli.py`).
"""

from collections.abc import Callable

import dagster as dg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar

from orf_books.batches.batch import Progress
from orf_books.batches.resource import BatchResource


class TerminalBatch(BatchResource):
    """Shows a bar on standard error; nothing for machines."""

    is_silent: bool

    def watch(
        self,
        context: dg.AssetExecutionContext,  # noqa: ARG002 - a bar needs no log
        what: str,
    ) -> Callable[[Progress], None]:
        """A function to call after each item of a batch of `what`."""
        if self.is_silent:
            return lambda _: None
        bar = ProgressBar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]} failed"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        task = bar.add_task(what.capitalize(), failed=0)
        bar.start()

        def show(progress: Progress) -> None:
            done = progress.done + progress.failed
            bar.update(task, total=progress.total, completed=done, failed=progress.failed)
            if done == progress.total:
                bar.stop()

        return show
