"""What a cell of an export means, at the edges of what it may say."""

import pytest

from orf_books.books.exports.cells import (
    HIGHEST_RATING,
    MOST_DISCS,
    READ,
    UnreadableCell,
    in_lines,
    is_audio,
    listed,
    read_count,
    read_flag,
    read_goodreads_id,
    read_hours,
    read_isbn,
    read_pages,
    read_rating,
    read_whole_number,
    read_year,
    shelf,
    single_spaced,
    split_rating,
    unescaped,
)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("0", 0),
        ("604", 604),
        ("604.0", 604),
        ("604,", 604),
        ("1,189", 1189),
        ("1.189", 1189),
        ("1\u202f189\u202f000", 1_189_000),
        ("1'189", 1189),
        ("-3", -3),
        ("+3", 3),
        ("999999999", 999_999_999),
    ],
)
def test_whole_numbers_may_be_grouped_and_have_no_decimals(cell: str, number: int) -> None:
    assert read_whole_number(cell) == number


@pytest.mark.parametrize("cell", ["", "6.5", "1,18", "1189,5", "1,1899", "1234567890", "x", "##"])
def test_what_is_no_whole_number_is_refused(cell: str) -> None:
    with pytest.raises(UnreadableCell):
        read_whole_number(cell)


@pytest.mark.parametrize(
    ("cell", "pages"), [("0", None), ("1", 1), ("604 pages", 604), ("604 p.", 604), ("12pp", 12)]
)
def test_no_pages_are_unknown_pages(cell: str, pages: int | None) -> None:
    assert read_pages(cell) == pages


def test_counts_may_be_zero_but_neither_they_nor_pages_are_below() -> None:
    assert (read_count("0"), read_count("2")) == (0, 2)
    for read in (read_count, read_pages):
        with pytest.raises(UnreadableCell, match="below zero"):
            read("-1")


@pytest.mark.parametrize(
    ("cell", "year"), [("0", None), ("-750", -750), ("9999", 9999), ("-9999", -9999), ("1", 1)]
)
def test_years_have_four_digits_at_most(cell: str, year: int | None) -> None:
    assert read_year(cell) == year


@pytest.mark.parametrize("cell", ["10000", "-10000", "1,189", "x"])
def test_what_is_no_year_is_refused(cell: str) -> None:
    with pytest.raises(UnreadableCell, match="year"):
        read_year(cell)


@pytest.mark.parametrize(
    ("cell", "rating"),
    [("0", None), ("5", 5.0), ("4.5", 4.5), ("4,25", 4.25), ("0.5", 0.5), ("★★★½", 3.5)],
)
def test_stars_go_from_zero_which_is_unrated_to_five(cell: str, rating: float | None) -> None:
    assert HIGHEST_RATING == 5
    assert read_rating(cell) == rating


@pytest.mark.parametrize("cell", ["5.01", "-0.5", "6", "****", "#"])
def test_what_is_no_rating_is_refused(cell: str) -> None:
    with pytest.raises(UnreadableCell):
        read_rating(cell)


def test_a_rating_is_split_into_whole_stars_and_the_rest() -> None:
    assert split_rating(None) == (None, 0.0)
    assert split_rating(4.25) == (4, 0.25)
    assert split_rating(3.5) == (3, 0.5)
    assert split_rating(0.5) == (0, 0.5)


def test_an_id_of_goodreads_has_digits_only() -> None:
    assert read_goodreads_id("44767458") == "44767458"
    for cell in ("", "12a", "-1"):
        with pytest.raises(UnreadableCell, match="digits"):
            read_goodreads_id(cell)


def test_an_isbn_is_checked_and_an_empty_one_is_none() -> None:
    for empty in ('=""', "'", "0", "000", ""):
        assert read_isbn(empty) is None
    assert read_isbn('="0441013597"') == "0441013597"
    assert read_isbn("978-0-441-01359-3") == "9780441013593"
    for cell, why in (("9780441013590", "check digit"), ("9,78E+12", "rounded"), ("#", "narrow")):
        with pytest.raises(UnreadableCell, match=why):
            read_isbn(cell)


@pytest.mark.parametrize(
    ("cell", "flag"),
    [("TRUE", True), ("yes", True), ("1", True), ("False", False), ("no", False), ("0", False)],
)
def test_flags_are_yes_or_no_in_any_case(cell: str, flag: bool) -> None:
    assert read_flag(cell) is flag


def test_what_is_neither_yes_nor_no_is_refused() -> None:
    with pytest.raises(UnreadableCell):
        read_flag("maybe")


@pytest.mark.parametrize(
    ("cell", "hours"),
    [
        ("11 hrs and 30 mins", 11.5),
        ("11h 30m", 11.5),
        ("45 minutes", 0.75),
        ("2 hours", 2.0),
        ("11:30", 11.5),
        ("11:30:59", 11.5),
    ],
)
def test_the_length_of_a_recording_is_in_hours(cell: str, hours: float) -> None:
    assert read_hours(cell) == hours


@pytest.mark.parametrize("cell", ["", "long", "11:60", "11"])
def test_what_is_no_length_is_refused(cell: str) -> None:
    with pytest.raises(UnreadableCell, match="hours"):
        read_hours(cell)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Want to Read", "to-read"),
        ("to_read", "to-read"),
        ("want-to-read", "to-read"),
        ("Currently-Reading", "currently-reading"),
        ("Did Not  Finish", "did-not-finish"),
        ("Sci-Fi", "sci-fi"),
        ("READ", READ),
    ],
)
def test_shelves_are_called_as_goodreads_calls_them(name: str, known: str) -> None:
    assert shelf(name) == known


@pytest.mark.parametrize("binding", ["Audiobook", "Audible Audio", "MP3 CD", "Audio Cassette"])
def test_recordings_are_told_by_their_binding(binding: str) -> None:
    assert is_audio(binding)
    assert is_audio(f"{binding} and more")
    assert not is_audio("Paperback")
    assert not is_audio(None)
    assert MOST_DISCS == 60


def test_text_is_without_entities_and_spaces_that_say_nothing() -> None:
    assert unescaped("&nbsp;") is None
    assert unescaped("Q &amp; A ") == "Q & A"
    assert unescaped(" as it is ") == " as it is "
    assert single_spaced("Frank   Herbert &amp; Son") == "Frank Herbert & Son"
    assert single_spaced("&nbsp;") is None
    assert in_lines("One<br/>two<BR >three") == "One\ntwo\nthree"
    assert in_lines("<br>") is None
    assert listed("a, b,,a , c") == ("a", "b", "c")
