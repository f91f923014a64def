"""Claims of a run on the items that it works on, so that runs at once do not do the same work.

Belongs here: taking, keeping and giving up claims, and seeing that a run which holds some is over.
Does not belong here: where claims are written down (`resources/ledger.py`), the work.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

import dagster as dg

from orf_books.resources.ledger import Ledger

LASTS_SECONDS = 60.0
"""A claim that is not renewed ends after this: its run was killed where nobody saw it."""
RENEWED_EVERY_SECONDS = 20.0


class Claims:
    """The claims of one run.

    Args:
        ledger: where the runs agree.
        instance: knows which runs are over.
        place: tells items of one store from those of another.
        run_id: the run.
    """

    def __init__(
        self, ledger: Ledger, instance: dg.DagsterInstance, place: str, run_id: str
    ) -> None:
        self._ledger = ledger
        self._instance = instance
        self._place = place
        self._run_id = run_id
        self._held: set[str] = set()

    def take(self, keys: Collection[str]) -> set[str]:
        """Claim what no other living run holds; returns the keys that are ours now."""
        if not keys:
            return set()
        items = {f"{self._place} {key}": key for key in keys}
        for holder in self._ledger.holders(items) - {self._run_id}:
            run = self._instance.get_run_by_id(holder)
            if run is not None and run.is_finished:
                self._ledger.release(holder)
        taken = self._ledger.claim(items, self._run_id, LASTS_SECONDS)
        self._held |= taken
        return {items[item] for item in taken}

    def give_up(self) -> None:
        """Give up all claims. Whoever waits for others must, or both would wait for ever."""
        self._held.clear()
        self._ledger.release(self._run_id)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew the claims while the block lasts, and give all of them up at its end."""
        renewing = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing
            self.give_up()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWED_EVERY_SECONDS)
            await asyncio.to_thread(
                self._ledger.claim, tuple(self._held), self._run_id, LASTS_SECONDS
            )
