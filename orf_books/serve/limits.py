"""How much anybody may send.

Belongs here: the size of a request, and the rate of uploads from one address. Does not belong here:
what an upload is (`libraries.py`), the answers (`api.py`).
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

MOST_BYTES = 50 * 1024 * 1024
"""Of a file."""
FRAME_BYTES = 64 * 1024
"""Of what a form adds to its file."""
DRAINED = 4
"""Times the limit, beyond which the connection is cut."""
MOST_ADDRESSES = 10_000
"""Remembered at once; the one that has not been seen for longest is forgotten first."""


class UploadRate:
    """Uploads that one address may send: so many at once, and as many more each minute.

    Args:
        per_minute: how many.
        now: seconds on a clock that only goes forward.
    """

    def __init__(self, per_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self._per_minute, self._now = per_minute, now
        self._left = OrderedDict[str, tuple[float, float]]()
        """By address: uploads that it may still send, and when that was so."""

    def take(self, address: str) -> float:
        """Count an upload; returns the seconds to wait instead, 0 for none."""
        now = self._now()
        left, since = self._left.pop(address, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - since) * self._per_minute / 60)
        wait = 0.0 if left >= 1 else (1 - left) * 60 / self._per_minute
        self._left[address] = (left if wait else left - 1, now)
        if len(self._left) > MOST_ADDRESSES:
            self._left.popitem(last=False)
        return wait


def bounded(receive: Receive, most_bytes: int = MOST_BYTES + FRAME_BYTES) -> Receive:
    """The body of a request, which is refused if it is larger.

    What is too much is thrown away as it comes, since clients read no answer before they have sent
    all; up to a point.
    """
    received = 0

    async def receive_bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received <= most_bytes:
            return message
        while message.get("more_body") and received < DRAINED * most_bytes:
            message = await receive()
            received += len(message.get("body", b""))
        raise too_large()

    return receive_bounded


def too_large() -> HTTPException:
    """The answer to more than a file may have."""
    return HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The file is too large: a library export has at most {MOST_BYTES // 1024**2} MB.",
    )
