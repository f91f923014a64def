"""Texts as the word pieces of BERT's vocabulary.

Belongs here: BERT's tokenizer for texts without capitals, over Google's `bert_vocabulary.txt`
(Apache-2.0). Does not belong here: what is computed from pieces (`minilm.py`).

The package that has this tokenizer brings a client for downloading models with it.
"""

import unicodedata
from functools import cache, lru_cache
from importlib.resources import files

MOST_PIECES = 256
"""Of a text, with its two ends: MiniLM was trained on no more, and what follows is left out."""

_UNKNOWN, _START, _END = "[UNK]", "[CLS]", "[SEP]"
_INSIDE_WORD = "##"
_LONGEST_WORD = 100
_REPLACEMENT = "\ufffd"
_ASCII = 128
_IDEOGRAPHS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)


def word_pieces(text: str) -> list[int]:
    """The numbers of a text's pieces, at most `MOST_PIECES`."""
    words = unicodedata.normalize("NFD", text).translate(_NORMALISED).split()
    pieces = [piece for word in words for piece in _pieces_of(word)][: MOST_PIECES - 2]
    numbers = _numbers()
    return [numbers[_START], *pieces, numbers[_END]]


class _Normalised(dict[int, str]):
    """By character: without accent or capital, apart where it is a word of its own."""

    def __missing__(self, point: int) -> str:
        self[point] = normalised = _normalised(chr(point))
        return normalised


_NORMALISED = _Normalised()


def _normalised(char: str) -> str:
    category = unicodedata.category(char)
    if char in "\t\n\r" or category in {"Zs", "Zl", "Zp"}:
        return " "
    if category.startswith("C") or category == "Mn" or char == _REPLACEMENT:
        return ""
    return f" {char} " if _is_a_word(char, category) else char.lower()


def _is_a_word(char: str, category: str) -> bool:
    point = ord(char)
    return (
        category.startswith("P")
        or (point < _ASCII and not char.isalnum())
        or any(first <= point <= last for first, last in _IDEOGRAPHS)
    )


@lru_cache(maxsize=65536)
def _pieces_of(word: str) -> tuple[int, ...]:
    """The longest piece that a word starts with, the longest that goes on from there, and so on."""
    numbers, pieces, start = _numbers(), list[int](), 0
    while start < len(word) <= _LONGEST_WORD:
        prefix = _INSIDE_WORD if start else ""
        ends = range(len(word), start, -1)
        end = next((end for end in ends if prefix + word[start:end] in numbers), None)
        if end is None:
            return (numbers[_UNKNOWN],)
        pieces.append(numbers[prefix + word[start:end]])
        start = end
    return tuple(pieces) or (numbers[_UNKNOWN],)


@cache
def _numbers() -> dict[str, int]:
    """The place of each piece in the vocabulary."""
    return {piece: at for at, piece in enumerate(vocabulary_file().decode().splitlines())}


def vocabulary_file() -> bytes:
    """A piece in each line."""
    return files("orf_books.transcripts").joinpath("bert_vocabulary.txt").read_bytes()
