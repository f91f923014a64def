"""Exports after spreadsheets, converters and damage: what is read, what is refused, what is said.

Each kind was met in files that readers upload; the files here are made up.
"""

import csv
import io
from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orf_books.books.exports.entries import Export, LibraryEntry, UnreadableExport
from orf_books.books.exports.goodreads import COLUMNS_A, COLUMNS_B, READ_DATES
from orf_books.books.exports.reading import MAX_COMMAS, MAX_LINES, MAX_ROWS, parse_export

BOOK = {
    "Book Id": "11",
    "Title": "The Lamp",
    "Author": "Ida Quill",
    "My Rating": "4",
    "Average Rating": "3.91",
    "Number of Pages": "312",
    "Date Read": "2021/03/04",
    "Date Added": "2021/02/01",
    "Exclusive Shelf": "read",
    "Read Count": "1",
    "Owned Copies": "0",
}


def rows_of(*books: dict[str, str], columns: Sequence[str] = COLUMNS_B) -> list[list[str]]:
    return [list(columns), *([book.get(column, "") for column in columns] for book in books)]


def as_csv(rows: Sequence[Sequence[str]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()


def read(*books: dict[str, str], columns: Sequence[str] = COLUMNS_B) -> Export:
    numbered = [BOOK | {"Book Id": str(number)} | book for number, book in enumerate(books, 11)]
    return parse_export(as_csv(rows_of(*numbered, columns=columns)).encode())


def only(**cells: str) -> tuple[LibraryEntry, list[tuple[int, str]]]:
    """The entry of one book with these cells, and the cells that were not understood."""
    names = {column.lower().replace(" ", "_"): column for column in COLUMNS_B}
    export = read({names[name]: cell for name, cell in cells.items()})
    return export.entries[0], [(cell.row_number, cell.column) for cell in export.unread]


# Rows


def test_rows_that_were_quoted_as_a_whole_are_unwrapped() -> None:
    lines = as_csv(rows_of(BOOK | {"My Review": 'Two\nlines, "quoted"'}, BOOK | {"Book Id": "12"}))
    header, *rest = csv.reader(io.StringIO(lines))
    wrapped = [[as_csv([row]).rstrip("\n")] for row in rest]
    expected = parse_export(lines.encode())
    assert parse_export((as_csv([header]) + as_csv(wrapped)).encode()) == expected
    assert parse_export(as_csv([[as_csv([header]).strip()], *wrapped]).encode()) == expected


def test_a_wrapped_row_may_have_blank_cells_behind_it() -> None:
    header, row = as_csv(rows_of(BOOK)).splitlines()
    wrapped = as_csv([[row, "", "", ""]])
    assert parse_export(f"{header}\n{wrapped}".encode()).entries == read({}).entries


def test_blank_cells_that_a_spreadsheet_dropped_at_the_end_are_added_again() -> None:
    books = [BOOK | {"Book Id": str(number)} for number in range(30)]
    header, *rows = rows_of(*books, columns=COLUMNS_A)
    used = COLUMNS_A.index("Owned Copies") + 1
    shortened = [row if at < 16 else row[:used] for at, row in enumerate(rows)]
    assert len(parse_export(as_csv([header, *shortened]).encode()).entries) == 30
    everywhere = parse_export(as_csv([header, *(row[:used] for row in rows)]).encode())
    assert (len(everywhere.entries), everywhere.unread) == (30, ())


def test_a_shortened_row_whose_cells_do_not_fit_their_columns_is_refused() -> None:
    header, *rows = rows_of(*[BOOK | {"Book Id": str(at)} for at in range(9)], columns=COLUMNS_A)
    without_a_cell = [row[:3] + row[4:25] for row in rows[:3]]
    export = parse_export(as_csv([header, *without_a_cell, *rows[3:]]).encode())
    assert [row.row_number for row in export.refused] == [2, 3, 4]


def test_blank_cells_beyond_the_header_are_no_cells() -> None:
    rows = [[*row, "", " "] for row in rows_of(BOOK)[1:]]
    assert parse_export(as_csv([list(COLUMNS_B), *rows]).encode()) == read({})


@pytest.mark.parametrize("above", ["goodreads_library_export\n", "My books,,,\n\n", "\n\nBooks\n"])
def test_the_header_may_stand_below_a_title(above: str) -> None:
    export = parse_export((above + as_csv(rows_of(BOOK))).encode())
    assert [entry.title for entry in export.entries] == ["The Lamp"]
    assert export.entries[0].row_number == above.count("\n") + 2


@pytest.mark.parametrize("written", ["my_rating", "MY RATING", " My  Rating "])
def test_columns_are_known_however_a_tool_writes_their_names(written: str) -> None:
    text = as_csv(rows_of(BOOK)).replace("My Rating", written)
    assert parse_export(text.encode()).entries[0].my_rating == 4


def test_a_file_without_a_header_is_told_so() -> None:
    with pytest.raises(UnreadableExport, match="without its header: its first row is a book"):
        parse_export(as_csv(rows_of(BOOK)[1:]).encode())


def test_a_file_whose_columns_are_aligned_with_spaces_is_refused_with_the_cause() -> None:
    content = (
        "Book Id , Title    , Author    , Author l-f     , Exclusive Shelf\n"
        '     11 , The Lamp , Ida Quill , "Quill, Ida"   , read\n'
    )
    with pytest.raises(UnreadableExport) as refusal:
        parse_export((content + content.splitlines()[1] + "\n").encode())
    assert "2 of 2 rows cannot be read" in str(refusal.value)
    assert "Spaces align its columns" in str(refusal.value)
    assert "The library stays as it was" in str(refusal.value)


def test_a_file_with_more_rows_than_any_library_is_refused() -> None:
    with pytest.raises(UnreadableExport, match="more than 50,000 rows"):
        parse_export(b"Title,Author,Book Id\n" + b"a,b,1\n" * (MAX_ROWS + 1))
    with pytest.raises(UnreadableExport, match="more than 2,000,000 lines"):
        parse_export(b"Title,Author,Book Id\n" + b"\n" * (MAX_LINES + 1))
    with pytest.raises(UnreadableExport, match="more than 3,000,000 cells"):
        parse_export(b"Title,Author,Book Id\n" + b"," * (MAX_COMMAS + 1))


def test_a_second_header_is_no_book() -> None:
    first, second = (as_csv(rows_of(BOOK | {"Book Id": number})) for number in ("1", "2"))
    export = parse_export((first + second).encode())
    assert [entry.goodreads_id for entry in export.entries] == ["1", "2"]
    assert (export.rows, export.refused) == (2, ())


def test_a_row_without_title_and_author_is_told_so() -> None:
    nameless = dict.fromkeys(BOOK, "") | {"Book Id": "12"}
    (refused,) = parse_export(as_csv(rows_of(BOOK, nameless)).encode()).refused
    assert refused.reason == "It has no title and no author."


@pytest.mark.parametrize("behind", [";;", '"'])
def test_a_file_whose_quotation_marks_hide_its_cells_is_told_so(behind: str) -> None:
    wrapped = "".join(
        '"' + line.replace('"', '""') + f'"{behind}\n'
        for line in as_csv(rows_of(BOOK)).splitlines()
    )
    with pytest.raises(UnreadableExport, match="quotation marks that hide its cells"):
        parse_export(wrapped.encode())


def test_a_column_that_is_there_twice_is_told_where_both_are_filled() -> None:
    columns = [*COLUMNS_B[:-1], "My Rating"]
    header, row = rows_of(BOOK)
    twice = parse_export(as_csv([columns, [*row[:-1], "2"]]).encode())
    assert twice.entries[0].rating == 4
    assert "Columns that are there twice, of which the first is read: My Rating." in twice.notes
    assert not parse_export(as_csv([columns, [*row[:-1], ""]]).encode()).notes
    assert not parse_export(as_csv([header, row]).encode()).notes


# Dates


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("44012", date(2020, 6, 30)),
        ("44012.5", date(2020, 6, 30)),
        ("17. Juli 2020", date(2020, 7, 17)),
        ("17/Jul/2020", date(2020, 7, 17)),
        ("Fri, 17 Jul 2020", date(2020, 7, 17)),
        ("2020-07-17 00:00:00", date(2020, 7, 17)),
    ],
)
def test_dates_are_read_as_spreadsheets_leave_them(cell: str, day: date) -> None:
    entry, unread = only(date_read=cell)
    assert (entry.date_read, unread) == (day, [])


