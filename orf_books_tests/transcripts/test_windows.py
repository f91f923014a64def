from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.transcripts.windows import Window, monday_of, windows_ending_with

DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize("day", [date(2026, 11, 16), date(2026, 11, 18), date(2026, 11, 22)])
def test_windows_end_with_the_sunday_of_the_day(day: date) -> None:
    assert windows_ending_with(day) == (
        Window(date(2026, 11, 16), date(2026, 11, 22)),
        Window(date(2026, 10, 26), date(2026, 11, 22)),
        Window(date(2026, 8, 31), date(2026, 11, 22)),
    )


def test_an_iso_week_may_begin_in_the_year_before() -> None:
    assert windows_ending_with(date(2027, 1, 1))[0] == Window(date(2026, 12, 28), date(2027, 1, 3))


@given(DAYS)
def test_windows_are_whole_iso_weeks_that_hold_the_day(day: date) -> None:
    for window, weeks in zip(windows_ending_with(day), (1, 4, 12), strict=True):
        assert window.start <= day <= window.end
        assert (window.start.isoweekday(), window.end.isoweekday()) == (1, 7)
        assert len({monday.isocalendar()[:2] for monday in window.mondays}) == weeks
        assert monday_of(day) in window.mondays


@given(DAYS)
def test_the_previous_window_is_as_long_and_leaves_no_day_out(day: date) -> None:
    for window in windows_ending_with(day):
        previous = window.previous

        assert (window.start - previous.end).days == 1
        assert previous.end - previous.start == window.end - window.start
