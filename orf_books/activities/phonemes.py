"""How words sound: pronunciations, the alphabets they are written in, and what counts as heard.

Belongs here: ARPAbet, the vendor's alphabet, the lexicon, and matching sounds with words. Does not
belong here: matching words with words (`alignment.py`), and guessing how unknown words sound.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import accumulate, chain, islice, product
from pathlib import Path
from typing import NewType

from orf_books.activities.numerals import spoken
from orf_books.failures import FixConfiguration, FixInput

Pronunciation = tuple[str, ...]
"""Sounds in ARPAbet without stress: `("HH", "EH", "L", "OW")`."""
VendorPhonemes = NewType("VendorPhonemes", str)
"""Sounds in the vendor's alphabet, a character each: `hɛlo`. Never IPA, though it looks alike: `j`,
`y`, `x`, `a` and `o` stand for other sounds there."""

_DATA = json.loads(files("orf_books.activities").joinpath("phonemes.json").read_text("utf-8"))
_VENDOR: dict[str, str] = _DATA["vendor_alphabet"]
_ARPABET = {symbol: sound for sound, symbol in _VENDOR.items()}
_ALSO_ACCEPTED: dict[str, list[str]] = _DATA["also_accepted"]
"""For a sound expected those that recognisers, or children, put in its place. It has a direction:
`V` is accepted for `B`, not `B` for `V`."""
IPA: dict[str, list[str]] = _DATA["ipa"]
"""For each sound in ARPAbet the symbols of the international alphabet that pass for it."""
_PASSES_FOR = {
    heard: {
        _VENDOR[sound]
        for sound in _VENDOR
        if _ARPABET[heard] in (sound, *_ALSO_ACCEPTED.get(sound, ()))
    }
    for heard in _ARPABET
}
"""The same the other way, in the vendor's alphabet: for a sound heard those that it passes for."""

_SIBILANTS = {"S", "Z", "SH", "ZH", "CH", "JH"}
_VOICELESS = {"P", "T", "K", "F", "TH"}
_MOST_VARIANTS = 64
"""Of a word with hyphens, each part of which has variants."""


class LexiconGap(FixInput):
    """Nobody has said how a word of the story sounds."""


def vendor_phonemes(pronunciation: Pronunciation) -> VendorPhonemes:
    """A pronunciation in the vendor's alphabet."""
    return VendorPhonemes("".join(_VENDOR[sound] for sound in pronunciation))


def arpabet(phonemes: VendorPhonemes) -> Pronunciation:
    """Sounds in ARPAbet.

    Raises:
        FixInput: a character is not in the vendor's alphabet.
    """
    if unknown := set(phonemes) - _ARPABET.keys():
        raise FixInput(f"Not in the vendor's alphabet: {' '.join(sorted(unknown))}.")
    return tuple(_ARPABET[symbol] for symbol in phonemes)


class Lexicon:
    """How words sound, by the dictionary of a recogniser and a lexicon of our own.

    Both hold lines `word PH PH ...`, further pronunciations as `word(2) PH PH ...`. Apostrophes do
    not count, as in the words of a story, so `well` also has the sounds of `we'll`.
    """

    def __init__(self, dictionary: Path | None, project: str = "") -> None:
        """Read a dictionary, once in a process, and the text of a lexicon of our own.

        Raises:
            FixConfiguration: a line of our own lexicon has sounds that are not in ARPAbet.
        """
        self._dictionary = _read_dictionary(dictionary) if dictionary else {}
        self._project = _entries(_checked_lines(project))

    def pronunciations(self, word: str) -> tuple[Pronunciation, ...]:
        """All the ways in which a word is said.

        What neither lexicon has may be a known word with an `s`, words joined by hyphens, or a
        numeral.

        Raises:
            LexiconGap: nothing is known of the word.
        """
        key = word.lower().replace("'", "")
        found = self._listed(key) or self._with_s(key) or self._joined(key) or self._numeral(key)
        if not found:
            raise LexiconGap(f"Pronunciation of '{word}' unknown: add it to the lexicon.")
        return found

    def _listed(self, key: str) -> tuple[Pronunciation, ...]:
        lines = (*self._dictionary.get(key, ()), *self._project.get(key, ()))
        return tuple(dict.fromkeys(tuple(line.split()) for line in lines))

    def _with_s(self, key: str) -> tuple[Pronunciation, ...]:
        """Plurals, verbs and possessives sound alike."""
        stems = self._listed(key[:-1]) if key.endswith("s") else ()
        return tuple(stem + end for stem in stems for end in _sounds_of_s(after=stem[-1]))

    def _joined(self, key: str) -> tuple[Pronunciation, ...]:
        parts = key.split("-")
        if len(parts) == 1:
            return ()
        variants = [self._listed(part) or self._with_s(part) for part in parts if part]
        return tuple(sum(ways, ()) for ways in islice(product(*variants), _MOST_VARIANTS))

    def _numeral(self, key: str) -> tuple[Pronunciation, ...]:
        """Each way to say it, of whose words the first pronunciation is enough."""
        ways = [[self._listed(word) or self._with_s(word) for word in way] for way in spoken(key)]
        return tuple(
            tuple(chain.from_iterable(variants[0] for variants in way)) for way in ways if all(way)
        )


