import json
import re
from collections import defaultdict
from datetime import date
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orf_books.sandbox.class_sessions import (
    InventedClass,
    InventedStudent,
    invented_class,
    invented_session,
)
from orf_books.transcripts.erasure import (
    erase_from_roster,
    erase_from_session,
    mentions_student,
)
from orf_books.transcripts.problems import ErrorCode, UnusableTranscript
from orf_books.transcripts.roster import Roster, read_roster
from orf_books.transcripts.spoken import REMOVED
from orf_books.transcripts.submission import TranscriptFormat
from orf_books.transcripts.utterance import SpeakerRole
from orf_books_tests.transcripts.sessions import (
    EMMA,
    ENTRIES,
    FORMATS,
    LIAM,
    OTHER_EMMA,
    ZORA,
    read,
    roster,
    texts,
    write,
)
from orf_books_tests.transcripts.test_broken_files import CLASS, broken_files, class_roster

NOBODY = "50000000-0000-4000-8000-000000000000"


def erased(
    content: str, transcript_format: str = "txt", student_id: str = LIAM, of: Roster | None = None
) -> str:
    return erase_from_session(
        content.encode(), TranscriptFormat(transcript_format), of or roster(), student_id
    ).decode()


# Turns.


@pytest.mark.parametrize("label", ["Liam O'Brien", "liam obrien", "Student A"])
@pytest.mark.parametrize("transcript_format", FORMATS)
def test_turns_of_the_student_become_blank_lines(label: str, transcript_format: str) -> None:
    others = [("Emma Johnson", "Hi."), ("Ms. Rivera", "So.")]
    before = write([others[0], (label, "My secret."), others[1]], transcript_format).decode()
    line = next(line for line in before.splitlines(keepends=True) if "secret" in line)
    after = erased(before, transcript_format)
    assert after == before.replace(line, line[len(line.rstrip()) :])
    assert texts(read(after, transcript_format)) == ["Hi.", "So."]


def test_turns_go_with_their_continuations_and_without_consent() -> None:
    content = "Emma Johnson: One\r\nZora Quill:\r\nTwo\r\nNote: three\n\nTeacher: Four\n"
    assert erased(content, student_id=ZORA) == "Emma Johnson: One\r\n\r\n\r\n\n\nTeacher: Four\n"


def test_a_row_of_many_lines_is_blank_on_all_of_them() -> None:
    content = 'speaker,text\nLiam O\'Brien,"One\r\n""two""\n\nthree"\nTeacher,Four\n'
    after = erased(content, "csv")
    assert after == "speaker,text\n\r\n\n\n\nTeacher,Four\n"
    session = read(after, "csv")
    assert [one.line_number for one in session.session.utterances] == [6]
    assert session.warnings == ()


def test_an_id_makes_a_turn_the_students() -> None:
    rows = f"speaker,text,student_id\nStudent Q,One,{LIAM.upper()}\nStudent Q,Two,{EMMA}\n"
    assert erased(rows, "csv") == f"speaker,text,student_id\n\nStudent Q,Two,{EMMA}\n"
    assert erased(rows, "csv", student_id=NOBODY) == rows


@pytest.mark.parametrize(
    ("label", "student_id"),
    [("Emma", None), ("Liam O'Brien", EMMA), ("Emma Johnson", LIAM), ("Emma", NOBODY)],
)
def test_a_turn_that_may_be_the_students_goes_too(label: str, student_id: str | None) -> None:
    line = json.dumps({"speaker": label, "text": "I was sad.", "student_id": student_id})
    assert erased(f"{line}\n", "jsonl", EMMA) == "\n"


def test_a_turn_of_another_with_the_same_name_stays_with_its_id() -> None:
    rows = f"speaker,text,student_id\nEmma,I am here.,{OTHER_EMMA}\n"
    after = erased(rows, "csv", EMMA)
    assert after == f"speaker,text,student_id\n{REMOVED},I am here.,{OTHER_EMMA}\n"
    (one,) = read(after, "csv").session.utterances
    assert one.student_id == OTHER_EMMA


def test_a_label_that_is_nobodys_is_masked() -> None:
    rows = f"speaker,text,student_id\nnot {{}},Hi.,{EMMA}\n"
    assert erased(rows.format("Liam"), "csv") == rows.format(REMOVED)


@pytest.mark.parametrize("transcript_format", FORMATS)
def test_a_label_in_which_a_name_of_the_student_stands_keeps_its_speaker(
    transcript_format: str,
) -> None:
    content = write([("Emma Marsh", "Hi."), ("marsh", "Ho.")], transcript_format).decode()
    assert erased(content, transcript_format, EMMA) == content


