"""Every figure of a library's page, against a library that was counted by hand."""

import pytest

from orf_books.books.facets import Facet, Mark, groups_of, readings_of, times_read
from orf_books.books.figures import Comparison, GroupCount, LibraryFigures, Pile, YearFigures
from orf_books.books.series import SeriesVolume, series_volume
from orf_books_tests.books.counted_library import COUNTED, dashboard_book

COUNTED_FIGURES = LibraryFigures.of(COUNTED)
NO_FIGURES = LibraryFigures.of(())


def counts(facet: Facet) -> dict[str, int]:
    return {group.name: group.books for group in COUNTED_FIGURES.groups[facet]}


def test_the_whole_library_in_figures() -> None:
    totals = COUNTED_FIGURES.totals
    assert (totals.books, totals.read, totals.readings, totals.undated) == (11, 7, 10, 1)
    assert (totals.pages, totals.hours) == (600 + 400 + 300 + 500 + 250 + 310, 10.5)
    assert totals.authors == 7
    assert totals.my_average == 3.93  # 27.5 / 7


def test_each_reading_counts_in_its_year_and_month() -> None:
    months_2021 = (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    months_2023 = (0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 1)
    assert COUNTED_FIGURES.years == (
        YearFigures(2021, 3, 1400, 0.0, months_2021),
        YearFigures(2022, 0, 0, 0.0, (0,) * 12),
        YearFigures(2023, 4, 1310, 10.5, months_2023),
    )


def test_books_are_counted_by_every_facet() -> None:
    assert counts(Facet.SHELF) == {
        "read": 7,
        "to-read": 2,
        "currently-reading": 1,
        "did-not-finish": 1,
    }
    assert counts(Facet.OWN_SHELF) == {"favourites": 2}
    assert counts(Facet.RATING) == {"5": 2, "4.5": 1, "4": 2, "3": 1, "2": 1, "1": 0}
    assert counts(Facet.GENRE) == {"Fantasy": 3, "War": 3, "Science Fiction": 2}
    assert counts(Facet.SERIES) == {"Dune": 3, "Discworld": 2}
    assert counts(Facet.DECADE) == {
        "Before 1800": 1,
        "19th century": 3,
        "1920s": 1,
        "1930s": 1,
        "1960s": 2,
        "1970s": 1,
        "1980s": 1,
        "1990s": 1,
    }
    assert counts(Facet.FORMAT) == {
        "Paperback": 4,
        "Hardcover": 2,
        "Audiobook": 1,
        "E-book": 1,
        "Other": 1,
    }
    assert counts(Facet.LENGTH) == {
        "Short (<200)": 0,
        "Medium (200-350)": 4,
        "Long (350-500)": 1,
        "Very Long (500+)": 4,
    }
    assert counts(Facet.DIFFERENCE) == {
        "More than 1 above": 0,
        "½ to 1 above": 2,
        "Within ½": 3,
        "½ to 1 below": 1,
        "More than 1 below": 1,
    }
    assert counts(Facet.MARK) == {"read-again": 2, "note": 1, "review": 1, "unfinished": 1}
    assert counts(Facet.STATUS) == {"enriched": 10, "failed": 1}
    assert counts(Facet.AUTHOR)["Frank Herbert"] == 3


def test_groups_that_have_no_order_of_their_own_begin_with_the_largest() -> None:
    assert list(counts(Facet.AUTHOR))[:3] == ["Frank Herbert", "Jane Austen", "Terry Pratchett"]


def test_genres_over_the_years_are_counted_and_shared() -> None:
    taste = {genre.genre: genre for genre in COUNTED_FIGURES.taste}
    assert list(taste) == ["Science Fiction", "Fantasy", "War"]
    of_science = taste["Science Fiction"]
    assert (of_science.readings, taste["War"].readings) == ((1, 0, 2), (1, 0, 1))
    assert of_science.shares == (1 / 2, 0.0, 2 / 4)  # Emma has no genre


def test_the_reader_is_compared_with_everybody() -> None:
    mine, everybodys = 3.93, 4.13  # 27.5 / 7 and 28.89 / 7
    assert COUNTED_FIGURES.comparison == Comparison("All books", 7, mine, everybodys)
    assert COUNTED_FIGURES.comparison_by_genre == (Comparison("Fantasy", 3, 4.5, 4.26),)
    assert COUNTED_FIGURES.liked_more == (0, 6, 3)
    assert COUNTED_FIGURES.liked_less == (4, 1, 5)


def test_a_year_in_review() -> None:
    of_2023, of_2021 = COUNTED_FIGURES.reviews
    assert (of_2023.year, of_2023.readings, of_2023.books) == (2023, 4, 4)
    assert (of_2023.pages, of_2023.hours, of_2023.mean_pages) == (1310, 10.5, 436.67)
    assert of_2023.mean_rating == 4.38  # 17.5 / 4
    assert of_2023.more_than_year_before == 4
    assert of_2023.read_again == 2
    assert (of_2023.first, of_2023.last) == (0, 6)
    assert (of_2023.longest, of_2023.shortest) == (0, 6)
    assert of_2023.best == (6, 0)
    assert of_2023.everybodys_best == 3
    assert of_2023.genres == (
        GroupCount("Fantasy", 2),
        GroupCount("Science Fiction", 2),
        GroupCount("War", 1),
    )
    assert of_2023.formats[0] == GroupCount("Paperback", 2)

    assert (of_2021.first, of_2021.last, of_2021.read_again) == (0, 2, 0)
    assert (of_2021.longest, of_2021.shortest) == (0, 2)
    assert of_2021.more_than_year_before is None


def test_an_author_is_new_in_the_year_of_the_first_reading() -> None:
    of_2023, of_2021 = COUNTED_FIGURES.reviews
    assert of_2021.new_authors == ("Homer", "Frank Herbert", "Jane Austen")
    # Pratchett and Tolkien were read before, nobody knows when.
    assert of_2023.new_authors == ()


def test_books_read_again_name_the_years_that_are_known() -> None:
    again = [(book.book, book.times, book.years) for book in COUNTED_FIGURES.read_again]
    assert again == [(6, 3, (2023,)), (0, 2, (2021, 2023))]


def test_what_waits_and_what_was_not_finished() -> None:
    # Of 2023 count the readings with a day; Small Gods has only a month.
    assert COUNTED_FIGURES.pile == Pile(
        books=2,
        pages=250,
        without_pages=1,
        read_in_last_year=3,
        years_to_go=0.7,
        longest_waiting=8,
    )
    assert COUNTED_FIGURES.reading_now == (10,)
    assert COUNTED_FIGURES.unfinished == (9,)


def test_a_series_knows_its_order_and_its_gaps() -> None:
    dune, discworld = COUNTED_FIGURES.series
    assert (dune.name, dune.books, dune.read, dune.missing) == ("Dune", (0, 8, 1), 2, ())
    assert (discworld.books, discworld.read) == ((5, 3), 2)
    assert discworld.missing == (1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12)


def test_a_library_without_books_has_figures() -> None:
    assert NO_FIGURES.totals.books == 0
    assert (NO_FIGURES.years, NO_FIGURES.reviews, NO_FIGURES.series) == ((), (), ())
    assert NO_FIGURES.comparison is None
    assert NO_FIGURES.pile.years_to_go is None


def test_one_mistyped_year_does_not_stretch_the_timeline() -> None:
    books = [dashboard_book("A", "B", read=f"{year:04d}") for year in (203, 2021, 2023)]
    assert [figures.year for figures in LibraryFigures.of(books).years] == [203, 2021, 2023]


@pytest.mark.parametrize(
    ("title", "volume"),
    [
        ("Dune (Dune, #1)", SeriesVolume("Dune", 1, 1)),
        (
            "Edgedancer (The Stormlight Archive, #2.5)",
            SeriesVolume("The Stormlight Archive", 2.5, 2.5),
        ),
        ("Three in One (Earthsea Cycle, #1-3)", SeriesVolume("Earthsea Cycle", 1, 3)),
        ("Mort (Discworld, #4; Death, #1)", SeriesVolume("Discworld", 4, 4)),
        ("A Prequel (Somewhere #0)", SeriesVolume("Somewhere", 0, 0)),
        ("A Case (Inspector Who, #XII)", SeriesVolume("Inspector Who", None, None)),
        ("Emma", None),
        ("We (Penguin Classics)", None),
    ],
)
def test_a_title_names_its_series(title: str, volume: SeriesVolume | None) -> None:
    assert series_volume(title) == volume


def test_a_set_holds_all_its_volumes() -> None:
    volume = series_volume("Three in One (Earthsea Cycle, #1-3)")
    assert volume is not None
    assert list(volume.whole_numbers) == [1, 2, 3]


@pytest.mark.parametrize(
    "shelf", ["dnf", "did-not-finish", "didn't finish", "Abandoned", "gave-up-on", "unfinished"]
)
def test_a_shelf_for_unfinished_books_is_known_by_its_words(shelf: str) -> None:
    assert groups_of(dashboard_book("A", "B", bookshelves=(shelf,)))[Facet.MARK] == (
        Mark.UNFINISHED,
    )


@pytest.mark.parametrize("shelf", ["to-finish", "finished", "dnfx", "read"])
def test_other_shelves_are_not_for_unfinished_books(shelf: str) -> None:
    assert groups_of(dashboard_book("A", "B", bookshelves=(shelf,)))[Facet.MARK] == ()


def test_readings_count_on_the_shelf_of_read_books_only() -> None:
    book = dashboard_book("A", "B", read="2021-02-03", reading_status="to-read")
    assert (readings_of(book), times_read(book)) == ((), 0)
