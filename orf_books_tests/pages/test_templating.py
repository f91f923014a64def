import pytest

from orf_books.pages.templating import (
    change_in_words,
    measure_in_words,
    place_in_recording,
    secure_or_relative_address,
    share_in_words,
)


def test_measures_have_one_decimal_and_their_unit() -> None:
    assert [measure_in_words(72.26), measure_in_words(3.0, " s")] == ["72.3", "3.0 s"]
    assert share_in_words(0.9124) == "91.2%"


def test_what_is_not_known_is_said() -> None:
    assert measure_in_words(None, " s") == share_in_words(None) == "unknown"


@pytest.mark.parametrize(
    ("milliseconds", "place"),
    [(0, "0:00.0"), (62_449, "1:02.4"), (59_960, "1:00.0"), (3_600_000, "60:00.0")],
)
def test_places_in_a_recording_are_minutes_and_seconds(milliseconds: int, place: str) -> None:
    assert place_in_recording(milliseconds) == place


@pytest.mark.parametrize("url", [None, "", "https:", "a b.wav", "\\\\host\\a.wav", "ftp://x/y"])
def test_what_browsers_may_read_differently_is_no_address(url: str | None) -> None:
    assert secure_or_relative_address(url) is None


def test_changes_have_a_sign_unless_they_are_none() -> None:
    changes = [0.34, -0.34, 0.04, -0.04, 10.0, -10.0]
    assert [change_in_words(change) for change in changes] == [
        "+0.3",
        "\N{MINUS SIGN}0.3",
        "±0.0",
        "±0.0",
        "+10.0",
        "\N{MINUS SIGN}10.0",
    ]
