"""Where somebody else begins to speak in ways that a file does not use elsewhere."""

import pytest

from orf_books.transcripts.erasure import erase_from_session
from orf_books.transcripts.parsing import ReadSession
from orf_books.transcripts.submission import TranscriptFormat
from orf_books_tests.transcripts.forms import document
from orf_books_tests.transcripts.sessions import EMMA, LIAM, read, roster, texts

FOREIGN = "My dad yelled about the quokka."


def read_between(line: str) -> ReadSession:
    """A session with a line between those of two children."""
    return read(f"Emma Johnson: We share.\n{line}\nLiam O'Brien: So.\n")


@pytest.mark.parametrize(
    "before",
    [
        *(
            "Noah Reed - ",
            "Noah Reed \u2013 ",
            "Noah Reed -> ",
            "Noah Reed \u2192 ",
            "Noah Reed = ",
        ),
        *("Noah Reed; ", "Noah Reed> ", "Noah Reed....", "Noah Reed   ", "Noah Reed\t"),
        *("(Noah Reed) ", "[Noah Reed] ", "Noah Reed 0:05 ", "Noah Reed\t0:05\t"),
        *(
            "Noah Reed said: ",
            "Noah Reed replies: ",
            "Noah to Emma Johnson: ",
            ">> ",
            "\nNoah Reed\n",
        ),
        *(
            "\U0001f984 Noah Reed: ",
            "\u202bNoah Reed\u202c: ",
            "No\xc3\x81 Reed: ",
            "Noah (crying): ",
        ),
    ],
)
def test_a_full_name_ends_the_turn_before_it_in_whatever_way_it_is_set_apart(before: str) -> None:
    session = read_between(f"{before}{FOREIGN}")
    assert [text for text in texts(session) if text] == ["We share.", "So."]


@pytest.mark.parametrize("gap", [" ", "    ", "\u2028", "\x0b", "\x85", " [0:07] "])
@pytest.mark.parametrize("label", ["Noah Reed", "Noah", "Zora Quill", "All", "Liam's mom"])
def test_a_label_within_a_line_ends_the_turn_before_it(gap: str, label: str) -> None:
    session = read(f"Emma Johnson: We share.{gap}{label}: {FOREIGN} Liam O'Brien: So.\n")
    assert [text for text in texts(session) if text] == ["We share.", "So."]


@pytest.mark.parametrize("before", ["Zora Quill. ", "Zora Quill ", "[0:07] Zora Quill "])
def test_a_line_that_begins_with_the_name_of_a_child_without_consent_is_not_kept(
    before: str,
) -> None:
    session = read_between(f"{before}{FOREIGN}")
    assert texts(session) == ["We share.", "So."]
    assert session.without_consent == 1


def test_several_turns_in_a_cell_of_word_are_of_those_who_speak() -> None:
    said = "Emma Johnson: We share. Noah Reed: My quokka. Liam O'Brien: So."
    session = read(document([f"0:05\t{said}"]), "docx")
    assert [(one.student_id, one.text) for one in session.session.utterances] == [
        (EMMA, "We share."),
        (None, ""),
        (LIAM, "So."),
    ]


@pytest.mark.parametrize(
    "said",
    [
        "I know the rule. Note: it is mine.",
        "There are three. First step: cut the sticks.",
        "She asked. The answer: five.",
        "It is half. 2: 3 I think.",
        "We saw it; it was big.",
        "and then   we stopped",
        "so I said... no",
        "x = 5 and y = 6",
        "what he said to Noah: no",
    ],
)
def test_what_names_nobody_ends_no_turn(said: str) -> None:
    session = read(f"Emma Johnson: See.\n{said}\nLiam O'Brien: So.\n")
    assert texts(session) == [f"See. {' '.join(said.split())}", "So."]


def test_dashes_in_a_caption_are_two_speakers_and_who_has_no_label_is_nobody() -> None:
    time = "00:00:01.000 --> 00:00:02.000"
    captions = f"WEBVTT\n\n{time}\n- Emma Johnson: We share.\n- {FOREIGN}\n\n{time}\nAnd more.\n"
    assert texts(read(captions, "vtt")) == ["We share.", ""]
    alone = f"WEBVTT\n\n{time}\nEmma Johnson: We share\n- so to say - all.\n"
    assert texts(read(alone, "vtt")) == ["We share - so to say - all."]


@pytest.mark.parametrize(
    "label",
    ["\U0001f98a Emma Johnson \U0001f64b", "\u200fEmma Johnson\u200f", "\u2068Emma Johnson\u2069"],
)
def test_emoji_and_marks_of_direction_are_no_part_of_a_name(label: str) -> None:
    session = read(f"{label}: We share.\n")
    assert [one.student_id for one in session.session.utterances] == [EMMA]


@pytest.mark.parametrize("how", ["(quietly)", "[whispering to Liam]", "(reading)", "(aloud)"])
def test_how_somebody_speaks_is_no_part_of_a_name(how: str) -> None:
    session = read(f"Emma Johnson {how}: We share.\nLiam O'Brien (his sibling): So.\n")
    assert [(one.student_id, one.text) for one in session.session.utterances] == [
        (EMMA, "We share."),
        (None, ""),
    ]


def test_an_addressee_and_a_verb_of_speaking_are_no_part_of_a_name() -> None:
    session = read("Emma Johnson to Liam O'Brien: We share.\nLiam O'Brien says: So.\n")
    assert [one.student_id for one in session.session.utterances] == [EMMA, LIAM]


def test_who_shares_a_line_with_a_deleted_student_gives_their_words_to_nobody_else() -> None:
    content = (
        b"Liam O'Brien: One.\nEmma Johnson: Two. Ms. Rivera: Three.\nFour.\nLiam O'Brien: Five."
    )
    left = erase_from_session(content, TranscriptFormat("txt"), roster(), EMMA)
    assert texts(read(left)) == ["One. Five."]


def test_a_table_with_a_column_for_each_speaker_is_read() -> None:
    table = (
        "Time,Teacher,Students,Noah Reed\n0:05,Good morning.,,\n0:09,,Emma Johnson: We share.,\n"
        f"0:12,,,{FOREIGN}\n0:15,And then?,,\n0:20,,Liam O'Brien: So.,\n"
    )
    session = read(table, "csv")
    assert [(one.timestamp, one.text) for one in session.session.utterances] == [
        ("00:00:05", "Good morning."),
        ("00:00:09", "We share."),
        ("00:00:12", ""),
        ("00:00:15", "And then?"),
        ("00:00:20", "So."),
    ]


def test_in_a_row_in_which_several_speak_nobody_does() -> None:
    rows = "".join(f"Say {n}.,\n,Number {n}.\n" for n in range(10))
    session = read(f"Emma Johnson,Liam O'Brien\n{rows}Both.,At once.\n", "csv")
    assert texts(session)[-1] == ""
    assert session.unattributed == 1


def test_text_of_an_old_mac_is_read() -> None:
    said = "Emma Johnson: We share a caf\xe9.\rLiam O'Brien: So.\r"
    assert texts(read(said.encode("mac_roman"))) == ["We share a caf\xe9.", "So."]
