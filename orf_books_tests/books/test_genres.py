import pytest

from orf_books.books.genres import GENRE_MAP_VERSION, MOST_GENRES, genres_from_headings


def genres(*headings: str) -> tuple[str, ...]:
    return genres_from_headings([headings])


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
