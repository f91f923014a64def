"""The table in an export's text: its header, and its rows of cells.

Belongs here: cells and quotation marks, rows that a spreadsheet quoted as a whole or shortened, a
title above the header. Does not belong here: what columns mean, and what a refused file is told.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Self

LINES_ABOVE_HEADER = 10
"""How far down a header is looked for."""
_ROWS_OF_ONE_WIDTH = 3
"""This many rows of the same width were shortened by a program, not by damage."""


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the file."""

    number: int
    """As a spreadsheet counts them: the first line is row 1."""
    cells: list[str] | None
    """None where the quotation marks of the row contradict each other."""
    is_cut: bool = False
    """Whether the file ends within the row."""


@dataclass(frozen=True, slots=True)
class Table:
    """A header and what stands below it."""

    header: tuple[str, ...]
    """As the file has it, without spaces around the names."""
    rows: list[Record]
    is_padded: bool
    """Whether spaces align the columns."""


def column_name(cell: str) -> str:
    """A header's cell as names are compared: `My Rating` and `my_rating` are `my rating`."""
    return " ".join(cell.casefold().replace("_", " ").split())


def read_table(
    text: str, is_header: Callable[[frozenset[str]], bool], most_rows: int
) -> Table | None:
    """The table below the first record that is a header; None if none of the first records is.

    Of more rows than `most_rows`, it has one row more than that.
    """
    below = records(text)
    for record in islice(below, LINES_ABOVE_HEADER):
        written = _without_blank_end(record.cells or [])
        cells = _unwrapped(written)
        if is_header(frozenset(map(column_name, cells))):
            # Of exports put one after the other, the second brings its header along.
            books = (row for row in below if row.cells != record.cells)
            rows = list(islice(books, most_rows + 1))
            is_wrapped = cells is not written
            if is_wrapped and not any(fit(row, len(cells)) for row in rows):
                return None
            is_padded = sum(cell != cell.strip() for cell in cells) > len(cells) // 2
            return Table(tuple(map(str.strip, cells)), rows, is_padded=is_padded)
    return None


def fit(record: Record, width: int) -> list[str] | None:
    """The cells of a row, as many as the header has; None where the row has fewer or more.

    A row that was quoted as a whole is read again, and blank cells beyond the header are dropped.
    """
    cells = record.cells or []
    bare = _without_blank_end(cells)
    if len(cells) > width:
        cells = [*bare, *[""] * (width - len(bare))]
    unwrapped = _unwrapped(bare)
    return next((found for found in (unwrapped, cells) if len(found) == width), None)


def shortened(
    rows: Sequence[Record], whole: Sequence[Sequence[str]], unused: Sequence[bool]
) -> set[int]:
    """The widths of rows whose blank last cells a program dropped.

    Rows count as such if the missing columns are empty in every whole row or are not used, or if
    several rows have the same width.

    Args:
        rows: all rows.
        whole: the cells of the rows that are as wide as the header.
        unused: for each column, whether it is not used.
    """
    width = len(unused)
    widths = Counter(len(row.cells) for row in rows if row.cells and not row.is_cut)
    filled = [
        not unused[column] and any(cells[column].strip() for cells in whole)
        for column in range(width)
    ]
    return {
        short
        for short, times in widths.items()
        if short < width
        and (times >= _ROWS_OF_ONE_WIDTH or (bool(whole) and not any(filled[short:])))
    }


def records(text: str) -> Iterator[Record]:
    """The rows that are not blank."""
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True)
    for number in count(1):
        first_line = lines.position
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            if lines.ran_out:
                yield Record(number, [], is_cut=True)  # The end cut a cell: trust none of them.
                return
            # A quotation mark that was never closed has taken the next rows with it: free them.
            lines.go_back_to(first_line + 1)
            yield Record(number, None)
        else:
            if any(map(str.strip, cells)):
                yield Record(number, cells, is_cut=lines.is_last_without_end)


_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")


class _Lines:
    """The lines of a text, for a reader that may have to go back to one of them."""

    _most_read_again = 10_000  # A file made to be read again and again must not cost minutes.

    def __init__(self, text: str) -> None:
        self._lines: list[str] = _LINE.findall(text)
        self._read_again = 0
        self.position = 0
        self.ran_out = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        if self.position == len(self._lines):
            self.ran_out = True
            raise StopIteration
        self.position += 1
        return self._lines[self.position - 1]

    @property
    def is_last_without_end(self) -> bool:
        """Whether the last line was read and has no line end."""
        return self.position == len(self._lines) and not self._lines[-1].endswith(("\n", "\r"))

    def go_back_to(self, position: int) -> None:
        """Read from this line on again, unless too much was read again already."""
        self._read_again += self.position - position
        if self._read_again <= self._most_read_again:
            self.position = position


def _unwrapped(cells: list[str]) -> list[str]:
    """The cells within the only one, where a row was quoted as a whole; else the cells."""
    if len(cells) != 1:
        return cells
    try:
        inner = list(csv.reader(io.StringIO(cells[0], newline=""), strict=True))
    except csv.Error:
        return cells
    return inner[0] if len(inner) == 1 and len(inner[0]) > 1 else cells


def _without_blank_end(cells: list[str]) -> list[str]:
    """The cells without blank ones at the end."""
    end = len(cells)
    while end and not cells[end - 1].strip():
        end -= 1
    return cells[:end]
