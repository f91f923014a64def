"""Transcripts as captions: WebVTT, SRT and YouTube's SBV, as meeting tools write them.

A library would be shorter, but webvtt-py drops captions whose time it cannot read, gives no line
numbers, and takes several voices of a caption for one.

Belongs here: timing lines, who speaks by the marks of captions, and their text without markup. Does
not belong here: labels within it (`openings.py`).
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from operator import itemgetter

from orf_books.transcripts.openings import opening_of
from orf_books.transcripts.timestamps import TIME
from orf_books.transcripts.turns import Row

_TIMING = re.compile(rf"\s*+(?:\S{{1,30}}\s*-->\s*\S{{1,30}}(?:\s+\w+:\S+)*|{TIME},{TIME})\s*$")
"""With the settings of WebVTT behind it. That a time cannot be read, costs the time."""
_HEADER = re.compile(r"WEBVTT(?:\s|$)")
_BLOCK_OF_NO_SPEECH = re.compile(r"(?:NOTE|STYLE|REGION)\s*(?:$|\s)")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?[ \t]+([^>]*)>")
_TAG = re.compile(r"</?[a-z0-9:.][^<>]*>|\{\\[^{}]*\}", re.IGNORECASE)
_KARAOKE = re.compile(rf"<{TIME}>")
"""Times between words, as YouTube writes them into captions that roll."""
_LEAST_ROLLING_SHARE, _LEAST_ROLLING = 0.4, 3
"""Captions that begin with what the one before ended with: so many, and that share of all."""
_WORD = re.compile(r"\S+")
_DASH = re.compile(r"\s*[-\u2013\u2014]\s?\w")
_LEAST_DASHES = 2
UNKNOWN = "unknown"
"""The label of somebody whom nothing names."""
_NUMBERED_LABEL = re.compile(
    r"\s*\d+\s+(?:\"(?P<quoted>[^\"]+)\"(?:\s*\(\d+\))?|(?P<plain>[^\W\d][^\"]*?))\s*"
)
"""The number of a caption and who speaks, as Webex writes it: `7 "Emma Johnson" (2031951)`."""


def is_captions(lines: list[str]) -> bool:
    """Whether lines are captions: they begin as WebVTT does, or have timing lines."""
    first = next((line for line in lines if line.strip()), "")
    return bool(_HEADER.match(first)) or any(_is_timing(line) for line in lines[:100])


def rows_of_captions(lines: list[str]) -> list[Row]:
    """The rows of captions: each line of one, and each voice in it.

    Captions may roll, or grow word by word, as those of YouTube and live ones do; then the words
    that are repeated from the caption before are left out.
    """
    cues = [
        _with_dashes_read([row for _, row in of_cue])
        for _, of_cue in groupby(_numbered_rows(lines), itemgetter(0))
    ]
    repeated = [0, *(_repeated_words(before, cue) for before, cue in pairwise(cues))]
    rolling = sum(map(bool, repeated))
    is_rolling = rolling >= max(_LEAST_ROLLING, _LEAST_ROLLING_SHARE * len(cues))
    if not (is_rolling or any(map(_KARAOKE.search, lines))):
        return [row for cue in cues for row in cue]
    return [
        row
        for cue, words in zip(cues, repeated, strict=False)
        for row in _without_first_words(cue, words)
    ]


def _with_dashes_read(cue: list[Row]) -> list[Row]:
    """The rows of a caption in which two people speak, each behind a dash: without a label nobody.

    Subtitles set two speakers apart so, and leave out who they are.
    """
    if sum(bool(_DASH.match(row.text)) for row in cue) < _LEAST_DASHES:
        return cue
    return [
        replace(row, label=UNKNOWN)
        if _DASH.match(row.text) and row.label is None and opening_of(row.text) is None
        else row
        for row in cue
    ]


def _repeated_words(before: Sequence[Row], cue: Sequence[Row]) -> int:
    """How many words a caption repeats of the one before, from the start of a line to its end."""
    words = " ".join(row.text for row in cue).split()
    for first, row in enumerate(before):
        repeated = " ".join(row.text for row in before[first:]).split()
        if row.label == cue[0].label and words[: len(repeated)] == repeated:
            return len(repeated)
    return 0


def _without_first_words(cue: Sequence[Row], count: int) -> Iterator[Row]:
    """The rows of a caption; those that lose words go on with what is said before."""
    for row in cue:
        places = [word.start() for word in _WORD.finditer(row.text)]
        start = ([*places, len(row.text)])[min(count, len(places))]
        yield replace(row, text=row.text[start:], label=None) if count else row
        count -= min(count, len(places))


def _numbered_rows(lines: list[str]) -> Iterator[tuple[int, Row]]:
    """The rows of captions, each with the number of its caption."""
    number = 0
    for index, timing, label in _payload_lines(lines):
        number += timing is not None
        time = timing
        for voice, text in _voices(lines[index]):
            if text.strip():
                yield number, Row(index + 1, text, voice or label, time, is_line=True)
                time = None


def _payload_lines(lines: list[str]) -> Iterator[tuple[int, str | None, str | None]]:
    """Indices of the lines in which somebody speaks.

    With the timing line before the first of each caption, and the label in its number, if any.
    """
    timing = label = None
    is_skipped = not any(_is_timing(line) for line in lines[:1])
    for index, line in enumerate(lines):
        if not line.strip():
            is_skipped = False
        elif _is_timing(line):
            timing, is_skipped = line.strip(), False
            label = _label_in_number(lines, index - 1)
        elif _is_before_timing(lines, index):
            continue
        elif is_skipped or (_BLOCK_OF_NO_SPEECH.match(line) and _is_block_start(lines, index)):
            is_skipped = True
        elif not _HEADER.match(line):
            yield index, timing, label
            timing = None


def _label_in_number(lines: list[str], index: int) -> str | None:
    is_number = index >= 0 and _is_block_start(lines, index)
    found = _NUMBERED_LABEL.fullmatch(lines[index]) if is_number else None
    return (found["quoted"] or found["plain"]) if found else None


def _voices(line: str) -> Iterator[tuple[str | None, str]]:
    before, *voices = _VOICE.split(line)
    yield None, _plain(before)
    for label, text in zip(voices[::2], voices[1::2], strict=True):
        yield html.unescape(label).strip() or None, _plain(text)


def _plain(text: str) -> str:
    return html.unescape(_TAG.sub("", text))


def _is_timing(line: str) -> bool:
    return bool(_TIMING.match(line))


def _is_before_timing(lines: list[str], index: int) -> bool:
    """Whether a line is the number or name of the caption that follows it."""
    is_last = index + 1 >= len(lines)
    if is_last or not _is_timing(lines[index + 1]):
        return False
    return _is_block_start(lines, index) or lines[index].strip().isdecimal()


def _is_block_start(lines: list[str], index: int) -> bool:
    return index == 0 or not lines[index - 1].strip()
