"""One session as further meeting tools, editors and speech recognisers write it.

Speech recognisers number speakers; `NUMBERED` says how, and an alias links each to somebody.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from orf_books_tests.transcripts.forms import (
    SECONDS,
    SHEET,
    Line,
    clock,
    document,
    short_clock,
    workbook,
)

Written: TypeAlias = str | bytes
Form: TypeAlias = Callable[[Sequence[Line]], Written]

MARKS = ".,?!"


def at(number: int) -> float:
    """When a turn begins, in seconds."""
    return 5.79 + number * SECONDS


def short(number: int) -> str:
    """When a turn begins, as `HH:MM:SS`."""
    return clock(number)[:8]


def _lines(form: str, first: str = "", last: str = "") -> Form:
    def written(lines: Sequence[Line]) -> str:
        turns = (
            form.format(
                label=label,
                upper=label.upper(),
                text=text,
                begun=" ".join(text.split()[:3]),
                rest=" ".join(text.split()[3:]),
                time=clock(number),
                next=clock(number + 1),
                short=short_clock(number),
                long=short(number),
                seconds=at(number),
                end=at(number + 1),
                minute=10 + number,
                second=5 + number * SECONDS,
                number=number + 1,
            )
            for number, (label, text) in enumerate(lines)
        )
        return f"{first}{''.join(turns)}{last}"

    return written


def _captions(payload: str, number: str = "{number}", first: str = "WEBVTT\n\n") -> Form:
    return _lines(f"{number}\n{{time}} --> {{next}}\n{payload}\n\n", first)


def _table(header: Sequence[str], first: str = "", delimiter: str = ",") -> Form:
    """A table of times, labels and texts, or without times; without a header if that is empty."""

    def written(lines: Sequence[Line]) -> str:
        table = io.StringIO(newline="")
        table.write(first)
        writer = csv.writer(table, delimiter=delimiter)
        writer.writerows([header] if header else [])
        for number, (label, text) in enumerate(lines):
            writer.writerow([clock(number), label, text][len(header) == 2 :])
        return table.getvalue()

    return written


def _first_and_last_names(lines: Sequence[Line]) -> str:
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["Last Name", "First Name", "Start (ms)", "Text (edited)"])
    for number, (label, text) in enumerate(lines):
        first, _, last = label.partition(" ")
        writer.writerow([last, first, int(at(number) * 1000), text])
    return table.getvalue()


def _by_speaker(lines: Sequence[Line]) -> str:
    """A column for what each of them says."""
    table, labels = io.StringIO(newline=""), list(dict.fromkeys(label for label, _ in lines))
    writer = csv.writer(table)
    writer.writerow(["Time", *labels])
    for number, (label, text) in enumerate(lines):
        writer.writerow([clock(number), *(text if one == label else "" for one in labels)])
    return table.getvalue()


def _merged_speakers(lines: Sequence[Line]) -> bytes:
    """Without times: only the workbook says that two rows are of one speaker."""
    rows: list[list[str | float]] = [["Speaker", "Text"]]
    for label, text in lines:
        words = text.split()
        rows += [[label, " ".join(words[:2])], ["", " ".join(words[2:])]]
    merged = "".join(f'<mergeCell ref="A{row}:A{row + 1}"/>' for row in range(2, len(rows), 2))
    sheet = SHEET.replace("</worksheet>", f"<mergeCells>{merged}</mergeCells></worksheet>")
    return workbook(rows, sheet)


def _merged_cells(lines: Sequence[Line]) -> bytes:
    rows: list[list[str | float]] = [["Lesson 5", "", ""], ["Speaker", "Time", "Text"]]
    for number, (label, text) in enumerate(lines):
        words = text.split()
        rows += [[label, clock(number), " ".join(words[:2])], ["", "", " ".join(words[2:])]]
    return workbook(rows)


def _cut(lines: Sequence[Line], prefix: str = "") -> Iterator[str]:
    """Captions of five words, with a label where a turn begins."""
    for label, text in lines:
        words = text.split()
        for start in range(0, len(words), 5):
            said = " ".join(words[start : start + 5])
            yield said if start else f"{prefix}{label}: {said}"


def _rolling(lines: Sequence[Line]) -> str:
    """Two lines at a time, as YouTube's captions are when they were converted."""
    captions = list(_cut(lines))
    shown = [
        captions[:1],
        *map(list, pairwise(captions)),
    ]
    return "".join(
        f"{number}\n00:{number // 60:02}:{number % 60:02},000 --> 00:59:59,000\n"
        + "\n".join(caption)
        + "\n\n"
        for number, caption in enumerate(shown)
    )


