import math
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.activities.language_model import (
    arpa_bigrams,
    general_words,
    phrase_grammar,
    phrase_model,
    story_model,
)

PHRASE = ("the", "cat", "sat", "down")
words = st.lists(st.sampled_from(["a", "cat", "sat", "the", "dog"]), min_size=1, max_size=30)


def sections(model: str) -> dict[str, list[list[str]]]:
    """The lines of an ARPA file by section."""
    found: dict[str, list[list[str]]] = defaultdict(list)
    name = ""
    for line in model.splitlines():
        if line.startswith("\\"):
            name = line
        elif line:
            found[name].append(line.split())
    return found


@given(words)
def test_the_counts_of_a_model_are_those_of_its_lines(text: list[str]) -> None:
    found = sections(arpa_bigrams(text, dict.fromkeys([*text, "other"], 0.1)))
    counts = dict(line[1].split("=") for line in found["\\data\\"])
    assert counts == {
        "1": str(len(found["\\1-grams:"])),
        "2": str(len(found["\\2-grams:"])),
    }


@given(words)
def test_what_may_follow_a_word_has_a_chance_below_one_in_all(text: list[str]) -> None:
    found = sections(arpa_bigrams(text, dict.fromkeys([*text, "other"], 0.1)))
    chances: defaultdict[str, float] = defaultdict(float)
    for chance, word, _ in found["\\2-grams:"]:
        chances[word] += 10 ** float(chance)
    assert all(math.isclose(chance, 0.9, abs_tol=0.001) for chance in chances.values())


def test_the_next_word_is_likelier_than_one_skipped_or_repeated() -> None:
    found = sections(arpa_bigrams(PHRASE, dict.fromkeys(PHRASE, 0.25)))
    after_cat = {
        after: float(chance) for chance, word, after in found["\\2-grams:"] if word == "cat"
    }
    assert set(after_cat) == {"sat", "down", "cat"}
    assert max(after_cat, key=after_cat.__getitem__) == "sat"


def test_a_story_may_be_left_for_general_words_and_a_phrase_for_what_sounds_like_it() -> None:
    of_story = {line[1] for line in sections(story_model([PHRASE]))["\\1-grams:"]}
    assert {*PHRASE, "because"} <= of_story
    of_phrase = {line[1] for line in sections(phrase_model(PHRASE, ["kit"]))["\\1-grams:"]}
    assert {*PHRASE, "kit"} <= of_phrase
    assert len(of_phrase) < len(of_story)


@pytest.mark.parametrize("count", [1, 500, 10_000])
def test_shares_of_general_words_add_up_to_one(count: int) -> None:
    shares = general_words(count)
    assert len(shares) == count
    assert sum(shares.values()) == pytest.approx(1.0)


def test_a_grammar_reads_the_phrase_skips_words_and_goes_back() -> None:
    arcs = {
        (arc.start, arc.end, arc.word) for arc in phrase_grammar(("a", "b"), {"a": (), "b": ()})
    }
    assert arcs == {
        (0, 1, "a"),
        (0, 1, None),
        (1, 0, None),
        (1, 2, "b"),
        (1, 2, None),
        (2, 1, None),
    }


def test_a_grammar_hears_a_sound_alike_only_in_its_word_s_place() -> None:
    arcs = phrase_grammar(("a", "kite"), {"a": (), "kite": ("kit",)})
    assert [(arc.start, arc.end) for arc in arcs if arc.word == "kit"] == [(1, 2)]
    chances = {arc.word: arc.chance for arc in arcs if arc.word}
    assert chances["kit"] < chances["kite"]
