"""An event loop for tests of waits, which takes no time for them."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any


class HastySelector(selectors.SelectSelector):
    """Does not wait, but lets the time pass at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


class HastyLoop(asyncio.SelectorEventLoop):
    """A loop in which time starts at zero, and nobody waits for it to pass."""

    def __init__(self) -> None:
        self._hasty = HastySelector()
        super().__init__(self._hasty)

    def time(self) -> float:
        return self._hasty.now

    def run_in_executor(
        self,
        executor: object,
        func: Callable[..., Any],
        *args: object,
    ) -> asyncio.Future[Any]:
        """Call it here and at once: while a thread is at work, time would pass unboundedly."""
        called = self.create_future()
        try:
            called.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whoever awaits it sees it
            called.set_exception(error)
        return called
