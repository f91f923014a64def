"""What the recognisers' answers come to for one word.

Belongs here: the rules that count votes, and what a missing answer means to them. Does not belong
here: asking recognisers, what happens to a word that is not decided (`rescoring.py`), and the rule
that weighs evidence (`calibration.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import product

NEEDED_ANSWERS = 2
"""With fewer, a phrase stays as it was."""


class VoteRule(StrEnum):
    """Which words count as read correctly."""

    REFERENCE = "reference"
    """Those that W heard, and those that A and K heard."""
    MAJORITY = "majority"
    """Those that two of three heard. Finds more miscues, and is stricter with the child: for a
    list of words to review."""
    CALIBRATED = "calibrated"
    """Those that were probably read correctly, by weights fitted on real readers; by `reference`
    where there are no weights for the recognisers that answered."""


@dataclass(frozen=True, slots=True)
class Votes:
    """Whether each role heard the word; None where it gave no answer."""

    a: bool | None = None
    k: bool | None = None
    w: bool | None = None

    @property
    def answers(self) -> int:
        """How many roles gave one."""
        return 3 - (self.a, self.k, self.w).count(None)


@cache
def is_misread(votes: Votes, rule: VoteRule) -> bool | None:
    """Whether the word was misread, by counting votes; None where that is not decided.

    Two answers decide where the third could not change the outcome, whatever it were: so no word
    becomes misread (or correct) because a recogniser was out of order. By majority that takes two
    equal answers. By the reference rule W may decide by itself, so without it only two matches do;
    with it a match does, or no match of either. Fewer than two answers decide nothing.
    """
    if votes.answers < NEEDED_ANSWERS:
        return None
    possible = (
        (False, True) if answer is None else (answer,) for answer in (votes.a, votes.k, votes.w)
    )
    outcomes = {_WAS_READ[rule](*answers) for answers in product(*possible)}
    return None if len(outcomes) > 1 else not outcomes.pop()


def _reference(a: bool, k: bool, w: bool) -> bool:  # noqa: FBT001 - three votes
    return w or (a and k)


_WAS_READ: dict[VoteRule, Callable[..., bool]] = {
    VoteRule.REFERENCE: _reference,
    VoteRule.MAJORITY: lambda a, k, w: (a and k) or (w and (a or k)),
    VoteRule.CALIBRATED: _reference,
}