def _rolling_word_by_word(lines: Sequence[Line]) -> str:
    """As YouTube writes them: each line with times between words, alone for a moment, and again."""
    written, before = "WEBVTT\nKind: captions\nLanguage: en\n\n", " "
    for number, said in enumerate(_cut(lines, "&gt;&gt; ")):
        time = f"00:{number // 60:02}:{number % 60:02}"
        first, *words = said.split(" ")
        timed = first + "".join(
            f"<{time}.{place:03}><c> {word}</c>" for place, word in enumerate(words)
        )
        written += f"{time}.000 --> {time}.900 align:start position:0%\n{before}\n{timed}\n\n"
        written += f"{time}.900 --> {time}.910 align:start position:0%\n{said}\n \n\n"
        before = said
    return written


def _growing(payload: str) -> Form:
    """Live captions: the text of a turn again and again, each time with three more words."""

    def written(lines: Sequence[Line]) -> str:
        shown = [
            payload.format(label=label, text=" ".join(text.split()[:count]))
            for label, text in lines
            for count in range(3, len(text.split()) + 3, 3)
        ]
        return "WEBVTT\n\n" + "".join(
            f"00:{number // 60:02}:{number % 60:02}.000 --> 00:59:59.000\n{caption}\n\n"
            for number, caption in enumerate(shown)
        )

    return written


def _json(make: Callable[[Sequence[Line]], object]) -> Form:
    return lambda lines: json.dumps(make(lines))


def _number(label: str) -> int | None:
    """`Speaker 2` as 2; None of others."""
    last = label.rpartition(" ")[2]
    return int(last) if last.isdecimal() else None


def _speaker(label: str) -> Any:  # noqa: ANN401 - a number or a name
    number = _number(label)
    return label if number is None else number


def _words(lines: Sequence[Line], **names: str) -> list[dict[str, Any]]:
    """A record for each word."""
    word, time, speaker = names["word"], names["time"], names["speaker"]
    return [
        {word: said, time: at(number) + place / 10, speaker: _speaker(label)}
        for number, (label, text) in enumerate(lines)
        for place, said in enumerate(text.split())
    ]


def _with_marks_apart(text: str) -> Iterator[tuple[str, bool]]:
    """Words, and marks of punctuation behind them."""
    for said in text.split():
        bare = said.rstrip(MARKS)
        yield bare, False
        yield from ((mark, True) for mark in said[len(bare) :])


def _amazon(lines: Sequence[Line]) -> object:
    items = [
        {"alternatives": [{"confidence": "0.9", "content": said}], "speaker_label": label}
        | ({"type": "punctuation"} if is_mark else {"start_time": str(at(number))})
        for number, (label, text) in enumerate(lines)
        for said, is_mark in _with_marks_apart(text)
    ]
    whole = " ".join(text for _, text in lines)
    return {
        "jobName": "lesson",
        "results": {"transcripts": [{"transcript": whole}], "items": items},
    }


def _speechmatics(lines: Sequence[Line]) -> object:
    results = [
        {
            "type": "punctuation" if is_mark else "word",
            "start_time": at(number),
            "alternatives": [{"content": said, "speaker": label}, {"content": "other"}],
        }
        for number, (label, text) in enumerate(lines)
        for said, is_mark in _with_marks_apart(text)
    ]
    return {"format": "2.9", "metadata": {"type": "transcription"}, "results": results}


def _rev(lines: Sequence[Line]) -> object:
    def elements(number: int, text: str) -> Iterator[dict[str, object]]:
        for place, said in enumerate(text.split()):
            if place:
                yield {"type": "punct", "value": " "}
            bare = said.rstrip(MARKS)
            yield {"type": "text", "value": bare, "ts": at(number) + place / 10}
            if bare != said:
                yield {"type": "punct", "value": said[len(bare) :]}

    return {
        "monologues": [
            {"speaker": _speaker(label), "elements": list(elements(number, text))}
            for number, (label, text) in enumerate(lines)
        ]
    }


def _google(lines: Sequence[Line]) -> object:
    words = _words(lines, word="word", time="startTime", speaker="speakerTag")
    words = [word | {"startTime": f"{word['startTime']}s"} for word in words]
    untagged = [{"word": word["word"], "startTime": word["startTime"]} for word in words]
    whole = " ".join(text for _, text in lines)
    first = {"transcript": whole, "words": untagged}
    return {"results": [{"alternatives": [first]}, {"alternatives": [{"words": words}]}]}


