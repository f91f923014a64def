"""How fast pupils of a grade read: published norms, and who needs support by them.

Belongs here: the table of `norms.json` (it names its source) and the rule for using it. Does not
belong here: how fast a child read (`fluency.py`). The norms hold for unpractised, grade-level
English text; nothing is interpolated between percentiles or carried over to other grades.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

WORDS_BELOW_MEDIAN = 10
"""Who reads so many correct words a minute fewer than the 50th percentile needs support."""


class Season(StrEnum):
    """Part of the school year, as the norms divide it."""

    FALL = "fall"
    WINTER = "winter"
    SPRING = "spring"


@dataclass(frozen=True, slots=True)
class Norm:
    """Words correct per minute that the percentiles of a grade reach in a season."""

    percentiles: dict[int, int]
    """Words correct per minute by percentile, the highest first."""

    def reached_percentile(self, wcpm: float) -> int | None:
        """The highest listed percentile that is reached; None below the lowest."""
        return next((rank for rank, words in self.percentiles.items() if wcpm >= words), None)

    def needs_fluency_support(self, wcpm: float) -> bool:
        """Whether 10 or more words are missing to the 50th percentile.

        Args:
            wcpm: words correct per minute; by the rule the mean of two unpractised readings, so
                that one reading alone is a hint.
        """
        return wcpm <= self.percentiles[50] - WORDS_BELOW_MEDIAN


def find_norm(grade: int, season: Season) -> Norm | None:
    """The norm of a grade in a season; None where none is published, as for grade 1 in fall."""
    words = _table()["grades"].get(str(grade), {}).get(season)
    return Norm(dict(zip(_table()["percentiles"], words, strict=True))) if words else None


@cache
def _table() -> dict[str, Any]:
    text = files("orf_books.activities").joinpath("norms.json").read_text(encoding="utf-8")
    return dict(json.loads(text))
