"""What is learned of the skills: a logistic head on vectors and on their likeness to exemplars.

Belongs here: the fitted weights, a file for each encoder, and applying them. Does not belong here:
fitting them (`fit.py`; never while scoring), what vectors are (`encoder.py`), likeness
(`likeness.py`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from orf_books.failures import FixConfiguration
from orf_books.transcripts.calibration import Calibration
from orf_books.transcripts.skill_encoder import SkillEncoder
from orf_books.transcripts.skills import Skill

if TYPE_CHECKING:
    from orf_books.transcripts.encoder import Vectors
    from orf_books.transcripts.likeness import Likeness

HEADS = {SkillEncoder.USE: "head", SkillEncoder.USE_MINILM: "head_use_minilm"}
"""Where the head that was fitted on an encoder's vectors is: the name of its file before `.json`,
and, before `_report.md`, of the one that says how well it does."""
DECIMALS = 4
"""Probabilities are rounded before anything is decided by them, or the last bits would decide."""


@dataclass(frozen=True, slots=True)
class Head:
    """One multinomial logistic regression: each skill, in the order of `Skill`, against no skill.

    Skills vie, so that what is surely one of them is hardly another.
    """

    encoder_version: str
    """Vectors of another encoder mean something else."""
    weights: tuple[tuple[float, ...], ...]
    """For each skill, of each dimension of a vector."""
    likeness_weights: tuple[tuple[float, ...], ...]
    """For each skill, of the likeness to the exemplars of each."""
    sharpness: float
    """Of likeness."""
    intercepts: tuple[float, ...]
    calibration: Calibration

    def probabilities(self, vectors: "Vectors", likeness: "Likeness") -> list[list[float]]:
        """For each vector the probability of each skill, rounded to `DECIMALS`."""
        import numpy as np

        odds = np.exp(
            vectors.astype(np.float64) @ np.array(self.weights).T
            + likeness @ np.array(self.likeness_weights).T
            + np.array(self.intercepts)
        )
        shares = odds / (1 + odds.sum(axis=1, keepdims=True))
        rounded: list[list[float]] = np.round(shares, DECIMALS).tolist()
        return rounded


@cache
def read_head(encoder: SkillEncoder = SkillEncoder.USE) -> Head:
    """The head that is shipped for an encoder."""
    name = f"{HEADS[encoder]}.json"
    return parse_head(files("orf_books.transcripts").joinpath(name).read_bytes())


def parse_head(content: bytes) -> Head:
    """The head of a document.

    Raises:
        FixConfiguration: it was changed by hand.
    """
    document = json.loads(content)
    if document.pop("sha256") != _checksum(document):
        raise FixConfiguration(
            f"The weights for {document['encoder']} in orf_books/transcripts are not those that "
            "were fitted; run `python -m orf_books.transcripts.fit`."
        )
    skills = [document["skills"][skill] for skill in Skill]
    return Head(
        encoder_version=document["encoder"],
        weights=tuple(tuple(skill["weights"]) for skill in skills),
        likeness_weights=tuple(tuple(skill["likeness_weights"]) for skill in skills),
        sharpness=document["sharpness"],
        intercepts=tuple(skill["intercept"] for skill in skills),
        calibration=Calibration(**document["calibration"]),
    )


def write_head(head: Head) -> bytes:
    """The document of a head, with its checksum; the same bytes for the same head."""
    document = {
        "encoder": head.encoder_version,
        "skills": {
            skill: {"intercept": intercept, "likeness_weights": of_likeness, "weights": weights}
            for skill, intercept, of_likeness, weights in zip(
                Skill, head.intercepts, head.likeness_weights, head.weights, strict=True
            )
        },
        "sharpness": head.sharpness,
        "calibration": asdict(head.calibration),
    }
    return _dumped(document | {"sha256": _checksum(document)}) + b"\n"


def _checksum(document: Mapping[str, object]) -> str:
    return sha256(_dumped(document)).hexdigest()


def _dumped(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
