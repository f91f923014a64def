import json
from collections.abc import Callable
from dataclasses import asdict

import pytest

from orf_books.failures import FixInput
from orf_books.transcripts.normalised import manifest_of, read_normalised, write_normalised
from orf_books_tests.transcripts.sessions import DAY, EMMA, FORMATS, LIAM, read, write

LINES = [
    ("Emma Johnson", 'She said: "It\u2019s 3:1,\u2028isn\'t it?" \U0001f600'),
    ("Liam O'Brien", "Sí, creo que tenemos que hacerlo de otra manera."),
    ("Zora Quill", "My secret."),
    ("Student Q", "Can we do the other half after lunch?"),
    ("Ms. Rivera", "Good, then let us look at the next page together."),
]


@pytest.mark.parametrize("transcript_format", FORMATS)
def test_a_session_is_read_as_it_was_written(transcript_format: str) -> None:
    session = read(write(LINES, transcript_format), transcript_format)
    document = write_normalised(session)
    assert read_normalised(document) == session
    assert write_normalised(read_normalised(document)) == document


def test_each_line_is_an_utterance_below_the_manifest() -> None:
    session = read(write(LINES, "txt"))
    manifest, first, *_ = map(json.loads, write_normalised(session).splitlines())
    sha256 = session.session.source_sha256
    assert manifest == {
        "manifest": {
            "class_id": "5B",
            "day": "2026-03-02",
            "source_key": "raw/5B/2026-03-02/morning.txt",
            "source_sha256": sha256,
            "format": "txt",
            "source": "manual",
            "total_lines": 5,
            "utterance_count": 4,
            "without_consent": 1,
            "student_count": 2,
            "student_ids": [EMMA, LIAM],
            "warning_count": 2,
            "warnings": [
                {"line": 2, "code": "not_english"},
                {"line": 4, "code": "unlinked_label"},
            ],
            "unattributed": 1,
        }
    }
    assert first == {
        "utterance_id": f"{sha256[:12]}:1:0",
        "line_number": 1,
        "speaker_id": EMMA,
        "speaker_role": "student",
        "student_id": EMMA,
        "timestamp": None,
        "text": " ".join(LINES[0][1].split()),
        "raw_offset": 14,
        "lang": "en",
        "lang_conf": session.session.utterances[0].lang_conf,
        "warnings": [],
        "pieces": [{"row": 0, "start": 14, "end": 14 + len(LINES[0][1])}],
    }


def test_no_name_and_nothing_said_without_consent_is_stored() -> None:
    document = write_normalised(read(write(LINES, "csv"), "csv")).decode()
    assert not any(word in document for word in ("Johnson", "Brien", "Quill", "Rivera", "secret"))


def test_a_manifest_holds_nothing_that_was_said() -> None:
    manifest = manifest_of(read(write(LINES, "jsonl"), "jsonl"))
    assert manifest.day == DAY
    assert not any(text in repr(asdict(manifest)) for _, text in LINES)


@pytest.mark.parametrize(
    "damage",
    [
        lambda document: b"",
        lambda document: document.split(b"\n", 1)[1],
        lambda document: document[: len(document) // 2],
        lambda document: document.rsplit(b"\n", 2)[0] + b"\n",
        lambda document: document + b"\n[]\n",
        lambda document: document.replace(b'"student"', b'"My secret."'),
    ],
    ids=["empty", "headless", "cut off", "an utterance short", "surplus", "wrong"],
)
def test_a_damaged_document_is_refused_without_quoting_it(damage: Callable[[bytes], bytes]) -> None:
    document = write_normalised(read(write(LINES, "txt")))
    with pytest.raises(FixInput, match=r"is damaged: .* Read its raw file again") as refused:
        read_normalised(damage(document))
    assert not any(word in str(refused.value) for word in ("secret", "She said", "Good"))