def accepts(expected: VendorPhonemes, heard: VendorPhonemes) -> bool:
    """Whether sounds that pass for the expected ones were heard, perhaps with others around."""
    return bool(_starts(expected, _places_by_sound(heard)))


def phonetic_match_vector(
    story_words: Sequence[str], heard: str, lexicon: Lexicon
) -> tuple[bool | None, ...]:
    """For each word of the story whether its sounds were heard.

    A word is heard where sounds that pass for all of its own, in any of its pronunciations, stand
    between two blanks. Blanks within it do not matter, and words may run together if all of them
    are heard. Of all ways to find the words in order, the one that finds most of them counts.

    Args:
        story_words: of a phrase, as `story.words_of` gives them.
        heard: sounds in the vendor's alphabet, words apart by blanks.
        lexicon: how the words sound.

    Returns:
        One value a word; None where the lexicon does not know it, so nobody can say.
    """
    tokens = heard.split()
    places = _places_by_sound("".join(tokens))
    variants = [_variants(word, lexicon) for word in story_words]
    found = _most_in_order(
        [_spans(ways, places) for ways in variants],
        breaks=list(accumulate(map(len, tokens), initial=0)),
    )
    return tuple(index in found if ways else None for index, ways in enumerate(variants))


def _variants(word: str, lexicon: Lexicon) -> list[VendorPhonemes]:
    try:
        return [vendor_phonemes(way) for way in lexicon.pronunciations(word)]
    except LexiconGap:
        return []


def _places_by_sound(heard: str) -> Mapping[str, int]:
    """For each sound expected, where one that passes for it was heard: as bits, first lowest."""
    places: defaultdict[str, int] = defaultdict(int)
    for at, sound in enumerate(heard):
        for expected in _PASSES_FOR.get(sound, sound):
            places[expected] |= 1 << at
    return places


def _starts(expected: VendorPhonemes, places: Mapping[str, int]) -> int:
    """Where all the sounds were heard, one after the other: as bits."""
    starts = -1
    for offset, sound in enumerate(expected):
        starts &= places.get(sound, 0) >> offset
    return starts


def _spans(variants: Iterable[VendorPhonemes], places: Mapping[str, int]) -> list[tuple[int, int]]:
    """Where a word may have been heard, from its first sound to behind its last."""
    return [
        (start, start + len(way))
        for way in variants
        for start, bit in enumerate(reversed(f"{_starts(way, places):b}"))
        if bit == "1"
    ]


def _most_in_order(
    spans_by_word: Sequence[Sequence[tuple[int, int]]], breaks: Sequence[int]
) -> tuple[int, ...]:
    """The most words that are heard in order, by index; what is left over are whole tokens."""
    longest: dict[int, tuple[int, ...]] = {0: ()}  # by where the last word ends
    for word, spans in enumerate(spans_by_word):
        longer: dict[int, tuple[int, ...]] = {}
        for start, end in spans:
            before = [start, *(at for at in breaks if at < start)] if start in breaks else [start]
            chains = [longest[at] for at in before if at in longest]
            if chains:
                chain = (*max(chains, key=len), word)
                longer[end] = max(longer.get(end, longest.get(end, ())), chain, key=len)
        longest |= longer
    return max((longest[at] for at in breaks if at in longest), key=len)


def _sounds_of_s(after: str) -> tuple[Pronunciation, ...]:
    if after in _SIBILANTS:
        return ("IH", "Z"), ("AH", "Z")
    return (("S",),) if after in _VOICELESS else (("Z",),)


@cache
def _read_dictionary(path: Path) -> Mapping[str, Sequence[str]]:
    return _entries(path.read_text("utf-8").splitlines())


def _entries(lines: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """The pronunciations of each word as text: only those asked for are taken apart."""
    entries: defaultdict[str, list[str]] = defaultdict(list)
    for line in lines:
        word, _, sounds = line.partition(" ")
        entries[word.partition("(")[0].replace("'", "")].append(sounds)
    return entries


def _checked_lines(lexicon: str) -> Iterator[str]:
    """The lines of a lexicon written by hand, as a dictionary has them: without marks of stress."""
    for number, line in enumerate(lexicon.splitlines(), start=1):
        word, *sounds = line.split() or [""]
        plain = [sound.upper().rstrip("012") for sound in sounds]
        if word and not (plain and set(plain) <= _VENDOR.keys()):
            raise FixConfiguration(f"Line {number} of the lexicon: expected `word`, then ARPAbet.")
        if word:
            yield f"{word.lower()} {' '.join(plain)}"
