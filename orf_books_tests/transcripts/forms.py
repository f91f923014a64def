"""One session in every form in which schools have it."""

import csv
import html
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias
from zipfile import ZIP_DEFLATED, ZipFile

Line: TypeAlias = tuple[str, str]
"""Label and text."""

SECONDS = 6
"""From one turn to the next."""

SHEET = (
    '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/'
    'main"><sheetData>{rows}</sheetData></worksheet>'
)
_WORKBOOK = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default '
        'Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.'
        'xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+'
        'xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.'
        'openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http:'
        '//schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="One" '
        'sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}


def clock(number: int, mark: str = ".") -> str:
    """When a turn begins, in full."""
    seconds = 5 + number * SECONDS
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}790"


def short_clock(number: int) -> str:
    """The same in minutes and seconds."""
    seconds = 5 + number * SECONDS
    return f"{seconds // 60}:{seconds % 60:02}"


def package(files: Mapping[str, str | bytes]) -> bytes:
    """A zip archive."""
    written = io.BytesIO()
    with ZipFile(written, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


def workbook(rows: Sequence[Sequence[str | float]], sheet: str = SHEET) -> bytes:
    """A workbook of Excel with one sheet."""
    written = "".join(
        f'<row r="{number}">{"".join(map(_cell, row))}</row>'
        for number, row in enumerate(rows, start=1)
    )
    return package(_WORKBOOK | {"xl/worksheets/sheet1.xml": sheet.format(rows=written)})


def document(paragraphs: Sequence[str]) -> bytes:
    """A document of Word."""
    import docx

    made, written = docx.Document(), io.BytesIO()
    for paragraph in paragraphs:
        made.add_paragraph(paragraph)
    made.save(written)
    return written.getvalue()


def _cell(value: str | float) -> str:
    if isinstance(value, float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{html.escape(value)}</t></is></c>'


def _lines(form: str) -> Callable[[Sequence[Line]], str]:
    """A text with a line, or several, for each turn."""

    def written(lines: Sequence[Line]) -> str:
        return "".join(
            form.format(label=label, text=text, time=clock(number), short=short_clock(number))
            for number, (label, text) in enumerate(lines)
        )

    return written


def _captions(
    head: str, payload: str, mark: str = ".", timing: str = "{} --> {}"
) -> Callable[[Sequence[Line]], str]:
    def written(lines: Sequence[Line]) -> str:
        return head + "".join(
            f"{number + 1}\n{timing.format(clock(number, mark), clock(number + 1, mark))}\n"
            f"{payload.format(label=label, text=text)}\n\n"
            for number, (label, text) in enumerate(lines)
        )

    return written


def _table(
    header: Sequence[str], delimiter: str = ",", first: str = ""
) -> Callable[[Sequence[Line]], str]:
    """A table whose columns are a label, a time and a text, or a label and a text."""

    def written(lines: Sequence[Line]) -> str:
        table = io.StringIO(newline="")
        table.write(first)
        writer = csv.writer(table, delimiter=delimiter)
        writer.writerow(header)
        for number, (label, text) in enumerate(lines):
            writer.writerow([label, clock(number), text] if len(header) > 2 else [label, text])
        return table.getvalue()

    return written


def _records(lines: Sequence[Line], **names: str) -> list[dict[str, object]]:
    speaker, text = names.get("speaker", "speaker"), names.get("text", "text")
    return [
        {"start": 5.79 + number * SECONDS, speaker: label, text: f" {said}"}
        for number, (label, said) in enumerate(lines)
    ]


def _json_lines(lines: Sequence[Line]) -> str:
    return "".join(f"{json.dumps(one)}\n" for one in _records(lines))


def _whisperx(lines: Sequence[Line]) -> str:
    segments = [
        one | {"words": [{"word": word, "speaker": one["speaker"]} for word in said.split()]}
        for one, (_, said) in zip(_records(lines), lines, strict=True)
    ]
    words = [word for _, said in lines for word in said.split()]
    return json.dumps({"segments": segments, "word_segments": words, "language": "en"})


def _meet(lines: Sequence[Line]) -> str:
    people = ", ".join(dict.fromkeys(label for label, _ in lines))
    return (
        f"Science (2026-03-02 09:00 GMT-5) - Transcript\nAttendees\n{people}\nTranscript\n"
        f"00:00:00\n\n{_PLAIN(lines)}Meeting ended after 00:09:12\n"
    )


def _cut(lines: Sequence[Line]) -> str:
    """Captions of at most five words."""
    pieces = [
        (label, " ".join(text.split()[at : at + 5]))
        for label, text in lines
        for at in range(0, len(text.split()), 5)
    ]
    return _captions("WEBVTT\n\n", "{label}: {text}")(pieces)


def _excel(lines: Sequence[Line]) -> bytes:
    rows: list[list[str | float]] = [
        [5 / 86400 + number * SECONDS / 86400, label, text]
        for number, (label, text) in enumerate(lines)
    ]
    return workbook([["Lesson 5"], [], ["TimeStamp", "Speaker", "Sentence"], *rows])


def _teams_document(lines: Sequence[Line]) -> bytes:
    turns = [
        f"{label}   {short_clock(number)}\n{text}" for number, (label, text) in enumerate(lines)
    ]
    return document(
        ["Science 5-20260302-Meeting Recording", *turns, "Ms. Rivera stopped transcription"]
    )


def _word_table(lines: Sequence[Line]) -> bytes:
    import docx

    made, written = docx.Document(), io.BytesIO()
    table = made.add_table(0, 2)
    for label, text in [("Speaker", "What was said"), *lines]:
        for cell, content in zip(table.add_row().cells, (label, text), strict=True):
            cell.text = content
    made.save(written)
    return written.getvalue()


def _encoded(
    form: Callable[[Sequence[Line]], str], encoding: str
) -> Callable[[Sequence[Line]], bytes]:
    return lambda lines: form(lines).encode(encoding)


_PLAIN = _lines("{label}: {text}\n")

FORMS: Mapping[str, Callable[[Sequence[Line]], str | bytes]] = {
    "plain.txt": _PLAIN,
    "plain_crlf.txt": _lines("{label}: {text}\r\n"),
    "plain_cr.txt": _lines("{label}: {text}\r"),
    "plain_utf16.txt": _encoded(_PLAIN, "utf-16"),
    "plain_utf16be.txt": _encoded(_PLAIN, "utf-16-be"),
    "plain_utf32.txt": _encoded(_PLAIN, "utf-32"),
    "plain_cp1252.txt": _encoded(_PLAIN, "cp1252"),
    "plain_mark.txt": _encoded(_PLAIN, "utf-8-sig"),
    "bracket_time.txt": _lines("[{time}] {label}: {text}\n"),
    "time.txt": _lines("{time} {label}: {text}\n"),
    "short_time.txt": _lines("({short}) {label}: {text}\n"),
    "time_below_name.txt": _lines("{label}  {short}\n{text}\n\n"),
    "name_and_time.txt": _lines("{label} ({short})\n{text}\n\n"),
    "bracketed_name.txt": _lines("[{label}] {time}\n{text}\n\n"),
    "bracketed_label.txt": _lines("[{label}]: {text}\n"),
    "bold.md": _lines("**{short} {label}:** {text}\n\n"),
    "bold_name.md": _lines("- **{label}**: {text}\n"),
    "dash.txt": _lines("{label} - {text}\n"),
    "tab.txt": _lines("{label}\t{text}\n"),
    "alone.txt": _lines("{label}\n{text}\n\n"),
    "meet.txt": _meet,
    "zoom.vtt": _captions("WEBVTT\n\n", "{label}: {text}"),
    "teams.vtt": _captions("WEBVTT\n\n", "<v {label}>{text}</v>"),
    "cut.vtt": _cut,
    "zoom_named.txt": _captions("WEBVTT\n\n", "{label}: {text}"),
    "session.srt": _captions("", "{label}: {text}", ","),
    "speakers.srt": _captions("", "[{label}]: {text}", ","),
    "srt_named.txt": _captions("", "{label}: {text}", ","),
    "youtube.sbv": _captions("", "{label}: {text}", timing="{},{}"),
    "table.csv": _table(("speaker", "text")),
    "zoom.csv": _table(("Name", "Start time", "Transcript")),
    "semicolon.csv": _table(("Speaker Name", "Time", "Utterance"), ";", "Lesson 5\n\n"),
    "tab.tsv": _table(("SPEAKER", "timestamp", "text"), "\t"),
    "bar.csv": _table(("who", "TEXT"), "|"),
    "caret.csv": _table(("participant", "content"), "^"),
    "utf16.csv": _encoded(_table(("speaker", "text")), "utf-16"),
    "table_named.txt": _table(("speaker", "text")),
    "lines.jsonl": _json_lines,
    "whisperx.json": _whisperx,
    "list.json": lambda lines: json.dumps(_records(lines, speaker="speakerName"), indent=1),
    "deepgram.json": lambda lines: json.dumps(
        {"results": {"utterances": _records(lines, text="transcript")}}
    ),
    "teams.docx": _teams_document,
    "lines.docx": lambda lines: document([f"{label}: {text}" for label, text in lines]),
    "table.docx": _word_table,
    "lesson.xlsx": _excel,
    "table.xlsx": lambda lines: workbook([("speaker", "text"), *lines]),
}
"""By file name, how a session is written."""


def write_form(name: str, lines: Sequence[Line]) -> bytes:
    """A session in one of `FORMS`."""
    written = FORMS[name](lines)
    return written if isinstance(written, bytes) else written.encode()
