"""When each page of a story was read, by the segments that its recording was uploaded in.

Belongs here: reading segment names, and adding up their lengths. Does not belong here: listing
objects and reading their headers, and what is on a page (`story.py`).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter

from orf_books.activities.audio import BYTES_PER_MS, WAV_HEADER_BYTES
from orf_books.failures import FixInput

FULL_RECORDING = "complete.wav"

_V2_SUFFIX = "-v2.wav"
_PAGE_AND_SEQUENCE = re.compile(r"(\d+)-(\d+)")
_TOLERATED_MS = 250
_TOLERATED_SHARE = 0.01
"""By so much the segments of a whole recording may be longer or shorter than it."""


class InvalidV2Segment(FixInput):
    """A segment is named as one of version 2, and its name does not say which page it is of."""


@dataclass(frozen=True, slots=True)
class Segment:
    """An object beside a full recording."""

    key: str
    size: int
    """In bytes."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What was stored with it, by lower-case names; segments older than version 2 tell their place
    by `phraseindex` and `sequencenumber`."""
    seconds: float | None = None
    """As its header tells; None where nobody has looked."""

    @property
    def milliseconds(self) -> float:
        """As its header tells, or else as its size does for the usual format and header."""
        if self.seconds is not None:
            return self.seconds * 1000
        return max(0, self.size - WAV_HEADER_BYTES) / BYTES_PER_MS


@dataclass(frozen=True, slots=True)
class PageWindow:
    """When a page was read: milliseconds from the start of the full recording."""

    page: int
    start: int
    end: int
    segments: tuple[str, ...]
    """Keys in the order of recording."""

    @property
    def duration(self) -> int:
        """In milliseconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class FittedWindows:
    """Windows that end with the recording."""

    windows: tuple[PageWindow, ...]
    surplus: int
    """By how many milliseconds the segments were longer than the recording; 0 where that is within
    what is tolerated and the windows are as they were."""


def page_windows(segments: Iterable[Segment], allowed_invalid: int = 0) -> tuple[PageWindow, ...]:
    """The windows of all pages, one after the other in the order of page numbers.

    A page number that is missing makes no gap. The full recording is left out, and so is what says
    nothing about a page.

    Args:
        segments: the objects of an activity in any order.
        allowed_invalid: how many segments with invalid names of version 2 are left out as well.

    Raises:
        InvalidV2Segment: there are more of them.
    """
    pages: defaultdict[int, list[tuple[int, Segment]]] = defaultdict(list)
    invalid = 0
    for segment in segments:
        try:
            place = _page_and_sequence(segment)
        except InvalidV2Segment:
            invalid += 1
            if invalid > allowed_invalid:
                raise
            continue
        if place:
            pages[place[0]].append((place[1], segment))
    windows, start = [], 0
    for page, numbered in sorted(pages.items()):
        in_order = [segment for _, segment in sorted(numbered, key=itemgetter(0))]
        end = start + round(sum(segment.milliseconds for segment in in_order))
        windows.append(PageWindow(page, start, end, tuple(segment.key for segment in in_order)))
        start = end
    return tuple(windows)


def fit_to_recording(windows: Sequence[PageWindow], milliseconds: int) -> FittedWindows:
    """Stretch windows that end before or after the recording.

    Args:
        windows: as `page_windows` gives them.
        milliseconds: how long the full recording is.
    """
    total = windows[-1].end if windows else 0
    surplus = total - milliseconds
    if not total or abs(surplus) <= min(_TOLERATED_MS, _TOLERATED_SHARE * milliseconds):
        return FittedWindows(tuple(windows), 0)
    return FittedWindows(
        tuple(
            replace(
                window,
                start=round(window.start * milliseconds / total),
                end=round(window.end * milliseconds / total),
            )
            for window in windows
        ),
        surplus,
    )


def _page_and_sequence(segment: Segment) -> tuple[int, int] | None:
    name = segment.key.rpartition("/")[2]
    if name == FULL_RECORDING:
        return None
    if name.endswith(_V2_SUFFIX):
        numbers = _PAGE_AND_SEQUENCE.match(name)
        if not numbers:
            raise InvalidV2Segment(f"{segment.key}: rename it to `<page>-<sequence>{_V2_SUFFIX}`.")
        return int(numbers[1]), int(numbers[2])
    page = segment.metadata.get("phraseindex", "")
    sequence = segment.metadata.get("sequencenumber", "")
    if not page.isdecimal():
        return None
    return int(page), int(sequence) if sequence.isdecimal() else 0
