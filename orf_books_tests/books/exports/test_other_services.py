"""Exports of StoryGraph, BookWyrm and Hardcover: what of them an entry keeps."""

from datetime import date

import pytest

from orf_books.books.exports.entries import Export, LibraryEntry
from orf_books.books.exports.reading import parse_export

STORYGRAPH = (
    "Title,Authors,Contributors,ISBN/UID,Format,Read Status,Date Added,Last Date Read,Dates Read,"
    "Read Count,Moods,Pace,Character- or Plot-Driven?,Strong Character Development?,"
    "Loveable Characters?,Diverse Characters?,Flawed Characters?,Star Rating,Review,"
    "Content Warnings,Content Warning Description,Tags,Owned?"
)
BOOKWYRM = (
    "title,author_text,remote_id,openlibrary_key,goodreads_key,isbn_10,isbn_13,start_date,"
    "finish_date,stopped_date,rating,review_name,review_cw,review_content,review_published,shelf,"
    "shelf_name,shelf_date"
)
HARDCOVER = (
    "Title,Series,Author,Book Type,Status,Privacy,Date Added,Date Started,Date Finished,Rating,"
    "Review,Lists,Publisher,Pages,Binding,ISBN 10,ISBN 13,Read count,Hardcover Book ID,"
    "Hardcover Edition ID"
)


def read(header: str, **cells: str) -> Export:
    named = {name.replace("_", " "): f'"{cell}"' for name, cell in cells.items()}
    columns = header.split(",")
    names = {column.replace("_", " ").replace("/", " "): column for column in columns}
    assert named.keys() <= names.keys()
    row = ",".join(named.get(column.replace("_", " ").replace("/", " "), "") for column in columns)
    return parse_export(f"{header}\n{row}\n".encode())


def only(export: Export) -> LibraryEntry:
    (entry,) = export.entries
    return entry


def test_a_storygraph_export_is_read() -> None:
    export = read(
        STORYGRAPH,
        Title="The Lamp",
        Authors="Ida Quill, Bo Sample",
        Contributors="Nan Narrator (Narrator)",
        ISBN_UID="9780441013593",
        Format="paperback",
        Read_Status="read",
        Date_Added="2020/01/02",
        Last_Date_Read="2023/05/04",
        Dates_Read="2021/01/02-2021/02/01, 2023/05/01-2023/05/04",
        Read_Count="2",
        Star_Rating="4.25",
        Tags="sci-fi, favourites",
        Moods="dark",
    )
    entry = only(export)
    assert (export.header_generation, export.unread, export.notes) == ("StoryGraph", (), ())
    assert (entry.title, entry.author) == ("The Lamp", "Ida Quill")
    assert entry.additional_authors == ("Bo Sample", "Nan Narrator (Narrator)")
    assert (entry.goodreads_id, entry.isbn13, entry.rating) == (None, "9780441013593", 4.25)
    assert (entry.date_read, entry.earlier_readings) == (date(2023, 5, 4), ("2021-02-01",))
    assert (entry.date_added, entry.read_count) == (date(2020, 1, 2), 2)
    assert (entry.reading_status, entry.bookshelves) == ("read", ("sci-fi", "favourites"))


def test_each_reading_of_storygraph_is_read_by_itself() -> None:
    dates = "2021/01/02-2021/02/01, once, 3/4/2019"
    export = read(STORYGRAPH, Title="A", Authors="B", Read_Status="read", Dates_Read=dates)
    entry = only(export)
    assert (entry.date_read, entry.earlier_readings) == (date(2021, 2, 1), ("2019",))
    assert [cell.column for cell in export.unread] == ["Dates Read", "Dates Read"]


def test_a_reading_of_storygraph_that_has_not_ended_does_not_count() -> None:
    dates = "2021/01/02-2021/02/01, 2024/01/02-"
    entry = only(read(STORYGRAPH, Title="A", Authors="B", Dates_Read=dates))
    assert (entry.date_read, entry.earlier_readings) == (date(2021, 2, 1), ())


