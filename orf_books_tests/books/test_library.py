"""What a library's dashboard says, and that its shape stays what other programs read."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime

import pytest
from jsonschema import Draft202012Validator

from orf_books.books.enrichment import EnrichedBook
from orf_books.books.exports.entries import Export, LibraryEntry, RefusedRow, UnreadCell
from orf_books.books.genre_evidence import Evidence
from orf_books.books.library import (
    SCHEMA_FILE,
    DashboardBook,
    DashboardStamp,
    EnrichmentResults,
    EnrichmentStatus,
    ExportReport,
    GenreCount,
    LibraryDashboard,
    LibrarySummary,
    PageCategory,
    build_library_dashboard,
    library_schema,
    page_category,
)

DUNE = LibraryEntry(
    row_number=2,
    goodreads_id="44767458",
    title="Dune (Dune, #1)",
    author="Frank Herbert",
    additional_authors=(),
    isbn="0441013597",
    isbn13="9780441013593",
    my_rating=5,
    average_rating=4.29,
    publisher="Ace",
    binding="Paperback",
    num_pages=658,
    year_published=2005,
    original_publication_year=1965,
    date_read=date(2023, 12, 21),
    date_added=date(2023, 1, 2),
    reading_year=2023,
    reading_month=12,
    bookshelves=("favourites",),
    reading_status="read",
    my_review="Worth it.",
    private_notes=None,
    has_spoilers=False,
    read_count=2,
)
EMMA = replace(
    DUNE,
    row_number=3,
    goodreads_id=None,
    title="Emma",
    author="Jane Austen",
    my_rating=None,
    num_pages=None,
    original_publication_year=None,
    date_read=None,
    reading_year=None,
    reading_month=None,
    my_review=None,
    read_count=1,
)
WANTED = replace(EMMA, row_number=4, title="Persuasion", reading_status="to-read", read_count=0)
STAMP = DashboardStamp(
    library_id="ada-reads",
    export_id="2d1c7c1e-7d70-4b6d-8a53-0a6b7e0f5a10",
    now=datetime(2026, 11, 22, 14, 5, tzinfo=UTC),
)


def enriched(key: str, *genres: str, found: bool = True) -> EnrichedBook:
    return EnrichedBook(
        key=key,
        found=found,
        genres=genres,
        subjects=(),
        thumbnail_url="https://covers.openlibrary.org/b/id/1-M.jpg" if found else None,
        small_thumbnail_url=None,
        description=None,
        is_fiction=None,
        audience=None,
        matched_by=None,
        confidence=None,
        answers=(),
    )


def dashboard(
    *entries: LibraryEntry,
    books: Sequence[EnrichedBook] = (),
    failures: dict[str, tuple[str, str]] | None = None,
    report: ExportReport | None = None,
) -> LibraryDashboard:
    return build_library_dashboard(
        [(entry.title, entry) for entry in entries],
        EnrichmentResults({book.key: book for book in books}, failures or {}),
        report or ExportReport(rows=len(entries), refused=(), duplicates=()),
        STAMP,
    )


def only_book(entry: LibraryEntry) -> DashboardBook:
    (book,) = dashboard(entry).books
    return book


def test_a_book_keeps_what_the_reader_wrote() -> None:
    book = only_book(DUNE)
    assert (book.title, book.my_rating, book.my_review) == ("Dune (Dune, #1)", 5, "Worth it.")
    assert (book.date_read, book.reading_month_year) == (date(2023, 12, 21), "2023-12")
    assert (book.was_reread, book.original_read_count) == (True, 2)


def test_a_book_that_was_read_once_was_not_read_again() -> None:
    once = only_book(EMMA)
    assert (once.was_reread, once.original_read_count) == (False, 1)
    assert only_book(replace(EMMA, read_count=2)).was_reread


def test_no_book_without_a_date_gets_a_year() -> None:
    book = only_book(EMMA)
    assert (book.date_read, book.reading_year, book.reading_month_year) == (None, None, None)
    assert dashboard(EMMA).summary.reading_years == ()


def test_a_book_of_which_only_the_year_is_known_has_no_month() -> None:
    book = only_book(replace(EMMA, reading_year=2019))
    assert (book.reading_year, book.reading_month_year, book.date_read) == (2019, None, None)


def test_the_original_year_of_publication_comes_first() -> None:
    assert only_book(DUNE).publication_year == 1965
    assert only_book(EMMA).publication_year == 2005
    assert only_book(replace(DUNE, original_publication_year=-700)).publication_year == -700


@pytest.mark.parametrize(
    ("pages", "category"),
    [
        (None, None),
        (1, PageCategory.SHORT),
        (199, PageCategory.SHORT),
        (200, PageCategory.MEDIUM),
        (349, PageCategory.MEDIUM),
        (350, PageCategory.LONG),
        (499, PageCategory.LONG),
        (500, PageCategory.VERY_LONG),
    ],
)
def test_the_lower_bound_belongs_to_the_page_category(
    pages: int | None, category: PageCategory | None
) -> None:
    assert page_category(pages) is category


def test_no_pages_are_unknown_pages() -> None:
    book = only_book(replace(DUNE, num_pages=0))
    assert (book.num_pages, book.page_category) == (None, None)


def test_reading_figures_count_read_books_only() -> None:
    wanted = replace(
        WANTED, num_pages=900, date_read=date(2001, 1, 1), reading_year=2001, reading_month=1
    )
    summary = dashboard(DUNE, EMMA, wanted).summary
    assert (summary.total_books, summary.read_books, summary.total_pages) == (3, 2, 658)
    assert summary.reading_years == (2023,)
    assert summary.reading_date_range.earliest == date(2023, 12, 21)


def test_the_average_rating_is_that_of_rated_books() -> None:
    entries = [replace(DUNE, title=str(rating), my_rating=rating) for rating in (5, 4, 4)]
    assert dashboard(*entries, EMMA).summary.average_rating == 13 / 3
    assert dashboard(EMMA).summary.average_rating is None


def test_genres_are_shared_among_the_books_that_have_genres() -> None:
    summary = dashboard(
        DUNE,
        EMMA,
        WANTED,
        books=[enriched(DUNE.title, "Fiction", "Classics"), enriched(EMMA.title, "Fiction")],
    ).summary
    assert summary.most_common_genres == (
        GenreCount(genre="Fiction", count=2, percentage=100.0),
        GenreCount(genre="Classics", count=1, percentage=50.0),
    )
    assert (summary.genre_enriched_books, summary.genre_enrichment_rate) == (2, 200 / 3)


def test_a_genre_named_twice_counts_once_and_ties_go_by_name() -> None:
    genres = dashboard(DUNE, books=[enriched(DUNE.title, "War", "Art", "War")]).summary
    assert [(genre.genre, genre.count) for genre in genres.most_common_genres] == [
        ("Art", 1),
        ("War", 1),
    ]


def test_only_the_ten_most_common_genres_are_named() -> None:
    summary = dashboard(DUNE, books=[enriched(DUNE.title, *"ABCDEFGHIJKL")]).summary
    assert len(summary.most_common_genres) == 10
    assert summary.unique_genres == 12


def test_a_failed_book_is_marked_with_its_reason() -> None:
    made = dashboard(DUNE, failures={DUNE.title: ("timeout", "no answer\n in 30 s")})
    (book,) = made.books
    assert book.enrichment_status is EnrichmentStatus.FAILED
    assert book.enrichment_error == "timeout: no answer in 30 s"
    assert made.summary.failed_books == made.metadata.validation.enrichment_failed == 1


def test_a_failed_book_keeps_its_older_genres() -> None:
    (book,) = dashboard(
        DUNE, books=[enriched(DUNE.title, "Classics")], failures={DUNE.title: ("crash", "oops")}
    ).books
    assert book.enrichment_status is EnrichmentStatus.FAILED
    assert (book.genres, book.genre_enriched) == (("Classics",), True)


def test_a_note_tells_of_failed_books_and_only_of_them() -> None:
    def notes(*failed: str) -> str:
        failures = dict.fromkeys(failed, ("crash", "oops"))
        return " ".join(dashboard(DUNE, EMMA, failures=failures).metadata.processing_notes)

    assert "Books that failed in enrichment: 1." in notes(DUNE.title)
    assert "failed in enrichment" not in notes()


def test_a_dashboard_says_until_when_books_wait_as_long_as_any_does() -> None:
    def waiting_until(*waiting: str) -> datetime | None:
        made = build_library_dashboard(
            [(DUNE.title, DUNE)],
            EnrichmentResults({}, {}, waiting, STAMP.now),
            ExportReport(rows=1, refused=(), duplicates=()),
            STAMP,
        )
        assert made.summary.waiting_books == len(waiting)
        return made.summary.waiting_until

    assert waiting_until(DUNE.title) == STAMP.now
    assert waiting_until() is None


def test_programs_read_the_version_of_the_schema() -> None:
    assert dashboard(DUNE).metadata.data_schema_version == "1.2.0"


@pytest.mark.parametrize(("length", "shown"), [(233, 240), (234, 240), (5_000, 240)])
def test_an_error_has_at_most_240_characters(length: int, shown: int) -> None:
    (book,) = dashboard(DUNE, failures={DUNE.title: ("crash", "x" * length)}).books
    assert len(book.enrichment_error or "") == shown
    assert str(book.enrichment_error).endswith("…") is (length > 233)


def test_unknown_untried_and_found_books_are_told_apart() -> None:
    made = dashboard(
        DUNE, EMMA, WANTED, books=[enriched(DUNE.title), enriched(EMMA.title, found=False)]
    )
    assert [book.enrichment_status for book in made.books] == [
        EnrichmentStatus.ENRICHED,
        EnrichmentStatus.NOT_FOUND,
        EnrichmentStatus.PENDING,
    ]
    assert (made.summary.not_found_books, made.summary.failed_books) == (1, 0)


def test_the_rows_of_the_file_add_up() -> None:
    export = Export(
        header_generation="A",
        rows=4,
        entries=(DUNE, EMMA),
        refused=(RefusedRow(4, "no title"),),
        duplicates=(RefusedRow(5, "the same book as row 2"),),
    )
    validation = dashboard(DUNE, EMMA, report=ExportReport.of(export)).metadata.validation
    assert validation.counts_add_up
    assert (validation.books, validation.refused_rows, validation.merged_duplicates) == (2, 1, 1)
    assert (validation.refused[0].row_number, validation.refused[0].reason) == (4, "no title")


def test_a_lost_row_is_noticed() -> None:
    report = ExportReport(rows=3, refused=(), duplicates=())
    assert not dashboard(DUNE, EMMA, report=report).metadata.validation.counts_add_up


def test_a_library_without_books_has_a_dashboard() -> None:
    made = dashboard()
    assert (made.books, made.summary.most_common_genres) == ((), ())
    assert (made.summary.genre_enrichment_rate, made.summary.average_rating) == (0.0, None)


def test_the_same_arguments_make_the_same_json() -> None:
    one, other = (dashboard(DUNE, books=[enriched(DUNE.title, *"ZYXW")]) for _ in range(2))
    assert one.model_dump_json() == other.model_dump_json()


def test_a_dashboard_that_was_made_does_not_change() -> None:
    assert len({dashboard(DUNE), dashboard(DUNE)}) == 1


def test_dates_are_written_in_iso() -> None:
    made = json.loads(dashboard(DUNE).model_dump_json())
    assert made["books"][0]["date_read"] == "2023-12-21"
    assert made["metadata"]["export_timestamp"] == "2026-11-22T14:05:00Z"
    assert made["export_id"] == made["metadata"]["export_id"] == STAMP.export_id


def test_the_json_can_be_read_back() -> None:
    made = dashboard(DUNE, EMMA, books=[enriched(DUNE.title, "Classics")])
    assert LibraryDashboard.model_validate_json(made.model_dump_json()) == made


def test_the_summary_of_a_library_repeats_its_dashboard() -> None:
    made = dashboard(DUNE, EMMA, WANTED, failures={EMMA.title: ("timeout", "no answer")})
    summary = LibrarySummary.of(made)
    assert (summary.library_id, summary.updated) == ("ada-reads", STAMP.now)
    assert (summary.books, summary.read, summary.failed, summary.not_found) == (3, 2, 1, 0)


def test_the_schema_file_is_up_to_date() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == library_schema(), (
        "Run orf_books.books.library.write_library_schema() and review the change: "
        "other programs read this JSON."
    )


@pytest.mark.parametrize("entries", [(), (DUNE,), (DUNE, EMMA, WANTED)])
def test_dashboards_validate_against_the_schema(entries: tuple[LibraryEntry, ...]) -> None:
    schema = json.loads(library_schema())
    Draft202012Validator.check_schema(schema)
    made = dashboard(
        *entries,
        books=[enriched(DUNE.title, "Classics"), enriched(EMMA.title, found=False)],
        failures={WANTED.title: ("unavailable", "503")},
        report=ExportReport(9, (RefusedRow(4, "no title"),), (RefusedRow(5, "as row 2"),)),
    )
    Draft202012Validator(schema).validate(json.loads(made.model_dump_json()))


def test_the_schema_refuses_a_field_nobody_agreed_on() -> None:
    made = json.loads(dashboard(DUNE).model_dump_json())
    made["books"][0]["mood"] = "good"
    assert not Draft202012Validator(json.loads(library_schema())).is_valid(made)


def test_genres_say_what_they_are_known_from() -> None:
    sequel = replace(EMMA, title="Dune Messiah (Dune, #2)", author=DUNE.author)
    shelved = replace(EMMA, title="A", bookshelves=("poetry",))
    vague = replace(enriched(WANTED.title), is_fiction=True)
    made = dashboard(
        DUNE, sequel, shelved, WANTED, books=[enriched(DUNE.title, "Science Fiction"), vague]
    )
    assert [(book.genres, book.genre_evidence) for book in made.books] == [
        (("Science Fiction",), Evidence.SOURCE),
        (("Science Fiction",), Evidence.SERIES),
        (("Poetry",), Evidence.SHELVES),
        (("Fiction",), Evidence.LAST_RESORT),
    ]
    summary = made.summary
    assert (summary.genre_enriched_books, summary.unique_genres) == (4, 2)
    assert "Fiction" not in [counted.genre for counted in summary.most_common_genres]
    assert [counted.evidence for counted in summary.genres_by_evidence] == [
        Evidence.SOURCE,
        Evidence.SHELVES,
        Evidence.SERIES,
        Evidence.LAST_RESORT,
    ]


def test_headings_that_are_no_genres_are_topics_of_the_book() -> None:
    book = replace(enriched(DUNE.title, "Science Fiction"), subjects=("Deserts", "In library"))
    assert dashboard(DUNE, books=[book]).books[0].topics == ("Deserts",)


def test_half_stars_and_each_reading_are_kept() -> None:
    entry = replace(DUNE, my_rating=4, rating_fraction=0.5, earlier_readings=("2019-02", "2021"))
    made = dashboard(entry)
    assert (made.books[0].my_rating, made.summary.average_rating) == (4.5, 4.5)
    assert made.summary.reading_years == (2019, 2021, 2023)


def test_a_whole_rating_stays_a_whole_number_in_the_json() -> None:
    assert '"my_rating":5,' in dashboard(DUNE).model_dump_json()


def test_what_of_the_file_was_not_understood_is_in_the_validation() -> None:
    unread = UnreadCell(row_number=2, column="Date Read", reason="It is no date.")
    made = dashboard(DUNE, report=ExportReport(1, (), (), (unread,), ("The day comes first.",)))
    assert made.metadata.validation.unread_cells[0].model_dump() == asdict(unread)
    assert made.metadata.validation.file_notes == ("The day comes first.",)
    assert "Cells that were not understood: 1." in " ".join(made.metadata.processing_notes)
