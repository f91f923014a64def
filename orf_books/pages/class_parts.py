"""What the pages of classes and of their students have in common.

Belongs here: choosing what both show. Does not belong here: how they say it
(`templates/class_macros.html.jinja`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
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


def days_of_several_sessions(days: Iterable[date]) -> frozenset[date]:
    """The days that do not tell which session is meant."""
    return frozenset(day for day, sessions in Counter(days).items() if sessions > 1)
