"""How a word may sound of which no lexicon knows it: a guess from its letters.

Belongs here: letters and sounds. Does not belong here: words that a lexicon knows (`phonemes.py`).
A guess is good enough to hear an invented name again, and not to judge how it was said.
"""

import re

from orf_books.activities.phonemes import Pronunciation

_VOWELS = "aeiouy"
_SOUNDS: dict[str, str] = {
    "tion": "SH AH N", "sion": "ZH AH N", "ture": "CH ER", "ough": "AO", "augh": "AO",
    "eigh": "EY", "igh": "AY", "tch": "CH", "dge": "JH", "sch": "S K", "ear": "IH R",
    "air": "EH R", "eer": "IH R", "our": "AO R", "oor": "AO R", "are": "EH R", "ire": "AY R",
    "ore": "AO R", "ure": "Y UH R", "ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "wh": "W",
    "ck": "K", "ng": "NG", "qu": "K W", "kn": "N", "wr": "R", "gn": "N", "ee": "IY", "ea": "IY",
    "oo": "UW", "oa": "OW", "ou": "AW", "ow": "OW", "oi": "OY", "oy": "OY", "ai": "EY", "ay": "EY",
    "au": "AO", "aw": "AO", "ew": "UW", "ue": "UW", "ui": "UW", "ie": "IY", "ei": "EY", "ey": "IY",
    "ar": "AA R", "er": "ER", "ir": "ER", "or": "AO R", "ur": "ER", "bb": "B", "dd": "D",
    "ff": "F", "gg": "G", "ll": "L", "mm": "M", "nn": "N", "pp": "P", "rr": "R", "ss": "S",
    "tt": "T", "zz": "Z", "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G",
    "h": "HH", "i": "IH", "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P",
    "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "Y",
    "z": "Z",
}  # fmt: skip
_LONG = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW", "y": "AY"}
_AT_THE_END = {"a": "AH", "e": "", "i": "IY", "o": "OW", "u": "UW", "y": "IY", "le": "AH L"}
_LETTERS = re.compile("|".join(sorted(_SOUNDS, key=len, reverse=True)))
_UNKNOWN: Pronunciation = ("AH",)


def guessed(word: str) -> Pronunciation:
    """Sounds of a word, in ARPAbet, by its letters; never empty."""
    letters = re.sub("[^a-z]", "", word.lower())
    sounds: list[str] = []
    place = 0
    while match := _LETTERS.match(letters, place):
        rest = letters[place:]
        place = match.end()
        sounds += _sounds_of(match[0], rest, letters[: match.start()]).split()
        if rest in _AT_THE_END and match.start():
            break
    return tuple(sounds) or _UNKNOWN


def _sounds_of(unit: str, rest: str, before: str) -> str:
    if before and rest in _AT_THE_END:
        return _AT_THE_END[rest]
    after = rest[len(unit) :]
    if unit in ("c", "g") and after[:1] in ("e", "i", "y"):
        return "S" if unit == "c" else "JH"
    # A vowel before one consonant and a last `e` is long, as in `late`; so is one that ends a
    # syllable, as in `tiger`.
    if unit in _LONG and re.fullmatch(f"[^{_VOWELS}]e", after):
        return _LONG[unit]
    if unit == "y" and before:
        return "IH"
    return _SOUNDS[unit]
