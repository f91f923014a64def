import json
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orf_books.failures import FixInput
from orf_books.sandbox.class_sessions import invented_class, invented_session
from orf_books.transcripts.openings import is_change_of_speaker, opening_of
from orf_books.transcripts.parsing import ReadSession, read_session
from orf_books.transcripts.problems import ErrorCode, UnusableTranscript, WarningCode
from orf_books.transcripts.roster import read_roster
from orf_books.transcripts.source_text import SourceText
from orf_books.transcripts.spoken import spoken_text
from orf_books.transcripts.submission import MAX_BYTES, metadata_of_key
from orf_books_tests.transcripts.sessions import (
    DAY,
    EMMA,
    FORMATS,
    LIAM,
    Line,
    apart_from_place,
    key,
    metadata,
    read,
    roster,
    texts,
    warned,
    write,
)

GOOD: list[Line] = [
    ("Emma Johnson", "I think we should try it another way."),
    ("Liam O'Brien", "Then let me hold it for you."),
    ("Ms. Rivera", "What do the others think about it?"),
]


def refusal(content: str | bytes, transcript_format: str = "txt") -> UnusableTranscript:
    with pytest.raises(UnusableTranscript) as refused:
        read(content, transcript_format, largest_unattributed_share=0.2)
    return refused.value


# What a good session gives.


def test_a_session_knows_where_it_comes_from() -> None:
    session = read(write(GOOD, "txt")).session
    assert (session.class_id, session.day, session.format) == ("5B", DAY, "txt")
    assert session.source_key == key("txt")
    assert [one.utterance_id for one in session.utterances] == [
        f"{session.source_sha256[:12]}:{line}:0" for line in (1, 2, 3)
    ]


def test_students_are_who_said_something_that_was_kept() -> None:
    read_lines = read(write([*GOOD, ("Zora Quill", "Me too."), ("Student Q", "No.")], "csv"), "csv")
    assert read_lines.student_ids == (EMMA, LIAM)
    assert read_lines.without_consent == 1
    assert read_lines.total_lines == 5


@pytest.mark.parametrize("transcript_format", FORMATS)
def test_a_session_of_students_without_consent_is_read_and_empty(transcript_format: str) -> None:
    session = read(write([("Zora Quill", "My secret.")], transcript_format), transcript_format)
    assert session.session.utterances == ()
    assert session.without_consent == 1
    assert session.warnings == ()


# Warnings: the lines stay, unless nothing can be read in them.


def timed(*lines: tuple[str | None, str]) -> ReadSession:
    records = [{"speaker": "Emma Johnson", "text": text, "timestamp": time} for time, text in lines]
    return read("\n".join(map(json.dumps, records)), "jsonl")


@pytest.mark.parametrize(
    "time",
    [
        "24:00:00",
        "09:60:00",
        "09:00:60",
        "1:2:3:4:5",
        "noon",
        "13:00 PM",
        "-5",
        "\u0660\u0669:00:00",
    ],
)
def test_a_bad_timestamp_is_left_out(time: str) -> None:
    session = timed((time, "Hi."))
    assert session.session.utterances[0].timestamp is None
    assert warned(session) == [(1, "bad_timestamp")]


def test_a_bad_timestamp_in_brackets_is_left_out_of_the_text() -> None:
    session = read("[99:00:00] Emma Johnson: Hi.\n")
    assert texts(session) == ["Hi."]
    assert warned(session) == [(1, "bad_timestamp")]


def test_time_that_goes_back_is_warned_of_once() -> None:
    session = timed(
        ("09:00:05", "One"), ("10:00:00", "two"), ("09:00:06", "three"), ("09:00:06", "four")
    )
    assert warned(session) == [(3, "time_goes_back")]


def test_the_same_words_at_the_same_time_are_a_duplicate() -> None:
    session = timed(
        ("09:00:05", "Yes."), ("09:00:06", "No."), ("09:00:06", "Yes."), ("09:00:06", "No.")
    )
    assert warned(session) == [(4, "duplicate_line")]
    assert texts(session) == ["Yes. No. Yes. No."]


