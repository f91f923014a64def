"""Lines of text and where turns begin in them."""

import pytest

from orf_books_tests.transcripts.sessions import EMMA, LIAM, read, texts, warned

HELLO = [(EMMA, "Hi there."), (LIAM, "Hello.")]


def said(content: str) -> list[tuple[str, str]]:
    return [(one.speaker_id, one.text) for one in read(content).session.utterances]


def places(content: str) -> list[tuple[int, int | None]]:
    return [(one.line_number, one.raw_offset) for one in read(content).session.utterances]


@pytest.mark.parametrize(
    "content",
    [
        "Emma Johnson: Hi there.\nLiam O'Brien: Hello.\n",
        "Emma Johnson:Hi there.\nLiam O'Brien:Hello.\n",
        "Emma Johnson : Hi there.\nLiam O'Brien : Hello.\n",
        "[00:01:02] Emma Johnson: Hi there.\n[00:01:03] Liam O'Brien: Hello.\n",
        "(1:02) Emma Johnson: Hi there.\n(1:03) Liam O'Brien: Hello.\n",
        "00:01:02.790 Emma Johnson: Hi there.\n00:01:03.120 Liam O'Brien: Hello.\n",
        "1:02 - Emma Johnson: Hi there.\n1:03 - Liam O'Brien: Hello.\n",
        "00:01:02 --> 00:01:03 Emma Johnson: Hi there.\n00:01:03 --> 00:01:04 Liam O'Brien: Hello.",
        "1:02 PM Emma Johnson: Hi there.\n1:03 PM Liam O'Brien: Hello.\n",
        "Emma Johnson (1:02): Hi there.\nLiam O'Brien (1:03): Hello.\n",
        "Emma Johnson [00:01:02]: Hi there.\nLiam O'Brien [00:01:03]: Hello.\n",
        "Emma Johnson (1:02) Hi there.\nLiam O'Brien (1:03) Hello.\n",
        "Emma Johnson 1:02 Hi there.\nLiam O'Brien 1:03 Hello.\n",
        "Emma Johnson (1:02)\nHi there.\n\nLiam O'Brien (1:03)\nHello.\n",
        "Emma Johnson  1:02\nHi there.\n\nLiam O'Brien  1:03\nHello.\n",
        "Emma Johnson, 1:02\nHi there.\nLiam O'Brien, 1:03\nHello.\n",
        "[Emma Johnson] 00:01:02\nHi there.\n\n[Liam O'Brien] 00:01:03\nHello.\n",
        "[Emma Johnson] 00:01:02 Hi there.\n[Liam O'Brien] 00:01:03 Hello.\n",
        "[Emma Johnson]: Hi there.\n[Liam O'Brien]: Hello.\n",
        "Emma Johnson: (1:02) Hi there.\nLiam O'Brien: (1:03) Hello.\n",
        "**Emma Johnson:** [00:01:02] Hi there.\n**Liam O'Brien:** [00:01:03] Hello.\n",
        "1:02 - Emma Johnson\nHi there.\n\n1:03 - Liam O'Brien\nHello.\n",
        "Emma Johnson\n1:02\nHi there.\n\nLiam O'Brien\n1:03\nHello.\n",
        "**Emma Johnson:** Hi there.\n**Liam O'Brien:** Hello.\n",
        "**Emma Johnson**: Hi there.\n\n**Liam O'Brien**: Hello.\n",
        "**11:00 Emma Johnson:** Hi there.\n**11:05 Liam O'Brien:** Hello.\n",
        "- Emma Johnson: Hi there.\n- Liam O'Brien: Hello.\n",
        ">> Emma Johnson: Hi there.\n>> Liam O'Brien: Hello.\n",
        "Emma Johnson - Hi there.\nLiam O'Brien - Hello.\n",
        "Emma Johnson \u2013 Hi there.\nLiam O'Brien \u2014 Hello.\n",
        "[Emma Johnson] Hi there.\n[Liam O'Brien] [laughs] Hello.\n[laughs]\n",
        "<Emma Johnson> Hi there.\n<Liam O'Brien> Hello.\n",
        "Emma Johnson\tHi there.\nLiam O'Brien\tHello.\n",
        "1:02\tEmma Johnson\tHi there.\n1:03\tLiam O'Brien\tHello.\n",
        "Emma Johnson\nHi there.\n\nLiam O'Brien\nHello.\n",
        "0:0:0.0 --> 0:0:5.7\nEmma Johnson\nHi there.\n\n0:0:5.7 --> 0:0:9.0\nLiam O'Brien\nHello.",
        "00:01:02\nEmma Johnson: Hi there.\n00:01:03\nLiam O'Brien: Hello.\n",
        "Emma Johnson\uff1aHi there.\nLiam O'Brien\uff1aHello.\n",
        "EMMA JOHNSON: Hi there.\nLIAM O'BRIEN: Hello.\n",
        "Emma Johnson: Hi there.\r\nLiam O'Brien: Hello.\r\n",
        "Emma Johnson: Hi there.\rLiam O'Brien: Hello.\r",
    ],
)
def test_a_label_is_read_however_it_is_written(content: str) -> None:
    assert said(content) == HELLO
    assert read(content).warnings == ()


def test_a_time_beside_or_above_a_label_is_that_of_the_turn() -> None:
    content = (
        "[0:05] Emma Johnson: Hi.\n(0:07)\nMs. Rivera: So.\nLiam O'Brien  1:02:03 PM\nHello.\n"
    )
    times = [one.timestamp for one in read(content).session.utterances]
    assert times == ["00:00:05", "00:00:07", "13:02:03"]