# Mentions.


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("I agree with Emma Johnson and EJ.", f"I agree with {REMOVED} and {REMOVED}."),
        ("emma's book, JOHNSON!", f"{REMOVED}'s book, {REMOVED}!"),
        ("Is it Emma or Emma Marsh?", f"Is it {REMOVED} or Emma Marsh?"),
        ("Dilemma, Liam, Ms. Rivera.", "Dilemma, Liam, Ms. Rivera."),
        (f"Her id is {EMMA.upper()}!", f"Her id is {REMOVED}!"),
        ('She said "Emma, no", twice.', f'She said "{REMOVED}, no", twice.'),
    ],
)
@pytest.mark.parametrize("transcript_format", FORMATS)
def test_mentions_by_others_are_masked(said: str, left: str, transcript_format: str) -> None:
    before, after = (
        write([("Liam O'Brien", text), ("Zora Quill", "No.")], transcript_format).decode()
        for text in (said, left)
    )
    assert erased(before, transcript_format, EMMA) == after


def test_a_mention_over_two_lines_leaves_two_lines() -> None:
    boss = roster({"student_id": EMMA, "names": ["Emma"], "aliases": ["the Boss"]}, *ENTRIES[1:2])
    content = "Student A: I saw the\r\nBoss there, no.\nAgain.\n"
    assert erased(content, student_id=EMMA, of=boss) == (
        f"Student A: I saw {REMOVED}\r\n{REMOVED} there, no.\nAgain.\n"
    )


def test_a_mention_is_found_however_it_is_composed_or_escaped() -> None:
    zoe = roster(
        {"student_id": ZORA, "names": ["Zoë"]}, {"names": ["Ms. Rivera"], "role": "teacher"}
    )
    assert erased("Teacher: Hi Zoe\u0308!", student_id=ZORA, of=zoe) == f"Teacher: Hi {REMOVED}!"
    escaped = r'{"speaker": "Teacher", "text": "Hi\nZo\u00eb, \u00e9!"}'
    assert erased(escaped, "jsonl", ZORA, zoe) == (
        rf'{{"speaker": "Teacher", "text": "Hi\n{REMOVED}, \u00e9!"}}'
    )


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (f"{LIAM}Emma, LiamLiam", f"{REMOVED}Emma, LiamLiam"),
        (f"{LIAM}Liam", REMOVED * 2),
        (r"a line\nLiam, and \u004ciam: no", rf"a {REMOVED} and {REMOVED} no"),
        ("Liam&#39;s", f"{REMOVED}&#39;s"),
        ("&#76;iam's, no", f"{REMOVED} no"),
    ],
)
def test_a_mention_that_something_hides_is_found(said: str, left: str) -> None:
    assert erased(f"Teacher: {said}\n") == f"Teacher: {left}\n"


def test_a_text_with_the_letters_of_another_name_is_no_label() -> None:
    assert erased('Teacher: Emma"}\n{"Marsh\n', student_id=ZORA) == (
        f'Teacher: Emma"}}\n{{"{REMOVED}\n'
    )


def test_a_student_who_is_called_like_the_mark_is_taken_out_once() -> None:
    odd = roster({"student_id": ZORA, "names": ["Removed"]})
    assert erased("Teacher: Removed!", student_id=ZORA, of=odd) == f"Teacher: {REMOVED}!"
    assert erased(f"Teacher: {REMOVED}!", student_id=ZORA, of=odd) == f"Teacher: {REMOVED}!"


def test_keys_columns_and_repeated_keys_are_searched() -> None:
    line = '{"speaker": "Teacher", "text": "So.", "x": {"Liam": ["liam"]}, "y": "Liam", "y": 1e2}\n'
    assert erased(line, "jsonl") == line.replace("Liam", REMOVED).replace("liam", REMOVED)
    table = "speaker,text,of Liam\nTeacher,So.,to Liam\n"
    assert erased(table, "csv") == table.replace("Liam", REMOVED)


# What cannot be read.