def test_without_times_only_the_same_words_at_once_are_a_duplicate() -> None:
    lines = ["Yes.", "No.", "Yes.", "Yes."]
    session = read(write([("Emma Johnson", text) for text in lines], "txt"))
    assert warned(session) == [(4, "duplicate_line")]
    assert texts(session) == ["Yes. No. Yes. Yes."]


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("Emma", WarningCode.AMBIGUOUS_LABEL),
        ("Student Q", WarningCode.UNLINKED_LABEL),
        ("Zed", WarningCode.LABEL_NOT_ON_ROSTER),
    ],
)
@pytest.mark.parametrize("transcript_format", ["csv", "jsonl"])
def test_of_a_speaker_who_is_not_surely_someone_no_word_is_kept(
    label: str, code: WarningCode, transcript_format: str
) -> None:
    session = read(write([(label, "I agree.")], transcript_format), transcript_format)
    (one,) = session.session.utterances
    assert (one.speaker_id, one.student_id, one.warnings) == ("unknown:1", None, (code,))
    assert (one.text, one.pieces, session.unattributed) == ("", (), 1)
    assert [warning.code for warning in session.warnings] == [code]


def test_warnings_are_in_the_order_of_lines() -> None:
    session = read(
        "Room 5\nStudent Q: Yes.\nEmma: No.\nEmma Johnson:\n[99:99:99] Liam O'Brien: So."
    )
    assert warned(session) == [
        (1, "missing_speaker"),
        (2, "unlinked_label"),
        (3, "ambiguous_label"),
        (4, "missing_text"),
        (5, "bad_timestamp"),
    ]


# Errors: the file as a whole is refused.


@pytest.mark.parametrize("transcript_format", FORMATS)
@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b" \r\n\t\n"])
def test_a_blank_file_is_refused(content: bytes, transcript_format: str) -> None:
    assert refusal(content, transcript_format).code is ErrorCode.EMPTY_FILE


@pytest.mark.parametrize("transcript_format", FORMATS)
@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0", b"%PDF-1.7\n\x81\x8d", b"\xff\xfea", bytes(100)]
)
def test_what_is_no_text_is_refused(content: bytes, transcript_format: str) -> None:
    refused = refusal(content, transcript_format)
    assert refused.code in (ErrorCode.NOT_TEXT, ErrorCode.MISSING_COLUMNS, ErrorCode.NO_UTTERANCES)


@pytest.mark.parametrize(
    ("content", "transcript_format"),
    [
        ("Just some notes.\nAnd more.\n", "txt"),
        ("speaker,text\n", "csv"),
        ("speaker,text\n,\n,Hi.\n", "csv"),
        ("{}\n[]\n{\n", "jsonl"),
        ("Emma Johnson: Hi.\0\n", "txt"),
    ],
)
def test_a_file_in_which_nobody_speaks_is_refused(content: str, transcript_format: str) -> None:
    refused = refusal(content, transcript_format)
    assert refused.code is ErrorCode.NO_UTTERANCES
    assert str(refused).startswith("Nothing that anyone says")


def test_a_file_that_is_too_large_is_refused() -> None:
    assert refusal(b"a" * (MAX_BYTES + 1)).code is ErrorCode.TOO_LARGE


def test_a_file_at_another_key_than_declared_is_refused() -> None:
    with pytest.raises(UnusableTranscript) as refused:
        read_session(write(GOOD, "txt"), "raw/6A/2026-03-02/a.txt", metadata("txt"), roster())
    assert refused.value.code is ErrorCode.KEY_MISMATCH


def test_a_file_of_which_too_little_can_be_attributed_is_refused_with_the_causes() -> None:
    content = write(
        [*GOOD, *[("Student Q", "Yes."), ("Noah R.", "No.")] * 2, ("All", "So.")], "txt"
    )
    refused = refusal(content)
    assert refused.code is ErrorCode.NOT_ATTRIBUTED
    assert str(refused) == (
        "5 of 8 lines cannot be attributed to anybody of the class: 2 with a label that is not on "
        "the roster (lines 5, 7); 2 with a label such as `Student 3` without an alias on the "
        "roster (lines 4, 6); 1 with the label of a group (line 8). Add its labels to the roster "
        "as names or aliases; `orf-books roster suggest` lists them."
    )
    assert [one.line for one in refused.warnings] == [4, 5, 6, 7, 8]


def test_a_file_is_refused_from_the_share_on_that_is_set() -> None:
    content = write([*GOOD, ("Student Q", "Yes."), ("Student A", "No.")], "txt")
    assert len(read(content, largest_unattributed_share=0.2).warnings) == 1
    with pytest.raises(UnusableTranscript):
        read(content, largest_unattributed_share=0.19)


def test_lines_count_once_however_much_is_wrong_with_them() -> None:
    lines = [*GOOD, ("Emma Johnson", "Yes, that is right."), ("Student Q", "Yes.")]
    content = b"\n".join(
        json.dumps(
            {"speaker": label, "text": text, "timestamp": text[-1:] * (label == "Student Q")}
        ).encode()
        for label, text in lines
    )
    session = read(content, "jsonl", largest_unattributed_share=0.2)
    assert warned(session) == [(5, "bad_timestamp"), (5, "unlinked_label")]


