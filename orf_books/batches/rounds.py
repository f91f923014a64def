"""A batch whose items other runs may want at the same time: each is worked on by one of them.

Belongs here: claiming, working on what was claimed, and looking again at what others had claimed.
Does not belong here: claims themselves (`claims.py`), the batch (`batch.py`), Dagster.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar

from orf_books.batches.batch import BatchOutcome, Progress, work_on_items
from orf_books.batches.claims import Claims

RowT = TypeVar("RowT")

SECONDS_BETWEEN_LOOKS = 1.0
"""At items that another run is working on."""


async def work_in_rounds(  # noqa: PLR0913 - four functions and the bounds they work in
    keys: Sequence[str],
    claims: Claims,
    made_meanwhile: Callable[[Collection[str]], Collection[str]],
    work: Callable[[str], Awaitable[RowT]],
    commit: Callable[[Sequence[RowT]], None],
    *,
    concurrency: int,
    item_seconds: float,
    progress: Callable[[Progress], None],
    set_aside: Callable[[Sequence[RowT]], None] = lambda _: None,
) -> BatchOutcome:
    """Work on every item that no other run finishes first.

    Args:
        keys: the items.
        claims: of this run.
        made_meanwhile: which of these items are finished by now, without this run.
        work: as of `work_on_items`, like `commit` and the bounds.
        commit: stores rows for good.
        concurrency: items worked on at once.
        item_seconds: an item that takes longer counts as timed out.
        progress: told after each item.
        set_aside: as of `work_on_items`.
    """
    outcome = BatchOutcome(0, (), 0.0)
    waiting = list(keys)
    async with claims.kept():
        while waiting:
            ours = claims.take(waiting)
            made = made_meanwhile(waiting)
            waiting = [key for key in waiting if key not in made]
            outcome += await work_on_items(
                [key for key in waiting if key in ours],
                work,
                commit,
                concurrency=concurrency,
                item_seconds=item_seconds,
                progress=progress,
                set_aside=set_aside,
            )
            claims.give_up()
            waiting = [key for key in waiting if key not in ours]
            if waiting:
                await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
    return outcome
