"""Sentences that show a skill, and sentences that show none.

Belongs here: the sentences of `exemplars.json` and what they are called. Does not belong here: what
is learned from them (`fit.py`).
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from orf_books.transcripts.skills import Skill


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A sentence of the sort that is looked for, or of the sort that only sounds like it."""

    exemplar_id: str
    """Its skill, or `none`, and its number in the file: `empathy-3`."""
    skill: Skill | None
    text: str


@cache
def exemplars() -> tuple[Exemplar, ...]:
    """All of them; a sentence that shows two skills is one of each."""
    document = json.loads(exemplar_file())
    shown = [
        Exemplar(f"{name}-{number}", Skill(name), text)
        for name, texts in document["positive"].items()
        for number, text in enumerate(texts, start=1)
    ]
    return (
        *shown,
        *(
            Exemplar(f"none-{number}", None, text)
            for number, text in enumerate(document["negative"], start=1)
        ),
    )


def exemplar_file() -> bytes:
    """The sentences, as they are kept."""
    return files("orf_books.transcripts").joinpath("exemplars.json").read_bytes()
