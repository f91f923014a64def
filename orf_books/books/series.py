"""The series that a book belongs to, as Goodreads writes it behind the title.

Belongs here: reading `(Mistborn, #1)` out of a title. Does not belong here: comparing titles
(`similarity.py`), and what a series says about genres (`genre_evidence.py`).
"""

import re
from dataclasses import dataclass

_SERIES = re.compile(r"\(([^()#]+?),?\s*#([^()]*)\)")
"""The first series in the parentheses behind a title."""
_VOLUMES = re.compile(r"(\d{1,3}(?:\.\d)?)(?:\s*[-–]\s*(\d{1,3})(?![\d.]))?")  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class SeriesVolume:
    """The series of a book, and which volumes of it the book holds."""

    series: str
    """The name as the title gives it."""
    first: float | None
    """The number of the volume, or of the first one in a set; None where the title has none."""
    last: float | None
    """The last one in a set; otherwise the same as `first`."""

    @property
    def whole_numbers(self) -> range:
        """The volumes that it holds, without half numbers such as `#2.5`."""
        if self.first is None or self.last is None or self.first % 1:
            return range(0)
        return range(int(self.first), int(self.last) + 1)


def series_volume(title: str) -> SeriesVolume | None:
    """The first series that a title names; None where it names none."""
    match = _SERIES.search(title)
    if match is None:
        return None
    name = " ".join(match[1].split())
    volumes = _VOLUMES.match(match[2].strip())
    if volumes is None:
        return SeriesVolume(name, None, None)
    first = float(volumes[1])
    return SeriesVolume(name, first, max(first, float(volumes[2] or first)))
