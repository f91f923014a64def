from pathlib import Path

import pytest

from orf_books.books.genres import (
    GENRE_MAP_VERSION,
    GENRES,
    MOST_GENRES,
    Audience,
    Classification,
    DropReason,
    ancestors,
    genres_from_headings,
    read_headings,
)


def genres(*headings: str) -> tuple[str, ...]:
    return genres_from_headings([headings])


def read(*headings: str) -> Classification:
    return read_headings([headings])


def reasons(*headings: str) -> dict[str, DropReason]:
    return {dropped.heading: dropped.reason for dropped in read(*headings).dropped}


@pytest.mark.parametrize(
    ("heading", "genre"),
    [
        ("Science fiction", "Science Fiction"),
        ("science-fiction", "Science Fiction"),
        ("Science fiction.", "Science Fiction"),
        ("Sci-Fi", "Science Fiction"),
        ("Ciencia-ficción", "Science Fiction"),
        ("Fantasy fiction", "Fantasy"),
        ("Dystopias", "Dystopia"),
        ("Detective and mystery stories", "Mystery"),
        ("Spy stories", "Thriller"),
        ("True crime", "True Crime"),
        ("Horror tales", "Horror"),
        ("Love stories", "Romance"),
        ("Historical fiction", "Historical Fiction"),
        ("War stories", "War"),
        ("Domestic fiction", "Literary Fiction"),
        ("Children's stories", "Children's"),
        ("Autobiographies", "Biography & Memoir"),
        ("Self-help", "Self-Help"),
        ("Political science", "Politics"),
        ("Technology & Engineering", "Technology"),
        ("Health & Fitness", "Health & Fitness"),
    ],
)
def test_a_plain_heading_is_its_genre(heading: str, genre: str) -> None:
    assert genres(heading) == (genre,)


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("FICTION / Science Fiction / Action & Adventure", ("Science Fiction",)),
        ("Fiction / Historical / General", ("Historical Fiction",)),
        ("Fiction, mystery & detective, women sleuths", ("Mystery",)),
        ("Fiction, war & military", ("War",)),
        ("Juvenile Fiction / Fantasy & Magic", ("Children's", "Fantasy")),
        ("Young Adult Fiction / Dystopian", ("Young Adult", "Dystopia")),
        ("Biography & Autobiography / Personal Memoirs", ("Biography & Memoir",)),
        ("Robots -- Fiction", ("Science Fiction",)),
        ("Great Britain -- History -- Fiction", ("Historical Fiction",)),
        ("Presidents -- United States -- Biography", ("Biography & Memoir",)),
        ("Fiction / Thrillers / Psychological", ("Thriller",)),
        ("Fiction, romance, time travel", ("Romance",)),
        ("Cooking / Essays & Narratives", ("Cooking",)),
        ("Physics -- Juvenile literature", ("Children's", "Science & Nature")),
    ],
)
def test_a_path_or_a_divided_heading_is_read_part_by_part(
    heading: str, expected: tuple[str, ...]
) -> None:
    assert genres(heading) == expected


@pytest.mark.parametrize(
    ("heading", "genre"),
    [
        ("Science fiction, American", "Science Fiction"),
        ("Detective and mystery stories, English", "Mystery"),
        ("World War, 1939-1945", "History"),
        ("United States, history, civil war, 1861-1865", "History"),
        ("Holocaust, Jewish (1939-1945)", "History"),
    ],
)
def test_a_heading_with_commas_counts_by_its_head_term(heading: str, genre: str) -> None:
    assert genres(heading) == (genre,)


@pytest.mark.parametrize(
    "heading",
    [
        *("Accessible book", "Protected DAISY", "In library", "OverDrive", "open_syllabus_project"),
        *("Internet Archive Wishlist", "Open Library Staff Picks", "Lending library"),
        *("nyt:hardcover-fiction=2021-05-23", "award:hugo_award=1970", "series:Fantasy"),
        *("collectionID:fantasy", "form: poetry"),
        *("New York Times bestseller", "New York Times reviewed", "Large type books"),
        *("Reading Level-Grade 11", "Translations into Spanish", "Hugo Award winner"),
        *("Fiction", "General", "Literature", "Novels", "American fiction", "Fiction in English"),
        *("Friendship", "Xanth (Imaginary place)", "Samuel Vimes (Fictitious character)"),
        *("Orwell, George, 1903-1950", "Verona (italy), fiction", "20th century", "1900-1999"),
        *("English literature -- History and criticism", "Music -- Fiction", "Women in literature"),
        *("Romance languages", "History -- Study and teaching", "", "  .  "),
    ],
)
def test_noise_is_no_genre(heading: str) -> None:
    assert genres(heading) == ()


