"""What people say of words: which corrections apply, what follows, how often flags were right."""

from dataclasses import replace

import pytest

from orf_books.activities.calibration import Interval
from orf_books.activities.fluency import Fluency
from orf_books.activities.word_corrections import (
    MeasuredFlags,
    MeasuredPrecision,
    WordCorrection,
    applying,
    corrected,
    is_doubtful,
)
from orf_books_tests.activities.counted_readings import WORDS, correction, rescored

READ = rescored("....|.x.x|..")
"""8 of 10 words in 9.6 s."""


def after(*corrections: WordCorrection) -> Fluency:
    return corrected(READ, applying(READ, corrections)).fluency


def test_a_flag_that_a_person_takes_back_is_a_word_read_correctly() -> None:
    fluency = after(correction((1, 3), is_misread=False))
    assert fluency == Fluency(10, 9, 9.6)
    assert fluency.wcpm == 56.25


def test_a_word_that_a_person_heard_misread_counts_as_misread() -> None:
    fluency = after(correction((0, 0), is_misread=True, was_flagged=False))
    assert fluency == Fluency(10, 7, 9.6)


def test_a_misread_last_word_moves_the_end_of_the_reading() -> None:
    fluency = after(correction((2, 1), is_misread=True, was_flagged=False))
    assert fluency == Fluency(9, 7, 8.6)


def test_a_word_that_could_not_be_scored_counts_once_a_person_heard_it() -> None:
    unheard = rescored("?...|....|..")
    heard = corrected(unheard, applying(unheard, [correction((0, 0), is_misread=False)]))
    assert unheard.fluency.attempted_words == 9
    assert heard.fluency == Fluency(10, 10, 9.6)


def test_a_correction_of_another_text_or_place_does_not_apply() -> None:
    moved = correction((1, 3), is_misread=False, text="cat")
    beyond = replace(moved, phrase=7)
    assert applying(READ, [moved, beyond]) == {}
    assert corrected(READ, {}) is READ


def test_what_a_person_heard_is_certain() -> None:
    every_word = [
        correction((p, w), is_misread=(p, w) == (1, 3))
        for p, phrase in enumerate(WORDS)
        for w in range(len(phrase))
    ]
    heard = corrected(READ, applying(READ, every_word))
    assert heard.accuracy_interval == Interval(0.9, 0.9)
    assert heard.wcpm_interval == Interval(56.25, 56.25)


def test_the_interval_narrows_with_a_doubtful_word_that_was_checked() -> None:
    doubtful = rescored("....|...x|..", doubtful=[(1, 3)])
    one = applying(doubtful, [correction((1, 3), is_misread=True)])
    assert is_doubtful(doubtful.phrases[1].words[3])
    wide = corrected(doubtful, applying(doubtful, [correction((0, 0), is_misread=False)]))
    narrow = corrected(doubtful, one)
    assert wide.accuracy_interval
    assert narrow.accuracy_interval
    assert (
        narrow.accuracy_interval.high - narrow.accuracy_interval.low
        < wide.accuracy_interval.high - wide.accuracy_interval.low
    )


def test_no_interval_appears_where_there_was_none() -> None:
    without = replace(READ, accuracy_interval=None, wcpm_interval=None)
    heard = corrected(without, applying(without, [correction((1, 3), is_misread=False)]))
    assert heard.accuracy_interval is heard.wcpm_interval is None


def test_precision_is_counted_apart_for_sure_and_doubtful_flags() -> None:
    measured = MeasuredFlags.of(
        [
            correction((0, 0), is_misread=True),
            correction((0, 1), is_misread=True),
            correction((0, 2), is_misread=False),
            correction((0, 3), is_misread=False, was_doubtful=True),
            correction((1, 0), is_misread=True, was_flagged=False),
            correction((1, 1), is_misread=False, was_flagged=False, activity_id="a-2"),
            correction((1, 2), is_misread=True, was_flagged=None),
        ]
    )
    assert measured == MeasuredFlags(
        sure=MeasuredPrecision(right=2, checked=3),
        doubtful=MeasuredPrecision(right=0, checked=1),
        missed=1,
        called_correct=2,
        readings=2,
    )
    assert measured.sure.share == pytest.approx(2 / 3)
    assert measured.sure.interval
    assert measured.sure.interval.low == pytest.approx(0.208, abs=1e-3)
    assert measured.sure.interval.high == pytest.approx(0.939, abs=1e-3)


def test_nothing_checked_is_no_precision() -> None:
    measured = MeasuredFlags.of([])
    assert (measured.sure.share, measured.sure.interval) == (None, None)
    assert measured.readings == 0
