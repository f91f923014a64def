import pytest

from orf_books.transcripts.spoken import spoken_text
from orf_books_tests.transcripts.sessions import read, texts


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("[they talk about their sculptures]", ""),
        ("(inaudible) (inaudible) (inaudible)", ""),
        ("I think [laughs] so.", "I think so."),
        ("(laughs) Yes, [writing on the board] it is.", "Yes, it is."),
        ("Yes. *sighs* No.", "Yes. No."),
        ("\u266a music \u266a Hi.", "Hi."),
        ("<noise> Hi.", "Hi."),
        ("It is f(x), (3, 4) and (x + 2).", "It is f(x), (3, 4) and (x + 2)."),
        ("3 < 5 and 7 > 2", "3 < 5 and 7 > 2"),
        ("3 * 4 * 5", "3 * 4 * 5"),
        ("I saw [removed] there.", "I saw [removed] there."),
        ("(I can help you with that part because it is hard.)",) * 2,
    ],
)
def test_stage_directions_are_no_speech(written: str, spoken: str) -> None:
    assert spoken_text([written]) == spoken


def test_a_direction_over_several_pieces_is_one() -> None:
    assert spoken_text(["So [writing", "on the", "board] it is"]) == "So it is"


def test_only_directions_are_no_utterance_and_interrupt_nobody() -> None:
    content = "Emma Johnson: I can help\nAll: [laughter]\nEmma Johnson: you.\nZora Quill: (sighs)\n"
    session = read(content)
    assert texts(session) == ["I can help you."]
    assert session.without_consent == 0