def test_places_are_the_line_and_the_code_point_where_the_text_starts() -> None:
    assert places("Emma Johnson: Hi.\n[00:01:02] Liam O'Brien: Hello.\n") == [(1, 14), (2, 25)]
    assert places("Emma Johnson:\n\n  Hello.\n") == [(3, 2)]
    assert places("\ufeffEmma Johnson: \U0001f600 Hi.\n") == [(1, 14)]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_line_without_a_label_continues_the_turn(newline: str) -> None:
    content = newline.join(["Emma Johnson: First,", "second.", "", "  Third!", "Teacher: So."])
    assert texts(read(content)) == ["First, second. Third!", "So."]
    assert places(content) == [(1, 14), (5, 9)]
    assert read(content).total_lines == 4


@pytest.mark.parametrize(
    "label",
    [
        *("Noah R.", "Noah", "noah", "noah r.", "NOAH", "Zed Q. Nobody", "Guest 2"),
        *("Noah (he/him)", "Mia Profitt", "P-12", "iPad von Noah", "O'Neil, Noah"),
        *("\u5b66\u751f", "Class", "Unknown"),
    ],
)
def test_a_label_that_looks_like_a_speaker_ends_the_turn_before_it(label: str) -> None:
    session = read(f"Emma Johnson: We share.\n{label}: My dad yelled.\nAnd then more.\n")
    assert texts(session) == ["We share.", ""]
    assert session.session.utterances[1].student_id is None


@pytest.mark.parametrize(
    "line",
    [
        "http://example.org/page",
        "look at https://example.org",
        f"{'long ' * 13}: that is no label",
        "no colon at all",
        "step one: cut the sticks",
        "Note: this is mine",
        "three things: paper",
        "The answer: five",
        "it is 3:1 at half past 12:30",
        "so what I say: no",
        "Liam - no",
        "I met Liam O'Brien",
    ],
)
def test_what_does_not_look_like_a_speaker_continues_the_turn(line: str) -> None:
    session = read(f"Emma Johnson: See\n{line}\nMs. Rivera: So.\n")
    assert texts(session) == [f"See {line}", "So."]
    assert session.warnings == ()


def test_a_second_label_on_the_line_says_who_speaks() -> None:
    content = "Emma Johnson: Noah R.: My dad yelled.\nLiam O'Brien: Liam O'Brien: Yes.\n"
    assert texts(read(content)) == ["", "Yes."]
    table = 'speaker,text\nEmma Johnson,Noah R.: My dad yelled.\nEmma Johnson,"Yes.\nZed Q: No."\n'
    assert texts(read(table, "csv")) == ["", "Yes.", ""]


def test_colons_behind_the_label_are_text() -> None:
    assert texts(read("Emma Johnson: It is 3:1, see http://example.org: there.")) == [
        "It is 3:1, see http://example.org: there."
    ]


def test_lines_before_the_first_turn_are_nobodys() -> None:
    session = read("Room 5\nDate: today\n\nEmma Johnson: Hi.\n")
    assert texts(session) == ["Hi."]
    assert warned(session) == [(1, "missing_speaker"), (2, "missing_speaker")]


@pytest.mark.parametrize(
    "line",
    [
        "Meeting ended after 00:09:12 \U0001f44b",
        "This editable transcript was computer generated and might contain errors.",
        "Dana Rivera stopped transcription",
        "Transcribed by https://otter.ai",
        "00:05:00",
    ],
)
def test_what_a_tool_says_of_itself_is_no_speech(line: str) -> None:
    assert texts(read(f"Emma Johnson: Hi.\n{line}\n")) == ["Hi."]


def test_a_label_without_a_text_is_no_utterance() -> None:
    session = read("Emma Johnson:  \nTeacher: Well?\n")
    assert texts(session) == ["Well?"]
    assert warned(session) == [(1, "missing_text")]


def test_a_name_on_its_own_line_is_a_label_only_where_all_labels_are() -> None:
    alone = "Emma Johnson\nYes.\n\nNoah Reed\nMy dad yelled.\n\nLiam O'Brien\nSo it is.\n"
    assert texts(read(alone)) == ["Yes.", "", "So it is."]
    assert texts(read("Emma Johnson: I saw\nLiam O'Brien\nthere.\n")) == [
        "I saw Liam O'Brien there."
    ]


def test_other_line_separators_are_spoken_of() -> None:
    content = "Emma Johnson: One\u2028two\x0bthree\x85four\nTeacher: So."
    assert places(content) == [(1, 14), (2, 9)]


def test_a_continuation_of_a_student_without_consent_is_dropped_with_the_turn() -> None:
    session = read("Zora Quill: I think\nit is mine.\nTeacher: So.\n")
    assert texts(session) == ["So."]
    assert session.without_consent == 1


def test_a_turn_of_many_lines_is_read_in_one_go() -> None:
    (said,) = read("Emma Johnson: Hi.\n" + "and so on\n" * 20_000).session.utterances
    assert len(said.pieces) == 20_001


@pytest.mark.parametrize("piece", [" ", "[", "a", "a b ", "*", "- ", "1:", "(1", "[1:", "a:", "\t"])
def test_a_long_line_is_read_in_one_go(piece: str) -> None:
    session = read(f"Emma Johnson: Hi.\n{piece * 200_000}\n")
    assert session.session.utterances[0].student_id == EMMA
