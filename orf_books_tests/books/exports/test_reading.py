import csv
import io
import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orf_books.books.exports.entries import Export, LibraryEntry, UnreadableExport
from orf_books.books.exports.goodreads import COLUMNS_A, COLUMNS_B, COLUMNS_C
from orf_books.books.exports.reading import MAX_BYTES, parse_export

GENERATIONS = {"A": COLUMNS_A, "B": COLUMNS_B, "C": COLUMNS_C}

DUNE = {
    "Book Id": "44767458",
    "Title": "Dune (Dune, #1)",
    "Author": "Frank Herbert",
    "Author l-f": "Herbert, Frank",
    "ISBN": '="0441013597"',
    "ISBN13": '="9780441013593"',
    "My Rating": "5",
    "Average Rating": "4.27",
    "Publisher": "Ace Books",
    "Binding": "Paperback",
    "Number of Pages": "604",
    "Year Published": "2005",
    "Original Publication Year": "1965",
    "Date Read": "2021/05/12",
    "Date Added": "2021/04/01",
    "Exclusive Shelf": "read",
    "Read Count": "1",
    "Owned Copies": "0",
}

AS_GOODREADS_WRITES_IT = (
    b"Book Id,Title,Author,Author l-f,Additional Authors,ISBN,ISBN13,My Rating,Average Rating,"
    b"Publisher,Binding,Number of Pages,Year Published,Original Publication Year,Date Read,"
    b"Date Added,Bookshelves,Bookshelves with positions,Exclusive Shelf,My Review,Spoiler,"
    b"Private Notes,Read Count,Owned Copies\n"
    b'44767458,"Dune (Dune, #1)",Frank   Herbert,"Herbert, Frank","Scott Brick, Simon Vance",'
    b'"=""0441013597""","=""9780441013593""",5,4.27,Ace Books,Paperback,604,2005,1965,2021/05/12,'
    b'2021/04/01,"favorites, sci-fi","favorites (#3), sci-fi (#12)",read,'
    b'"A ""classic"".<br/>Read it, <b>twice</b>.",true,,2,0\n'
    b'1371,The Iliad,Homer,"Homer, ",,"=""""","=""""",0,3.92, Penguin,,0,1998,-750,,2020/01/31,'
    b"to-read,to-read (#7),to-read,,,,0,0\n"
)