def test_every_refusal_is_for_people_to_mend() -> None:
    assert isinstance(refusal(b""), FixInput)


# One session in every format.

words = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=8
)
sentences = st.lists(words, min_size=1, max_size=6).map(" ".join)
# In plain text a name and a mark open a turn.
further_sentences = sentences.map(
    lambda text: text.replace(":", ";").replace("\uff1a", ";")
).filter(lambda text: not opening_of(text) and not is_change_of_speaker(text))
passages = st.builds(
    lambda first, others: "\n".join([first, *others]),
    sentences,
    st.lists(further_sentences, max_size=2),
)
labels = st.sampled_from(
    ["Emma Johnson", "Student A", "Emma", "Student Q", "Ms. Rivera", "Zora Quill", "Speaker 1"]
)


@given(st.lists(st.tuples(labels, passages), min_size=1, max_size=8))
@settings(deadline=None)
def test_any_session_is_the_same_in_every_format(lines: list[Line]) -> None:
    # In plain text, what stands before a colon may be a label, too.
    lines = [(label, text.replace(":", ";").replace("\uff1a", ";")) for label, text in lines]
    sessions = [read(write(lines, one), one) for one in FORMATS]
    for session in sessions[1:]:
        assert apart_from_place(session) == apart_from_place(sessions[0])
        assert session.student_ids == sessions[0].student_ids
        assert session.without_consent == sessions[0].without_consent


def test_a_class_day_is_the_same_in_every_format() -> None:
    of = invented_class("5B")
    spoken = invented_session(of, date(2026, 3, 2))
    sessions = []
    for transcript_format in FORMATS:
        content, place = spoken.write(transcript_format), key(transcript_format)
        session = read_session(
            content, place, metadata_of_key(place, "invented"), read_roster(of.roster())
        )
        resolved = SourceText(content, transcript_format)
        for one in session.session.utterances:
            assert resolved.span(one, 0, len(one.text)) == one.text
        sessions.append(session)
    # Some follow upon others of the same speaker.
    assert 900 < len(texts(sessions[0])) + sessions[0].without_consent < 1000
    assert len(sessions[0].student_ids) == 28
    assert apart_from_place(sessions[0]) == apart_from_place(sessions[1])
    assert apart_from_place(sessions[0]) == apart_from_place(sessions[2])
    assert len({tuple(len(text.split()) for text in texts(one)) for one in sessions}) == 1


# Every utterance stands where it says it stands.


@given(st.lists(st.tuples(labels, passages), min_size=1, max_size=8), st.sampled_from("\n\r"))
@settings(deadline=None)
def test_txt_utterances_stand_at_their_line_and_offset(lines: list[Line], before: str) -> None:
    content = write(lines, "txt").decode().replace("\n", f"{before}\n" if before == "\r" else "\n")
    physical = content.split("\n")
    for one in read(content).session.utterances:
        rest = "\n".join(physical[one.line_number - 1 :])
        said = " ".join(rest[one.raw_offset or 0 :].split())
        assert one.raw_offset is None or spoken_text([said]).startswith(one.text[:1])


@given(
    st.lists(st.tuples(labels, passages), min_size=1, max_size=8),
    st.sampled_from(FORMATS),
    st.data(),
)
@settings(deadline=None)
def test_any_span_is_found_again_in_the_raw_file(
    lines: list[Line], transcript_format: str, data: st.DataObject
) -> None:
    content = write(lines, transcript_format)
    source = SourceText(content, transcript_format)
    for one in read(content, transcript_format).session.utterances:
        start = data.draw(st.integers(0, len(one.text)))
        end = data.draw(st.integers(start, len(one.text)))
        assert source.span(one, start, end) == one.text[start:end]


@pytest.mark.parametrize("transcript_format", FORMATS)
def test_a_span_is_not_found_in_another_file(transcript_format: str) -> None:
    (one, *_) = read(write(GOOD, transcript_format), transcript_format).session.utterances
    other = SourceText(write(GOOD[1:], transcript_format), transcript_format)
    assert other.span(one, 0, len(one.text)) != one.text


# Nobody is named, and nothing said is told.


@pytest.mark.parametrize("of", [repr, str, lambda session: repr(session.session)])
def test_nothing_that_was_said_is_printed(of: Callable[[ReadSession], str]) -> None:
    session = read(write([*GOOD, ("Zora Quill", "My secret.")], "txt"))
    assert not any(word in of(session) for word in ("Emma", "Zora", "try it", "secret"))
    assert "try it" not in repr(session.session.utterances)
