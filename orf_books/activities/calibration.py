"""The calibrated vote: how probable it is that a word was misread, by all evidence about it.

Belongs here: the model, its weights (`calibration.json`), and what follows from probabilities for a
whole reading. Does not belong here: fitting (`benchmarks/fit_calibration.py`), and rules that count
votes (`voting.py`).

The model is a logistic regression for each set of recognisers, since the evidence of one says
nothing about the scale of another. What it was fitted on is in `docs/speech.md`.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter
from pathlib import Path
from statistics import median

from pydantic import TypeAdapter

from orf_books.activities.recognition import Role, WordEvidence
from orf_books.activities.voting import Votes

LEAST_FIT = -8.0
"""Below it a fit says no more: the word was not there."""
BUNDLED = Path(__file__).with_name("calibration.json")
INTERVAL_SIGMAS = 1.645
"""90 % of a normal distribution."""

_FITS = ("fit", "worst_fit", "fit_throughout", "fit_to_silence", "fit_over_omission")
_fits_of = attrgetter(*_FITS)
_NAMES = {role: (f"{role}.heard", [f"{role}.{fit}" for fit in _FITS]) for role in Role}
"""Of the features, which are looked up twice for each word of a reading."""

Engines = Mapping[Role, str]
"""Who answered, by role, as recognisers name themselves."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one word."""

    votes: Votes = field(default_factory=Votes)
    k: WordEvidence | None = None
    w: WordEvidence | None = None
    usual_fit: float | None = None
    """Of the reader, see `usual_fit`; None where W does not judge words."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A fitted model."""

    weights: Mapping[str, float]
    """By feature, see `features`."""
    constant: float
    misread_from: float
    """A word counts as misread from this probability."""

    def probability(self, evidence: Evidence) -> float | None:
        """How probable it is that the word was misread; None where a feature is missing."""
        found = features(evidence)
        if not self.weights.keys() <= found.keys():
            return None
        logit = self.constant
        for name, weight in self.weights.items():
            logit += weight * found[name]
        return 1 / (1 + math.exp(-logit))


@dataclass(frozen=True, slots=True)
class Calibration:
    """All that was fitted."""

    doubtful: tuple[float, float]
    """Between these probabilities a verdict is shown as doubtful."""
    clear_below: float
    """A phrase all of whose words are less probably misread is in no doubt."""
    spread: float
    """How many times wider a reading's intervals are than if words were independent."""
    models: Mapping[str, Weights]
    """By recognisers, see `model_name`."""
    fitted_on: tuple[str, ...] = ()
    """The readers."""

    def weights_for(self, engines: Engines) -> Weights | None:
        """The weights for these recognisers; None where none were fitted."""
        return self.models.get(model_name(engines))

    def is_doubtful(self, probability: float) -> bool:
        """Whether a verdict by this probability should be checked by a person."""
        low, high = self.doubtful
        return low <= probability < high


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a figure probably lies."""

    low: float
    high: float


@cache
def bundled_calibration() -> Calibration:
    """What comes with the project, see `docs/speech.md`."""
    return CALIBRATION.validate_json(BUNDLED.read_bytes())


CALIBRATION = TypeAdapter(Calibration)


def model_name(engines: Engines) -> str:
    """Names a set of recognisers, whatever their versions: `a=whisper k=whisper w=hama`."""
    return " ".join(f"{role}={_family(engines[role])}" for role in sorted(engines))


@cache
def _family(engine: str) -> str:
    return re.split("[-/]", engine)[0]


def usual_fit(words: Iterable[WordEvidence]) -> float | None:
    """How well most words of a reading fit, by role W: no accent fits as well as another.

    Only what is usual in a whole reading is weighed. That the words next to one do not fit either
    says nothing for it: where readings are made by splicing, miscues stand alone; with children
    they do not.
    """
    fits = [max(LEAST_FIT, word.fit) for word in words]
    return median(fits) if fits else None


def features(evidence: Evidence) -> dict[str, float]:
    """What a model may weigh: which roles heard the word, and how well it fits by those that judge.

    Keys are `<role>.heard` and `<role>.<fit>`, such as `k.worst_fit`, and `w.usual_fit`.
    """
    votes = evidence.votes
    found: dict[str, float] = {}
    for role, heard, word in (
        (Role.A, votes.a, None),
        (Role.K, votes.k, evidence.k),
        (Role.W, votes.w, evidence.w),
    ):
        heard_name, fit_names = _NAMES[role]
        if heard is not None:
            found[heard_name] = float(heard)
        if word:
            for name, fit in zip(fit_names, _fits_of(word), strict=True):
                if fit is not None:
                    found[name] = max(LEAST_FIT, fit)
    if evidence.usual_fit is not None:
        found["w.usual_fit"] = evidence.usual_fit
    return found


def correct_words(probabilities: Sequence[float], spread: float) -> Interval:
    """How many words of a reading were read correctly, with a probability of 90 %.

    Args:
        probabilities: of each word that it was misread.
        spread: see `Calibration`.
    """
    expected = sum(1 - one for one in probabilities)
    deviation = spread * math.sqrt(sum(one * (1 - one) for one in probabilities))
    return Interval(
        max(0.0, expected - INTERVAL_SIGMAS * deviation),
        min(float(len(probabilities)), expected + INTERVAL_SIGMAS * deviation),
    )