@pytest.mark.parametrize(
    ("transcript_format", "line"),
    [
        ("txt", "Class of Liam"),
        ("txt", "Liam O'Brien:"),
        ("txt", "Student A: "),
        ("txt", f"id {LIAM}"),
        ("csv", "Liam O'Brien"),
        ("csv", "Student A,Well, I was sad"),
        ("csv", "Liam O'Brien, "),
        ("csv", "Liam O'Brien,\"I was sad"),
        ("csv", 'Teacher,"Hi" Liam'),
        ("jsonl", '{"speaker": "Liam O\'Brien", "text": "I was'),
        ("jsonl", r'{"text": "Oh\u002c\nliam'),
        ("jsonl", '["Liam"]'),
        ("jsonl", '{"speaker": "Student A", "text": null}'),
    ],
)
def test_a_line_that_cannot_be_read_and_names_the_student_is_emptied(
    transcript_format: str, line: str
) -> None:
    head = "speaker,text\n" if transcript_format == "csv" else ""
    rest = (
        write([("Ms. Rivera", "So.")], transcript_format).decode().removeprefix("speaker,text\r\n")
    )
    assert erased(f"{head}{line}\n{rest}", transcript_format) == f"{head}\n{rest}"


def test_a_table_without_its_columns_is_searched_all_the_same() -> None:
    assert erased("Liam O'Brien,Hi.\nTeacher,So.\n", "csv") == "\nTeacher,So.\n"
    assert erased('"Liam', "csv") == ""


def test_a_mark_that_loses_its_partner_does_not_take_in_the_rows_of_others() -> None:
    content = 'speaker,text\nTeacher,"Oh\nLiam O\'Brien,"Hi"\nTeacher,So.\nTeacher,No"\n'
    after = erased(content, "csv")
    assert after == 'speaker,text\n\n\nTeacher,So.\nTeacher,No"\n'
    assert texts(read(after, "csv")) == texts(read(content, "csv"))[1:]


@pytest.mark.parametrize("content", [b"Liam: \x81", b"PK\x03\x04Liam", b"\xff\xfeLiam\xd8\xd8\xd8"])
def test_a_file_that_cannot_be_read_is_refused_without_a_word_of_it(content: bytes) -> None:
    with pytest.raises(UnusableTranscript) as refused:
        erase_from_session(content, TranscriptFormat.TXT, roster(), LIAM)
    assert refused.value.code is ErrorCode.NOT_TEXT
    assert "Liam" not in str(refused.value)


def test_a_byte_order_mark_stays() -> None:
    assert erased("\ufeffLiam O'Brien: Hi.\nTeacher: So.", "txt") == "\ufeff\nTeacher: So."


# Rosters.


@pytest.mark.parametrize("is_object", [False, True])
def test_an_entry_goes_and_all_else_of_a_roster_stays(is_object: bool) -> None:
    def written(entries: object) -> bytes:
        return json.dumps(
            {"x": "\ud800é", "student_roster": entries} if is_object else entries
        ).encode()

    after = erase_from_roster(written(ENTRIES), LIAM.upper())
    assert json.loads(after) == json.loads(written([*ENTRIES[:1], *ENTRIES[2:]]))
    assert erase_from_roster(after, LIAM) == after


def test_the_last_entry_leaves_an_empty_list() -> None:
    assert json.loads(erase_from_roster(json.dumps(ENTRIES[:1]).encode(), EMMA)) == []


@pytest.mark.parametrize("content", [b"{", b"{}", b"1", b"\xff", b'{"student_roster": {}}'])
def test_what_is_no_roster_is_refused(content: bytes) -> None:
    with pytest.raises(UnusableTranscript, match="no JSON list") as refused:
        erase_from_roster(content, EMMA)
    assert refused.value.code is ErrorCode.INVALID_ROSTER


# Searching.


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"x{LIAM.upper()}x", True),
        ("so LIAM laughed", True),
        (r'{"text": "Oh\nLiam"}', True),
        (r'{"text": "\u004ciam"}', True),
        ("<p>Liam&nbsp;O&#39;Brien</p>", True),
        ("williams, Emma, Student A", False),
        ("\ufffd", False),
    ],
)
def test_an_object_is_searched_for_whole_words_in_any_case(content: str, expected: bool) -> None:
    assert mentions_student(content.encode(), roster(), LIAM) is expected
    assert mentions_student(b"\xff" + content.encode(), roster(), LIAM) is expected


def test_what_others_are_called_too_is_no_sign_of_a_student() -> None:
    assert not mentions_student(b"Emma, Emma Marsh", roster(), EMMA)
    assert mentions_student(b"Emma, Emma Marsh, Johnson", roster(), EMMA)


def test_an_ordinary_word_is_a_name_only_with_a_capital() -> None:
    will = roster({"student_id": LIAM, "names": ["Will"]})
    assert mentions_student(b"I will ask Will", will, LIAM)
    assert not mentions_student(b"I will", will, LIAM)


