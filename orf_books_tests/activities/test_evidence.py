from orf_books.activities.evidence import (
    PagedRecording,
    PhraseEvidence,
    RecordedStory,
    phrase_evidence,
    said_words,
)
from orf_books.activities.recognition import HeardWord, Transcript
from orf_books_tests.activities.readings import SOUND, activity, feature, spoken


def evidence(
    heard: Transcript, *phrases: str, sound: PagedRecording = SOUND
) -> list[PhraseEvidence]:
    made = activity(*["" for _ in phrases], phrases=phrases)
    return list(phrase_evidence(made, RecordedStory.of(phrases, sound), heard))


def test_a_word_that_was_heard_in_parts_is_one_word_with_one_span() -> None:
    (phrase,) = evidence(spoken("a kind hearted dog"), "A kind-hearted dog.")
    assert phrase.heard_by_a == (True, True, True)
    assert phrase.spans == ((0, 300), (400, 1100), (1200, 1500))


def test_what_is_heard_is_taken_apart_as_the_story_is() -> None:
    heard = Transcript((HeardWord("Don\u2019t", 0.0, 0.3), HeardWord("Go!", 0.4, 0.7)))
    (phrase,) = evidence(heard, "\u201cDon't go,\u201d")
    assert phrase.heard_by_a == (True, True)


def test_every_word_heard_is_told_with_the_word_it_was_said_for() -> None:
    heard = spoken("well the cat sat a dog um ran")
    told = list(said_words(heard, evidence(heard, "The cat sat.", "A dog ran.")))
    assert [(one.text, one.word) for one in told] == [
        ("well", None),
        ("the", 0),
        ("cat", 1),
        ("sat", 2),
        ("a", 3),
        ("dog", 4),
        ("um", None),
        ("ran", 5),
    ]


def test_what_is_heard_for_another_word_is_no_match() -> None:
    heard = spoken("the kit sat")
    phrases = evidence(heard, "The cat sat.")
    assert phrases[0].heard_by_a == (True, False, True)
    told = list(said_words(heard, phrases))
    assert (told[1].word, told[1].is_match) == (1, False)


def test_only_what_is_heard_with_confidence_may_be_told() -> None:
    heard = Transcript((HeardWord("kit", 0.0, 0.3, 0.2), HeardWord("sat", 0.4, 0.7, 0.9)))
    told = said_words(heard, evidence(heard, "Cat sat."))
    assert [one.is_certain for one in told] == [False, True]
    without = spoken("kit sat")
    assert all(one.is_certain for one in said_words(without, evidence(without, "Cat sat.")))


def test_punctuation_in_a_transcript_is_no_word() -> None:
    heard = Transcript((HeardWord("-", 0.0, 0.1), HeardWord("Go.", 0.4, 0.7)))
    assert [one.text for one in said_words(heard, evidence(heard, "Go."))] == ["go"]


def test_stored_vectors_of_other_words_are_nobodys() -> None:
    (phrase,) = evidence(spoken("the cat sat"), "The cat sat.")
    assert feature(0, 3).w2v_match == phrase.stored_w
    assert phrase.by_word((True,)) == [None] * 3
    assert phrase.by_word((True, False, True)) == (True, False, True)
