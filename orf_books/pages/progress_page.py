"""The specialist's page of one student: readings over time, and words to practise.

Belongs here: what the page says, in which order and in which words. Does not belong here: the
numbers (`orf_books/activities/progress.py`), the report of one reading (`activity_page.py`),
storage. A student is an id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import PurePosixPath
from urllib.parse import quote

from orf_books.activities.calibration import Interval
from orf_books.activities.progress import READINGS_TO_PRACTISE, Progress, Reading, Risk
from orf_books.object_keys import activity_page_key
from orf_books.pages.templating import page_template

RISK_NAMES: Mapping[Risk, str] = {
    Risk.HIGH: "High risk",
    Risk.SOME: "Some risk",
    Risk.LOW: "On track",
    Risk.UNKNOWN: "Risk unknown",
}
RISK_RULES: Mapping[Risk, str] = {
    Risk.HIGH: "below the 25th percentile of the grade",
    Risk.SOME: "10 or more words below the 50th percentile",
    Risk.LOW: "less than 10 words below the 50th percentile, or above it",
    Risk.UNKNOWN: "no rate is known, or no norm is published for the grade and season",
}
_STEP = 25
"""The top of a chart of rates is a multiple of it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of one reading; what is unknown is None."""

    now: float | None
    before: float | None
    """By the first model."""
    interval: Interval | None
    goal: float | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A figure in a chart: percentages from the left, and from above."""

    x: float
    now: float | None
    before: float | None
    highest: float | None
    """Where the interval ends above."""
    lowest: float | None
    goal: float | None


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure of all readings, from the first to the last, at equal distances."""

    top: int
    """The figure at the upper edge; at the lower one it is 0."""
    points: Sequence[Point]

    @property
    def neighbours(self) -> Sequence[tuple[Point, Point]]:
        """Points that follow each other."""
        return list(pairwise(self.points))


def render_progress_page(progress: Progress, made_at: datetime) -> str:
    """Make the page: one HTML file that needs nothing else.

    It lies where `progress_page_key` says, and links to the reports of the readings.
    """
    readings = progress.readings
    return page_template("progress.html.jinja").render(
        progress=progress,
        made_at=made_at,
        risk_name=RISK_NAMES[progress.risk],
        risk_rule=RISK_RULES[progress.risk],
        rates=_chart(list(map(_rate, readings))),
        accuracies=_chart(list(map(_accuracy, readings)), top=100),
        words=progress.words_to_practise,
        readings_to_practise=min(READINGS_TO_PRACTISE, len(readings)),
        address_of=_address_of,
    )


def _rate(reading: Reading) -> Figure:
    return Figure(
        reading.fluency.wcpm, reading.first_pass.wcpm, reading.wcpm_interval, reading.goal
    )


def _accuracy(reading: Reading) -> Figure:
    interval = reading.accuracy_interval
    return Figure(
        _percent(reading.fluency.accuracy),
        _percent(reading.first_pass.accuracy),
        interval and Interval(100 * interval.low, 100 * interval.high),
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _chart(figures: Sequence[Figure], top: int | None = None) -> Chart:
    height = top or _STEP * (1 + int(max(map(_highest, figures), default=0) / _STEP))

    def from_above(value: float | None) -> float | None:
        return None if value is None else round(100 * (1 - value / height), 1)

    return Chart(
        height,
        [
            Point(
                x=round(100 * (at + 0.5) / len(figures), 2),
                now=from_above(figure.now),
                before=from_above(figure.before),
                highest=from_above(figure.interval.high if figure.interval else None),
                lowest=from_above(figure.interval.low if figure.interval else None),
                goal=from_above(figure.goal),
            )
            for at, figure in enumerate(figures)
        ],
    )


def _highest(figure: Figure) -> float:
    high = figure.interval.high if figure.interval else None
    return max(value or 0 for value in (figure.now, figure.before, high, figure.goal))


def _address_of(activity_id: str) -> str:
    """The address of a reading's report, from the page."""
    return f"../{quote(PurePosixPath(activity_page_key(activity_id)).name)}"
