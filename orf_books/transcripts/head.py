"""What is learned of the skills: a logistic head on vectors, phrases, cues and the turn before.

Belongs here: the fitted weights of `head.json`, and applying them. Does not belong here: fitting
them (`fit.py`; never while scoring), what they are applied to (`sentence_features.py`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from orf_books.failures import FixConfiguration
from orf_books.transcripts.calibration import Calibration
from orf_books.transcripts.skills import Skill

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from orf_books.transcripts.sentence_features import SentenceFeatures

FILE = "head.json"
DECIMALS = 4
"""Probabilities are rounded before anything is decided by them, or the last bits would decide."""

SkillWeights: TypeAlias = tuple[tuple[float, ...], ...]
"""For each skill, in the order of `Skill`, the weight of each feature."""


@dataclass(frozen=True)
class Head:
    """One multinomial logistic regression: each skill, in the order of `Skill`, against no skill.

    Skills compete, so what is surely one of them is hardly another.
    """

    encoder_version: str
    """Vectors of another encoder mean something else."""
    weights: SkillWeights
    """Of each dimension of a vector."""
    phrase_weights: Mapping[str, tuple[float, ...]]
    """By phrase, for each skill."""
    cue_weights: SkillWeights
    """Of a cue of each skill."""
    asked_weights: tuple[float, ...]
    """For each skill: of being the answer to a turn that asks for an explanation."""
    intercepts: tuple[float, ...]
    calibrations: tuple[Calibration, ...]

    def probabilities(self, features: "SentenceFeatures") -> list[list[float]]:
        """For each sentence the probability of each skill, rounded to `DECIMALS`."""
        import numpy as np

        odds = np.exp(
            features.vectors.astype(np.float64) @ np.array(self.weights).T
            + self._of_phrases(features.phrases)
            + features.cues @ np.array(self.cue_weights).T
            + features.is_asked_for * np.array(self.asked_weights)
            + np.array(self.intercepts)
        )
        shares = odds / (1 + odds.sum(axis=1, keepdims=True))
        rounded: list[list[float]] = np.round(shares, DECIMALS).tolist()
        return rounded

    def _of_phrases(self, phrases: Sequence[Sequence[str]]) -> "NDArray[np.float64]":
        """Log odds that the phrases of each sentence add.

        Long sentences hold more of them, and there each counts for less.
        """
        import numpy as np

        rows, weights = self._phrase_table
        known = [[rows[phrase] for phrase in of if phrase in rows] for of in phrases]
        counts = np.fromiter(map(len, known), np.int64, len(known))
        # The last row is nothing: so each sentence has one, as `reduceat` needs.
        flat = np.fromiter(chain.from_iterable((*of, len(rows)) for of in known), np.int64)
        starts = np.cumsum(counts + 1) - counts - 1
        summed: NDArray[np.float64] = (
            np.add.reduceat(weights[flat], starts) if known else weights[:0]
        )
        return summed / np.sqrt(np.maximum(counts, 1))[:, None]

    @cached_property
    def _phrase_table(self) -> "tuple[dict[str, int], NDArray[np.float64]]":
        """The row of each phrase, and the weights, with a row of none at the end."""
        import numpy as np

        rows = {phrase: row for row, phrase in enumerate(self.phrase_weights)}
        weights = np.array([*self.phrase_weights.values(), (0.0,) * len(Skill)], np.float64)
        return rows, weights


@cache
def read_head() -> Head:
    """The head that is shipped."""
    return parse_head(files("orf_books.transcripts").joinpath(FILE).read_bytes())


def parse_head(content: bytes) -> Head:
    """The head of a document.

    Raises:
        FixConfiguration: it was changed by hand.
    """
    document = json.loads(content)
    if document.pop("sha256") != _checksum(document):
        raise FixConfiguration(
            f"The weights in orf_books/transcripts/{FILE} are not those that were fitted; run "
            "`python -m orf_books.transcripts.fit`."
        )
    skills = [document["skills"][skill] for skill in Skill]
    return Head(
        encoder_version=document["encoder"],
        weights=tuple(tuple(skill["weights"]) for skill in skills),
        phrase_weights={phrase: tuple(of) for phrase, of in document["phrases"].items()},
        cue_weights=tuple(tuple(skill["cue_weights"]) for skill in skills),
        asked_weights=tuple(skill["asked_weight"] for skill in skills),
        intercepts=tuple(skill["intercept"] for skill in skills),
        calibrations=tuple(Calibration(**skill["calibration"]) for skill in skills),
    )


def write_head(head: Head) -> bytes:
    """The document of a head, with its checksum; the same bytes for the same head."""
    document = {
        "encoder": head.encoder_version,
        "skills": {
            skill: {
                "intercept": head.intercepts[row],
                "asked_weight": head.asked_weights[row],
                "cue_weights": head.cue_weights[row],
                "calibration": asdict(head.calibrations[row]),
                "weights": head.weights[row],
            }
            for row, skill in enumerate(Skill)
        },
        "phrases": head.phrase_weights,
    }
    return _dumped(document | {"sha256": _checksum(document)}) + b"\n"


def _checksum(document: Mapping[str, object]) -> str:
    return sha256(_dumped(document)).hexdigest()


def _dumped(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
