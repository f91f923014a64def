"""Transcripts as tables: columns for the speaker and the text, under any of their usual names.

Optional are a time, `student_id` and `speaker_role`; all else is left out. Cells may be divided by
anything, and are quoted as in RFC 4180. Lines before the header are skipped.

Belongs here: rows and cells. Does not belong here: what columns are called (`columns.py`), what
becomes of rows (`turns.py`).
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orf_books.transcripts.columns import SPEAKER, TEXT, TIMESTAMP, columns_of, row_of_record
from orf_books.transcripts.problems import LineWarning, WarningCode
from orf_books.transcripts.speaker_labels import looks_like_speaker
from orf_books.transcripts.timestamps import read_timestamp
from orf_books.transcripts.turns import Row

_LONGEST_RECORD = 200
"""Physical lines. A quotation mark that is never closed must not swallow the rest of the file."""
_LATEST_HEADER = 20
"""Physical lines: a title, a date and the like may stand before it."""
_DELIMITERS = ",;\t|"
_WIDEST_FRACTION = 1.0
_LEAST_SHARE = 0.9
"""Of the rows of a table without a header: so many tell by their cells which column is which."""
_LEAST_ROWS = 3


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row that is not blank."""

    line: int
    """Its first physical line, from 1."""
    end: int
    """Its last one."""
    cells: list[str] | None = field(repr=False)
    """None where its quotation marks contradict each other."""


@dataclass(frozen=True, slots=True)
class Table:
    """Where the header of a table stands, and what it says or would say."""

    header: TableRow
    """Before the first line where the table has none."""
    delimiter: str
    columns: Mapping[str, str] = field(repr=False)
    """By our name of a field, how the header calls it."""
    speakers: Sequence[str] = field(default=(), repr=False)
    """Of a table with a column for what each of them says."""

    def rows(self, lines: list[str]) -> Iterator[TableRow]:
        """The rows below the header, or all."""
        return table_rows(lines, self.delimiter, self.header.end)

    def row_of(self, row: TableRow) -> Row | LineWarning:
        """What a row of the table says, or why it says nothing."""
        names = self.header.cells or []
        if row.cells is None:
            return LineWarning(row.line, WarningCode.MALFORMED_ROW)
        if len(row.cells) < len(names):
            return LineWarning(row.line, WarningCode.SHORT_ROW)
        if len(row.cells) > len(names):
            return LineWarning(row.line, WarningCode.LONG_ROW)
        # Of columns of the same name the first counts.
        record = dict(zip(reversed(names), reversed(row.cells), strict=True))
        if self.speakers:
            heard = [name for name in self.speakers if record[name].strip()]
            # Of several who speak in a row, nobody knows who begins.
            said = " ".join(record[name] for name in heard)
            record |= {SPEAKER: " and ".join(heard), TEXT: said}
        return row_of_record(row.line, record, self.columns)


def table_in(lines: list[str]) -> Table | None:
    """The table whose header is among the first lines."""
    for at, line in enumerate(lines[:_LATEST_HEADER]):
        others = {one for one in line.strip() if not (one.isalnum() or one in " _\"'")}
        for delimiter in [*_DELIMITERS, *sorted(others - set(_DELIMITERS))]:
            header = next(table_rows(lines[: at + _LONGEST_RECORD], delimiter, at), None)
            if header is None or header.line != at + 1 or not header.cells:
                continue
            columns = columns_of(header.cells)
            if SPEAKER in columns and TEXT in columns and columns[SPEAKER] != columns[TEXT]:
                return Table(header, delimiter, columns)
    return None


def table_of_speakers(lines: list[str]) -> Table | None:
    """The table that has a column for each speaker, or for each kind: `Time,Teacher,Students`."""
    for at in range(min(len(lines), _LATEST_HEADER)):
        for delimiter in _DELIMITERS:
            first_lines = lines[: at + _LONGEST_RECORD]
            header = next(table_rows(first_lines, delimiter, at), None)
            table = _table_of_speakers(header, delimiter) if header else None
            if table and _one_speaks_in_each(table.rows(first_lines), table):
                return table
    return None


def _table_of_speakers(header: TableRow, delimiter: str) -> Table | None:
    names = header.cells or []
    columns = {field: name for field, name in columns_of(names).items() if field != SPEAKER}
    speakers = tuple(
        name
        for name in dict.fromkeys(names)
        if name not in columns.values() and looks_like_speaker(name)
    )
    is_by_speaker = len(speakers) > 1 and TEXT not in columns
    return Table(header, delimiter, columns, speakers) if is_by_speaker else None