def test_what_a_novel_is_about_is_not_its_genre() -> None:
    assert genres("World War, 1939-1945", "Fiction, war & military") == ("War",)
    assert genres("World War, 1939-1945", "Personal memoirs") == ("History", "Biography & Memoir")


def test_a_weak_heading_counts_only_alone() -> None:
    assert genres("Man-woman relationships") == ("Romance",)
    assert genres("Man-woman relationships", "Horror tales") == ("Horror",)


def test_the_first_source_leads_and_within_it_the_most_frequent_genre() -> None:
    open_library = ["Horror tales", "Fantasy", "Fantasy fiction"]
    google_books = ["Fiction / Romance", "Romance", "Love stories", "Fiction / Fantasy"]
    assert genres_from_headings([open_library, google_books]) == ("Fantasy", "Horror", "Romance")


def test_frequency_is_counted_over_all_sources() -> None:
    assert genres_from_headings([["Horror", "Fantasy"], ["Fantasy"]]) == ("Fantasy", "Horror")


def test_no_more_genres_are_shown_than_people_read() -> None:
    many = ["Horror", "Fantasy", "Romance", "Mystery", "Humor", "Poetry", "Essays", "Drama"]
    assert genres(*many) == tuple(many[:MOST_GENRES])


def test_no_headings_are_no_genres() -> None:
    assert genres_from_headings([]) == ()
    assert genres_from_headings([[], []]) == ()


def test_the_map_has_a_version() -> None:
    assert GENRE_MAP_VERSION


def test_the_genre_of_a_novel_is_that_of_novels() -> None:
    assert genres("Historical fiction", "Fiction", "Politics and government") == (
        "Historical Fiction",
    )
    assert genres("Astronomy", "Science", "Life on other planets") == ("Science & Nature",)


def test_psychological_fiction_counts_only_where_nothing_else_is_named() -> None:
    assert genres("Psychological fiction") == ("Literary Fiction",)
    assert genres("Psychological fiction", "Horror tales") == ("Horror",)


def test_a_genre_has_the_genres_it_belongs_to() -> None:
    assert read("Dystopias").broader == ("Science Fiction",)
    assert read("Dystopias", "Science fiction").broader == ()
    assert list(ancestors("Politics")) == ["Social Science"]
    assert list(ancestors("Poetry")) == []


def test_the_page_about_genres_lists_every_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "genres.md").read_text(encoding="utf-8")
    assert [genre for genre in GENRES if f"| {genre} |" not in page] == []
    assert [reason for reason in DropReason if f"| {reason} |" not in page] == []


def test_every_parent_is_a_genre_and_none_is_its_own_ancestor() -> None:
    for genre in GENRES:
        above = list(ancestors(genre))
        assert set(above) <= set(GENRES) - {genre}


@pytest.mark.parametrize(
    ("headings", "is_fiction"),
    [
        (["Fiction"], True),
        (["Fantasy"], True),
        (["Fiction, humorous", "Biography", "Autobiographies"], False),
        (["Self-help"], False),
        (["World War, 1939-1945"], None),
        (["Poetry"], None),
        (["Fantasy", "Biography"], None),
        ([], None),
    ],
)
def test_most_headings_decide_whether_it_is_fiction(
    headings: list[str], is_fiction: bool | None
) -> None:
    assert read(*headings).is_fiction is is_fiction


@pytest.mark.parametrize(
    ("headings", "audience"),
    [
        (["Juvenile Fiction / Fantasy & Magic"], Audience.CHILDREN),
        (["Picture books", "Fantasy"], Audience.CHILDREN),
        (["Juvenile fiction", "Children's stories", "Young adult fiction"], Audience.YOUNG_ADULT),
        (["Horror tales"], Audience.ADULT),
        (["Friendship", "In library"], None),
        ([], None),
    ],
)
def test_headings_tell_for_whom_a_book_is(headings: list[str], audience: Audience | None) -> None:
    assert read(*headings).audience is audience


def test_what_is_for_the_young_adult_is_not_shown_as_for_children() -> None:
    found = read("Dystopias", "Juvenile fiction", "Young adult fiction")
    assert found.genres == ("Dystopia", "Young Adult")
    assert found.dropped[0].reason is DropReason.OTHER_AUDIENCE


