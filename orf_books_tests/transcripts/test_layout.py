"""Bytes of any kind as text, and documents that mean no good."""

import io
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from orf_books.transcripts import office_package
from orf_books.transcripts.layout import Layout, read_raw_file
from orf_books.transcripts.problems import ErrorCode, UnusableTranscript
from orf_books.transcripts.raw_text import decode_text
from orf_books.transcripts.submission import TranscriptFormat
from orf_books_tests.transcripts.forms import document, package, workbook
from orf_books_tests.transcripts.sessions import read

SAID = "Emma Johnson: Caf\u00e9, let\u2019s go.\nLiam O'Brien: Sure.\n"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"],
)
def test_a_text_is_decoded_and_encoded_again(encoding: str) -> None:
    content = SAID.encode(encoding)
    decoded = decode_text(content)
    assert decoded.text == SAID
    assert decoded.encode(decoded.text) == content


def refusal(content: bytes) -> UnusableTranscript:
    with pytest.raises(UnusableTranscript) as refused:
        read_raw_file(content, TranscriptFormat.TXT)
    return refused.value


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"PK\x03\x04",
        b"\x81\x8d\x8f",
        b"\xff\xfea",
        bytes([1] * 50 + [200]),
    ],
)
def test_what_is_no_text_is_refused(content: bytes) -> None:
    assert refusal(content).code is ErrorCode.NOT_TEXT


def test_a_document_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office_package, "MAX_UNPACKED_BYTES", 1_000_000)
    bomb = package({"word/document.xml": b"<a>" + b" " * 2_000_000})
    assert "unpacks to more" in str(refusal(bomb))
    many = package({f"{number}": b" " * 1000 for number in range(1500)})
    assert "unpacks to more" in str(refusal(many))
    assert "too many parts" in str(refusal(package({f"{number}": b"" for number in range(2001)})))


def test_a_document_that_lies_about_its_size_is_refused() -> None:
    honest = package({"word/document.xml": b"<a>" + b" " * 100_000})
    packed = honest.replace((100_003).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert packed != honest
    assert refusal(packed).code is ErrorCode.NOT_TEXT


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused(encoding: str) -> None:
    xml = '<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><x>&c;</x>'.encode(encoding)
    assert "declarations" in str(refusal(package({"word/document.xml": xml})))
    assert "declarations" in str(refusal(package({"xl/workbook.xml": xml})))


def test_cells_that_are_far_apart_are_refused() -> None:
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    sheet = sheet_with(far)
    assert "too far apart" in str(refusal(workbook([["speaker", "text"]], sheet)))


def sheet_with(rows: str) -> str:
    return (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f'<row r="1"><c r="A1"><v>1</v></c></row>{rows}</sheetData></worksheet>{{rows:.0}}'
    )


def test_another_package_is_refused() -> None:
    assert "neither of Word nor of Excel" in str(refusal(package({"a.txt": b"Emma: Hi."})))


def test_documents_are_recognised_whatever_their_names() -> None:
    word = document(["Emma Johnson: Hi."])
    excel = workbook([["speaker", "text"], ["Emma Johnson", "Hi."]])
    for extension in ("docx", "xlsx", "txt", "vtt", "csv", "json"):
        for content in (word, excel):
            (said,) = read(content, extension).session.utterances
            assert said.text == "Hi."


def outcome(content: bytes) -> Layout | ErrorCode:
    try:
        return read_raw_file(content, TranscriptFormat.DOCX).layout
    except UnusableTranscript as refused:
        return refused.code


def test_a_damaged_document_is_refused_or_read() -> None:
    whole = document([f"Emma Johnson: Number {number}." for number in range(20)])
    for at in range(0, len(whole), 997):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        assert outcome(bytes(damaged)) in (Layout.LINES, ErrorCode.NOT_TEXT, ErrorCode.EMPTY_FILE)


def test_a_document_without_its_parts_is_refused() -> None:
    files = dict(office_package.unpacked(document(["Emma Johnson: Hi."])))
    for name in list(files):
        written = io.BytesIO()
        with ZipFile(written, "w", ZIP_DEFLATED) as archive:
            for other, content in files.items():
                if other != name:
                    archive.writestr(other, content)
        assert outcome(written.getvalue()) in (Layout.LINES, ErrorCode.NOT_TEXT)


def test_the_sheet_with_the_table_is_read() -> None:
    content = workbook(
        [["Lesson", 5.0], [], ["Time", "Name", "Words"], [0.5, "Emma Johnson", "Hi."]]
    )
    (said,) = read(content, "xlsx").session.utterances
    assert (said.timestamp, said.text, said.line_number) == ("12:00:00", "Hi.", 4)