def _one_speaks_in_each(rows: Iterator[TableRow], table: Table) -> bool:
    heard = [table.row_of(row) for row in rows]
    by_one = [isinstance(row, Row) and row.label in table.speakers for row in heard]
    return sum(by_one) >= max(_LEAST_ROWS, _LEAST_SHARE * len(heard))


def table_without_header(lines: list[str]) -> Table | None:
    """The table that lines are by themselves: a column of names, and one of what they say.

    The first lines decide.
    """
    for delimiter in _DELIMITERS:
        rows = [row.cells or [] for row in table_rows(lines[:_LONGEST_RECORD], delimiter)]
        width = max(map(len, rows), default=0)
        whole = [cells for cells in rows if len(cells) == width]
        if width > 1 and len(whole) >= max(_LEAST_ROWS, _LEAST_SHARE * len(rows)):
            columns = list(zip(*whole, strict=True))
            texts = max(range(width), key=lambda at: sum(map(len, columns[at])))
            speakers = next((at for at in range(width) if _are_labels(columns[at])), texts)
            if speakers != texts:
                others = (at for at in range(width) if at not in (speakers, texts))
                times = next((at for at in others if _mostly(read_timestamp, columns[at])), None)
                known = {SPEAKER: str(speakers), TEXT: str(texts)}
                known |= {} if times is None else {TIMESTAMP: str(times)}
                return Table(TableRow(0, 0, list(map(str, range(width)))), delimiter, known)
    return None


def _are_labels(cells: Sequence[str]) -> bool:
    """Whether a column holds names, some of them again and again."""
    return len(set(cells)) < len(cells) and _mostly(looks_like_speaker, cells)


def _mostly(is_so: Callable[[str], object], cells: Sequence[str]) -> bool:
    return sum(bool(is_so(cell)) for cell in cells) >= _LEAST_SHARE * len(cells)


def rows_of_table(table: Table, lines: list[str]) -> list[Row | LineWarning]:
    """What the rows of a table say."""
    rows = _with_readable_times([table.row_of(row) for row in table.rows(lines)])
    return _with_merged_cells(rows) if TIMESTAMP in table.columns else rows


def table_rows(lines: list[str], delimiter: str = ",", at: int = 0) -> Iterator[TableRow]:
    """The rows from the physical line with this index on."""
    while at < len(lines):
        reader = csv.reader(lines[at : at + _LONGEST_RECORD], strict=True, delimiter=delimiter)
        line = at + 1
        try:
            cells = next(reader)
        except csv.Error:
            at += 1  # The quotation mark may have taken in the next rows: free them.
            yield TableRow(line, line, None)
        else:
            at += reader.line_num
            if any(map(str.strip, cells)):
                yield TableRow(line, at, cells)


def _with_readable_times(rows: Sequence[Row | LineWarning]) -> list[Row | LineWarning]:
    """Rows with times in seconds where a spreadsheet gave all of them as fractions of a day."""
    times = [row.timestamp for row in rows if isinstance(row, Row) and row.timestamp]
    try:
        fractions = [float(time) for time in times]
    except ValueError:
        return list(rows)
    if not fractions or not 0 < max(fractions) < _WIDEST_FRACTION or min(fractions) < 0:
        return list(rows)
    return [
        replace(row, timestamp=str(round(float(row.timestamp) * 24 * 3600, 3)))
        if isinstance(row, Row) and row.timestamp
        else row
        for row in rows
    ]


def _with_merged_cells(rows: Sequence[Row | LineWarning]) -> list[Row | LineWarning]:
    """Rows that go on with the one before where its cells for speaker and time were merged.

    That is so where every row without a speaker has no time either, and every other row has one.
    Elsewhere nobody knows who speaks in such a row.
    """
    said = [row for row in rows if isinstance(row, Row)]
    if any((row.label is None) is not (row.timestamp is None) for row in said):
        return list(rows)
    merged: list[Row | LineWarning] = []
    first: Row | None = None
    for row in rows:
        if isinstance(row, Row) and row.label is not None:
            first = row
        if isinstance(row, Row) and row.label is None and first:
            merged.append(replace(first, line=row.line, text=row.text))
        else:
            merged.append(row)
    return merged
