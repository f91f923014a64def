"""The weeks over which a class and a student are looked at.

Belongs here: which days a window has. Does not belong here: what is counted in it
(`aggregates.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

WEEKS = (1, 4, 12)
"""Lengths of the windows that end with a session's week."""

_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Whole ISO weeks."""

    start: date
    """A Monday."""
    end: date
    """A Sunday."""

    @property
    def previous(self) -> "Window":
        """The window of the same length right before."""
        length = self.end + _DAY - self.start
        return Window(self.start - length, self.end - length)

    @property
    def mondays(self) -> Iterator[date]:
        """The first day of each of its weeks."""
        monday = self.start
        while monday < self.end:
            yield monday
            monday += _WEEK

    def holds(self, day: date) -> bool:
        """Whether a day is in it."""
        return self.start <= day <= self.end


def monday_of(day: date) -> date:
    """The first day of the day's ISO week."""
    return day - timedelta(days=day.weekday())


def windows_ending_with(day: date) -> tuple[Window, ...]:
    """The day's ISO week, and the longer windows that end on the same Sunday."""
    after = monday_of(day) + _WEEK
    return tuple(Window(after - weeks * _WEEK, after - _DAY) for weeks in WEEKS)