@pytest.mark.parametrize("status", ["to-read", "currently-reading", "did-not-finish", "paused"])
def test_the_read_status_of_storygraph_is_the_shelf(status: str) -> None:
    entry = only(read(STORYGRAPH, Title="A", Authors="B", Read_Status=status))
    assert (entry.reading_status, entry.read_count) == (status, 0)


def test_what_storygraph_has_instead_of_an_isbn_is_noted() -> None:
    export = read(STORYGRAPH, Title="A", Authors="B", ISBN_UID="B00ABCDEFG")
    assert [(cell.column, only(export).isbn13) for cell in export.unread] == [("ISBN/UID", None)]


def test_a_storygraph_export_of_2021_is_read() -> None:
    header = STORYGRAPH.replace("Authors", "Author").replace("ISBN/UID", "ISBN")
    entry = only(read(header, Title="A", Author="B", ISBN="9780441013593", Read_Status="read"))
    assert (entry.author, entry.isbn, entry.read_count) == ("B", "0441013597", 1)


def test_a_bookwyrm_export_is_read() -> None:
    export = read(
        BOOKWYRM,
        title="The Lamp",
        author_text="Ida Quill, Bo Sample",
        remote_id="https://example.org/book/1",
        goodreads_key="44767458",
        isbn_13="9780441013593",
        finish_date="2021-02-03",
        rating="3.5",
        review_name="Bright",
        review_content="And warm.",
        shelf="read",
        shelf_name="Read",
        shelf_date="2021-01-01",
    )
    entry = only(export)
    assert (export.header_generation, export.unread, export.notes) == ("BookWyrm", (), ())
    assert (entry.goodreads_id, entry.author, entry.rating) == ("44767458", "Ida Quill", 3.5)
    assert (entry.date_read, entry.date_added) == (date(2021, 2, 3), date(2021, 1, 1))
    assert (entry.my_review, entry.reading_status) == ("Bright\nAnd warm.", "read")


@pytest.mark.parametrize(
    ("shelf", "name", "status"),
    [
        ("reading", "Currently Reading", "currently-reading"),
        ("to-read", "To Read", "to-read"),
        ("stopped-reading", "Stopped Reading", "did-not-finish"),
        ("lent-123", "Lent", "lent"),
    ],
)
def test_the_shelves_of_bookwyrm_are_those_of_goodreads(shelf: str, name: str, status: str) -> None:
    export = read(BOOKWYRM, title="A", author_text="B", remote_id="x", shelf=shelf, shelf_name=name)
    assert only(export).reading_status == status


def test_a_hardcover_export_is_read() -> None:
    export = read(
        HARDCOVER,
        Title="The Lamp",
        Series="Lights #2",
        Author="Ida Quill",
        Status="Read",
        Date_Added="2024-01-01",
        Date_Finished="2024-02-01",
        Rating="4.5",
        Publisher="Pub",
        Pages="320",
        Binding="Paperback",
        ISBN_10="0441013597",
        ISBN_13="9780441013593",
        Read_count="1",
        Lists="Owned",
    )
    entry = only(export)
    assert (export.header_generation, export.unread, export.notes) == ("Hardcover", (), ())
    assert (entry.title, entry.author, entry.rating) == ("The Lamp (Lights #2)", "Ida Quill", 4.5)
    assert (entry.isbn, entry.isbn13) == ("0441013597", "9780441013593")
    assert (entry.date_read, entry.num_pages) == (date(2024, 2, 1), 320)
    assert (entry.reading_status, entry.bookshelves) == ("read", ("Owned",))


@pytest.mark.parametrize(
    ("status", "shelf"),
    [
        ("Want to Read", "to-read"),
        ("Currently Reading", "currently-reading"),
        ("Did Not Finish", "did-not-finish"),
    ],
)
def test_the_statuses_of_hardcover_are_the_shelves_of_goodreads(status: str, shelf: str) -> None:
    assert only(read(HARDCOVER, Title="A", Author="B", Status=status)).reading_status == shelf
