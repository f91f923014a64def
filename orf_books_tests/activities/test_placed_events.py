from orf_books.activities.fluency import EventKind, ReadingEvent
from orf_books.activities.placed_events import PlacedWord, placed_events
from orf_books.activities.recognition import SaidBeside, Span


def word(
    span: Span | None,
    text: str = "word",
    *,
    is_misread: bool = False,
    is_repeated: bool = False,
    before: SaidBeside | None = None,
    heard: str = "",
) -> PlacedWord:
    return PlacedWord(text, is_misread, span, is_repeated, before, heard)


def throughout(span: Span) -> int:
    """There is sound all the time."""
    return span[1] - span[0]


def kinds(*words: PlacedWord) -> list[tuple[EventKind, int]]:
    return [(event.kind, event.word) for event in placed_events(words, throughout)]


def test_a_reading_without_anything_special_has_no_events() -> None:
    assert kinds(word((0, 300)), word((400, 700)), word((3600, 3900))) == []


def test_a_misread_word_without_room_was_left_out_and_another_was_replaced() -> None:
    left_out = [word((0, 300)), word((300, 320), is_misread=True), word((500, 700))]
    replaced = [word((0, 300)), word((320, 500), is_misread=True, heard="cat"), word((800, 900))]
    assert placed_events(left_out, throughout) == (ReadingEvent(EventKind.OMISSION, 1),)
    assert placed_events(replaced, throughout) == (ReadingEvent(EventKind.SUBSTITUTION, 1, "cat"),)


def test_a_pause_in_place_of_a_word_is_no_other_word() -> None:
    paused = [word((0, 300)), word((900, 950), is_misread=True), word((1500, 1900))]
    (omission,) = placed_events(paused, sounding=lambda _: 100)
    assert omission == ReadingEvent(EventKind.OMISSION, 1)


def test_at_the_ends_of_a_reading_the_word_itself_tells_how_long_it_took() -> None:
    first, last = word((0, 600), is_misread=True), word((700, 800), is_misread=True)
    assert kinds(first, last) == [(EventKind.SUBSTITUTION, 0), (EventKind.OMISSION, 1)]


def test_a_misread_word_that_was_not_placed_was_left_out() -> None:
    assert kinds(word((0, 300)), word(None, is_misread=True)) == [(EventKind.OMISSION, 1)]


def test_words_repeated_together_are_one_repetition() -> None:
    again = [
        word((0, 900), "the", is_repeated=True),
        word((300, 1300), "cat", is_repeated=True),
        word((1400, 1700), "sat"),
    ]
    assert placed_events(again, throughout) == (ReadingEvent(EventKind.REPETITION, 0, "the cat"),)


def test_the_beginning_of_a_word_before_it_is_a_self_correction_and_other_speech_is_not() -> None:
    false_start = word((600, 900), before=SaidBeside((400, 500), is_false_start=True))
    other = word((1600, 1900), before=SaidBeside((1000, 1500), is_false_start=False))
    assert kinds(word((0, 300)), false_start, other) == [
        (EventKind.SELF_CORRECTION, 1),
        (EventKind.INSERTION, 2),
    ]


def test_what_is_said_beside_a_misread_word_was_said_in_its_place() -> None:
    besides = SaidBeside((1000, 1500), is_false_start=False)
    misread = word((0, 500), is_misread=True)
    assert kinds(misread, word((1600, 1900), before=besides)) == [(EventKind.SUBSTITUTION, 0)]


def test_only_a_long_pause_is_a_hesitation() -> None:
    assert kinds(word((0, 300)), word((3301, 3600)), word((6600, 6900))) == [
        (EventKind.HESITATION, 1)
    ]


def test_words_that_were_not_placed_make_no_pause() -> None:
    assert kinds(word((0, 300)), word(None), word((3400, 3600))) == [(EventKind.HESITATION, 2)]