def _deepgram(lines: Sequence[Line]) -> object:
    paragraphs = [
        {
            "speaker": _speaker(label),
            "start": at(number),
            "sentences": [{"text": text, "start": at(number), "end": at(number + 1)}],
        }
        for number, (label, text) in enumerate(lines)
    ]
    best = {"transcript": "all", "paragraphs": {"transcript": "all", "paragraphs": paragraphs}}
    return {"metadata": {}, "results": {"channels": [{"alternatives": [best]}]}}


def _assembly(lines: Sequence[Line]) -> object:
    utterances = [
        {"speaker": label, "text": text, "start": int(at(number) * 1000), "words": []}
        for number, (label, text) in enumerate(lines)
    ]
    words = _words(lines, word="text", time="start", speaker="speaker")
    return {"text": "all", "words": words, "utterances": utterances}


def _azure(lines: Sequence[Line]) -> object:
    whole = " ".join(text for _, text in lines)
    return {
        "combinedRecognizedPhrases": [{"channel": 0, "display": whole}],
        "recognizedPhrases": [
            {
                "channel": 0,
                "speaker": _speaker(label),
                "offset": f"PT{at(number)}S",
                "nBest": [{"lexical": text.lower(), "display": text}, {"display": "other"}],
            }
            for number, (label, text) in enumerate(lines)
        ],
    }


def _azure_fast(lines: Sequence[Line]) -> object:
    phrases = [
        {"speaker": _speaker(label), "offsetMilliseconds": int(at(number) * 1000), "text": text}
        for number, (label, text) in enumerate(lines)
    ]
    return {"combinedPhrases": [{"text": "all"}], "phrases": phrases}


def _eleven(lines: Sequence[Line]) -> object:
    words: list[dict[str, object]] = []
    for word in _words(lines, word="text", time="start", speaker="speaker_id"):
        words += (
            [{"type": "spacing", "text": " ", "speaker_id": word["speaker_id"]}] if words else []
        )
        words.append({"type": "word"} | word)
    return {"language_code": "en", "text": "all", "words": words}


def _zoom_timeline(lines: Sequence[Line]) -> object:
    return {
        "timeline": [
            {"ts": clock(number), "text": text, "users": [{"username": label, "user_id": "1"}]}
            for number, (label, text) in enumerate(lines)
        ]
    }


def _by_column(lines: Sequence[Line]) -> object:
    return {
        "speaker": {number: label for number, (label, _) in enumerate(lines)},
        "text": {number: text for number, (_, text) in enumerate(lines)},
        "start": {number: at(number) for number in range(len(lines))},
    }


def _by_number(lines: Sequence[Line]) -> object:
    return {
        number: {"speaker": label, "text": text, "start": at(number)}
        for number, (label, text) in enumerate(lines)
    }


def _accessible_document(lines: Sequence[Line]) -> bytes:
    turns = (
        (f"{label}   0 minutes {5 + number * SECONDS} seconds", text)
        for number, (label, text) in enumerate(lines)
    )
    first = "March 2, 2026, 2:15PM"
    return document([first, *(line for turn in turns for line in turn)])


