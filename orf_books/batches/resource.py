"""How batches are run here: how many items at once, and who is told how far they are.

Belongs here: the resource that assets take their batch options from. Does not belong here: the
batch itself (`orf_books/batches/batch.py`), bars on a terminal (`orf_books/cli.py`).
"""

import time
from collections.abc import Callable

import dagster as dg

from orf_books.batches.batch import Progress
from orf_books.batches.claims import Claims
from orf_books.resources.ledger import Ledger
from orf_books.resources.process_resource import ProcessResource

SECONDS_BETWEEN_LINES = 5.0


class BatchResource(ProcessResource):
    """Bounds a batch, and writes a line to the log of the run every few seconds."""

    concurrency: int
    """Items worked on at once."""
    ledger: str
    """Where runs agree on who works on which item."""

    def claims(self, context: dg.AssetExecutionContext, place: str) -> Claims:
        """The claims of this run on items of a store."""
        return Claims(Ledger(self.ledger), context.instance, place, context.run.run_id)

    def watch(self, context: dg.AssetExecutionContext, what: str) -> Callable[[Progress], None]:
        """A function to call after each item of a batch of `what`."""
        last_line = time.monotonic()

        def tell(progress: Progress) -> None:
            nonlocal last_line
            now = time.monotonic()
            if now - last_line >= SECONDS_BETWEEN_LINES:
                last_line = now
                context.log.info(
                    "%s of %s %s, %s failed",
                    progress.done + progress.failed,
                    progress.total,
                    what,
                    progress.failed,
                )

        return tell
