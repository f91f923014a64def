"""Where the words of an utterance stand in its raw file.

Belongs here: looking spans up in the raw file again, without the roster. Does not belong here:
reading the file (`parsing.py`).
"""

from orf_books.transcripts.layout import read_raw_file
from orf_books.transcripts.spoken import spoken_text
from orf_books.transcripts.submission import TranscriptFormat
from orf_books.transcripts.turns import Row
from orf_books.transcripts.utterance import Utterance


class SourceText:
    """A raw file in which evidence is looked up."""

    def __init__(self, content: bytes, transcript_format: str) -> None:
        rows = read_raw_file(content, TranscriptFormat(transcript_format)).rows()
        self._texts = [row.text for row in rows if isinstance(row, Row)]

    def span(self, utterance: Utterance, start: int, end: int) -> str:
        """What stands in the file where code points of an utterance's text should."""
        return self._text_of(utterance)[start:end]

    def _text_of(self, utterance: Utterance) -> str:
        return spoken_text(
            self._texts[piece.row][piece.start : piece.end]
            for piece in utterance.pieces
            if piece.row < len(self._texts)
        )
