from dataclasses import replace

from orf_books.transcripts.quotes import LONGEST_TURN, QuotedTurn, Quotes
from orf_books.transcripts.redaction import Redactor
from orf_books.transcripts.roster import read_roster
from orf_books.transcripts.utterance import SpeakerRole, Utterance
from orf_books_tests.transcripts.scores import evidence
from orf_books_tests.transcripts.test_corrections import OTHER, STUDENT, utterance

ROSTER = b"""[{"student_id": "3f6c0000-0000-4000-8000-000000000001", "names": ["Emma Johnson"],
"consent": true}]"""
REDACTOR = Redactor(read_roster(ROSTER))
TEACHER = replace(
    utterance(3, text="Emma, how did you get that?"),
    speaker_role=SpeakerRole.TEACHER,
    student_id=None,
)
SAID = (
    utterance(1, OTHER, "I am lost."),
    utterance(2, STUDENT, "Me too."),
    TEACHER,
    utterance(4, STUDENT, "So, how are you feeling"),
    utterance(5, OTHER, "Thanks, Emma."),
    utterance(6, OTHER, "Never mind."),
)


def quotes(*said: Utterance) -> Quotes:
    return Quotes(said, REDACTOR)


def test_a_quote_has_the_turns_before_and_after_and_says_who_spoke() -> None:
    quote = quotes(*SAID).quote(evidence(4))
    assert quote.text == "So, how are you feeling"
    assert quote.before == (
        QuotedTurn("The student", "Me too."),
        QuotedTurn("Teacher", "[peer], how did you get that?"),
    )
    assert quote.after == (QuotedTurn("Another student", "Thanks, [peer]."),)


def test_the_first_and_the_last_turn_of_a_session_have_nothing_beside_them() -> None:
    quote = quotes(utterance(4)).quote(evidence(4))
    assert (quote.before, quote.after) == ((), ())


def test_who_is_on_no_roster_is_somebody() -> None:
    unknown = replace(utterance(3), speaker_role=SpeakerRole.UNKNOWN, student_id=None)
    (turn,) = quotes(unknown, utterance(4)).quote(evidence(4)).before
    assert turn.speaker == "Somebody"


def test_a_long_turn_is_cut_after_names_are_taken_out() -> None:
    long = utterance(3, OTHER, "word " * (LONGEST_TURN // 5 - 1) + "Emma Johnson and more words")
    (turn,) = quotes(long, utterance(4)).quote(evidence(4)).before
    assert len(turn.text) <= LONGEST_TURN + 2
    assert turn.text.endswith(" …")
    assert "Emma" not in turn.text


def test_without_its_utterance_a_finding_is_quoted_by_itself() -> None:
    assert quotes().quote(evidence(4)).before == ()


def test_what_was_said_is_in_no_repr() -> None:
    assert "feeling" not in repr(quotes(*SAID).quote(evidence(4)))
