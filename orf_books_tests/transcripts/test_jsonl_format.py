import json

import pytest

from orf_books_tests.transcripts.sessions import EMMA, LIAM, read, texts, warned

FINE = {"speaker": "Liam O'Brien", "text": "Fine."}


def jsonl(*lines: object) -> str:
    return "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)


def test_every_key_is_read_and_others_are_left_out() -> None:
    record = {
        "speaker": "Student Q",
        "text": " Hi. ",
        "timestamp": "09:00:01",
        "student_id": EMMA,
        "student_external_id": "17",
        "mood": "good",
    }
    (one,) = read(jsonl(record), "jsonl").session.utterances
    assert (one.speaker_id, one.text, one.timestamp) == (EMMA, "Hi.", "09:00:01")
    assert one.raw_offset is None


def test_nulls_are_as_good_as_nothing() -> None:
    session = read(jsonl(FINE | {"timestamp": None, "student_id": None}), "jsonl")
    assert session.session.utterances[0].student_id == LIAM
    assert session.warnings == ()


def test_blank_lines_are_skipped_and_counted_as_physical_lines() -> None:
    session = read(f"\ufeff\n  \r\n{jsonl(FINE)}\n", "jsonl")
    assert session.session.utterances[0].line_number == 3
    assert session.total_lines == 1
    assert session.warnings == ()


def test_a_declared_teacher_is_one() -> None:
    session = read(jsonl({"speaker": "Guest", "text": "Hi.", "speaker_role": "teacher"}), "jsonl")
    assert session.session.utterances[0].speaker_id == "teacher"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{", "bad_json"),
        ('{"speaker": "Emma"} more', "bad_json"),
        ("[" * 100_000, "bad_json"),
        ("1" * 10_000, "bad_json"),
        ("[1]", "not_an_object"),
        ("null", "not_an_object"),
        ('"Emma Johnson: Hi."', "not_an_object"),
        ({"text": "Hi."}, "missing_speaker"),
        (FINE | {"speaker": None}, "missing_speaker"),
        (FINE | {"speaker": ["Emma"]}, "missing_speaker"),
        (FINE | {"speaker": " "}, "missing_speaker"),
        ({"speaker": "Emma Johnson"}, "missing_text"),
        (FINE | {"text": None}, "missing_text"),
        (FINE | {"text": ["Hi."]}, "missing_text"),
        (FINE | {"text": "\n"}, "missing_text"),
        (FINE | {"text": "a\0b"}, "invalid_text"),
        (FINE | {"text": "a\ud800b"}, "invalid_text"),
    ],
)
def test_a_bad_line_is_dropped_with_a_warning(line: object, code: str) -> None:
    session = read(jsonl(line, FINE), "jsonl")
    assert texts(session) == ["Fine."]
    assert warned(session) == [(1, code)]


def test_a_timestamp_or_id_of_another_kind_is_no_reason_to_stop() -> None:
    session = read(jsonl(FINE | {"timestamp": {"at": 62}}, FINE | {"student_id": 7}), "jsonl")
    assert texts(session) == ["Fine.", ""]
    assert warned(session) == [(1, "bad_timestamp"), (2, "unknown_student_id")]
