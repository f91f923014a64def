"""Where the words of an utterance stand in its raw file.

Belongs here: looking spans up in the raw file again, without the roster. Does not belong here:
reading the file (`parsing.py`).
"""

from orf_books.transcripts import csv_format, jsonl_format
from orf_books.transcripts.submission import TranscriptFormat
from orf_books.transcripts.turns import physical_lines
from orf_books.transcripts.utterance import Utterance


class SourceText:
    """A raw file in which evidence is looked up."""

    def __init__(self, content: bytes, transcript_format: str) -> None:
        self._lines = physical_lines(content.decode("utf-8-sig"))
        self._format = TranscriptFormat(transcript_format)

    def span(self, utterance: Utterance, start: int, end: int) -> str:
        """What stands in the file where code points of an utterance's text should."""
        return self._from(utterance)[start:end]

    def _from(self, utterance: Utterance) -> str:
        match self._format:
            case TranscriptFormat.TXT:
                first = utterance.line_number - 1
                last = first + utterance.text.count("\n")
                return "".join(self._lines[first : last + 1])[utterance.raw_offset :]
            case TranscriptFormat.CSV:
                return csv_format.text_of_line(self._lines, utterance.line_number)
            case TranscriptFormat.JSONL:
                return jsonl_format.text_of_line(self._lines, utterance.line_number)
