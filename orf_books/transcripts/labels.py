"""Texts of which a person has said which skills they show.

Belongs here: our own sentences and turns, and files that someone brings. Does not belong here:
comparing with them (`evaluation.py`).
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files
from typing import Any

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


class LessonPart(StrEnum):
    """What our own lessons are for."""

    DEVELOPMENT = "development"
    """Calibration is fitted and thresholds are chosen on these."""
    TEST = "test"
    """These are only ever measured."""


class OthersPart(StrEnum):
    """What lessons by other hands are for."""

    LEARNING = "learning"
    """The head is fitted on these, and thresholds are chosen with one hand left out at a time."""
    TEST = "test"
    """These are only ever measured: they say what a tier is worth."""


HANDS = ("first", "second", "third")
"""Who wrote and labelled them; none saw the others, nor this project."""


@dataclass(frozen=True, slots=True)
class LabelledText:
    """Something that a student says, and the skills that a person hears in it."""

    text: str = field(repr=False)
    skills: frozenset[Skill]
    arguable: frozenset[Skill] = frozenset()
    """Skills that another person might hear."""
    before: str = field(default="", repr=False)
    """What somebody else said just before."""


@dataclass(frozen=True, slots=True)
class _LabelLine:
    """A line of a file that someone brings."""

    text: str
    skills: frozenset[Skill]
    arguable: frozenset[Skill] = frozenset()
    before: str = ""
    note: str = ""


_LABEL_LINE = TypeAdapter(_LabelLine)
_ARGUABLE_NOTE = re.compile(r"arguable:\s*(\w+)")


def labelled_sentences(half: Half) -> tuple[LabelledText, ...]:
    """Our own sentences; their file says how they were made."""
    return tuple(
        _labelled(sentence)
        for sentence in _document("labelled_sentences.json")["sentences"]
        if sentence["part"] == half
    )


def lesson_turns(part: LessonPart) -> tuple[LabelledText, ...]:
    """Turns of our own lessons; their file says how they were made."""
    return tuple(map(_labelled, _document("lesson_turns.json")["parts"][part]))


def turns_by_others(part: OthersPart, hands: Collection[str] = HANDS) -> tuple[LabelledText, ...]:
    """Turns of lessons by other hands; their file says how they were made."""
    by_hand = _document("turns_by_others.json")["hands"]
    return tuple(_labelled(turn) for hand in HANDS if hand in hands for turn in by_hand[hand][part])


def read_labels(content: bytes) -> tuple[LabelledText, ...]:
    """Read lines of JSON, `{"text": ..., "skills": [...]}`.

    `arguable` may list skills that another person might hear, as may a note `arguable: <skill>`;
    `before` may hold what somebody else said just before. Other keys are ignored.

    Raises:
        FixInput: a line is no such object, or there is none.
    """
    labelled = tuple(_read_lines(content))
    if not labelled:
        raise FixInput('The file of labels is empty; its lines are {"text": ..., "skills": [...]}.')
    return labelled


def _read_lines(content: bytes) -> Iterator[LabelledText]:
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            read = _LABEL_LINE.validate_json(line)
        except ValidationError as refused:
            raise FixInput(
                f"Line {number} of the labels: {validation_messages(refused)}."
            ) from None
        noted = {skill for skill in Skill if skill in _ARGUABLE_NOTE.findall(read.note)}
        yield LabelledText(read.text, read.skills, read.arguable | noted, read.before)


def _document(name: str) -> dict[str, Any]:
    return dict(json.loads(files("orf_books.transcripts").joinpath(name).read_bytes()))


def _labelled(entry: dict[str, Any]) -> LabelledText:
    return LabelledText(
        entry["text"],
        frozenset(map(Skill, entry["skills"])),
        frozenset(map(Skill, entry.get("arguable", ()))),
        entry.get("before", ""),
    )