def test_one_heading_of_many_for_the_young_stems_from_another_edition() -> None:
    many = ["Drama", "Plays", "Classics", "English drama", "Denmark, drama", "Juvenile literature"]
    assert read(*many).genres == ("Drama", "Classics")
    assert read(*many).audience is Audience.ADULT


@pytest.mark.parametrize(
    ("heading", "reason"),
    [
        ("nyt:hardcover-fiction=2021-05-23", DropReason.MACHINE_TAG),
        ("open_syllabus_project", DropReason.LIBRARY),
        ("Protected DAISY", DropReason.LIBRARY),
        ("New York Times bestseller", DropReason.LIST),
        ("Large type books", DropReason.FORMAT),
        ("Reading Level-Grade 11", DropReason.SCHOOL),
        ("English literature -- History and criticism", DropReason.CRITICISM),
        ("Orwell, George, 1903-1950", DropReason.NAME),
        ("Samuel Vimes (Fictitious character)", DropReason.NAME),
        ("20th century", DropReason.PERIOD),
        ("Novels", DropReason.TOO_LITTLE),
        ("", DropReason.TOO_LITTLE),
        ("Fiction / General", DropReason.TOO_LITTLE),
        ("Romance languages", DropReason.MISLEADING),
        ("Friendship", DropReason.NOT_IN_MAP),
        ("Verona (italy), fiction", DropReason.NOT_IN_MAP),
        ("Music -- Fiction", DropReason.SUBJECT_OF_FICTION),
    ],
)
def test_a_heading_without_genre_has_its_reason(heading: str, reason: DropReason) -> None:
    assert reasons(heading) == {heading: reason}


def test_a_genre_that_the_book_does_not_have_leaves_its_heading_with_a_reason() -> None:
    assert reasons("Man-woman relationships", "Horror tales") == {
        "Man-woman relationships": DropReason.WEAK
    }
    assert reasons("Science", "Astronomy", "Life on other planets") == {
        "Life on other planets": DropReason.OTHER_KIND
    }
    assert reasons("Fantasy", "Fiction", "World War, 1939-1945") == {
        "Fiction": DropReason.TOO_LITTLE,
        "World War, 1939-1945": DropReason.SUBJECT_OF_FICTION,
    }


def test_headings_beyond_the_most_genres_are_told_too() -> None:
    many = ["Horror", "Fantasy", "Romance", "Mystery", "Humor", "Poetry", "Essays"]
    assert reasons(*many) == {"Essays": DropReason.CROWDED_OUT}


def test_headings_that_are_neither_noise_nor_genre_are_topics() -> None:
    headings = ["Friendship", "Music -- Fiction", "In library", "Fantasy", "Orphans, fiction"]
    assert read_headings([headings]).topics == ("Friendship", "Music", "Orphans")


@pytest.mark.parametrize(
    ("heading", "is_fiction"), [("Fiction", True), ("Nonfiction", False), ("Non-fiction", False)]
)
def test_a_heading_that_only_says_whether_it_is_fiction_is_no_genre(
    heading: str, *, is_fiction: bool
) -> None:
    found = read_headings([[heading]])
    assert (found.genres, found.is_fiction, found.topics) == ((), is_fiction, ())


@pytest.mark.parametrize(
    ("heading", "genre"),
    [
        ("Kriminalroman", "Mystery"),
        ("Romans policiers", "Mystery"),
        ("Novela histórica", "Historical Fiction"),
        ("Littérature jeunesse", "Children's"),
        ("Family & Relationships / Parenting", "Family & Relationships"),
        ("Crafts & Hobbies / Quilts", "Home & Crafts"),
        ("Foreign Language Study / Spanish", "Language & Writing"),
        ("Adventure and adventurers, fiction", "Adventure"),
        ("Murder, investigation, fiction", "Mystery"),
        ("Western stories", "Western"),
        ("Fiction / Fairy Tales, Folk Tales, Legends & Mythology", "Folklore & Mythology"),
    ],
)
def test_headings_of_other_languages_and_of_bookshops_are_in_the_map(
    heading: str, genre: str
) -> None:
    assert read_headings([[heading]]).genres[:1] == (genre,)


def test_adventure_counts_only_where_nothing_else_is_named() -> None:
    assert read_headings([["Adventure stories", "Fantasy fiction"]]).genres == ("Fantasy",)
