"""Which detector and which rules a score comes from.

Belongs here: names that change whenever the same transcript may be scored otherwise. Does not
belong here: the detector; nothing slow is loaded for its name.
"""

import json
from dataclasses import astuple
from importlib.metadata import version

from orf_books.transcripts import cues, firing, student_scores, usual
from orf_books.transcripts.encoder_files import checksum
from orf_books.transcripts.exemplars import exemplar_files
from orf_books.transcripts.head import Head, read_head, write_head
from orf_books.transcripts.skills import Skill

RELEASE = "2.0.0"
"""Raise it when rules in code change."""

_LEMMAS = "simplemma"


def model_version(head: Head | None = None) -> str:
    """Changes with whatever may detect a skill elsewhere.

    Args:
        head: the one that is shipped, where none is given.
    """
    rules = (
        [(limits.shown, limits.strong) for limits in map(firing.THRESHOLDS.__getitem__, Skill)],
        (firing.LEAST_WORDS, cues.WIDEST_GAP, cues.REACH_OF_NEGATION),
    )
    of_all = checksum(
        cues.pattern_file(),
        *exemplar_files(),
        write_head(head or read_head()),  # It names the encoder.
        json.dumps(rules),
        version(_LEMMAS),
    )
    return f"{RELEASE}+{of_all}"


def config_hash() -> str:
    """Changes with the rules that make a score of what is detected."""
    return checksum(
        json.dumps(
            (
                {skill: astuple(rate) for skill, rate in usual.SHIPPED.rates.items()},
                student_scores.LEAST_UTTERANCES,
                student_scores.SCORE_STEP,
                student_scores.INTERVAL,
            )
        )
    )