@pytest.mark.parametrize("cell", ["19999", "99999", "440121"])
def test_a_number_that_counts_no_likely_day_is_no_date(cell: str) -> None:
    entry, unread = only(date_read=cell)
    assert (entry.reading_year, unread) == (None, [(2, "Date Read")])


def test_one_day_above_twelve_decides_the_order_of_the_whole_file() -> None:
    day_first = read({"Date Read": "08/11/2020", "Date Added": "17/07/2020"})
    assert day_first.entries[0].date_read == date(2020, 11, 8)
    assert day_first.notes == (
        "Dates such as 3/4/2020 are read with the day first, as other dates in the file show.",
    )
    month_first = read({"Date Read": "8/11/20"}, {"Date Read": "7/17/20"})
    assert month_first.entries[0].date_read == date(2020, 8, 11)
    assert (day_first.unread, month_first.unread) == ((), ())


def test_dates_with_points_share_the_order_of_the_file() -> None:
    export = read({"Date Read": "08.11.2020"}, {"Date Read": "17.07.2020"})
    assert [entry.date_read for entry in export.entries] == [date(2020, 11, 8), date(2020, 7, 17)]


def test_an_order_that_no_date_proves_is_said_and_only_the_year_is_used() -> None:
    export = read({"Date Read": "08/11/2020"}, {"Date Read": "3/4/2021"})
    assert [(entry.date_read, entry.reading_year) for entry in export.entries] == [
        (None, 2020),
        (None, 2021),
    ]
    assert [(cell.row_number, cell.column) for cell in export.unread] == [
        (2, "Date Read"),
        (3, "Date Read"),
    ]
    assert "the day or the month comes first in 2 of its dates" in export.notes[0]


