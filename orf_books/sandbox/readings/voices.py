"""Voices of the free synthesisers.

Belongs here: who speaks. Does not belong here: speaking (`synthesis.py`), which needs programs.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks."""

    synthesiser: Literal["espeak-ng", "flite"]
    name: str
    words_per_minute: int = 0
    """Of espeak-ng."""
    pitch: int = 50
    """Of espeak-ng, 0 to 99."""
    stretch: float = 1.0
    """Of flite: how much longer than usual each sound is."""
