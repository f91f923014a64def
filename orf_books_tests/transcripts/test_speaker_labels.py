"""Which labels look like a speaker's: a table of kinds, alone and in every form of file."""

import pytest

from orf_books.transcripts.layout import read_raw_file
from orf_books.transcripts.speaker_labels import looks_like_speaker
from orf_books.transcripts.speakers import Speakers, is_staff_label
from orf_books.transcripts.submission import TranscriptFormat
from orf_books.transcripts.turns import Row, read_turns
from orf_books_tests.transcripts.forms import FORMS, Line, write_form
from orf_books_tests.transcripts.sessions import EMMA, read, roster, texts

RELATIVES = [
    *("Liam's mom", "Liam\u2019s mom", "liam's mom", "LIAM'S MOM", "Liam O`Brien's older brother"),
    *("Emma and her dad", "Mom of Liam", "his grandma", "Mrs. O'Neil (parent)", "Dr. Reed, parent"),
    *("Ms. Rivera's daughter", "Mrs. Reed - Noah's mom", "Noah (his sister)", "mam\u00e1 de Liam"),
]
ADULTS = ["parent volunteer", "Substitute teacher", "a parent", "Teacher's aide", "Unknown caller"]
DEVICES = [
    "iPad (2)",
    "Noah's ipad",
    "noah's Chromebook",
    "Galaxy S9",
    "Zoom user",
    "iPad von Noah",
]
PHONES = ["+1 555-0100", "+44 7700 900123", "1******0100", "(555) 555-0100", "15555550100"]
CHILDREN = [
    *(
        "Liam & Noah",
        "Noah/Mia",
        "NOAH REED",
        "Noah, age 7",
        "Noah, 5th grade",
        "Noah (in the back)",
    ),
    *("boy in the back", "Girl with glasses", "voice from the hallway", "another kid", "Noah?"),
    *('Noah "Lee" Reed', "@noah", "noah_reed24", "noah@school.org", "Noah's group", "D\u2019Andre"),
]
SCRIPTS = [
    *(
        "\u674e\u660e",
        "\u674e\u660e\uff08\u5bb6\u957f\uff09",
        "\u041e\u043b\u044c\u0433\u0430 \u041f.",
    ),
    *(
        "\u0645\u062d\u0645\u062f",
        "\u200f\u0645\u062d\u0645\u062f \u0639\u0644\u064a",
        "\u0e2a\u0e21\u0e0a\u0e32\u0e22",
    ),
    *(
        "\u0913\u092e \u0936\u0930\u094d\u092e\u093e",
        "\u7530\u4e2d\u3055\u3093",
        "Noe\u0301",
        "\U0001f984 Noah",
        "\u043c\u0430\u043c\u0430 \u041b\u0438\u0430\u043c\u0430",
    ),
]
LABELS = [*RELATIVES, *ADULTS, *DEVICES, *PHONES, *CHILDREN, *SCRIPTS]
NO_LABELS = [
    *("step one", "Three things", "Note", "The answer", "so what I say", "Here is the rule"),
    *("Liam's answer", "liam's turn", "what Emma said", "I told Liam's mom", "my friend's mom"),
    *("the kids", "each kid", "every student", "my mom", "our group", "your partner", "the ipad"),
    *(
        "student answers",
        "Students in class",
        "the teacher said",
        "the answer from Liam",
        "a number",
    ),
    *("2026-11-16", "3.14159", "100 200 300", "1000000", "5 - 3", "10.5.2", "3-4-5-6-7-8", "12"),
]
FOREIGN = "My dad yelled about the quokka."


@pytest.mark.parametrize("label", LABELS)
def test_people_are_recognised_by_name_relation_device_number_and_place(label: str) -> None:
    assert looks_like_speaker(label)


@pytest.mark.parametrize("label", NO_LABELS)
def test_what_people_say_before_a_colon_names_nobody(label: str) -> None:
    assert not looks_like_speaker(label)


@pytest.mark.parametrize("name", FORMS)
def test_their_turns_are_nobodys_in_any_form_of_file(name: str) -> None:
    labels = [one for one in LABELS if _can_be_written(one, name)]
    lines: list[Line] = [("Emma Johnson", "We share.")]
    for label in labels:
        lines += [(label, FOREIGN), ("Emma Johnson", "We share.")]
    raw_file = read_raw_file(write_form(name, lines), TranscriptFormat(name.rpartition(".")[2]))
    rows, speakers = [row for row in raw_file.rows() if isinstance(row, Row)], Speakers(roster())

    spoken = {"": set[str](), EMMA: set[str]()}
    for turn in read_turns(rows, speakers).turns:
        words = [rows[piece.row].text[piece.start : piece.end] for piece in turn.pieces]
        spoken[speakers.speaker_of(turn).student_id or ""].update(" ".join(words).split())

    assert spoken == {"": set(FOREIGN.split()), EMMA: {"We", "share."}}


@pytest.mark.parametrize("label", LABELS)
def test_their_words_are_not_kept(label: str) -> None:
    session = read(f"Emma Johnson: We share.\n{label}: {FOREIGN}\nAnd more of it.\n")
    assert texts(session) == ["We share.", ""]


def test_the_number_of_a_speaker_is_a_label_and_a_ratio_is_none() -> None:
    session = read(f"Emma Johnson: We share.\n2: {FOREIGN}\nAnd more of it.\n")
    assert texts(session) == ["We share.", ""]
    assert texts(read("Emma Johnson: It is\n2: 3 I think\n")) == ["It is 2: 3 I think"]


def test_names_without_capitals_are_labels_where_the_file_has_none() -> None:
    content = "emma johnson: we share.\nnoah reed: my dad yelled.\nliam o'brien: yes.\n"
    assert texts(read(content)) == ["we share.", "", "yes."]
    assert texts(read("Emma Johnson: see\nsome glue: two\n")) == ["see some glue: two"]


def test_who_belongs_to_a_member_of_staff_is_no_staff() -> None:
    assert is_staff_label("Ms. Rivera")
    assert is_staff_label("Mrs. O'Neil-Reed")
    assert not is_staff_label("Ms. Rivera's daughter")
    assert not is_staff_label("Mrs. Reed, mom")


def _can_be_written(label: str, form: str) -> bool:
    if form == "dash.txt":
        return " - " not in label
    return "cp1252" not in form or label.encode("cp1252", "ignore").decode("cp1252") == label