def test_dates_that_contradict_each_other_are_read_where_they_are_certain() -> None:
    export = read(
        {"Date Read": "17/07/2020"}, {"Date Read": "07/18/2020"}, {"Date Read": "1/2/2020"}
    )
    assert [entry.date_read for entry in export.entries] == [
        date(2020, 7, 17),
        date(2020, 7, 18),
        None,
    ]
    assert [cell.row_number for cell in export.unread] == [4]


def test_two_digit_years_are_the_last_number_where_several_dates_agree() -> None:
    alone = read({"Date Read": "21/05/12"})
    assert (alone.entries[0].reading_year, len(alone.unread)) == (None, 1)
    several = read({"Date Read": "21/05/12"}, {"Date Read": "30/11/12"})
    assert several.entries[0].date_read == date(2012, 5, 21)


# Cells


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("date_read", "########"),
        ("date_read", "last summer"),
        ("date_added", "2020"),
        ("my_rating", "9"),
        ("my_rating", "four"),
        ("average_rating", "########"),
        ("number_of_pages", "xii, 320"),
        ("year_published", "MCM"),
        ("original_publication_year", "20201"),
        ("read_count", "often"),
        ("isbn13", "9.78031E+12"),
        ("isbn", "12345"),
        ("book_id", "B00ABC"),
        ("spoiler", "perhaps"),
    ],
)
def test_a_cell_that_is_not_understood_is_noted_by_row_and_column(column: str, cell: str) -> None:
    _, unread = only(**{column: cell})
    assert [(row, name.lower().replace(" ", "_")) for row, name in unread] == [(2, column)]


@pytest.mark.parametrize(
    ("column", "cell"),
    [("my_rating", "0"), ("number_of_pages", "0"), ("isbn", '=""'), ("average_rating", "0.00")],
)
def test_what_stands_for_nothing_is_not_noted(column: str, cell: str) -> None:
    assert only(**{column: cell})[1] == []


def test_half_stars_are_kept() -> None:
    entry, unread = only(my_rating="4.5")
    assert (entry.rating, entry.my_rating, unread) == (4.5, 4, [])
    assert only(my_rating="4.0")[0].rating == 4


@pytest.mark.parametrize(
    ("cell", "rating"),
    [
        ("4/5", 4),
        ("4.5 of 5", 4.5),
        ("3 out of 5", 3),
        ("2 stars", 2),
        ("★★★½☆", 3.5),
        ("★★★★★", 5),
    ],
)
def test_ratings_are_read_as_people_write_them(cell: str, rating: float) -> None:
    entry, unread = only(my_rating=cell)
    assert (entry.rating, unread) == (rating, [])


@pytest.mark.parametrize("cell", ["8/10", "4 moons", "★★★★★★", "4/5/6"])
def test_what_is_no_rating_of_five_stars_is_noted(cell: str) -> None:
    entry, unread = only(my_rating=cell)
    assert (entry.rating, unread) == (None, [(2, "My Rating")])


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("Want to Read", "to-read"),
        ("want-to-read", "to-read"),
        ("currently reading", "currently-reading"),
        ("Currently-Reading", "currently-reading"),
        ("Read", "read"),
        ("Did Not Finish", "did-not-finish"),
        ("my own shelf", "my own shelf"),
    ],
)
def test_shelves_are_what_goodreads_calls_them(written: str, status: str) -> None:
    entry, _ = only(exclusive_shelf=written, bookshelves=f"favourites, {written}")
    assert (entry.reading_status, entry.bookshelves) == (status, ("favourites",))


# Readings


