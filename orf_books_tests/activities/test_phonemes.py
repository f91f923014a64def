from pathlib import Path
from typing import Any

import pocketsphinx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.activities.phonemes import (
    Lexicon,
    LexiconGap,
    VendorPhonemes,
    accepts,
    arpabet,
    phonetic_match_vector,
    vendor_phonemes,
)
from orf_books.activities.story import words_of
from orf_books.failures import FixConfiguration, FixInput
from orf_books_tests.activities.goldens import cases, group

DICTIONARY = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
ALPHABET: dict[str, str] = group("phoneme_alphabet")["arpabet_to_vendor"]
WORDS = ("once", "a", "kind-hearted", "the", "princess", "i", "read", "measure")


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon(DICTIONARY, "wuffo W AH1 F OW0\nwuffo(2) W UH F OW\n\nmat M AE D")


def said(lexicon: Lexicon, *words: str) -> str:
    return " ".join(vendor_phonemes(lexicon.pronunciations(word)[0]) for word in words)


def found(lexicon: Lexicon, story: str, heard: str) -> list[bool | None]:
    return list(phonetic_match_vector(words_of(story), heard, lexicon))


def test_the_alphabet_is_as_agreed() -> None:
    assert {sound: vendor_phonemes((sound,)) for sound in ALPHABET} == ALPHABET
    assert len(set(ALPHABET.values())) == len(ALPHABET)


@given(st.lists(st.sampled_from(sorted(ALPHABET))))
def test_both_alphabets_say_the_same(sounds: list[str]) -> None:
    assert arpabet(vendor_phonemes(tuple(sounds))) == tuple(sounds)


def test_ipa_is_not_taken_for_the_vendors_alphabet() -> None:
    with pytest.raises(FixInput, match="alphabet: e"):
        arpabet(VendorPhonemes("he"))


def test_the_map_of_accepted_sounds_is_as_agreed() -> None:
    agreed = group("phoneme_match_map")["acceptance_map"] | {"ʒ": ["ʒ"]}
    symbols = [VendorPhonemes(symbol) for symbol in ALPHABET.values()]
    assert {
        expected: sorted(heard for heard in symbols if accepts(expected, heard))
        for expected in symbols
    } == {expected: sorted(accepted) for expected, accepted in agreed.items()}


@pytest.mark.parametrize("pair", group("phoneme_match_map")["asymmetric_pairs"])
def test_acceptance_has_a_direction(pair: str) -> None:
    expected, heard = map(VendorPhonemes, pair.split("->"))
    assert accepts(expected, heard)
    assert not accepts(heard, expected)


@pytest.mark.parametrize("case", cases("phoneme_match_map"))
def test_sounds_are_found_as_agreed(case: dict[str, Any]) -> None:
    expected, heard = VendorPhonemes(case["expected"]), VendorPhonemes(case["heard"])
    assert accepts(expected, heard) is case["expect"]


@pytest.mark.parametrize("case", cases("word_alignment_phonetic"))
def test_words_are_heard_as_agreed(case: dict[str, Any], lexicon: Lexicon) -> None:
    matches = found(lexicon, case["story"], case["heard"])
    assert matches == case.get("expect", case.get("recommended", matches))
    assert len(matches) == case.get("expect_len", len(words_of(case["story"])))
    assert set(matches) <= set(case.get("values_in", [0, 1]))


def test_every_pronunciation_of_a_word_counts(lexicon: Lexicon) -> None:
    ways = lexicon.pronunciations("read")
    assert len(ways) > 1
    assert all(found(lexicon, "read", vendor_phonemes(way)) == [True] for way in ways)


@pytest.mark.parametrize(
    ("heard", "matches"),
    [
        ("skæts", [False]),
        ("kæts", [False]),
        ("kæ", [False]),
        ("kʌt", [False]),
        ("s kæt s", [True]),
        ("k æt", [True]),
    ],
)
def test_all_of_a_word_and_nothing_more_must_be_heard(
    lexicon: Lexicon, heard: str, matches: list[bool]
) -> None:
    assert found(lexicon, "cat", heard) == matches


@pytest.mark.parametrize("story", ["a", "I"])
def test_short_words_are_not_found_within_others(lexicon: Lexicon, story: str) -> None:
    assert found(lexicon, story, "tʌmbl pat ðʌm") == [False]


def test_accepted_sounds_count_as_the_expected_ones(lexicon: Lexicon) -> None:
    assert found(lexicon, "bed", "vɛd") == [True]
    assert found(lexicon, "vet", "bɛt") == [False]


