"""Precision, recall and F1: how well what was found agrees with labels that a person gave.

Belongs here: the measures, and how a figure is written into JSON. Does not belong here: what
counts as found or as right; each domain's evaluation says that.
"""

from dataclasses import dataclass
from math import sqrt


def share(part: float, whole: float) -> float | None:
    """The quotient; None where there is nothing to divide by."""
    return part / whole if whole else None


def rounded(value: float | None) -> float | None:
    """A share or a measure, to four decimals; None stays None."""
    return None if value is None else round(value, 4)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was found beside the labels; measures are None where there is nothing to divide by."""

    right: int
    """Found, and a label."""
    found: int
    labels: int

    @property
    def precision(self) -> float | None:
        """Share of what was found that is right."""
        return share(self.right, self.found)

    @property
    def recall(self) -> float | None:
        """Share of the labels that were found."""
        return share(self.right, self.labels)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; 0 where one of them has nothing to divide by."""
        return share(2 * self.right, self.found + self.labels)


def harmonic_mean(precision: float | None, recall: float | None) -> float | None:
    """F1 of a precision and a recall that count right answers differently."""
    if precision is None or recall is None:
        return None
    return share(2 * precision * recall, precision + recall) or 0.0


def wilson_interval(part: int, whole: int) -> tuple[float, float] | None:
    """The 95 % interval of a share by Wilson's score; None where there is nothing to divide by."""
    if not whole:
        return None
    square = 1.96**2
    middle = (part + square / 2) / (whole + square)
    half = 1.96 * sqrt(part * (whole - part) / whole + square / 4) / (whole + square)
    return max(0.0, middle - half), min(1.0, middle + half)
