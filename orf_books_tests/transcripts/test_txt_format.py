import pytest

from orf_books.transcripts.txt_format import read_txt
from orf_books_tests.transcripts.sessions import EMMA, LIAM, read, texts, warned


def places(content: str) -> list[tuple[int, int | None]]:
    return [(one.line_number, one.raw_offset) for one in read(content).session.utterances]


def test_both_forms_are_read() -> None:
    session = read("Emma Johnson: Hi.\n[00:01:02] Liam O'Brien: Hello.\n")
    assert [
        (one.speaker_id, one.timestamp, one.text, one.line_number, one.raw_offset)
        for one in session.session.utterances
    ] == [(EMMA, None, "Hi.", 1, 14), (LIAM, "00:01:02", "Hello.", 2, 25)]
    assert session.warnings == ()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_line_without_a_label_continues_the_turn(newline: str) -> None:
    content = newline.join(["Emma Johnson: First,", "second.", "", "  Third!", "Teacher: So."])
    session = read(content)
    assert texts(session) == [newline.join(["First,", "second.", "", "  Third!"]), "So."]
    assert places(content) == [(1, 14), (5, 9)]
    assert session.total_lines == 4


def test_a_text_may_start_below_its_label() -> None:
    assert places("Emma Johnson:\n\n  Hello.\n") == [(3, 2)]


def test_offsets_count_code_points_behind_a_byte_order_mark() -> None:
    assert places("\ufeffEmma Johnson: \U0001f600 Hi.\n") == [(1, 14)]


def test_a_label_that_nobody_has_continues_the_turn_with_a_warning() -> None:
    session = read("Emma Johnson: We need\nthree things: paper.\nZed: And glue.\n")
    assert texts(session) == ["We need\nthree things: paper.\nZed: And glue."]
    assert warned(session) == [(2, "label_not_on_roster"), (3, "label_not_on_roster")]
    assert session.session.utterances[0].warnings == ("label_not_on_roster",) * 2


@pytest.mark.parametrize(
    "line",
    [
        "http://example.org/page",
        "look at https://example.org",
        f"{'long ' * 11}: that is no label",
        "no colon at all",
        ":",
        "[00:01:02]",
    ],
)
def test_what_cannot_be_a_label_continues_the_turn_silently(line: str) -> None:
    session = read(f"Emma Johnson: See\n{line}\n")
    assert texts(session) == [f"See\n{line}"]
    assert session.warnings == ()


def test_colons_behind_the_label_are_text() -> None:
    assert texts(read("Emma Johnson: It is 3:1, see http://example.org: there.")) == [
        "It is 3:1, see http://example.org: there."
    ]


def test_lines_before_the_first_turn_are_nobodys() -> None:
    session = read("Room 5\nDate: today\n\nEmma Johnson: Hi.\n")
    assert texts(session) == ["Hi."]
    assert warned(session) == [(1, "missing_speaker"), (2, "label_not_on_roster")]


def test_a_label_without_a_text_is_no_utterance() -> None:
    session = read("Emma Johnson:  \nTeacher: Well?\n")
    assert texts(session) == ["Well?"]
    assert warned(session) == [(1, "missing_text")]


def test_lines_end_at_line_feeds_only() -> None:
    content = "Emma Johnson: One\u2028two\x0bthree\x85four\nTeacher: So."
    assert places(content) == [(1, 14), (2, 9)]


def test_a_continuation_of_a_student_without_consent_is_dropped_with_the_turn() -> None:
    session = read("Zora Quill: I think\nit is mine.\nTeacher: So.\n")
    assert texts(session) == ["So."]
    assert session.without_consent == 1


def test_a_long_line_is_read_in_one_go() -> None:
    blanks, colons = " " * 1_000_000, "[" * 1_000_000
    assert read_txt(f"{blanks}\n{colons}\n{blanks}x", lambda _: True).turns == ()