def test_each_reading_in_read_dates_counts() -> None:
    columns = (*COLUMNS_B, READ_DATES)
    dates = "2019-01-01,2019-02-01;2021-01-01,;,2021-02;2021-02-15,2021-03-04"
    (entry,) = read({READ_DATES: dates, "Read Count": "2"}, columns=columns).entries
    assert entry.earlier_readings == ("2019-02-01", "2021-02")
    assert (entry.date_read, entry.read_count) == (date(2021, 3, 4), 3)


def test_the_last_of_read_dates_is_the_date_read_where_there_is_none() -> None:
    columns = (*COLUMNS_B, READ_DATES)
    cells = {READ_DATES: "2019-01-01,2019-02-01;2020-05-05,2020-06-06", "Date Read": ""}
    (entry,) = read(cells | {"Read Count": "2"}, columns=columns).entries
    assert (entry.date_read, entry.earlier_readings) == (date(2020, 6, 6), ("2019-02-01",))
    assert entry.read_count == 2


def test_read_dates_that_are_no_dates_are_noted() -> None:
    export = read({READ_DATES: "once,twice"}, columns=(*COLUMNS_B, READ_DATES))
    assert [cell.column for cell in export.unread] == [READ_DATES]


def test_a_book_in_several_rows_was_read_at_each_of_their_dates() -> None:
    export = read(
        {"Book Id": "5", "Date Read": "2019/05/06"},
        {"Book Id": "5", "Date Read": "2021"},
        {"Book Id": "5", "Date Read": "2019"},
        {"Book Id": "5", "Date Read": ""},
    )
    (entry,) = export.entries
    assert (entry.reading_year, entry.earlier_readings) == (2021, ("2019-05-06",))
    assert entry.read_count == 2


# Recordings


@pytest.mark.parametrize(
    "binding", ["Audio CD", "Audible Audio", "Audiobook", "MP3 CD", "CD", "Hörbuch"]
)
def test_few_pages_of_a_recording_are_discs_and_no_pages(binding: str) -> None:
    entry, unread = only(binding=binding, number_of_pages="8")
    assert (entry.num_pages, unread) == (None, [(2, "Number of Pages")])
    assert only(binding=binding, number_of_pages="320")[0].num_pages == 320
    assert only(binding="Paperback", number_of_pages="8")[0].num_pages == 8


@pytest.mark.parametrize(
    ("cell", "hours"),
    [
        ("11 hrs and 30 mins", 11.5),
        ("11:30:00", 11.5),
        ("11.5 hours", 11.5),
        ("9 hours", 9.0),
        ("45 min", 0.75),
    ],
)
def test_the_hours_of_a_recording_are_read(cell: str, hours: float) -> None:
    entry, unread = only(binding="Audible Audio", number_of_pages=cell)
    assert (entry.audio_hours, entry.num_pages, unread) == (hours, None, [])


# No filled cell is lost.

FIELDS = {
    "Book Id": "goodreads_id",
    "Additional Authors": "additional_authors",
    "My Rating": "rating",
    "Average Rating": "average_rating",
    "Publisher": "publisher",
    "Binding": "binding",
    "Year Published": "year_published",
    "Original Publication Year": "original_publication_year",
    "Date Read": "reading_year",
    "Exclusive Shelf": "reading_status",
    "Date Added": "date_added",
    "My Review": "my_review",
    "Private Notes": "private_notes",
    "ISBN": "isbn",
    "ISBN13": "isbn13",
}
likely = st.sampled_from(
    ["4.5", "1,189", "4,12", "########", "17/07/2020", "08/11/20", "2020", "3", "9.78E+12", "0"]
)
cells = likely | st.text("0123456789/.-,:#ab", min_size=1, max_size=10)


def means_nothing(cell: str) -> bool:
    """Zeros stand for unknown, and commas only part the names of a list."""
    return not cell.strip("-0.,=\"' ")


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), cells))
@settings(deadline=None)
def test_no_filled_cell_vanishes_without_a_note(changed: dict[str, str]) -> None:
    export = read({"Number of Pages": ""} | changed)
    (entry,) = export.entries
    noted = {cell.column for cell in export.unread}
    for column, cell in changed.items():
        value = getattr(entry, FIELDS[column])
        assert value not in {None, ()} or column in noted or means_nothing(cell), column


@given(cells, st.sampled_from(["Paperback", "Audio CD", ""]))
@settings(deadline=None)
def test_no_length_vanishes_without_a_note(cell: str, binding: str) -> None:
    export = read({"Number of Pages": cell, "Binding": binding})
    (entry,) = export.entries
    known = entry.num_pages or entry.audio_hours
    assert known or export.unread or means_nothing(cell)
