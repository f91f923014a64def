import pytest

from orf_books.books.author_names import last_name
from orf_books.books.metadata import BookQuery
from orf_books.books.similarity import (
    ACCEPTED_SIMILARITY,
    main_title,
    title_author_similarity,
    volume_words,
)


def similarity(
    asked: tuple[str, str],
    title: str,
    *authors: str,
    subtitle: str = "",
    editions: tuple[str, ...] = (),
) -> float:
    question = BookQuery("1", "1", *asked, None, None)
    return title_author_similarity(question, title, authors, subtitle, editions)


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
        ("The Broken Earth (The Broken Earth, #1-3)", "The Broken Earth"),
        ("Wool (Wool, #1-5; Silo, #1)", "Wool"),
        ("Earthsea Series Box Set (Earthsea, #1-4)", "Earthsea Boxed Set (Books 1-4)"),
        ("Monster, Vol. 1: Herr Dr. Tenma (Monster, #1)", "Monster, Vol. 1"),
        ("Monster, Vol. 1: Herr Dr. Tenma (Monster, #1)", "Monster 1"),
        ("Vagabond, Volume 3 (Vagabond, #3)", "Vagabond 3"),
        ("Stiff. The Curious Lives of Human Cadavers", "Stiff"),
        ("Salt - A World History of the Whole World", "Salt"),
        ("Thinking in Bets: A Guide to Smart Decisions", "Thinking in Bets"),
        ("Grit: Understanding Passion and Perseverance", "Grit"),
        ("Shorts: A Collection of Very Short Pieces", "Shorts"),
        ("\u4e09\u9ad4 The Three Suns", "The Three Suns"),
        ("Dracula: The 1897 Text", "Dracula; or, The Un-Dead"),
        ("The Illustrated Longitude", "Longitude"),
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
        ("Saga Box Set (Books 1-3)", "Saga Box Set (Books 1-6)"),
        ("Saga, Vol. 1: The Start (Saga, #1)", "Saga 2"),
        ("Saga, Vol. 1: The Start (Saga, #1)", "Saga, Vol. 2: The Start"),
        ("Saga", "Understanding Saga"),
        ("Saga", "Saga: A Guide to the World of Saga"),
    ],
)
def test_another_volume_a_set_or_a_book_about_the_book_blocks(title: str, found: str) -> None:
    assert similarity((title, "An Author"), found, "An Author") == 0.0


NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")


@pytest.mark.parametrize("number", range(1, 11))
def test_a_volume_is_the_same_in_digits_words_and_roman_numerals(number: int) -> None:
    asked = (f"Saga, Volume {number}", "An Author")
    word, roman, other = NUMBERS[number - 1], ROMAN[number - 1], NUMBERS[number % 10]
    for written in (word, roman, roman.upper()):
        assert similarity(asked, f"Saga, Vol. {written}", "An Author") >= ACCEPTED_SIMILARITY
    assert similarity(asked, f"Saga, Vol. {other}", "An Author") == 0.0


def test_a_question_without_subtitle_finds_a_record_without_one_exactly() -> None:
    assert similarity(("Emma", "Jane Austen"), "Emma", "Jane Austen") == 1.0


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


def test_a_translation_is_recognised_by_the_title_of_an_edition() -> None:
    asked = ("The House of the Spirits", "Isabel Allende")
    original = "La casa de los espíritus"
    assert similarity(asked, original, "Isabel Allende") < ACCEPTED_SIMILARITY
    editions = ("Das Geisterhaus", "The house of the spirits: a novel")
    assert similarity(asked, original, "Isabel Allende", editions=editions) >= ACCEPTED_SIMILARITY


@pytest.mark.parametrize(
    ("title", "edition"),
    [
        ("La casa", "The House of the Sea"),
        ("La casa", "The House of the Spirits: Study Guide"),
        ("Summary of La casa", "The House of the Spirits"),
        ("La casa, Tomo 1", "The House of the Spirits, Volume 2"),
        ("Casa Box Set", "The House of the Spirits"),
    ],
)
def test_an_edition_proves_nothing_about_another_kind_of_book(title: str, edition: str) -> None:
    asked = ("The House of the Spirits", "Isabel Allende")
    found = similarity(asked, title, "Isabel Allende", editions=(edition,))
    assert found < ACCEPTED_SIMILARITY


def test_an_author_is_recognised_by_another_of_his_names() -> None:
    asked = ("The Lake", "Banana Yoshimoto")
    names = ("\u5409\u672c\u3070\u306a\u306a", "Yoshimoto, Banana")
    assert similarity(asked, "\u307f\u305a\u3046\u307f", *names, editions=("The Lake",)) > 0.85
    assert similarity(asked, "\u307f\u305a\u3046\u307f", names[0], editions=("The Lake",)) == 0.0


def test_a_main_title_is_without_volume_and_loose_subtitle() -> None:
    assert main_title("Monster, Vol. 1: Herr Dr. Tenma (Monster, #1)") == "Monster"
    assert main_title("Stiff. The Curious Lives of Human Cadavers") == "Stiff"
    assert main_title("Dr. Jekyll and Mr. Hyde") == "Dr. Jekyll and Mr. Hyde"


def test_the_volume_of_a_title_is_asked_for_in_digits_and_words() -> None:
    assert volume_words("Monster, Vol. 1: Herr Dr. Tenma") == ("1", "one", "i")
    assert volume_words("Monster, Volume Twelve") == ()
    assert volume_words("Monster (Monster, #1)") == ()
