import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.transcripts.timestamps import read_timestamp


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0:05", "00:00:05"),
        ("[0:05]", "00:00:05"),
        ("(0:05)", "00:00:05"),
        ("12:34", "00:12:34"),
        ("90:05", "01:30:05"),
        ("1:02:03", "01:02:03"),
        ("00:00:05.790", "00:00:05"),
        ("00:00:05,790", "00:00:05"),
        ("0:0:5.79", "00:00:05"),
        ("00:00:05.790 --> 00:00:09.000", "00:00:05"),
        ("0:00:05.790,0:00:09.000", "00:00:05"),
        ("0:05 - 0:09", "00:00:05"),
        ("5", "00:00:05"),
        ("65.79", "00:01:05"),
        ("65s", "00:01:05"),
        ("65.790000000000006", "00:01:05"),
        ("PT1M5.79S", "00:01:05"),
        ("0 minutes 5 seconds", "00:00:05"),
        ("1h 2m 3s", "01:02:03"),
        ("2 min 5 sec", "00:02:05"),
        ("9:05:06 PM", "21:05:06"),
        ("9 a.m.", "09:00:00"),
        ("12:00:01 am", "00:00:01"),
        ("2026-03-02T09:00:05Z", "09:00:05"),
        ("2026-03-02 09:00:05+01:00", "09:00:05"),
        ("3/2/2026, 9:00:05 AM", "09:00:05"),
        ("23:59:59", "23:59:59"),
    ],
)
def test_usual_times_are_read(written: str, read: str) -> None:
    assert read_timestamp(written) == read


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", "noon", "24:00:00", "09:60:00", "09:00:60", "13:00:00 PM", "-5", "1:2:3:4:5"),
        *("xx:05", "99:99:99", "\u0660\u0669:00:00", "5 apples", "nan", "1e9"),
    ],
)
def test_other_texts_are_no_times(written: str) -> None:
    assert read_timestamp(written) is None


@given(st.text(max_size=30))
def test_any_text_is_a_time_of_day_or_none(written: str) -> None:
    read = read_timestamp(written)
    assert read is None or (len(read) == 8 and "00:00:00" <= read <= "23:59:59")