def export(*rows: dict[str, str], columns: Sequence[str] = COLUMNS_B, newline: str = "\n") -> bytes:
    """A file as Goodreads writes it; cells that a row does not give are empty."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(
        file, columns, restval="", extrasaction="ignore", lineterminator=newline
    )
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def parse_one(columns: Sequence[str] = COLUMNS_B, **cells: str) -> LibraryEntry:
    """What becomes of Dune when some of its cells are other ones: `my_rating` is `My Rating`."""
    names = {column.lower().replace(" ", "_"): column for column in columns}
    changed = {names[name]: cell for name, cell in cells.items()}
    (entry,) = parse_export(export(DUNE | changed, columns=columns)).entries
    return entry


def numbers(rows: Iterable[object]) -> list[int]:
    return [row.row_number for row in rows]  # type: ignore[attr-defined]


# What a good export gives.


def test_an_export_as_goodreads_writes_it_is_read_whole() -> None:
    assert parse_export(AS_GOODREADS_WRITES_IT) == Export(
        header_generation="B",
        rows=2,
        entries=(
            LibraryEntry(
                row_number=2,
                goodreads_id="44767458",
                title="Dune (Dune, #1)",
                author="Frank Herbert",
                additional_authors=("Scott Brick", "Simon Vance"),
                isbn="0441013597",
                isbn13="9780441013593",
                my_rating=5,
                average_rating=4.27,
                publisher="Ace Books",
                binding="Paperback",
                num_pages=604,
                year_published=2005,
                original_publication_year=1965,
                date_read=date(2021, 5, 12),
                date_added=date(2021, 4, 1),
                reading_year=2021,
                reading_month=5,
                bookshelves=("favorites", "sci-fi"),
                reading_status="read",
                my_review='A "classic".\nRead it, <b>twice</b>.',
                private_notes=None,
                has_spoilers=True,
                read_count=2,
            ),
            LibraryEntry(
                row_number=3,
                goodreads_id="1371",
                title="The Iliad",
                author="Homer",
                additional_authors=(),
                isbn=None,
                isbn13=None,
                my_rating=None,
                average_rating=3.92,
                publisher="Penguin",
                binding=None,
                num_pages=None,
                year_published=1998,
                original_publication_year=-750,
                date_read=None,
                date_added=date(2020, 1, 31),
                reading_year=None,
                reading_month=None,
                bookshelves=(),
                reading_status="to-read",
                my_review=None,
                private_notes=None,
                has_spoilers=False,
                read_count=0,
            ),
        ),
        refused=(),
        duplicates=(),
    )


def test_the_columns_of_the_first_generation_are_those_that_goodreads_wrote() -> None:
    header = (
        "Book Id,Title,Author,Author l-f,Additional Authors,ISBN,ISBN13,My Rating,Average Rating,"
        "Publisher,Binding,Number of Pages,Year Published,Original Publication Year,Date Read,"
        "Date Added,Bookshelves,Bookshelves with positions,Exclusive Shelf,My Review,Spoiler,"
        "Private Notes,Read Count,Recommended For,Recommended By,Owned Copies,"
        "Original Purchase Date,Original Purchase Location,Condition,Condition Description,BCID"
    )
    assert ",".join(COLUMNS_A) == header


@pytest.mark.parametrize(("generation", "count"), [("A", 31), ("B", 24), ("C", 23)])
def test_every_header_generation_is_known(generation: str, count: int) -> None:
    columns = GENERATIONS[generation]
    assert len(columns) == count
    assert parse_export(export(DUNE, columns=columns)).header_generation == generation


def test_columns_that_other_tools_append_are_named_and_change_nothing_else() -> None:
    enhanced = (*COLUMNS_B, "read_dates", "genres", "n_ratings")
    enriched = parse_export(export(DUNE | {"genres": "Fiction"}, columns=enhanced))
    assert enriched.notes == ("Columns that are not read: genres.",)
    assert replace(enriched, notes=()) == parse_export(export(DUNE))


def test_columns_of_goodreads_that_nobody_needs_are_not_named() -> None:
    cells = dict.fromkeys(COLUMNS_A[COLUMNS_A.index("Owned Copies") :], "1")
    assert parse_export(export(DUNE | cells, columns=COLUMNS_A)).notes == ()


def test_columns_are_found_by_name_in_any_order_and_case() -> None:
    backwards = tuple(reversed(COLUMNS_B))
    _, rows = export(DUNE, columns=backwards).split(b"\n", 1)
    shouted = ",".join(f" {column.upper()} " for column in backwards).encode() + b"\n" + rows
    assert parse_export(shouted) == parse_export(export(DUNE))


@pytest.mark.parametrize("shelf", ["Exclusive Shelf", "Bookshelves", "Book Id"])
def test_a_title_an_author_and_one_column_of_goodreads_suffice(shelf: str) -> None:
    parsed = parse_export(f"Title,Author,{shelf}\nDune,Frank Herbert,1\n".encode())
    assert parsed.header_generation == "other"
    assert [(entry.title, entry.author) for entry in parsed.entries] == [("Dune", "Frank Herbert")]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_a_byte_order_mark_make_no_difference(newline: str, mark: bytes) -> None:
    rows = DUNE, DUNE | {"Book Id": "2"}
    assert parse_export(mark + export(*rows, newline=newline)) == parse_export(export(*rows))


def test_a_file_without_a_last_line_end_is_whole() -> None:
    assert parse_export(export(DUNE).rstrip(b"\n")) == parse_export(export(DUNE))


def test_a_review_over_several_lines_is_one_row() -> None:
    review = 'First.\n\nSecond, with "quotes".'
    parsed = parse_export(export(DUNE | {"My Review": review}, DUNE | {"Book Id": "2"}))
    assert numbers(parsed.entries) == [2, 3]
    assert parsed.entries[0].my_review == review


# Cells.


@pytest.mark.parametrize(
    ("isbn_cell", "isbn13_cell", "isbn", "isbn13"),
    [
        ('="0441013597"', '="9780441013593"', "0441013597", "9780441013593"),
        ("0441013597", "9780441013593", "0441013597", "9780441013593"),
        ("441013597", "9.78044E+12", "0441013597", "9780441013593"),
        ('="0441013597"', '=""', "0441013597", "9780441013593"),
        ('=""', '="9780441013593"', "0441013597", "9780441013593"),
        ('="080442957X"', '=""', "080442957X", "9780804429573"),
        ('=""', '="9791032305690"', None, "9791032305690"),
        ("9780441013593", "", "0441013597", "9780441013593"),
        ('=""', '="0785342510591"', None, None),
        ('=""', '="2940012572707"', None, None),
        ("AlexisGlyn", "Contributor", None, None),
        ('="0441013597"', "Contributor", "0441013597", "9780441013593"),
        ("", "9.78E+12", None, None),
        ('=""', '=""', None, None),
        ("", "", None, None),
    ],
)
def test_isbns_are_checked_and_complete_each_other(
    isbn_cell: str, isbn13_cell: str, isbn: str | None, isbn13: str | None
) -> None:
    entry = parse_one(isbn=isbn_cell, isbn13=isbn13_cell)
    assert (entry.isbn, entry.isbn13) == (isbn, isbn13)


def test_isbn_cells_are_read_where_their_quotation_marks_are_not_escaped() -> None:
    parsed = parse_export(
        b"Book Id,Title,Author,ISBN,ISBN13\n"
        b'1,Dune,Frank Herbert,="0441013597",=""\n'
        b'2,Emma,Jane Austen,="",=""\n'
    )
    assert [entry.isbn13 for entry in parsed.entries] == ["9780441013593", None]


@pytest.mark.parametrize(
    ("cell", "day", "year", "month"),
    [
        ("2021/05/12", date(2021, 5, 12), 2021, 5),
        ("2021/5/2", date(2021, 5, 2), 2021, 5),
        ("2021-05-12", date(2021, 5, 12), 2021, 5),
        ("2021-5-2", date(2021, 5, 2), 2021, 5),
        ("5/12/2021", None, 2021, None),
        ("05/12/2021", None, 2021, None),
        ("5/13/2021", date(2021, 5, 13), 2021, 5),
        ("13/05/2021", date(2021, 5, 13), 2021, 5),
        ("17.07.2020", date(2020, 7, 17), 2020, 7),
        ("17. 7. 2020", date(2020, 7, 17), 2020, 7),
        ("7/17/20", date(2020, 7, 17), 2020, 7),
        ("7/17/70", date(1970, 7, 17), 1970, 7),
        ("5/5/2021", date(2021, 5, 5), 2021, 5),
        ("2020-07-17 00:00:00", date(2020, 7, 17), 2020, 7),
        ("2020-07-17T10:30:00.000Z", date(2020, 7, 17), 2020, 7),
        ("7/17/2020 12:00 AM", date(2020, 7, 17), 2020, 7),
        ("20200717", date(2020, 7, 17), 2020, 7),
        ("17-Jul-20", date(2020, 7, 17), 2020, 7),
        ("July 17, 2020", date(2020, 7, 17), 2020, 7),
        ("Jul 2020", None, 2020, 7),
        ("07/2020", None, 2020, 7),
        ("2020.0", None, 2020, None),
        (" 2021/05/12 ", date(2021, 5, 12), 2021, 5),
        ("2020/02/29", date(2020, 2, 29), 2020, 2),
        ("2021/05", None, 2021, 5),
        ("2021-5", None, 2021, 5),
        ("2021", None, 2021, None),
        ("", None, None, None),
        ("2021/02/30", None, None, None),
        ("2021/13/01", None, None, None),
        ("2021/13", None, None, None),
        ("2021/00", None, None, None),
        ("5/12/21", None, 2021, None),
        ("21/05/12", None, None, None),
        ("12-05-2021", None, 2021, None),
        ("0000", None, None, None),
        ("0021/05/12", None, None, None),
        ("last summer", None, None, None),
    ],
)
def test_a_date_read_is_taken_as_far_as_it_goes_and_never_invented(
    cell: str, day: date | None, year: int | None, month: int | None
) -> None:
    entry = parse_one(date_read=cell)
    assert (entry.date_read, entry.reading_year, entry.reading_month) == (day, year, month)
    assert entry.reading_status == "read"
    assert parse_one(date_added=cell).date_added == day


def test_a_date_on_a_book_that_is_not_read_is_kept_and_does_not_make_it_read() -> None:
    entry = parse_one(exclusive_shelf="to-read", read_count="0")
    assert (entry.date_read, entry.reading_status) == (date(2021, 5, 12), "to-read")
    assert entry.read_count == 0


@pytest.mark.parametrize(
    ("cell", "rating"),
    [
        ("0", None),
        ("0.0", None),
        ("1", 1),
        ("5", 5),
        ("2.0", 2),
        ("5.0", 5),
        ("6", None),
        ("-1", None),
        ("3.5", 3.5),
        ("4.25", 4.25),
        ("0.5", 0.5),
        ("4,5", 4.5),
        ("five", None),
        ("", None),
    ],
)
def test_a_rating_is_up_to_five_stars_or_absent(cell: str, rating: float | None) -> None:
    assert parse_one(my_rating=cell).rating == rating


@pytest.mark.parametrize(
    ("cell", "rating"),
    [
        ("4.27", 4.27),
        ("5", 5.0),
        ("4,12", 4.12),
        ("0.00", None),
        ("", None),
        ("7", None),
        ("nan", None),
        ("inf", None),
        ("-3", None),
        ("good", None),
    ],
)
def test_an_average_rating_is_above_zero_or_absent(cell: str, rating: float | None) -> None:
    assert parse_one(average_rating=cell).average_rating == rating


def test_an_export_without_average_ratings_has_none() -> None:
    assert parse_one(columns=COLUMNS_C).average_rating is None


@pytest.mark.parametrize(
    ("cell", "year"),
    [
        ("1965", 1965),
        ("-700", -700),
        ("49", 49),
        ("1965.0", 1965),
        ("0", None),
        ("", None),
        ("19655", None),
        ("MCM", None),
    ],
)
def test_years_may_be_ancient(cell: str, year: int | None) -> None:
    assert parse_one(original_publication_year=cell).original_publication_year == year
    assert parse_one(year_published=cell).year_published == year


@pytest.mark.parametrize(
    ("cell", "pages"),
    [
        ("604", 604),
        ("604.0", 604),
        ("1,189", 1189),
        ("1.189", 1189),
        ("1 189", 1189),
        ("320 pages", 320),
        ("0", None),
        ("-1", None),
        ("", None),
        ("99999999999", None),
        ("many", None),
    ],
)
def test_pages_are_counted_or_absent(cell: str, pages: int | None) -> None:
    assert parse_one(number_of_pages=cell).num_pages == pages


@pytest.mark.parametrize(
    ("exclusive", "shelves", "status", "own"),
    [
        ("read", "favorites, sci-fi", "read", ("favorites", "sci-fi")),
        ("read", "", "read", ()),
        ("to-read", "sci-fi, to-read", "to-read", ("sci-fi",)),
        ("currently-reading", "currently-reading", "currently-reading", ()),
        ("did-not-finish", "did-not-finish, sci-fi", "did-not-finish", ("sci-fi",)),
        ("leseliste-2020", "", "leseliste-2020", ()),
        ("read", "sci-fi,sci-fi, , favorites,", "read", ("sci-fi", "favorites")),
        (" Read ", "Read, sci-fi", "read", ("sci-fi",)),
    ],
)
def test_the_exclusive_shelf_is_the_status_and_no_shelf_of_the_reader(
    exclusive: str, shelves: str, status: str, own: tuple[str, ...]
) -> None:
    entry = parse_one(exclusive_shelf=exclusive, bookshelves=shelves)
    assert (entry.reading_status, entry.bookshelves) == (status, own)


@pytest.mark.parametrize(
    ("shelves", "date_read", "read_count", "status", "own"),
    [
        ("read, sci-fi", "", "", "read", ("sci-fi",)),
        ("sci-fi, to-read", "", "", "to-read", ("sci-fi",)),
        ("currently-reading", "2021/05/12", "1", "currently-reading", ()),
        ("", "2021/05/12", "0", "read", ()),
        ("", "2021", "0", "read", ()),
        ("", "", "1", "read", ()),
        ("sci-fi", "", "1", "read", ("sci-fi",)),
        ("", "", "0", "unknown", ()),
        ("well-read", "", "", "unknown", ("well-read",)),
    ],
)
def test_without_exclusive_shelves_the_status_follows_from_the_other_columns(
    shelves: str, date_read: str, read_count: str, status: str, own: tuple[str, ...]
) -> None:
    columns = tuple(column for column in COLUMNS_B if column != "Exclusive Shelf")
    entry = parse_one(columns, bookshelves=shelves, date_read=date_read, read_count=read_count)
    assert (entry.reading_status, entry.bookshelves) == (status, own)


@pytest.mark.parametrize(
    ("shelf", "cell", "times"),
    [
        ("read", "0", 1),
        ("read", "", 1),
        ("read", "3", 3),
        ("read", "2.0", 2),
        ("to-read", "0", 0),
        ("to-read", "1", 1),
        ("currently-reading", "2", 2),
        ("to-read", "-1", 0),
        ("to-read", "often", 0),
        ("read", "often", 1),
    ],
)
def test_a_read_book_was_read_at_least_once(shelf: str, cell: str, times: int) -> None:
    assert parse_one(exclusive_shelf=shelf, read_count=cell).read_count == times


@pytest.mark.parametrize(
    ("cell", "identifier"),
    [
        ("44767458", "44767458"),
        ("", None),
        ("B00ABC", None),
        ("12a", None),
        ("-5", None),
        ("1.5", None),
        ("١٢", None),
    ],
)
def test_a_book_id_is_digits_or_absent(cell: str, identifier: str | None) -> None:
    assert parse_one(book_id=cell).goodreads_id == identifier


@pytest.mark.parametrize(
    ("cell", "review"),
    [
        ("", None),
        ("<br/>", None),
        ("One.<br/>Two.<br />Three.<BR>Four.", "One.\nTwo.\nThree.\nFour."),
        ("<b>Bold</b> <spoiler>he dies</spoiler>", "<b>Bold</b> <spoiler>he dies</spoiler>"),
        ("Salt &amp; Straw", "Salt & Straw"),
        ("A tag is written &lt;br/&gt;", "A tag is written <br/>"),
        ("📚 «ja»", "📚 «ja»"),
    ],
)
def test_a_review_keeps_its_lines_and_its_tags(cell: str, review: str | None) -> None:
    assert parse_one(my_review=cell).my_review == review


def test_names_and_titles_are_tidied() -> None:
    entry = parse_one(
        title=" Pride &amp; Prejudice ",
        author="David   Epstein",
        additional_authors="Anna  Karenina, , 村上 春樹,Anna Karenina",
        publisher=" Dynamite Entertainment",
        private_notes=" lent to the neighbours ",
    )
    assert entry.title == "Pride & Prejudice"
    assert entry.author == "David Epstein"
    assert entry.additional_authors == ("Anna Karenina", "村上 春樹")
    assert entry.publisher == "Dynamite Entertainment"
    assert entry.private_notes == "lent to the neighbours"


@pytest.mark.parametrize(("cell", "spoils"), [("true", True), ("TRUE", True), ("", False)])
def test_spoilers_are_marked_by_true(cell: str, spoils: bool) -> None:
    assert parse_one(spoiler=cell).has_spoilers is spoils


# Rows that cannot be used.


def test_a_short_row_in_the_middle_does_not_cost_the_others() -> None:
    first, second = DUNE, DUNE | {"Book Id": "2"}
    header, *lines = export(first, second).splitlines(keepends=True)
    parsed = parse_export(header + lines[0] + b"7,Emma,Jane Austen\n" + lines[1])
    assert numbers(parsed.entries) == [2, 4]
    assert [(row.row_number, row.reason) for row in parsed.refused] == [
        (3, "It has 3 cells where the header has 24.")
    ]


def test_a_long_row_does_not_cost_the_others() -> None:
    parsed = parse_export(
        b"Book Id,Title,Author\n1,Dune,Frank Herbert\n2,Me, Myself, Nobody\n3,Emma,Jane Austen\n"
    )
    assert [entry.title for entry in parsed.entries] == ["Dune", "Emma"]
    assert numbers(parsed.refused) == [3]


@pytest.mark.parametrize("broken", [b'2,"Dune" Messiah,Herbert', b'2,"Dune Messiah,Herbert'])
def test_a_stray_quotation_mark_costs_only_its_own_row(broken: bytes) -> None:
    parsed = parse_export(
        b"Book Id,Title,Author\n1,Dune,Herbert\n" + broken + b"\n"
        b'3,Emma,Austen\n4,"Me, Myself",Nobody\n5,Persuasion,Austen\n'
    )
    assert [entry.goodreads_id for entry in parsed.entries] == ["1", "3", "4", "5"]
    assert [(row.row_number, row.reason[:64]) for row in parsed.refused] == [
        (3, "Its cells cannot be told apart: a quotation mark has no partner,")
    ]


def test_a_review_longer_than_the_reader_takes_costs_only_its_row() -> None:
    parsed = parse_export(export(DUNE, DUNE | {"Book Id": "2", "My Review": "x" * 131_073}))
    assert [entry.goodreads_id for entry in parsed.entries] == ["44767458"]
    (refused,) = parsed.refused
    assert refused.row_number == 3
    assert refused.reason.endswith("or a cell has more than 131,072 characters.")


def test_a_book_id_of_very_many_digits_costs_only_itself() -> None:
    parsed = parse_export(export(DUNE | {"Book Id": "9" * 201}))
    assert [entry.goodreads_id for entry in parsed.entries] == [None]
    assert [(cell.row_number, cell.column) for cell in parsed.unread] == [(2, "Book Id")]


def test_rows_without_title_or_author_are_refused_with_the_reason() -> None:
    parsed = parse_export(
        export(
            DUNE | {"Title": " "},
            DUNE | {"Author": "&nbsp;"},
            DUNE | {"Title": "", "Author": ""},
            *(DUNE | {"Book Id": str(book)} for book in range(3)),
        )
    )
    assert [(row.row_number, row.reason) for row in parsed.refused] == [
        (2, "It has no title."),
        (3, "It has no author."),
        (4, "It has no title and no author."),
    ]
    assert numbers(parsed.entries) == [5, 6, 7]
    assert parsed.rows == 6


def test_blank_rows_are_no_rows_but_keep_their_numbers() -> None:
    header, line = export(DUNE).splitlines(keepends=True)
    parsed = parse_export(header + b"\n" + line + b"\n , ,\n" + b"," * 23 + b"\n\n")
    assert (parsed.rows, numbers(parsed.entries), parsed.refused) == (1, [3], ())


@pytest.mark.parametrize(("good", "bad"), [(0, 1), (0, 5), (1, 2), (49, 51)])
def test_a_file_of_which_less_than_half_can_be_read_is_refused(good: int, bad: int) -> None:
    rows = [DUNE | {"Book Id": str(book)} for book in range(good)]
    with pytest.raises(UnreadableExport, match=f"{bad} of {good + bad} rows cannot be read"):
        parse_export(export(*rows, *[DUNE | {"Title": ""}] * bad))


def test_a_file_of_which_half_can_be_read_is_accepted() -> None:
    parsed = parse_export(export(DUNE, DUNE | {"Title": ""}))
    assert (numbers(parsed.entries), numbers(parsed.refused)) == ([2], [3])


def test_a_file_full_of_stray_quotation_marks_takes_no_minutes() -> None:
    endless = b'a",b"",,"c\n' * 50_000 + b'"x"y\n"' * 2
    with pytest.raises(UnreadableExport):
        parse_export(b"Title,Author,Book Id\n" + endless)


# Books that are in the file more than once.


def test_of_the_same_book_id_the_row_read_last_stays() -> None:
    parsed = parse_export(
        export(
            DUNE | {"Date Read": "2019/01/01", "Read Count": "3"},
            DUNE | {"Date Read": "2022/01/01", "Read Count": "1"},
            DUNE | {"Date Read": "", "Read Count": "2"},
            DUNE | {"Book Id": "2"},
        )
    )
    assert parsed.rows == 4
    assert [(entry.row_number, entry.read_count) for entry in parsed.entries] == [(3, 3), (5, 1)]
    assert [(row.row_number, row.reason) for row in parsed.duplicates] == [
        (2, "Row 3 is the same book and stayed."),
        (4, "Row 3 is the same book and stayed."),
    ]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("", "2019"),
        ("2019", "2019/01"),
        ("2019/02", "2019/02/01"),
        ("2019/02/01", "2019/02/02"),
        ("2019/12/31", "2020"),
    ],
)
def test_of_dates_without_month_or_day_the_more_exact_is_the_later(
    earlier: str, later: str
) -> None:
    for dates in ((earlier, later), (later, earlier)):
        parsed = parse_export(export(*(DUNE | {"Date Read": read} for read in dates)))
        (stays,) = parsed.entries
        assert stays.row_number == 2 + dates.index(later)


def test_of_rows_read_on_the_same_day_the_later_stays() -> None:
    parsed = parse_export(export(DUNE, DUNE | {"My Rating": "1"}))
    assert [(entry.row_number, entry.my_rating) for entry in parsed.entries] == [(3, 1)]


def test_a_concatenated_export_is_read_once() -> None:
    once = parse_export(AS_GOODREADS_WRITES_IT)
    _, rows = AS_GOODREADS_WRITES_IT.split(b"\n", 1)
    twice = parse_export(AS_GOODREADS_WRITES_IT + rows)
    assert [replace(entry, row_number=0) for entry in twice.entries] == [
        replace(entry, row_number=0) for entry in once.entries
    ]
    assert numbers(twice.duplicates) == [2, 3]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({"ISBN13": "9780441013593"}, {"ISBN": "0441013597", "Title": "Dune"}, True),
        ({"ISBN13": "9780441013593"}, {"ISBN13": "9780804429573"}, False),
        ({"ISBN13": ""}, {"Title": "DUNE (Dune, #1)", "Author": "frank  herbert"}, True),
        ({"ISBN13": ""}, {"Title": "Dune Messiah"}, False),
        ({"Book Id": "1"}, {"Book Id": "2"}, False),
    ],
)
def test_without_book_ids_isbns_or_names_tell_books_apart(
    first: dict[str, str], second: dict[str, str], same: bool
) -> None:
    anonymous = DUNE | {"Book Id": "", "ISBN": "", "ISBN13": ""}
    parsed = parse_export(export(anonymous | first, anonymous | second))
    assert numbers(parsed.duplicates) == ([2] if same else [])


# Files that are no export.

LIBRARYTHING = (
    b"Book Id\tTitle\tSort Character\tPrimary Author\tCollections\tISBN\tWork id\n"
    b"1\tDune\t1\tHerbert, Frank\t[Your library]\t[0441013597]\t2\n"
)


@pytest.mark.parametrize(
    ("content", "looks_like"),
    [
        (b"", "an empty file"),
        (b" \r\n\t\n", "an empty file"),
        (b"\xef\xbb\xbf\n", "an empty file"),
        (b"x" * (MAX_BYTES + 1), "more than 50 MB"),
        (b"\n <!DOCTYPE html><html><title>Sign in</title></html>", "a web page"),
        (b'<html lang="en">', "a web page"),
        (b'{"books": []}', "a JSON file"),
        (b'[{"title": "Dune"}]', "a JSON file"),
        (b"PK\x03\x04\x14\x00\x06\x00", "a spreadsheet (xlsx) or a ZIP archive"),
        (export(DUNE).decode().encode("utf-16"), "UTF-16"),
        (export(DUNE | {"Author": "Karel Čapek"}).decode().encode("cp1250"), "older encoding"),
        (export(DUNE).replace(b"Dune", b"Du\0ne"), "a binary file"),
        (LIBRARYTHING, "a LibraryThing export"),
        (LIBRARYTHING.replace(b"Dune", b"Caf\xe9"), "a LibraryThing export"),
        (LIBRARYTHING.replace(b"\t", b","), "a LibraryThing export"),
        (b"Work Id,Edition Id,Bookshelf\nOL1W,OL2M,1\n", "an Open Library reading log"),
        (b"author_sort,authors,title,uuid\nA,B,C,D\n", "a calibre catalogue"),
        (b"title,subtitle,author,readings,date_added\nA,,B,,\n", "an Openreads backup"),
        (b"title,authors,isbn,tags\nDune,Frank Herbert,,Fantasy\n", "a calibre catalogue"),
        (b"item_type,title,creators,ean_isbn13\nbook,Dune,Frank Herbert,\n", "a Libib export"),
        (b"Dune (Herbert)\n- Your Highlight on page 5\n\nx\n==========\n", "clippings of a Kindle"),
        (export(DUNE).split(b"\n", 1)[1], "an export without its header"),
        (export(DUNE).replace(b",", b";"), "semicolons between"),
        (export(DUNE).replace(b",", b"\t"), "tabs between"),
        (b"Dear diary\ntoday I read\n", "text without columns"),
        (b'"Title,Author,Book Id"\n1\n', "quotation marks that hide its cells"),
        (b"Name,Price\nTea,3\n", "without the columns Title, Author, Exclusive Shelf"),
        (b"Title,Shelf,Book Id\nDune,1,2\n", "a table without the columns Author"),
        (b"Title,Author,Year\nDune,Frank Herbert,1965\n", "without the columns Exclusive Shelf"),
        (export(), "an export without books"),
        (export() + b"\n\n", "an export without books"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_export_is_named(content: bytes, looks_like: str) -> None:
    with pytest.raises(UnreadableExport) as refusal:
        parse_export(content)
    assert looks_like in refusal.value.looks_like
    assert refusal.value.remedy.endswith(".")
    assert str(refusal.value).endswith(refusal.value.remedy)


@pytest.mark.parametrize(
    "end",
    [b"7,Emma,Jane Austen", b"7,Emma,Jane Austen\n", b'7,"Emma, or', b'7,"Emma', b"7,\xf0\x9f\x93"],
)
def test_a_file_that_was_cut_off_is_refused_whole(end: bytes) -> None:
    with pytest.raises(UnreadableExport, match=r"cut off .* Upload the file again"):
        parse_export(export(DUNE) + end)


def test_the_place_of_the_cut_is_given_as_a_row() -> None:
    with pytest.raises(UnreadableExport, match="in its last row, row 3"):
        parse_export(export(DUNE) + b'7,"Emma\nor\nwhat')


def test_a_cut_anywhere_in_a_real_export_is_noticed() -> None:
    whole = parse_export(AS_GOODREADS_WRITES_IT).entries
    read = {}
    for end in range(len(AS_GOODREADS_WRITES_IT)):
        try:
            read[end] = parse_export(AS_GOODREADS_WRITES_IT[:end]).entries
        except UnreadableExport:
            continue
    # Owned Copies, the last cell, tells nothing of a book: without it a row is complete.
    end_of_first = AS_GOODREADS_WRITES_IT.index(b"\n1371,")
    last = len(AS_GOODREADS_WRITES_IT)
    assert read == {
        end_of_first - 1: whole[:1],
        end_of_first: whole[:1],
        end_of_first + 1: whole[:1],
        last - 2: whole,
        last - 1: whole,
    }


def test_no_message_quotes_what_readers_wrote() -> None:
    secret = "XYZZY"
    rows = export(
        DUNE | {"Private Notes": secret},
        DUNE | {"Title": "", "My Review": secret},
        DUNE | {"My Review": secret},
    )
    header, rest = rows.split(b"\n", 1)
    parsed = parse_export(header + b"\n" + secret.encode() + b",1\n" + rest)
    reasons = [row.reason for row in (*parsed.refused, *parsed.duplicates)]
    assert len(reasons) == 3
    assert not any(secret in reason for reason in reasons)
    for content in (rows + secret.encode(), secret.encode(), rows + b'"' + secret.encode()):
        with pytest.raises(UnreadableExport) as refusal:
            parse_export(content)
        assert secret not in str(refusal.value)


# Any library at all.

printable = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="&")
nasty = st.sampled_from(
    ['"', '""', ",", "\n", ";", "\t", "'", "=", '=""', "📚", "👩‍👧", "ש", "<b>"]
)
texts = st.lists(printable | nasty, min_size=1, max_size=20).map("".join)
lines = texts.map(lambda text: re.sub(r"\s+", " ", text).strip())
names = texts.map(lambda text: re.sub(r"[\s,]+", " ", text).strip())
reviews = texts.map(str.strip).filter(lambda text: "<br" not in text.casefold())
slugs = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=12)
statuses = st.sampled_from(["read", "to-read", "currently-reading"]) | slugs
days = st.dates(date(1900, 1, 1), date(2100, 12, 31))
years = st.integers(-3000, 2100).filter(bool)
isbn_pairs = st.sampled_from(
    [
        (None, None),
        ("0441013597", "9780441013593"),
        ("080442957X", "9780804429573"),
        (None, "9791032305690"),
    ]
)


@st.composite
def library_entries(draw: st.DrawFn) -> LibraryEntry:
    status = draw(statuses)
    day = draw(st.none() | days)
    known_until = day or draw(st.none() | days)
    isbn, isbn13 = draw(isbn_pairs)
    shelves = draw(st.lists(slugs.filter(lambda slug: slug != status), max_size=3, unique=True))
    return LibraryEntry(
        row_number=0,
        goodreads_id=None,
        title=draw(reviews.filter(bool)),
        author=draw(lines.filter(bool)),
        additional_authors=tuple(draw(st.lists(names.filter(bool), max_size=3, unique=True))),
        isbn=isbn,
        isbn13=isbn13,
        my_rating=draw(st.none() | st.integers(1, 5)),
        average_rating=draw(st.none() | st.integers(1, 500).map(lambda hundreds: hundreds / 100)),
        publisher=draw(reviews) or None,
        binding=draw(st.sampled_from([None, "Paperback", "Kindle Edition"])),
        num_pages=draw(st.none() | st.integers(1, 5000)),
        year_published=draw(st.none() | years),
        original_publication_year=draw(st.none() | years),
        date_read=day,
        date_added=draw(st.none() | days),
        reading_year=known_until.year if known_until else None,
        reading_month=known_until.month if known_until and (day or draw(st.booleans())) else None,
        bookshelves=tuple(shelves),
        reading_status=status,
        my_review=draw(reviews) or None,
        private_notes=draw(reviews) or None,
        has_spoilers=draw(st.booleans()),
        read_count=draw(st.integers(1 if status == "read" else 0, 9)),
    )


@st.composite
def libraries(draw: st.DrawFn) -> list[LibraryEntry]:
    entries = draw(st.lists(library_entries(), min_size=1, max_size=5))
    return [
        replace(entry, row_number=number, goodreads_id=str(1000 + number))
        for number, entry in enumerate(entries, start=2)
    ]


def cells_of(entry: LibraryEntry) -> dict[str, str]:
    """An entry as Goodreads would write it."""
    listed_status = () if entry.reading_status == "read" else (entry.reading_status,)
    parts = (entry.reading_year, entry.reading_month, entry.date_read and entry.date_read.day)
    cells = {
        "Book Id": entry.goodreads_id,
        "Title": entry.title,
        "Author": entry.author,
        "Additional Authors": ", ".join(entry.additional_authors),
        "ISBN": f'="{entry.isbn or ""}"',
        "ISBN13": f'="{entry.isbn13 or ""}"',
        "My Rating": entry.my_rating or 0,
        "Average Rating": entry.average_rating,
        "Publisher": entry.publisher,
        "Binding": entry.binding,
        "Number of Pages": entry.num_pages,
        "Year Published": entry.year_published,
        "Original Publication Year": entry.original_publication_year,
        "Date Read": "/".join(f"{part:02}" for part in parts if part),
        "Date Added": f"{entry.date_added:%Y/%m/%d}" if entry.date_added else "",
        "Bookshelves": ", ".join((*entry.bookshelves, *listed_status)),
        "Exclusive Shelf": entry.reading_status,
        "My Review": entry.my_review,
        "Spoiler": "true" if entry.has_spoilers else "",
        "Private Notes": entry.private_notes,
        "Read Count": entry.read_count,
        "Owned Copies": 0,
    }
    return {column: "" if cell is None else str(cell) for column, cell in cells.items()}


@given(libraries(), st.sampled_from("ABC"), st.sampled_from(["\n", "\r\n"]))
@settings(deadline=None, max_examples=60)
def test_any_library_is_read_as_it_was_written(
    library: list[LibraryEntry], generation: str, newline: str
) -> None:
    columns = GENERATIONS[generation]
    content = export(*map(cells_of, library), columns=columns, newline=newline)
    if generation == "C":
        library = [replace(entry, average_rating=None) for entry in library]
    assert parse_export(content) == Export(generation, len(library), tuple(library), (), ())


@given(libraries(), st.sampled_from("ABC"), st.floats(0, 1))
@settings(deadline=None, max_examples=60)
def test_a_cut_export_is_refused_or_a_prefix(
    library: list[LibraryEntry], generation: str, share: float
) -> None:
    content = export(*map(cells_of, library), columns=GENERATIONS[generation])
    whole = parse_export(content)
    try:
        parsed = parse_export(content[: int(share * len(content))])
    except UnreadableExport:
        return
    assert parsed.entries == whole.entries[: parsed.rows]
    assert parsed.rows == len(parsed.entries)


@given(st.binary() | st.text().map(str.encode))
@settings(deadline=None)
def test_arbitrary_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(UnreadableExport):
        parse_export(content)


damage = st.binary(max_size=8) | st.sampled_from([b'"', b",", b"\n", b"\r", b'"\n"', b",,", b'""'])


@given(st.lists(st.tuples(st.integers(0, len(AS_GOODREADS_WRITES_IT)), damage), max_size=4))
@settings(deadline=None)
def test_every_row_of_a_damaged_export_is_accounted_for(wounds: list[tuple[int, bytes]]) -> None:
    content = AS_GOODREADS_WRITES_IT
    for place, rubbish in wounds:
        content = content[:place] + rubbish + content[place:]
    try:
        parsed = parse_export(content)
    except UnreadableExport:
        return
    assert parsed.rows == len(parsed.entries) + len(parsed.refused) + len(parsed.duplicates)


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=12) | st.text(
    "0123456789/-.,#+eE ", max_size=12
)


@given(st.lists(st.lists(cells, min_size=24, max_size=24), min_size=1, max_size=4))
@settings(deadline=None)
def test_any_cells_become_an_entry_or_a_refused_row(rows: list[list[str]]) -> None:
    strange = [dict(zip(COLUMNS_B, row, strict=True)) for row in rows]
    content = export(*strange)
    whole = [DUNE | {"Book Id": str(book)} for book in range(len(rows))]
    content += export(*whole).split(b"\n", 1)[1]
    parsed = parse_export(content)
    assert parsed.rows == len(parsed.entries) + len(parsed.refused) + len(parsed.duplicates)
    assert parsed.entries[-1].title == DUNE["Title"]
