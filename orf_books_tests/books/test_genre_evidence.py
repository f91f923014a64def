"""What the genres of a book are inferred from where its headings name none."""

import pytest

from benchmarks.genres import each_kind_alone, judge, labelled_books, library_with_gaps
from orf_books.books.genre_evidence import Evidence, GenreEvidence, Genres, KnownBook
from orf_books.books.genres import genres_of_shelf

WANTED_PRECISION = 0.95


def book(
    title: str,
    *genres: str,
    author: str = "Ida Quill",
    shelves: tuple[str, ...] = (),
    is_fiction: bool | None = None,
    audience: str | None = None,
) -> KnownBook:
    return KnownBook(title, title, author, shelves, genres, is_fiction, audience)


def genres_of(asked: KnownBook, *others: KnownBook) -> Genres:
    return GenreEvidence([asked, *others]).genres_of(asked)


def test_what_a_source_says_stands_above_everything_else() -> None:
    asked = book("A (S, #1)", "Poetry", shelves=("fantasy",))
    assert genres_of(asked, book("B (S, #2)", "Fantasy")) == Genres(("Poetry",), Evidence.SOURCE)


def test_another_edition_of_the_work_has_its_genres() -> None:
    other = book("The Lamp: A Novel (Lights, #1)", "Fantasy")
    assert genres_of(book("The Lamp"), other) == Genres(("Fantasy",), Evidence.EDITIONS)
    assert genres_of(book("The Lamp, Volume 2"), book("The Lamp, Volume 1", "Fantasy")).names == ()
    assert genres_of(book("The Lamp", author="Bo Sample"), other).names == ()


def test_a_shelf_named_after_a_genre_counts() -> None:
    asked = book("A", shelves=("owned", "sci-fi", "currently-reading"))
    assert genres_of(asked) == Genres(("Science Fiction",), Evidence.SHELVES)


def test_most_volumes_of_a_series_decide() -> None:
    volumes = [book("B (S, #2)", "Fantasy", "Humor"), book("C (S #3)", "Fantasy")]
    assert genres_of(book("A (S, #1)"), *volumes) == Genres(("Fantasy",), Evidence.SERIES)
    assert genres_of(book("A (S, #1)", author="Bo Sample"), *volumes).names == ()


def test_other_books_of_the_author_count_where_they_agree() -> None:
    agreeing = [book("B", "Mystery", "Humor"), book("C", "Thriller", "Mystery")]
    assert genres_of(book("A"), *agreeing) == Genres(("Mystery",), Evidence.AUTHOR)
    assert genres_of(book("A"), *agreeing, book("D", "Poetry")).names == ()


def test_of_genres_that_all_share_the_most_certain_of_the_first_book_counts() -> None:
    others = [book("B", "Mystery", "Humor"), book("C", "Humor", "Mystery")]
    assert genres_of(book("A"), *others).names == ("Mystery",)


def test_evidence_has_the_names_by_which_dashboards_show_it() -> None:
    assert [kind.value for kind in Evidence] == [
        "source",
        "editions",
        "shelves",
        "series",
        "author",
        "last resort",
    ]


@pytest.mark.parametrize(
    "others",
    [
        [book("B", "Mystery")],
        [book("B (S, #1)", "Mystery"), book("C (S, #2)", "Mystery")],
        [book("B", "Children's"), book("C", "Children's")],
    ],
    ids=["one book", "one series", "for whom they are"],
)
def test_too_little_of_an_author_proves_nothing(others: list[KnownBook]) -> None:
    assert genres_of(book("A"), *others) == Genres((), None)


def test_nothing_is_inferred_that_the_headings_contradict() -> None:
    others = [book("B", "Mystery"), book("C", "Mystery")]
    asked = book("A", is_fiction=False)
    assert genres_of(asked, *others) == Genres(("Nonfiction",), Evidence.LAST_RESORT)


@pytest.mark.parametrize(
    ("is_fiction", "audience", "names"),
    [
        (True, None, ("Fiction",)),
        (False, "adult", ("Nonfiction",)),
        (True, "children", ("Children's", "Fiction")),
        (None, "young adult", ("Young Adult",)),
        (None, "adult", ()),
    ],
)
def test_fiction_or_not_and_for_whom_is_the_last_resort(
    is_fiction: bool | None, audience: str | None, names: tuple[str, ...]
) -> None:
    found = genres_of(book("A", is_fiction=is_fiction, audience=audience))
    assert found == Genres(names, Evidence.LAST_RESORT if names else None)


@pytest.mark.parametrize(
    ("shelf", "genres"),
    [
        ("sci-fi", ("Science Fiction",)),
        ("SciFi_Fantasy", ("Science Fiction", "Fantasy")),
        ("ya-fantasy", ("Young Adult", "Fantasy")),
        ("my-favorite-mysteries", ("Mystery",)),
        ("kids", ("Children's",)),
        ("wwii", ("History",)),
        ("currently-reading", ()),
        ("history-class", ()),
        ("music-to-my-ears", ()),
        ("fiction", ()),
        ("2021", ()),
        ("", ()),
    ],
)
def test_a_shelf_names_genres_only_with_hardly_a_word_beside_them(
    shelf: str, genres: tuple[str, ...]
) -> None:
    assert genres_of_shelf(shelf) == genres


@pytest.mark.parametrize("half", [0, 1])
def test_series_and_authors_are_right_about_real_books(half: int) -> None:
    alone = each_kind_alone(labelled_books(), half)
    for kind in (Evidence.SERIES, Evidence.AUTHOR):
        assert alone[kind].books >= 30
        assert (alone[kind].precision or 0) >= WANTED_PRECISION


def test_most_gaps_of_a_library_are_closed_and_rightly() -> None:
    books = library_with_gaps()
    evidence = GenreEvidence(labelled.book for labelled in books)
    known = sum(bool(labelled.book.genres) for labelled in books)
    inferred = [() if one.book.genres else evidence.genres_of(one.book).names for one in books]
    judgement = judge(books, inferred)
    assert len(books) == 500
    assert known / len(books) == pytest.approx(2 / 3, abs=0.02)
    assert judgement.books > (len(books) - known) / 2
    assert (judgement.precision or 0) >= WANTED_PRECISION