TOOL_FORMS: Mapping[str, Form] = {
    "webex.vtt": _captions("{text}", '{number} "{label}" (20319{number})'),
    "webex_plain.vtt": _captions("{text}", "{number} {label}"),
    "webex.txt": _lines("from {label} to everyone:    9:{minute} AM\n{text}\n"),
    "zoom_chat.txt": _lines("09:{minute}:33 From {label} to Everyone:\n\t{text}\n"),
    "zoom_chat_old.txt": _lines("09:{minute}:33\t From  {label} : {text}\n"),
    "zoom_chat_direct.txt": _lines(
        "09:{minute}:33 From {label} to Me(Direct Message):\n\t{text}\n"
    ),
    "zoom_timeline.json": _json(_zoom_timeline),
    "teams_parts.vtt": _captions(
        "<v {label}>{begun}</v>\n\n8f1c2f4e-6c6a/{number}-1\n"
        "{time} --> {next}\n<v {label}>{rest}</v>",
        "8f1c2f4e-6c6a/{number}-0",
    ),
    "teams_lines.vtt": _captions("<v {label}>{begun}\n{rest}</v>"),
    "teams_accessible.docx": _accessible_document,
    "stream.vtt": _captions("{label}: {text}", "NOTE Confidence: 0.87\n\n{number}"),
    "growing.vtt": _growing("<v {label}>{text}</v>"),
    "growing_text.vtt": _growing("{label}: {text}"),
    "rolling.srt": _rolling,
    "rolling_words.vtt": _rolling_word_by_word,
    "round_brackets.srt": _captions("({label}) {text}", first=""),
    "rev.txt": _lines("{label}: ({short})\n{text}\n\n"),
    "fireflies.txt": _lines("{short} - {label}\n{text}\n\n", "Science 5\nMon, Mar 2, 2026\n\n"),
    "otter.txt": _lines("{label}  {short}  \n{text}\n\n", last="Transcribed by https://otter.ai\n"),
    "sonix.txt": _lines("{label}: [{long}] {text}\n\n", "Lesson 5.mp3\n\n"),
    "trint.txt": _lines("[{long}]\t{label}\t{text}\n"),
    "descript.md": _lines("[{long}] **{label}:** {begun} [{long}] {rest}\n\n", "# Lesson 5\n\n"),
    "heading.md": _lines("## {label} ({short})\n\n{text}\n\n"),
    "quote.md": _lines("> **{label}** ({short}): {text}\n>\n"),
    "script.txt": _lines("{upper}\n    {text}\n\n"),
    "tags.md": _lines("<b>{label}</b>: {text}<br>\n"),
    "numbered.txt": _lines("{number}. {label}: {text}\n"),
    "numbered_lines.txt": _lines("{number:>3}  {label}: {text}\n"),
    "date.txt": _lines("2026-03-02 09:{minute}:05 {label}: {text}\n"),
    "bracketed_date.txt": _lines("[02/03/2026, 09:{minute}:05] {label}: {text}\n"),
    "date_and_dash.txt": _lines("3/2/26, 9:{minute} AM - {label}: {text}\n"),
    "seconds.txt": _lines("[{seconds:.3f} --> {end:.3f}] {label}: {text}\n"),
    "bare_seconds.txt": _lines("{seconds:.2f} {end:.2f} {label}: {text}\n"),
    "two_times.txt": _lines("{label} {time} {next} {text}\n"),
    "at_time.txt": _lines("{label} at {short}: {text}\n"),
    "units.txt": _lines("{label} [0h 0m {second}s]\n{text}\n\n"),
    "semicolon.txt": _lines("{label}; {text}\n"),
    "no_header.csv": _table(()),
    "long_header.csv": _table(("Start Time (s)", "Speaker (name)", "Transcript (auto)")),
    "mark_and_title.csv": _table(
        ("In", "Speaker", "Text"), "\ufeffLesson 5;;\r\nSpoken;;Said\r\n", ";"
    ),
    "two_names.csv": _first_and_last_names,
    "merged.xlsx": _merged_cells,
    "merged_speakers.xlsx": _merged_speakers,
    "by_speaker.csv": _by_speaker,
    "arrow.txt": _lines("{label} -> {text}\n"),
    "wide_gap.txt": _lines("{label}   {text}\n"),
    "direction.txt": _lines("\u2068{label}\u2069: {text}\n"),
    "manner.txt": _lines("{label} (quietly): {text}\n"),
    "by_column.json": _json(_by_column),
    "by_number.json": _json(_by_number),
}
"""By file name, how a session is written with names."""

NUMBERED: Mapping[str, tuple[str, Form]] = {
    "numbers.txt": ("{}", _lines("{label}: {text}\n")),
    "timed_numbers.txt": ("{}", _lines("[{long}] {label}: {text}\n")),
    "numbers.vtt": ("{}", _captions("{label}: {text}")),
    "otter_numbers.txt": ("Speaker {}", _lines("{label}  {short}  \n{text}\n\n")),
    "amazon.json": ("spk_{}", _json(_amazon)),
    "assembly.json": ("{letter}", _json(_assembly)),
    "azure.json": ("Speaker {}", _json(_azure)),
    "azure_fast.json": ("Speaker {}", _json(_azure_fast)),
    "deepgram.json": ("Speaker {}", _json(_deepgram)),
    "eleven.json": ("speaker_{}", _json(_eleven)),
    "google.json": ("Speaker {}", _json(_google)),
    "rev.json": ("Speaker {}", _json(_rev)),
    "speechmatics.json": ("S{}", _json(_speechmatics)),
}
"""By file name, how speakers are numbered and a session is written."""