@pytest.mark.parametrize(
    ("heard", "matches"),
    [
        ("ʌm ðʌ ʌ kæt ɹæn", [True, True, True]),
        ("ðʌ kæp kæt ɹæn", [True, True, True]),
        ("ðʌ kæt kæt ɹæn", [True, True, True]),
        ("ðʌ ɹæn", [True, False, True]),
        ("kæt ðʌ ɹæn", [True, False, True]),
        ("ðʌkætɹæn", [True, True, True]),
        ("ðʌkætɹæn fæst", [True, True, True]),
        ("ðʌ skæt ɹæn", [True, False, True]),
    ],
    ids=[
        "sounds put in",
        "corrected",
        "repeated",
        "left out",
        "changed places",
        "run together",
        "run together and more",
        "another word",
    ],
)
def test_words_are_found_in_order_among_whatever_was_heard(
    lexicon: Lexicon, heard: str, matches: list[bool]
) -> None:
    assert found(lexicon, "the cat ran", heard) == matches


@given(st.lists(st.sampled_from(WORDS), max_size=8), st.sampled_from(["", " ", "  "]))
def test_a_story_read_rightly_is_heard_with_blanks_or_without(words: list[str], gap: str) -> None:
    lexicon = Lexicon(DICTIONARY)
    heard = gap.join(said(lexicon, word) for word in words)
    assert phonetic_match_vector(words, heard, lexicon) == (True,) * len(words)


@given(st.lists(st.sampled_from(WORDS), max_size=8), st.text(max_size=30))
def test_there_is_one_answer_a_word_whatever_is_heard(words: list[str], heard: str) -> None:
    assert len(phonetic_match_vector(words, heard, Lexicon(DICTIONARY))) == len(words)


def test_nobody_can_say_of_an_unknown_word_and_the_others_are_judged(lexicon: Lexicon) -> None:
    assert found(lexicon, "wuffle the cat", "wʌfʌl ðʌ kæp") == [None, True, False]


def test_an_unknown_word_is_a_gap_with_a_remedy(lexicon: Lexicon) -> None:
    with pytest.raises(LexiconGap, match="'wuffle' unknown: add it to the lexicon"):
        lexicon.pronunciations("wuffle")
    with pytest.raises(LexiconGap):
        lexicon.pronunciations("wuffle-cat")


def test_a_dictionary_has_variants() -> None:
    assert Lexicon(DICTIONARY).pronunciations("hello") == (
        ("HH", "AH", "L", "OW"),
        ("HH", "EH", "L", "OW"),
    )


def test_our_own_lexicon_adds_words_and_variants(lexicon: Lexicon) -> None:
    assert lexicon.pronunciations("Wuffo") == (("W", "AH", "F", "OW"), ("W", "UH", "F", "OW"))
    assert lexicon.pronunciations("mat") == (("M", "AE", "T"), ("M", "AE", "D"))


@pytest.mark.parametrize(
    ("word", "ways"),
    [
        ("wuffo's", ["W AH F OW Z", "W UH F OW Z"]),
        ("wuffos", ["W AH F OW Z", "W UH F OW Z"]),
        ("wuffo-cat", ["W AH F OW K AE T", "W UH F OW K AE T"]),
        ("cat-wuffo's", ["K AE T W AH F OW Z", "K AE T W UH F OW Z"]),
    ],
)
def test_words_are_made_of_known_ones(lexicon: Lexicon, word: str, ways: list[str]) -> None:
    assert [" ".join(way) for way in lexicon.pronunciations(word)] == ways


@pytest.mark.parametrize(
    ("sounds", "endings"),
    [("W AH F", ["S"]), ("W AH SH", ["IH Z", "AH Z"]), ("W AH D", ["Z"])],
)
def test_an_s_sounds_by_what_is_before_it(sounds: str, endings: list[str]) -> None:
    lexicon = Lexicon(DICTIONARY, f"wuffel {sounds}")
    assert [" ".join(way) for way in lexicon.pronunciations("wuffels")] == [
        f"{sounds} {ending}" for ending in endings
    ]


def test_words_without_their_apostrophe_are_known(lexicon: Lexicon) -> None:
    assert lexicon.pronunciations("dont") == lexicon.pronunciations("don't")
    assert ("W", "IY", "L") in lexicon.pronunciations("well")


@pytest.mark.parametrize("line", ["wuffo", "wuffo W QX", "wuffo /wufo/"])
def test_a_mistake_in_our_own_lexicon_is_told_by_its_line(line: str) -> None:
    with pytest.raises(FixConfiguration, match="Line 2 of the lexicon"):
        Lexicon(DICTIONARY, f"ana AE N AH\n{line}")


@pytest.mark.parametrize("said", ["nineteen eighty five", "one nine eight five"])
def test_a_numeral_sounds_like_the_words_in_which_it_is_said(lexicon: Lexicon, said: str) -> None:
    sounds = tuple(sound for word in said.split() for sound in lexicon.pronunciations(word)[0])
    assert sounds in lexicon.pronunciations("1985")
