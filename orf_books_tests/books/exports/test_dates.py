"""What a date of an export means, and in which order the dates of a file are written."""

from datetime import date

import pytest

from orf_books.books.exports.cells import UnreadableCell
from orf_books.books.exports.dates import (
    DayOrder,
    PartialDate,
    day_order,
    needs_order,
    read_date,
)

DAY_FIRST, MONTH_FIRST, UNDECIDED = DayOrder.DAY_FIRST, DayOrder.MONTH_FIRST, DayOrder.UNDECIDED
MAY_12 = PartialDate(2021, 5, 12)


def read(cell: str, order: DayOrder = UNDECIDED) -> PartialDate:
    return read_date(cell, order)


@pytest.mark.parametrize(
    "cell",
    [
        "2021/05/12",
        "2021-5-12",
        "2021. 05. 12.",
        "20210512",
        "12 May 2021",
        "12th May 2021",
        "12-May-21",
        "May 12, 2021",
        "may 12 2021",
        "2021-05-12T10:30:00Z",
        "2021-05-12 10:30:00.5 +02:00",
        "2021/05/12 9:05 pm",
    ],
)
def test_a_date_is_read_however_it_is_written(cell: str) -> None:
    assert read(cell) == MAY_12


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("2021", PartialDate(2021)),
        ("2021.0", PartialDate(2021)),
        ("2021/05", PartialDate(2021, 5)),
        ("05/2021", PartialDate(2021, 5)),
        ("May 2021", PartialDate(2021, 5)),
        ("1000", PartialDate(1000)),
    ],
)
def test_a_date_may_lack_day_and_month(cell: str, found: PartialDate) -> None:
    assert read(cell) == found
    assert found.whole is None


@pytest.mark.parametrize("number", range(1, 13))
def test_every_month_is_known_by_its_name(number: int) -> None:
    name = f"{date(2021, number, 1):%B}"
    assert read(f"1 {name} 2021").month == number
    assert read(f"{name[:3]} 2021").month == number


@pytest.mark.parametrize("cell", ["", "soon", "0999", "999", "2021/13/01", "2021/02/29", "2021/00"])
def test_what_is_no_date_is_refused(cell: str) -> None:
    with pytest.raises(UnreadableCell):
        read(cell)


@pytest.mark.parametrize(
    ("cell", "order", "found"),
    [
        ("12/05/2021", DAY_FIRST, MAY_12),
        ("05/12/2021", MONTH_FIRST, MAY_12),
        ("12.5.21", DAY_FIRST, MAY_12),
        ("12/05/2021 10:30", DAY_FIRST, MAY_12),
        ("13/05/2021", UNDECIDED, PartialDate(2021, 5, 13)),
        ("05/13/2021", UNDECIDED, PartialDate(2021, 5, 13)),
        ("05/05/2021", UNDECIDED, PartialDate(2021, 5, 5)),
        ("12/12/2021", UNDECIDED, PartialDate(2021, 12, 12)),
        ("1/1/69", DAY_FIRST, PartialDate(2069, 1, 1)),
        ("1/1/70", DAY_FIRST, PartialDate(1970, 1, 1)),
    ],
)
def test_with_the_year_last_the_order_of_the_file_or_the_numbers_decide(
    cell: str, order: DayOrder, found: PartialDate
) -> None:
    assert read(cell, order) == found


def test_a_date_that_could_be_either_way_round_gives_its_year_and_a_doubt() -> None:
    found = read("05/12/2021")
    assert (found.year, found.month, found.day) == (2021, None, None)
    assert "either way round" in str(found.doubt)


@pytest.mark.parametrize("cell", ["21/05/12", "21/12/12"])
def test_of_short_dates_any_number_may_be_the_year(cell: str) -> None:
    with pytest.raises(UnreadableCell, match="could be the year"):
        read(cell)
    assert read(cell, DAY_FIRST).day == 21


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        ([], UNDECIDED),
        (["2021/05/12"], UNDECIDED),
        (["12/12/2021"], UNDECIDED),
        (["13/12/2021", "01/02/2021"], DAY_FIRST),
        (["12/13/2021", "01/02/2021"], MONTH_FIRST),
        (["13/12/2021", "12/13/2021"], UNDECIDED),
        (["21/05/12"], UNDECIDED),
        (["21/12/12", "22/12/12"], DAY_FIRST),
        (["12/05/12", "12/06/12"], UNDECIDED),
        (["21/05/12", "21/05/12"], UNDECIDED),
        (["21/05/12", "22/05/12"], DAY_FIRST),
        (["21/05/12", "13/12/2021"], DAY_FIRST),
        (["21/05/12", "12/13/2021"], UNDECIDED),
    ],
)
def test_dates_of_a_file_tell_their_order(cells: list[str], order: DayOrder) -> None:
    assert day_order(cells) is order


@pytest.mark.parametrize(
    ("cell", "needs"),
    [("05/12/2021", True), ("12/12/2021", True), ("13/12/2021", False), ("2021/05/12", False)],
)
def test_only_small_numbers_need_the_order_of_the_file(cell: str, needs: bool) -> None:
    assert needs_order(cell) is needs


def test_orders_have_the_names_that_people_read() -> None:
    assert [order.value for order in DayOrder] == ["day first", "month first", "undecided"]


def test_a_date_is_shown_as_exactly_as_it_is_known() -> None:
    assert [str(PartialDate(800)), str(PartialDate(2021, 5)), str(MAY_12)] == [
        "0800",
        "2021-05",
        "2021-05-12",
    ]
    assert MAY_12.whole == date(2021, 5, 12)
    assert PartialDate(2021, 5).whole is None
