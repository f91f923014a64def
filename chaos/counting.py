"""What an attack counts, and how one is declared.

Belongs here: counts and the declaration of attacks. Does not belong here: how the platform is
judged (`judging.py`), printing (`reporting.py`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaos.ground import Ground

NOBODY = "nothing"
"""What a person has to do where the platform helps itself."""


class NotPossibleHere(Exception):
    """This machine lacks what the attack needs, such as the right to mount a disk."""


@dataclass(slots=True)
class Tally:
    """The count of one attack, while it goes on."""

    tries: int = 0
    lost: list[str] = field(default_factory=list)
    """What should be there and is not."""
    wrong: list[str] = field(default_factory=list)
    """What is there and should not be, or differs from a calm day."""
    notes: list[str] = field(default_factory=list)
    """Figures worth knowing that are neither."""

    def check(self, *, holds: bool, wrong: str) -> None:
        """Count something as wrong unless it holds."""
        if not holds:
            self.wrong.append(wrong)

    @contextmanager
    def about(self, what: str) -> Iterator[None]:
        """Say of everything that the block counts which try it belongs to."""
        lost, wrong = len(self.lost), len(self.wrong)
        yield
        self.lost[lost:] = [f"{what}: {one}" for one in self.lost[lost:]]
        self.wrong[wrong:] = [f"{what}: {one}" for one in self.wrong[wrong:]]


@dataclass(frozen=True, slots=True)
class Attack:
    """One kind of bad day.

    Args:
        name: as the table shows it.
        carry_out: attacks and judges; counts in the tally, so that what was counted before an
            error of its own is not lost.
        share: of the time of all attacks.
        person: what somebody has to do afterwards, however well the platform behaves.
        tries: how many in a full run.
        short_tries: how many in the short half; 0 leaves the attack out of it.
    """

    name: str
    carry_out: "Callable[[Ground, Tally, int], None]"
    tries: int
    short_tries: int = 0
    share: float = 1.0
    person: str = NOBODY


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attack."""

    attack: Attack
    tally: Tally
    seconds: float
    error: str = ""
    """Why the attack itself broke off; then its counts are not whole."""
    skipped: str = ""
    """Why it was not carried out at all."""

    @property
    def is_well(self) -> bool:
        """Whether nothing was lost or wrong. An attack that tried nothing shows nothing."""
        if self.skipped:
            return True
        return bool(self.tally.tries) and not (self.tally.lost or self.tally.wrong or self.error)
