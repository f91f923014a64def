"""A raw file as text, however it is encoded or packed.

Belongs here: encodings, telling text from other files. Does not belong here: how a text is laid out
as a transcript (`layout.py`), what is in a package (`docx_format.py`, `xlsx_format.py`).
"""

import codecs
from dataclasses import dataclass, field

from orf_books.transcripts.problems import ErrorCode, UnusableTranscript

_MARKS = (
    # The longer first: one is the start of another.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_RICH_TEXT = b"{\\rtf"
_PACKAGE = b"PK\x03\x04"
_SAMPLE = 4096
"""Bytes that tell the encoding of a file without a mark."""
_LARGEST_CONTROL_SHARE = 0.05
_LEAST_WIDE_SHARE = 0.3
"""Of every second byte; in UTF-16, most of what is written in Latin letters has a zero there."""


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A text, and how it came out of its bytes."""

    text: str = field(repr=False)
    """Without a byte order mark."""
    encoding: str
    mark: bytes = b""

    def encode(self, text: str) -> bytes:
        """Another text as the same kind of bytes."""
        return self.mark + text.encode(self.encoding)


def is_package(content: bytes) -> bool:
    """Whether a file is a package of files, as Word and Excel write them."""
    return content.startswith(_PACKAGE)


def decode_text(content: bytes) -> DecodedText:
    """A text of UTF-8, UTF-16, UTF-32, Windows-1252, or Mac Roman with its line ends.

    Raises:
        UnusableTranscript: it is none of these.
    """
    if content.startswith(_RICH_TEXT):
        raise UnusableTranscript(
            ErrorCode.NOT_TEXT,
            "It is Rich Text (RTF). Save the transcript as a document of Word (.docx) or as text.",
        )
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content, encoding, mark)
    if (wide := _wide_encoding(content)) is not None:
        return _decoded(content, wide)
    try:
        return DecodedText(content.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        is_of_old_mac = b"\r" in content and b"\n" not in content
        return _decoded(content, "mac_roman" if is_of_old_mac else "cp1252")


def _wide_encoding(content: bytes) -> str | None:
    sample = content[:_SAMPLE]
    half = len(sample) // 2
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = sample[start::2].count(0), sample[1 - start :: 2].count(0)
        if half and zeros > _LEAST_WIDE_SHARE * half and others == 0:
            return encoding
    return None


def _decoded(content: bytes, encoding: str, mark: bytes = b"") -> DecodedText:
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _no_text(f"From line {line} on, it is") from None
    if encoding != "utf-8" and _is_binary(text):
        raise _no_text("It is")
    return DecodedText(text, encoding, mark)


def _is_binary(text: str) -> bool:
    controls = sum(character < " " and not character.isspace() for character in text)
    return controls > _LARGEST_CONTROL_SHARE * len(text)


def _no_text(what: str) -> UnusableTranscript:
    return UnusableTranscript(
        ErrorCode.NOT_TEXT,
        f"{what} not text in UTF-8, UTF-16 or Windows-1252. Save the transcript as text in UTF-8.",
    )
