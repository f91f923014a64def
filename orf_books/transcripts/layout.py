"""A raw file as rows, whatever its form: recognised by what is in it, not by how it is named.

Belongs here: telling forms apart, and putting documents into a text of lines. Does not belong here:
the forms themselves (`csv_format.py`, `jsonl_format.py`, `json_document.py`, `cue_format.py`,
`docx_format.py`, `xlsx_format.py`), whose rows are whose (`turns.py`).
"""

from dataclasses import dataclass, field
from enum import Enum, auto

from orf_books.transcripts.csv_format import (
    Table,
    rows_of_table,
    table_in,
    table_of_speakers,
    table_without_header,
)
from orf_books.transcripts.cue_format import is_captions, rows_of_captions
from orf_books.transcripts.docx_format import DOCUMENT, text_of_docx
from orf_books.transcripts.json_document import lines_of_document
from orf_books.transcripts.jsonl_format import rows_of_lines
from orf_books.transcripts.office_package import refused, unpacked
from orf_books.transcripts.openings import opening_of
from orf_books.transcripts.problems import ErrorCode, LineWarning, UnusableTranscript
from orf_books.transcripts.raw_text import DecodedText, decode_text, is_package
from orf_books.transcripts.submission import TranscriptFormat, refuse_by_size
from orf_books.transcripts.turns import Row, physical_lines
from orf_books.transcripts.xlsx_format import WORKBOOK, text_of_xlsx


class Layout(Enum):
    """How a text is laid out."""

    LINES = auto()
    CAPTIONS = auto()
    TABLE = auto()
    RECORDS = auto()


_TABLES = (TranscriptFormat.CSV, TranscriptFormat.TSV, TranscriptFormat.XLSX)


@dataclass(frozen=True, slots=True)
class RawFile:
    """A raw file as a text of lines."""

    decoded: DecodedText = field(repr=False)
    """Of a document, what it says: as lines, CSV or an object a line."""
    layout: Layout
    table: Table | None = field(default=None, repr=False)
    """Of tables, unless none of their rows names its columns."""

    @property
    def lines(self) -> list[str]:
        """Its physical lines, with their ends."""
        return physical_lines(self.decoded.text)

    def rows(self) -> list[Row | LineWarning]:
        """What stands in it, row by row."""
        lines = self.lines
        match self.layout:
            case Layout.CAPTIONS:
                return [*rows_of_captions(lines)]
            case Layout.RECORDS:
                return rows_of_lines(lines)
            case Layout.TABLE if self.table:
                return rows_of_table(self.table, lines)
            case _:
                return [
                    Row(number, line, is_line=True)
                    for number, line in enumerate(lines, start=1)
                    if not line.isspace()
                ]


def read_raw_file(content: bytes, transcript_format: TranscriptFormat) -> RawFile:
    """Recognise the form of a raw file that is to be read.

    Args:
        content: the file.
        transcript_format: how it is named.

    Raises:
        UnusableTranscript: it is empty or too large, neither text nor a document of Word or Excel,
            or a table without columns for speakers and texts.
    """
    refuse_by_size(len(content))
    raw = recognise_raw_file(content, transcript_format)
    if not raw.decoded.text or raw.decoded.text.isspace():
        raise UnusableTranscript(ErrorCode.EMPTY_FILE, "The file is blank. Upload the transcript.")
    if raw.layout is Layout.TABLE and raw.table is None:
        raise UnusableTranscript(
            ErrorCode.MISSING_COLUMNS,
            "No row names a column for the speaker and one for the text. "
            "Name them `speaker` and `text` in the first row.",
        )
    return raw


def recognise_raw_file(content: bytes, transcript_format: TranscriptFormat) -> RawFile:
    """Recognise the form of a raw file, whether anything can be read from it or not.

    Args:
        content: the file.
        transcript_format: how it is named.

    Raises:
        UnusableTranscript: it is neither text nor a document of Word or Excel.
    """
    is_document = is_package(content)
    decoded = (
        DecodedText(_text_of_package(content), "utf-8") if is_document else decode_text(content)
    )
    text = decoded.text.lstrip()
    if text.startswith(("{", "[")) and not _is_object_a_line(text):
        records = lines_of_document(text)
        if records is not None:
            return RawFile(DecodedText(records, "utf-8"), Layout.RECORDS)
    lines = physical_lines(decoded.text)
    is_record = any(line.lstrip().startswith(("{", "[")) for line in lines)
    if text.startswith("{") or (transcript_format is TranscriptFormat.JSONL and is_record):
        return RawFile(decoded, Layout.RECORDS)
    if is_captions(lines):
        return RawFile(decoded, Layout.CAPTIONS)
    if table := table_in(lines) or table_of_speakers(lines):
        return RawFile(decoded, Layout.TABLE, table)
    has_openings = any(map(opening_of, lines))
    if transcript_format in _TABLES or not has_openings:
        table = table_without_header(lines)
        if table or (transcript_format in _TABLES and not has_openings):
            return RawFile(decoded, Layout.TABLE, table)
    return RawFile(decoded, Layout.LINES)


def _text_of_package(content: bytes) -> str:
    files = unpacked(content)
    if DOCUMENT in files:
        return text_of_docx(files)
    if WORKBOOK in files:
        return text_of_xlsx(files)
    raise refused("is neither of Word nor of Excel")


def _is_object_a_line(text: str) -> bool:
    """Whether a text looks like JSON lines; a document on a single line does not."""
    lines = [line for line in physical_lines(text) if not line.isspace()]
    return len(lines) > 1 and all(line.lstrip().startswith("{") for line in lines[:2])
