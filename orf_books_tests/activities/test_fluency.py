from collections.abc import Collection

import pytest

from orf_books.activities.alignment import aligned_words
from orf_books.activities.fluency import (
    EventKind,
    Fluency,
    ReadingEvent,
    SaidWord,
    fluency_of,
    longest_pause,
    reading_events,
)
from orf_books.activities.recognition import Span

STORY = ["the", "cat", "sat", "on", "the", "mat"]
SPANS: list[list[Span | None]] = [[(0, 300), (1000, 1300), None], [(3000, 3300), (5000, 6000)]]


def said(text: str, story: list[str] = STORY) -> list[SaidWord]:
    """Words of 0.3 s, one a second; at `_` nothing is said."""
    beats = [(float(beat), word) for beat, word in enumerate(text.split()) if word != "_"]
    places = {
        pair.heard: pair
        for pair in aligned_words(story, [word for _, word in beats])
        if pair.heard is not None
    }
    return [
        SaidWord(word, at, at + 0.3, places[place].expected, places[place].is_match)
        for place, (at, word) in enumerate(beats)
    ]


def events(
    text: str, misread: Collection[int] = (), attempted: int = 6
) -> list[tuple[str, int, str]]:
    found = reading_events(STORY, [at in misread for at in range(6)], said(text), attempted)
    return [(event.kind.value, event.word, event.heard) for event in found]


def test_rates_are_of_the_time_from_the_first_onset_to_the_last_end() -> None:
    fluency = fluency_of([[False, True, False], [True, False]], SPANS)
    assert fluency == Fluency(attempted_words=5, correct_words=3, seconds=6.0)
    assert fluency.accuracy == pytest.approx(0.6)
    assert fluency.wcpm == pytest.approx(30)
    assert fluency.wpm == pytest.approx(50)
    assert fluency.errors_per_minute == pytest.approx(20)


def test_seconds_of_a_reading_count_from_its_first_word() -> None:
    spans: list[list[Span | None]] = [[(4000, 4300), (5000, 6000)]]
    assert fluency_of([[False, False]], spans).seconds == 2.0


def test_words_and_time_after_the_last_correct_word_do_not_count() -> None:
    fluency = fluency_of([[False, False, True], [True, True]], SPANS)
    assert fluency == Fluency(attempted_words=2, correct_words=2, seconds=1.3)


def test_a_word_for_which_nothing_was_heard_counts_without_time() -> None:
    fluency = fluency_of([[True, True, False], [True, True]], SPANS)
    assert fluency == Fluency(attempted_words=3, correct_words=1, seconds=1.3)


@pytest.mark.parametrize("spans", [SPANS, [[None] * 3, [None] * 2]])
def test_without_a_correct_word_there_are_no_rates(
    spans: list[list[tuple[int, int] | None]],
) -> None:
    fluency = fluency_of([[True] * 3, [True] * 2], spans)
    assert (fluency.accuracy, fluency.wcpm, fluency.wpm, fluency.errors_per_minute) == (None,) * 4


def test_without_times_there_is_an_accuracy_and_no_rate() -> None:
    fluency = fluency_of([[False, True, False]], [[None] * 3])
    assert fluency.accuracy == pytest.approx(2 / 3)
    assert fluency.wcpm is None


def test_nothing_happens_in_a_smooth_reading() -> None:
    assert events("the cat sat on the mat") == []


def test_what_was_said_for_a_misread_word_makes_it_a_substitution_and_silence_an_omission() -> None:
    assert events("the bat sat the mat", misread={1, 3}) == [
        ("substitution", 1, "bat"),
        ("omission", 3, ""),
    ]


def test_a_word_that_others_heard_is_neither() -> None:
    assert events("the bat sat the mat") == []


def test_a_misread_word_that_was_heard_has_no_kind() -> None:
    assert events("the cat sat on the mat", misread={1}) == []


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("the the cat sat on the mat", [("repetition", 1, "the")]),
        ("the cat the cat sat on the mat", [("repetition", 2, "the cat")]),
        ("the cat sat cat sat on the mat", [("repetition", 3, "cat sat")]),
        ("the dog cat sat on the mat", [("self_correction", 1, "dog")]),
        ("the cot car cat sat on the mat", [("self_correction", 1, "cot car")]),
        (
            "the dog the cat sat on the mat",
            [("self_correction", 1, "dog"), ("repetition", 1, "the")],
        ),
        ("the um cat sat on the mat", [("insertion", 1, "um")]),
        ("the cat sat er on the mat", [("insertion", 3, "er")]),
    ],
)
def test_additions_are_told_apart(heard: str, expected: list[tuple[str, int, str]]) -> None:
    assert events(heard) == expected


def test_words_before_one_that_was_misread_correct_nothing() -> None:
    heard = [
        SaidWord("the", 0, 0.3, 0, True),
        SaidWord("big", 1, 1.3, None, False),
        SaidWord("cot", 2, 2.3, 1, False),
    ]
    assert reading_events(STORY[:2], [False, True], heard, attempted=2) == (
        ReadingEvent(EventKind.SUBSTITUTION, 1, "cot"),
        ReadingEvent(EventKind.INSERTION, 1, "big"),
    )


def test_a_correction_after_three_seconds_is_none() -> None:
    assert events("the dog _ _ cat sat on the mat") == [("self_correction", 1, "dog")]
    assert events("the dog _ _ _ cat sat on the mat") == [
        ("insertion", 1, "dog"),
        ("hesitation", 1, ""),
    ]


def test_a_pause_of_more_than_three_seconds_is_a_hesitation_before_the_word() -> None:
    assert events("the cat _ _ sat on the mat") == []
    assert events("the cat _ _ _ sat on the mat") == [("hesitation", 2, "")]
    assert events("the cat _ _ _ um sat on the mat") == [
        ("insertion", 2, "um"),
        ("hesitation", 2, ""),
    ]


def test_talk_around_the_reading_is_no_part_of_it() -> None:
    assert events("okay _ _ _ _ the cat sat on the mat _ _ _ _ done") == []
    assert longest_pause(said("okay _ _ _ _ the cat sat on the mat"), 6) == pytest.approx(0.7)


def test_nothing_is_told_of_words_that_were_not_attempted() -> None:
    heard = "the cat sat um on the hat"
    assert events(heard, misread={3, 4, 5}, attempted=3) == []


def test_the_longest_pause_is_between_attempted_words() -> None:
    heard = said("the cat _ _ sat _ _ _ on the mat")
    assert longest_pause(heard, 6) == pytest.approx(3.7)
    assert longest_pause(heard, 3) == pytest.approx(2.7)
    assert longest_pause(heard, 1) is None
    assert longest_pause([], 6) is None


def test_words_that_overlap_leave_no_pause() -> None:
    overlapping = [SaidWord("the", 0, 2, 0, True), SaidWord("cat", 1, 3, 1, True)]
    assert longest_pause(overlapping, 2) == 0


def test_words_that_could_not_be_scored_count_neither_as_words_nor_by_their_time() -> None:
    spans: list[list[Span | None]] = [[(0, 1000), (1000, 3000), (3000, 5000)], [(5000, 6000)]]
    fluency = fluency_of([[False, None, None], [False]], spans)
    assert (fluency.attempted_words, fluency.correct_words, fluency.seconds) == (2, 2, 2.0)
    assert fluency.accuracy == 1


def test_a_word_that_could_not_be_scored_is_not_the_last_attempted() -> None:
    fluency = fluency_of([[False, True, None]], [[(0, 1000), (1000, 2000), (2000, 3000)]])
    assert (fluency.attempted_words, fluency.correct_words) == (1, 1)
