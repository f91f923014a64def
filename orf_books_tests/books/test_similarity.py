import pytest

from orf_books.books.metadata import BookQuery
from orf_books.books.similarity import (
    ACCEPTED_SIMILARITY,
    last_name,
    main_title,
    title_author_similarity,
)


def similarity(asked: tuple[str, str], title: str, *authors: str, subtitle: str = "") -> float:
    question = BookQuery("1", "1", *asked, None, None)
    return title_author_similarity(question, title, authors, subtitle)


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("Dune (Dune, #1)", "Dune"),
        ("The Odyssey", "Odyssey"),
        ("Crime and Punishment", "Crime & punishment"),
        ("Cien años de soledad", "Cien anos de Soledad"),
        ("Ender\u2019s Game (Ender's Saga, #1)", "Ender's game"),
        ("The Colour of Magic (Discworld, #1; Rincewind, #1)", "The Color of Magic"),
        ("The Three-Body Problem", "The three body problem"),
        ("The Final Empire (Mistborn, #1)", "Mistborn: The Final Empire"),
        ("Mistborn: The Final Empire (Mistborn, #1)", "The Final Empire"),
        ("Sapiens: A Brief History of Humankind", "Sapiens"),
        ("Sapiens: A Brief History of Humankind", "Sapiens: a brief history of mankind"),
        ("1984", "1984: A Novel"),
        ("Saga, Volume 1 (Saga, #1)", "Saga. Volume One"),
        ("A Storm of Swords, Part II", "Storm of Swords: Part 2"),
        (
            "A Storm of Swords (A Song of Ice and Fire, #3, Part 2 of 2)",
            "A Storm of Swords, Part 2",
        ),
        ("Night (The Night Trilogy, #1)", "Night"),
        ("1984", "Nineteen Eighty-Four"),
        ("20,000 Leagues Under the Sea", "Twenty Thousand Leagues Under the Sea"),
        ("Around the World in Eighty Days", "Around the world in 80 days"),
        ("Slaughterhouse-Five", "Slaughterhouse 5"),
        ("To Kill a Mockingbird", "To kill a mocking bird"),
        ("The Hobbit, or There and Back Again", "The Hobbit"),
        ("Walden", "Walden; or, Life in the Woods"),
        ("Vanity Fair", "Vanity Fair: A Novel Without a Hero"),
        ("In Search of Lost Time: Swann's Way", "Swann's Way"),
        (
            "The Body Keeps the Score: Brain, Mind, and Body in the Healing of Trauma",
            "The Body Keeps the Score: Mind, Brain and Body in the Transformation of Trauma",
        ),
        (
            "Guns, Germs, and Steel: The Fates of Human Societies",
            "Guns, Germs and Steel: A Short History of Everybody for the Last 13,000 Years",
        ),
        ("Saga Boxset (Saga, #1-3)", "Saga: Boxed Set"),
    ],
)
def test_the_same_title_is_accepted_however_it_is_written(title: str, found: str) -> None:
    assert similarity((title, "An Author"), found, "An Author") >= ACCEPTED_SIMILARITY


