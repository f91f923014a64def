"""Uploads that are damaged or come from another service, through whole runs."""

import json

import pytest

from orf_books_tests.conftest import CommandLine, Platform, book, export_of

STORYGRAPH = "Title,Authors,ISBN/UID,Read Status,Star Rating"


def test_a_file_of_which_nothing_can_be_read_leaves_the_library_as_it_was(
    platform: Platform,
) -> None:
    assert platform.ingest("ada", export_of(range(3))).success
    before = platform.records.rows()
    aligned = (
        "Book Id , Title , Author , Author l-f , Exclusive Shelf\n"
        '1 , A , Ida Quill , "Quill, Ida" , read\n'
    )
    platform.ingest("ada", aligned.encode())
    assert platform.records.rows() == before
    assert len(platform.shown_books("ada")) == 3
    (refusal,) = [
        json.loads(platform.storage.get(stored.key))
        for stored in platform.storage.list("rejected/")
        if stored.key.endswith(".error.json")
    ]
    assert "1 of 1 rows cannot be read" in refusal["looks_like"]


def test_a_book_without_an_id_is_the_book_of_the_library_that_has_the_id(
    platform: Platform,
) -> None:
    assert platform.ingest("ada", export_of([4])).success
    (known,) = platform.records.rows()
    row = f'"{known.title}","{known.author}",,read,4.5'
    assert platform.ingest("bo", f"{STORYGRAPH}\n{row}\n".encode()).success
    (recognised,) = [row for row in platform.records.rows() if row.library == "bo"]
    assert (recognised.goodreads_id, recognised.book_key) == (None, book(4))
    (shown,) = platform.dashboard("bo")["books"]
    assert (shown["my_rating"], shown["reading_status"]) == (4.5, "read")


def test_half_stars_and_earlier_readings_survive_the_tables(platform: Platform) -> None:
    header, row = export_of([4], My_Rating="4.5", Date_Read="2021/03/04").decode().splitlines()
    dates = '"2019-01-01,2019-02-01;2021-03-01,2021-03-04"'
    platform.ingest("ada", f"{header},read_dates\n{row},{dates}\n".encode())
    (shown,) = platform.dashboard("ada")["books"]
    assert (shown["my_rating"], shown["earlier_readings"]) == (4.5, ["2019-02-01"])


def test_what_was_not_understood_is_on_the_dashboard(platform: Platform) -> None:
    platform.ingest("ada", export_of([4], Date_Read="########"))
    (unread,) = platform.dashboard("ada")["metadata"]["validation"]["unread_cells"]
    assert (unread["row_number"], unread["column"]) == (2, "Date Read")


@pytest.mark.slow
def test_a_refused_row_alone_makes_the_exit_status_1(orf_books: CommandLine) -> None:
    header, row = export_of([4]).decode().splitlines()
    nameless = "," * header.count(",")
    file = orf_books.folder / "export.csv"
    file.write_text(f"{header}\n{row}\n7{nameless}\n", encoding="utf-8")
    document = orf_books.document("run", "books", str(file), "--library", "ada", status=1)
    assert (document["failed_enrichments"], len(document["refused_rows"])) == (0, 1)
