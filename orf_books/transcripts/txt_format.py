"""Transcripts as plain text: `Speaker: text` or `[HH:MM:SS] Speaker: text`.

A line without a label continues the turn before it, and so does one whose label nobody has.

Belongs here: what opens a turn and what continues it. Does not belong here: whom a label means
(`speakers.py`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from orf_books.transcripts.problems import LineWarning, WarningCode
from orf_books.transcripts.turns import ReadTurns, Turn, physical_lines, read_turns

LONGEST_LABEL = 50

_OPENING = re.compile(r"\s*+(?:\[([\d:.,]++)\]\s*+)?+([^:]++):(?!//)")
"""Possessive, so that no line is read twice. What stands before `://` is no label."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What stands before a text."""

    timestamp: str | None = field(repr=False)
    label: str = field(repr=False)
    end: int
    """Code points of the line that it takes."""


def read_txt(text: str, is_label: Callable[[str], bool]) -> ReadTurns:
    """The turns of a file.

    Args:
        text: the whole file.
        is_label: whether what stands before a colon is the label of a speaker.
    """
    lines = physical_lines(text)
    openings = openings_of(lines)
    starts = [index for index, opening in openings.items() if is_label(opening.label)]
    foreign = {
        index: LineWarning(index + 1, WarningCode.LABEL_NOT_ON_ROSTER)
        for index in openings.keys() - set(starts)
    }
    before_first_turn = [
        foreign.get(index, LineWarning(index + 1, WarningCode.MISSING_SPEAKER))
        for index in range(starts[0] if starts else len(lines))
        if not lines[index].isspace()
    ]
    turns = [
        _turn(
            start,
            openings[start],
            lines[start:end],
            [foreign[index] for index in range(start, end) if index in foreign],
        )
        for start, end in pairwise([*starts, len(lines)])
    ]
    return read_turns([*before_first_turn, *turns], lines=sum(not line.isspace() for line in lines))


def openings_of(lines: Sequence[str]) -> dict[int, Opening]:
    """What may open a turn, by the index of its line, whoever is meant."""
    return {index: found for index, line in enumerate(lines) if (found := _opening(line))}


def _opening(line: str) -> Opening | None:
    found = _OPENING.match(line)
    if not found or len(label := found[2].strip()) > LONGEST_LABEL:
        return None
    return Opening(found[1], label, found.end())


def _turn(
    start: int, opening: Opening, lines: Sequence[str], warnings: Sequence[LineWarning]
) -> Turn | LineWarning:
    passage = "".join(lines).rstrip()
    at = len(passage) - len(passage[opening.end :].lstrip())
    if at == len(passage):
        return LineWarning(start + 1, WarningCode.MISSING_TEXT)
    return Turn(
        # The text may start some lines below its label.
        line=start + 1 + passage.count("\n", 0, at),
        label=opening.label,
        text=passage[at:],
        offset=at - (passage.rfind("\n", 0, at) + 1),
        timestamp=opening.timestamp,
        warnings=tuple(warnings),
    )
