"""Transcripts as workbooks of Excel.

Belongs here: cells as text, and which sheet has the table. Does not belong here: what its columns
mean (`csv_format.py`): it is read like a table in CSV.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from orf_books.transcripts.columns import SPEAKER
from orf_books.transcripts.csv_format import table_in
from orf_books.transcripts.office_package import refused, repacked
from orf_books.transcripts.turns import physical_lines

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

WORKBOOK = "xl/workbook.xml"
MOST_CELLS = 2_000_000
"""Of a sheet, from its first to its last one: a library makes room for all of them."""
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_PLACE = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]{0,4})(\d{1,9})[\"']")
_FIRST_DAY = date(1900, 1, 1)
"""Excel's. Durations that are written as dates are of this day or before."""


def text_of_xlsx(files: Mapping[str, bytes]) -> str:
    """The sheet of an unpacked workbook that has a table of speakers and texts, as CSV.

    A row of the sheet is a row of the text; of merged cells, each row has the speaker. Without such
    a table it is the first sheet.

    Raises:
        UnusableTranscript: it is damaged, or its cells are too far apart.
    """
    # Importing it takes long.
    from python_calamine import CalamineError, load_workbook

    if any(_SHEET.fullmatch(name) and _extent(sheet) > MOST_CELLS for name, sheet in files.items()):
        raise refused("has cells too far apart")
    try:
        workbook = load_workbook(repacked(dict(files)))
        sheets = [_as_csv(workbook.get_sheet_by_name(name)) for name in workbook.sheet_names]
    except (CalamineError, OSError, ValueError, KeyError):
        raise refused("is damaged") from None
    written = (sheet for sheet in sheets if sheet.strip(", \r\n"))
    has_table = (sheet for sheet in sheets if table_in(physical_lines(sheet)))
    return next(has_table, None) or next(written, "")


def _extent(sheet: bytes) -> int:
    rows = columns = 1
    for letters, digits in _PLACE.findall(sheet):
        rows = max(rows, int(digits))
        column = 0
        for letter in letters.upper():
            column = column * 26 + letter - 64
        columns = max(columns, column)
    return rows * columns


def _as_csv(sheet: "CalamineSheet") -> str:
    rows = [[*map(_as_text, row)] for row in sheet.to_python(skip_empty_area=False)]
    table = table_in(physical_lines(_written(rows)))
    if table:
        speakers = (table.header.cells or []).index(table.columns[SPEAKER])
        for (first, left), (last, right) in sheet.merged_cell_ranges or ():
            if left <= speakers <= right:
                for row in rows[first + 1 : last + 1]:
                    row[speakers] = rows[first][left]
    return _written(rows)


def _written(rows: Iterable[Sequence[str]]) -> str:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


def _as_text(cell: object) -> str:
    match cell:
        case timedelta():
            seconds = int(cell.total_seconds())
            return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        case datetime() if cell.date() <= _FIRST_DAY:
            return cell.strftime("%H:%M:%S")
        case datetime() | time():
            return cell.isoformat(sep=" ") if isinstance(cell, datetime) else cell.isoformat()
        case float() if cell.is_integer():
            return str(int(cell))
        case _:
            return str(cell)
