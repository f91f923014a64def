import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.activities.story import PagedStory, PagePhrases, StoryPage, phrases_by_page, words_of
from orf_books_tests.activities.goldens import cases


def paged(phrases: list[str], pages: list[str]) -> PagedStory:
    return phrases_by_page(
        [words_of(phrase) for phrase in phrases],
        [StoryPage(number, words_of(text)) for number, text in enumerate(pages)],
    )


def on_pages(*phrases: tuple[int, ...]) -> tuple[PagePhrases, ...]:
    return tuple(PagePhrases(page, indices) for page, indices in enumerate(phrases) if indices)


@pytest.mark.parametrize("case", cases("normalisation"))
def test_text_is_normalised_as_agreed(case: dict[str, Any]) -> None:
    agreed = case["expect"].replace("\u2018", "")  # its note: the left quote goes as well
    assert " ".join(words_of(case["input"])) == agreed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don't don\u2019t dont", ("dont", "dont", "dont")),
        ("She ran \u2014 fast \u2026 home - .", ("she", "ran", "fast", "home")),
        ("Wait... what?", ("wait", "what")),
        ("\u00abNon\u00bb, \u201ahe\u201c said", ("non", "he", "said")),
        ("cafe\u0301", ("caf\u00e9",)),
        ("\ufeffOnce upon\na\ttime", ("once", "upon", "a", "time")),
        ("3 o'clock", ("3", "oclock")),
        ("* * *", ()),
        ("", ()),
    ],
)
def test_what_is_read_alike_is_the_same_word(text: str, words: tuple[str, ...]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    "text",
    ["far-away", "far\u2011away", "far\u2014away", "far--away", "far...away", "Far\u2026away!"],
)
def test_what_stands_between_blanks_is_one_word_however_it_is_joined(text: str) -> None:
    assert words_of(text) == ("far-away",)


@given(
    st.text(alphabet=st.sampled_from(string.printable + "\u2018\u2019\u201c\u2026\u2014\u0301é"))
)
def test_normalised_words_stay_as_they_are(text: str) -> None:
    words = words_of(text)
    assert words_of(" ".join(words)) == words
    assert all(word and not word.startswith("-") and not word.endswith("-") for word in words)


def test_each_phrase_is_on_its_page() -> None:
    found = paged(
        ["The cat sat.", "The dog ran!", "They slept."], ["the cat sat the dog ran", "they slept"]
    )
    assert found == PagedStory(on_pages((0, 1), (2,)), ())


def test_a_phrase_is_found_by_whole_words() -> None:
    found = paged(["a cat"], ["a catalogue", "a cat"])
    assert found == PagedStory(on_pages((), (0,)), ())


def test_a_phrase_that_occurs_again_is_at_the_next_place() -> None:
    found = paged(["No, no!", "Yes.", "No, no!", "No, no!"], ["no no yes", "no no", "no no"])
    assert found == PagedStory(on_pages((0, 1), (2,), (3,)), ())


def test_a_phrase_across_pages_is_on_the_one_with_more_of_it() -> None:
    found = paged(
        ["up he went", "to the top of the hill"], ["up he went to the", "top of the hill"]
    )
    assert found == PagedStory(on_pages((0,), (1,)), ())


def test_a_phrase_half_on_each_page_is_on_the_first() -> None:
    assert paged(["up and away"] * 1 + ["we go"], ["up and away we", "go"]).pages == on_pages(
        (0, 1)
    )


def test_a_phrase_on_no_page_is_reported_and_does_not_shift_the_others() -> None:
    found = paged(["the cat sat", "a page was lost", "they slept"], ["the cat sat", "they slept"])
    assert found == PagedStory(on_pages((0,), (2,)), unmatched=(1,))


def test_a_misprint_on_a_page_loses_no_phrase() -> None:
    assert paged(["the quick brown fox"], ["the quick brwn fox"]).unmatched == ()


def test_pages_without_phrases_are_left_out_and_the_others_keep_their_numbers() -> None:
    found = paged(["the cat sat"], ["a title", "the cat sat"])
    assert found == PagedStory((PagePhrases(1, (0,)),), ())


def test_pages_are_taken_by_number() -> None:
    pages = [StoryPage(10, ("yes",)), StoryPage(9, ("no",))]
    found = phrases_by_page([("no",), ("yes",)], pages)
    assert [page.page for page in found.pages] == [9, 10]
    assert found.unmatched == ()


def test_a_phrase_without_words_is_not_missing() -> None:
    assert paged(["***", "the end"], ["the end"]) == PagedStory(on_pages((1,)), ())


def test_a_story_without_pages_has_all_phrases_unmatched() -> None:
    assert paged(["the end"], []) == PagedStory((), (0,))
