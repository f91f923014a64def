"""Progress over readings that were counted by hand: rates, goals, risk, words to practise."""

from dataclasses import replace

import pytest

from orf_books.activities.fluency import Fluency
from orf_books.activities.norms import Season, find_norm
from orf_books.activities.progress import PractisedWord, Progress, Risk, WordCount, risk_of
from orf_books_tests.activities.counted_readings import (
    ADA,
    FALL_READING,
    HASTY,
    PROGRESS,
    STUDENTS,
    WINTER_READING,
    reading,
    rescored,
)


def test_a_reading_has_its_figures_now_and_by_the_first_model() -> None:
    assert FALL_READING.fluency == Fluency(10, 8, 9.6)
    assert FALL_READING.fluency.wcpm == 50
    assert FALL_READING.first_pass == Fluency(9, 6, 8.6)
    assert FALL_READING.first_pass.wcpm == pytest.approx(41.86, abs=0.005)


def test_words_are_counted_up_to_the_last_that_was_attempted() -> None:
    result = rescored("...?|.x..|xx")
    counted = reading("a", "2026-01-01", Season.WINTER, result).words
    assert counted == (
        *(WordCount("the", 2, 1), WordCount("cat", 1, 0), WordCount("sat", 1, 0)),
        *(WordCount("on", 1, 0), WordCount("red", 1, 0), WordCount("mat", 1, 0)),
    )
    assert reading("a", "2026-01-01", Season.WINTER, rescored("xxxx|xxxx|xx")).words == ()


def test_readings_are_in_the_order_of_time_whatever_order_they_come_in() -> None:
    assert [one.activity_id for one in PROGRESS.readings] == ["ada-1", "ada-2"]
    assert PROGRESS.latest is WINTER_READING


def test_the_goal_is_the_median_of_the_grade_in_the_season_of_the_reading() -> None:
    assert [one.goal for one in PROGRESS.readings] == [50, 84]
    assert replace(WINTER_READING, grade=None).goal is None
    assert replace(WINTER_READING, grade=1, season=Season.FALL).goal is None


def test_risk_is_by_the_mean_of_the_latest_two_readings() -> None:
    hasty = reading("ada-3", "2026-02-01", Season.WINTER, rescored("....|....|..", pace=HASTY))
    three = Progress.of(ADA, [FALL_READING, WINTER_READING, hasty])
    assert three.recent_wcpm == (50 + 156.25) / 2
    assert PROGRESS.recent_wcpm == 50
    assert [student.risk for student in STUDENTS] == [Risk.HIGH, Risk.SOME, Risk.LOW]


def test_readings_of_another_grade_and_without_a_rate_do_not_count_for_the_risk() -> None:
    last_year = replace(FALL_READING, grade=1)
    silent = replace(WINTER_READING, activity_id="z", fluency=Fluency(0, 0, None))
    progress = Progress.of(ADA, [last_year, WINTER_READING, silent])
    assert progress.rated == [WINTER_READING]
    assert Progress.of(ADA, [silent]).risk is Risk.UNKNOWN
    assert Progress.of(ADA, [replace(WINTER_READING, grade=9)]).risk is Risk.UNKNOWN


@pytest.mark.parametrize(
    ("wcpm", "risk"),
    [(58.9, Risk.HIGH), (59, Risk.SOME), (74, Risk.SOME), (74.1, Risk.LOW), (131, Risk.LOW)],
)
def test_the_limits_of_risk_are_the_25th_percentile_and_ten_below_the_50th(
    wcpm: float, risk: Risk
) -> None:
    assert risk_of(wcpm, find_norm(2, Season.WINTER)) is risk


def test_words_most_often_misread_come_first() -> None:
    assert PROGRESS.words_to_practise == [
        PractisedWord("the", misread=2, attempted=4, readings=2),
        PractisedWord("mat", misread=1, attempted=2, readings=1),
        PractisedWord("sat", misread=1, attempted=2, readings=1),
    ]


def test_only_the_latest_five_readings_give_words_to_practise() -> None:
    clean = [
        reading(f"later-{number}", f"2026-02-0{number}", Season.WINTER, rescored("....|....|.."))
        for number in range(1, 5)
    ]
    practised = Progress.of(ADA, [FALL_READING, WINTER_READING, *clean]).words_to_practise
    assert practised == [
        PractisedWord("sat", misread=1, attempted=5, readings=1),
        PractisedWord("the", misread=1, attempted=10, readings=1),
    ]