def test_without_the_student_on_the_roster_the_id_is_searched() -> None:
    assert mentions_student(NOBODY.encode(), roster(), NOBODY)
    assert not mentions_student(b"Liam", roster(), NOBODY)


# Whole sessions.


@cache
def school_class(seed: int, students: int) -> InventedClass:
    return invented_class("5B", students, seed)


def said_by_others(
    content: bytes, transcript_format: str, of: Roster, student: InventedStudent
) -> dict[str, str]:
    """By whoever is known not to be the student, without names and the id of the student.

    Where the student is gone, what others say before and after is one utterance.
    """
    first, last = student.first_name, student.last_name
    name = re.compile(
        rf"\b({first}\W{{0,2}}{last[0]}|{first}\W{{0,2}}{last}|{first}|{last}|{student.student_id})s?\b",
        re.IGNORECASE,
    )
    said: dict[str, str] = defaultdict(str)
    for one in read(content, transcript_format, of).session.utterances:
        if one.student_id != student.student_id and one.speaker_role is not SpeakerRole.UNKNOWN:
            said[one.speaker_id] += f"{name.sub(REMOVED, one.text)} "
    return said


@given(
    st.builds(school_class, st.integers(0, 5), st.integers(2, 40)),
    st.dates(date(2026, 1, 5), date(2026, 6, 30)),
    st.integers(0, 39),
    st.sampled_from(FORMATS),
)
@settings(deadline=None)
@pytest.mark.slow
def test_only_the_student_is_missing_from_a_session(
    of: InventedClass, day: date, number: int, transcript_format: TranscriptFormat
) -> None:
    student = of.students[number % len(of.students)]
    session = invented_session(of, day, 40)
    before = session.write(transcript_format)
    old = read_roster(of.roster())
    new = read_roster(erase_from_roster(of.roster(), student.student_id))

    after = erase_from_session(before, transcript_format, old, student.student_id)

    found = said_by_others(after, transcript_format, new, student)
    assert found == said_by_others(before, transcript_format, old, student)
    assert not mentions_student(after, old, student.student_id)
    left = after.decode().casefold()
    others = [turn.text for turn in session.turns if turn.student_id != student.student_id]
    for words in (student.student_id, student.name, student.nickname, student.first_name):
        assert words.casefold() not in left
    for turn in session.turns:
        if turn.student_id == student.student_id and turn.text not in others:
            assert len(turn.text.split()) < 4 or turn.text.casefold() not in left
    assert after.count(b"\n") == before.count(b"\n")
    for changed in {*after.splitlines()} - {*before.splitlines()}:
        assert not changed or REMOVED.encode() in changed
    for roster_then in (old, new):
        assert after == erase_from_session(
            after, transcript_format, roster_then, student.student_id
        )


@given(
    st.builds(school_class, st.integers(0, 5), st.integers(2, 20)),
    st.sampled_from(FORMATS),
    st.sampled_from(["\n", "\r\n"]),
)
@settings(deadline=None, max_examples=30)
def test_whoever_is_not_there_leaves_every_byte(
    of: InventedClass, transcript_format: TranscriptFormat, newline: str
) -> None:
    content = (
        invented_session(of, date(2026, 3, 2), 40)
        .write(transcript_format)
        .replace(b"\n", newline.encode())
    )
    entries = json.loads(of.roster())["student_roster"]
    absent = roster(*entries, {"student_id": NOBODY, "names": ["Wendeline Absent"]})
    assert erase_from_session(content, transcript_format, absent, NOBODY) == content
    assert not mentions_student(content, absent, NOBODY)


@pytest.mark.parametrize("transcript_format", FORMATS)
@pytest.mark.slow
def test_a_broken_file_loses_the_student_and_nobody_else(
    transcript_format: TranscriptFormat,
) -> None:
    old, heard = class_roster(), 0
    for number, content in enumerate(filter(is_utf8, broken_files(transcript_format))):
        student = CLASS.students[number % len(CLASS.students)]
        new = read_roster(erase_from_roster(CLASS.roster(), student.student_id))
        after = erase_from_session(content, transcript_format, old, student.student_id)
        assert not mentions_student(after, old, student.student_id)
        assert erase_from_session(after, transcript_format, old, student.student_id) == after
        assert after.count(b"\n") == content.count(b"\n")
        try:
            said = said_by_others(content, transcript_format, old, student)
        except UnusableTranscript:
            continue
        if said:
            assert said_by_others(after, transcript_format, new, student) == said
            heard += 1
    assert heard > 100


def is_utf8(content: bytes) -> bool:
    return content.decode(errors="replace").encode() == content
