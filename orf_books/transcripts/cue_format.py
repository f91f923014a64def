"""Transcripts as captions: WebVTT, SRT and YouTube's SBV, as meeting tools write them.

A library would be shorter, but webvtt-py drops captions whose time it cannot read, gives no line
numbers, and takes several voices of a caption for one.

Belongs here: timing lines, and the text of captions without markup. Does not belong here: labels
within it (`openings.py`).
"""

import html
import re
from collections.abc import Iterator

from orf_books.transcripts.timestamps import TIME
from orf_books.transcripts.turns import Row

_TIMING = re.compile(rf"\s*+(?:\S{{1,30}}\s*-->\s*\S{{1,30}}(?:\s+\w+:\S+)*|{TIME},{TIME})\s*$")
"""With the settings of WebVTT behind it. That a time cannot be read, costs the time."""
_HEADER = re.compile(r"WEBVTT(?:\s|$)")
_BLOCK_OF_NO_SPEECH = re.compile(r"(?:NOTE|STYLE|REGION)\s*(?:$|\s)")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?[ \t]+([^>]*)>")
_TAG = re.compile(r"</?[a-z0-9:.][^<>]*>|\{\\[^{}]*\}", re.IGNORECASE)
_KARAOKE = re.compile(rf"<{TIME}>")
"""Times between words. With them, each caption of YouTube repeats the line of the one before."""


def is_captions(lines: list[str]) -> bool:
    """Whether lines are captions: they begin as WebVTT does, or have timing lines."""
    first = next((line for line in lines if line.strip()), "")
    return bool(_HEADER.match(first)) or any(_is_timing(line) for line in lines[:100])


def rows_of_captions(lines: list[str]) -> list[Row]:
    """The rows of captions: each line of one, and each voice in it."""
    is_rolling = any(map(_KARAOKE.search, lines))
    rows: list[Row] = []
    for row in _rows(lines):
        if not (is_rolling and rows and rows[-1].text == row.text):
            rows.append(row)
    return rows


def payload_lines(lines: list[str]) -> Iterator[tuple[int, str | None]]:
    """Indices of the lines in which somebody speaks, and the timing line of the first of each."""
    timing: str | None = None
    is_skipped = not any(_is_timing(line) for line in lines[:1])
    for index, line in enumerate(lines):
        if not line.strip():
            is_skipped = False
        elif _is_timing(line):
            timing, is_skipped = line.strip(), False
        elif _is_before_timing(lines, index):
            continue
        elif is_skipped or (_BLOCK_OF_NO_SPEECH.match(line) and _is_block_start(lines, index)):
            is_skipped = True
        elif not _HEADER.match(line):
            yield index, timing
            timing = None


def _rows(lines: list[str]) -> Iterator[Row]:
    for index, timing in payload_lines(lines):
        time = timing
        for label, text in _voices(lines[index]):
            if text.strip():
                yield Row(index + 1, text, label, time, is_line=True)
                time = None


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