@pytest.mark.parametrize(
    ("author", "found"),
    [
        ("J.R.R. Tolkien", "J. R. R. Tolkien"),
        ("J.R.R. Tolkien", "John Ronald Reuel Tolkien"),
        ("Yuval Noah Harari", "Yuval N. Harari"),
        ("Liu Cixin", "Cixin Liu"),
        ("Orson Scott Card", "Card, Orson Scott"),
        ("Gabriel García Márquez", "Gabriel Garcia Marquez"),
        ("Fyodor Dostoevsky", "Fyodor Dostoyevsky"),
        ("Martin Luther King Jr.", "Martin Luther King, Jr."),
        ("Homer", "Homer"),
        ("Leo Tolstoy", "Lev Tolstoy"),
        ("Jo Nesbø", "Jo Nesbo"),
        ("Arthur Conan Doyle", "Sir Arthur Conan Doyle"),
        ("Miguel de Cervantes Saavedra", "Miguel de Cervantes"),
        ("Dante Alighieri", "Dante"),
        ("Sun Tzu", "Sunzi"),
        ("Unknown", "Seamus Heaney"),
    ],
)
def test_the_same_author_is_accepted_however_he_is_written(author: str, found: str) -> None:
    assert similarity(("A Book", author), "A Book", found) >= ACCEPTED_SIMILARITY


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("Dune (Dune, #1)", "Dune Messiah"),
        ("Foundation and Empire", "Foundation and Earth"),
        ("Harry Potter and the Goblet of Fire", "Harry Potter and the Chamber of Secrets"),
        ("The Lord of the Rings", "The Lord of the Rings: The Two Towers"),
        ("Star Wars: Thrawn (Star Wars: Thrawn, #1)", "Star Wars"),
        ("Batman: Year One", "Batman: The Dark Knight Returns"),
        ("Fahrenheit 451", "Fahrenheit 452"),
        ("Ready Player One", "Ready Player Two"),
        ("A Brief History of Time", "A Briefer History of Time"),
        ("Freakonomics", "Superfreakonomics"),
        ("The Odyssey", "The Odyssey: A Modern Sequel"),
    ],
)
def test_another_title_is_not_accepted_though_much_is_alike(title: str, found: str) -> None:
    assert similarity((title, "An Author"), found, "An Author") < ACCEPTED_SIMILARITY


@pytest.mark.parametrize("found", ["Jane Smith", "Ann Austen", "A. Austen", "Unknown", ""])
def test_another_author_is_not_accepted(found: str) -> None:
    assert similarity(("Emma", "Jane Austen"), "Emma", found) < ACCEPTED_SIMILARITY


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("Saga, Volume 1 (Saga, #1)", "Saga, Vol. 2"),
        ("Saga (Saga, #1)", "Saga (Saga, #2)"),
        ("Saga", "Saga, Book Three"),
        ("Saga", "Summary of Saga"),
        ("Saga", "Saga: Study Guide"),
        ("Saga", "SparkNotes Saga"),
        ("Saga", "Saga: The Graphic Novel"),
        ("Saga", "Saga Box Set"),
        ("Saga", "Saga 3-Book Bundle"),
        ("Saga", "Saga and Other Stories"),
        ("Saga", "Saga: A Graphic History"),
        ("Saga", "Saga: Key Takeaways"),
        ("Saga Boxed Set (Saga, #1-3)", "Saga"),
        ("Saga (Saga, #1-3)", "Saga"),
    ],
)
def test_another_volume_a_set_or_a_book_about_the_book_blocks(title: str, found: str) -> None:
    assert similarity((title, "An Author"), found, "An Author") == 0.0


def test_a_kind_of_book_blocks_from_the_subtitle_too() -> None:
    asked = ("Saga", "An Author")
    assert similarity(asked, "Saga", "An Author", subtitle="A Study Guide") == 0.0


def test_a_subtitle_kept_apart_may_be_missing_from_the_question() -> None:
    asked = ("Sapiens", "Yuval Noah Harari")
    subtitle = "A Brief History of Humankind"
    assert similarity(asked, "Sapiens", "Yuval Noah Harari", subtitle=subtitle) > 0.9


def test_one_of_several_authors_is_enough() -> None:
    asked = ("Good Omens", "Terry Pratchett")
    assert similarity(asked, "Good Omens", "Neil Gaiman", "Terry Pratchett") == 1.0


def test_nothing_is_similar_to_a_record_without_authors_or_title() -> None:
    assert similarity(("Dune", "Frank Herbert"), "Dune") == 0.0
    assert similarity(("Dune", "Frank Herbert"), "", "Frank Herbert") == 0.0
    assert similarity(("", ""), "Dune", "Frank Herbert") == 0.0


def test_a_main_title_has_no_series_and_no_subtitle() -> None:
    assert main_title("Sapiens: A Brief History (Sapiens, #1)") == "Sapiens"
    assert main_title("The Way of  Kings (The Stormlight Archive, #1)") == "The Way of Kings"
    assert main_title("The Hobbit, or There and Back Again") == "The Hobbit"


def test_a_last_name_is_without_initials_and_suffixes() -> None:
    assert last_name("J.R.R. Tolkien") == "Tolkien"
    assert last_name("Martin Luther King Jr.") == "King"
    assert last_name("Homer") == "Homer"
    assert last_name("") == ""
