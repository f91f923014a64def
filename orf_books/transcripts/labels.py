"""Texts of which a person has said which skills they show.

Belongs here: our own sentences, and files that someone brings. Does not belong here: comparing with
them (`evaluation.py`).
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files

from pydantic import TypeAdapter, ValidationError

from orf_books.failures import FixInput
from orf_books.transcripts.skills import Skill
from orf_books.validation_messages import validation_messages


class Half(StrEnum):
    """What our own sentences are for."""

    TUNING = "tuning"
    """Whoever changes cues, exemplars or thresholds may look at these."""
    HELD_OUT = "held out"
    """These are only ever measured, so that the figure holds for other sentences."""


@dataclass(frozen=True, slots=True)
class LabelledText:
    """Something that a student says, and the skills that a person hears in it."""

    text: str = field(repr=False)
    skills: frozenset[Skill]


_LABELLED_TEXT = TypeAdapter(LabelledText)


def labelled_sentences(half: Half) -> tuple[LabelledText, ...]:
    """Our own sentences; their file says how they were made."""
    file = files("orf_books.transcripts").joinpath("labelled_sentences.json")
    return tuple(
        LabelledText(sentence["text"], frozenset(map(Skill, sentence["skills"])))
        for sentence in json.loads(file.read_bytes())["sentences"]
        if sentence["part"] == half
    )


def read_labels(content: bytes) -> tuple[LabelledText, ...]:
    """Read lines of JSON, `{"text": ..., "skills": [...]}`; other keys are left aside.

    Raises:
        FixInput: a line is no such object, or there is none.
    """
    labelled: list[LabelledText] = []
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            labelled.append(_LABELLED_TEXT.validate_json(line))
        except ValidationError as refused:
            raise FixInput(
                f"Line {number} of the labels: {validation_messages(refused)}."
            ) from None
    if not labelled:
        raise FixInput('The file of labels is empty; its lines are {"text": ..., "skills": [...]}.')
    return tuple(labelled)
