"""What the pages of classes and of their students have in common.

Belongs here: choosing what both show. Does not belong here: how they say it
(`templates/class_macros.html.jinja`).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from orf_books.transcripts.aggregates import StudentTrend
from orf_books.transcripts.windows import Window


def latest_trends(trends: Iterable[StudentTrend]) -> Mapping[Window, Mapping[str, StudentTrend]]:
    """The trends over the windows that end last, by skill, the shortest window first."""
    by_window: defaultdict[Window, dict[str, StudentTrend]] = defaultdict(dict)
    for trend in trends:
        by_window[trend.window][trend.skill] = trend
    end = max((window.end for window in by_window), default=None)
    latest = sorted((window for window in by_window if window.end == end), reverse=True)
    return {window: by_window[window] for window in latest}


@dataclass(frozen=True, slots=True)
class SameSessions:
    """Windows that hold the same sessions, and are shown as one."""

    window: Window
    """The longest: growth is against as many weeks before."""
    weeks: Sequence[int]
    """How long each of them is."""

    @property
    def name(self) -> str:
        """Such as `1 week`, or `4 and 12 weeks`."""
        *others, last = map(str, self.weeks)
        counted = f"{', '.join(others)} and {last}" if others else last
        return f"{counted} week{'' if counted == '1' else 's'}"


def windows_by_sessions(windows: Iterable[Window], days: Collection[date]) -> list[SameSessions]:
    """Windows that end on one day, those together that hold the same sessions.

    Args:
        windows: in any order.
        days: of all sessions.
    """
    together: defaultdict[frozenset[date], list[Window]] = defaultdict(list)
    for window in sorted(windows, reverse=True):
        together[frozenset(filter(window.holds, days))].append(window)
    return [
        SameSessions(same[-1], [len(list(window.mondays)) for window in same])
        for same in together.values()
    ]


def days_of_several_sessions(days: Iterable[date]) -> frozenset[date]:
    """The days that do not tell which session is meant."""
    return frozenset(day for day, sessions in Counter(days).items() if sessions > 1)
