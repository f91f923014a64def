"""Figures in documents for machines.

Belongs here: how a figure is written down. Does not belong here: which figures there are.
"""


def rounded(value: float | None) -> float | None:
    """A share or a measure, to four decimals; None stays None."""
    return None if value is None else round(value, 4)
