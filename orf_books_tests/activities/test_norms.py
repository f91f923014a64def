from itertools import pairwise

import pytest

from orf_books.activities.norms import Norm, Season, find_norm

GRADES = range(1, 7)


def norm(grade: int, season: Season = Season.SPRING) -> Norm:
    found = find_norm(grade, season)
    assert found
    return found


def test_the_medians_of_spring_are_those_that_were_published() -> None:
    medians = [norm(grade).percentiles[50] for grade in GRADES]
    assert medians == [60, 100, 112, 133, 146, 146]


def test_grades_one_to_six_have_norms_and_grade_one_has_none_in_fall() -> None:
    known = {
        (grade, season) for grade in range(10) for season in Season if find_norm(grade, season)
    }
    assert known == {(grade, season) for grade in GRADES for season in Season} - {(1, Season.FALL)}


@pytest.mark.parametrize("grade", GRADES)
def test_higher_percentiles_and_later_seasons_read_faster(grade: int) -> None:
    norms = [found for season in Season if (found := find_norm(grade, season))]
    for one in norms:
        words = list(one.percentiles.values())
        assert words == sorted(words, reverse=True)
        assert list(one.percentiles) == [90, 75, 50, 25, 10]
    for earlier, later in pairwise(norms):
        assert all(earlier.percentiles[rank] <= later.percentiles[rank] for rank in (90, 50, 10))


@pytest.mark.parametrize(
    ("wcpm", "percentile"), [(150.0, 90), (147.9, 75), (100.0, 50), (43.0, 10), (42.9, None)]
)
def test_percentiles_are_reached_or_not_and_nothing_is_in_between(
    wcpm: float, percentile: int | None
) -> None:
    assert norm(2).reached_percentile(wcpm) == percentile


@pytest.mark.parametrize(("wcpm", "needs_support"), [(89.0, True), (90.0, True), (90.1, False)])
def test_ten_words_below_the_median_need_support(wcpm: float, needs_support: bool) -> None:
    assert norm(2).needs_fluency_support(wcpm) is needs_support
