"""What the macros of pages are filled with: bars of charts, choices of filters, other pages.

Belongs here: shapes that several pages show. Does not belong here: what they stand for.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart."""

    label: str
    value: float
    length: float
    """As a percentage of the longest bar of its chart."""
    detail: str = ""
    """Said beside the value."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter, and how many rows have it."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Overview:
    """A page over all things of one kind, in the storage root."""

    name: str
    address: str


def bars(values: Mapping[int, int] | Mapping[str, int]) -> Sequence[Bar]:
    """The bars of a chart, by label."""
    longest = max(values.values(), default=0)
    return [Bar(str(label), value, bar_length(value, longest)) for label, value in values.items()]


def bar_length(value: float, longest: float) -> float:
    """How long a bar is, as a percentage of the longest."""
    return round(100 * value / longest, 1) if longest else 0.0


def choices(values: Iterable[str], name: Callable[[str], str]) -> Sequence[Choice]:
    """The values of a filter, the most frequent first."""
    counts = Counter(values).most_common()
    return [Choice(value=value, label=name(value), count=count) for value, count in counts]
