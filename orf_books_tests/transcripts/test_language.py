import pytest

from orf_books.transcripts.language import languages_of
from orf_books_tests.transcripts.sessions import read, warned

ENGLISH_LINES = [
    "I think we should try it another way.",
    "The seeds are in the cup by the window.",
    "Can you hold this while I cut it?",
]
SPANISH_LINES = [
    "No entiendo la pregunta, maestra.",
    "Mi hermano tiene el mismo libro en casa.",
    "¿Podemos trabajar juntos en este problema?",
]


def codes(*spoken: tuple[str, str]) -> list[str]:
    return [language.code for language in languages_of(spoken)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *((line, "en") for line in ENGLISH_LINES),
        *((line, "es") for line in SPANISH_LINES),
        ("Je ne comprends pas la question du professeur", "fr"),
        ("Eu acho que devemos tentar de outro jeito", "pt"),
        ("Tôi không hiểu câu hỏi này", "vi"),
        ("أنا لا أفهم هذا السؤال يا معلمة", "ar"),
    ],
)
def test_the_language_of_a_sentence_is_told(text: str, code: str) -> None:
    (language,) = languages_of([("A", text)])
    assert language.code == code
    assert 0.8 <= language.confidence <= 1


def test_a_short_utterance_inherits_the_language_of_its_speaker() -> None:
    spanish = [("A", line) for line in SPANISH_LINES]
    english = [("B", line) for line in ENGLISH_LINES]
    assert codes(*spanish, *english, ("A", "No, no."), ("B", "No, no."))[-2:] == ["es", "en"]


def test_a_speaker_who_says_little_inherits_the_language_of_the_session() -> None:
    spanish = [("A", line) for line in SPANISH_LINES]
    assert codes(*spanish, ("B", "Okay."))[-1] == "es"


@pytest.mark.parametrize("text", ["Yes.", "Sure.", "hi", "ok", "12", "...", "Hello"])
def test_a_session_too_short_to_tell_is_taken_for_english(text: str) -> None:
    (language,) = languages_of([("A", text)])
    assert language.code == "en"
    assert language.confidence < 0.8


def test_nothing_said_has_no_language() -> None:
    assert languages_of([]) == ()


def test_languages_are_the_same_each_time() -> None:
    spoken = [("A", line) for line in (*ENGLISH_LINES, *SPANISH_LINES, "Good idea, Mateo")]
    assert languages_of(spoken) == languages_of(spoken)


def test_a_line_in_another_language_is_kept_with_a_warning() -> None:
    lines = [*ENGLISH_LINES, SPANISH_LINES[0]]
    session = read("".join(f"Emma Johnson: {line}\n" for line in lines))
    assert warned(session) == [(4, "not_english")]
    english, spanish = session.session.utterances
    assert (english.lang, spanish.lang) == ("en", "es")
    assert spanish.warnings == ("not_english",)
