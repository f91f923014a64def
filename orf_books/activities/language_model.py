"""What a recogniser should expect to hear: the words of a story, and what readers do to them.

Belongs here: language models and grammars as text and numbers, after measurements on synthetic
speech. Does not belong here: any recogniser (`orf_books/resources/embedded_speech.py`), how words
sound (`phonemes.py`, `pronunciation.py`).
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLLOWS = 0.9
"""Chance of each word that what the text says next is what is said next: mostly the next word,
sometimes the one after it or the same again."""
SKIPS, REPEATS = 0.03, 0.03
"""Shares of it."""
STORY_SHARE = 0.5
"""Of the unigrams; the rest are general words."""
WORDS_BESIDE_A_STORY, WORDS_BESIDE_A_PHRASE = 2000, 500
"""General words that may be said instead: more than these find hardly more misread words, and cost
time."""
SOUND_ALIKE_MASS = 0.001
"""Of each word that sounds like one of the phrase, beside all others together."""
SOUND_ALIKE_CHANCE = 1e-14
"""Of the same in a grammar. It makes the constrained check find so many misread words (recall .71
instead of .45 over 24 readings made for tuning) that the reference vote, where it alone can clear a
word, is better than each role (F1 .58; it was .50, and is .56 to .58 with 1e-5 to 1e-14)."""
_NEVER = -99
"""Log probability of what cannot be."""
_ENDS = 0.01


@dataclass(frozen=True, slots=True)
class Arc:
    """A step through a grammar of a phrase; without a word nothing is said."""

    start: int
    end: int
    chance: float
    word: str | None = None


def general_words(count: int) -> dict[str, float]:
    """The most frequent words of English and their shares, which add up to 1."""
    counted = list(_general_words().items())[:count]
    total = sum(share for _, share in counted)
    return {word: share / total for word, share in counted}


@cache
def _general_words() -> dict[str, float]:
    content = Path(__file__).with_name("general_words.json").read_text(encoding="utf-8")
    words: dict[str, float] = json.loads(content)
    return words


def story_model(phrases: Iterable[Sequence[str]]) -> str:
    """A bigram model in ARPA's format of a story that is read aloud."""
    text = [word for phrase in phrases for word in phrase]
    return arpa_bigrams(text, _mixed(text, general_words(WORDS_BESIDE_A_STORY)))


def phrase_model(phrase: Sequence[str], sound_alikes: Iterable[str]) -> str:
    """The same of one phrase, beside words that a reader may take its words for."""
    unigrams = _mixed(phrase, general_words(WORDS_BESIDE_A_PHRASE))
    for word in sound_alikes:
        unigrams[word] = max(unigrams.get(word, 0.0), SOUND_ALIKE_MASS)
    return arpa_bigrams(phrase, unigrams)


def phrase_grammar(phrase: Sequence[str], sound_alikes: Mapping[str, Sequence[str]]) -> list[Arc]:
    """The phrase itself, in which words may be left out, said again and taken for another.

    Args:
        phrase: its words.
        sound_alikes: for each of them the words that it may be taken for.
    """
    arcs = []
    for place, word in enumerate(phrase):
        arcs.append(Arc(place, place + 1, 0.9, word))
        arcs.append(Arc(place, place + 1, 0.02))
        arcs.append(Arc(place + 1, place, 0.03))
        arcs += [Arc(place, place + 1, SOUND_ALIKE_CHANCE, other) for other in sound_alikes[word]]
    return arcs


def arpa_bigrams(text: Sequence[str], unigrams: Mapping[str, float]) -> str:
    """A bigram model in ARPA's format.

    Args:
        text: what is read, in order.
        unigrams: shares of all words that may be said, those of the text among them.
    """
    following = _following(text)
    seen = {word: sum(counts.values()) for word, counts in following.items()}
    total = sum(unigrams.values())
    words = sorted(unigrams)
    lines = [f"{_NEVER} <s> {_log(1 - FOLLOWS)}", f"{_log(_ENDS)} </s> {_NEVER}"]
    for word in words:
        chance = _log(unigrams[word] / total)
        if word in following:
            said_next = sum(unigrams.get(one, 0.0) for one in following[word]) / total
            backing_off = _log((1 - FOLLOWS) / max(1e-3, 1 - said_next))
        else:
            backing_off = _log(1.0)
        lines.append(f"{chance} {word} {backing_off}")
    # Readers of this format want bigrams in the order of the unigrams.
    order = {word: place for place, word in enumerate(["<s>", "</s>", *words])}
    bigrams = [
        f"{_log(FOLLOWS * following[word][after] / seen[word])} {word} {after}"
        for word in sorted(following, key=order.__getitem__)
        for after in sorted(following[word], key=order.__getitem__)
    ]
    head = ["\\data\\", f"ngram 1={len(lines)}", f"ngram 2={len(bigrams)}"]
    parts = [*head, "", "\\1-grams:", *lines, "", "\\2-grams:", *bigrams, "", "\\end\\", ""]
    return "\n".join(parts)


def _following(text: Sequence[str]) -> dict[str, dict[str, float]]:
    """How often which word may be said after which."""
    following: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    sequence = ["<s>", *text, "</s>"]
    for place, word in enumerate(sequence[:-1]):
        after = sequence[place + 1]
        following[word][after] += 1 - SKIPS - REPEATS
        following[word][sequence[place + 2] if place + 2 < len(sequence) else after] += SKIPS
        following[word][word if place else after] += REPEATS
    return following


def _mixed(text: Sequence[str], general: Mapping[str, float]) -> dict[str, float]:
    """Shares of the words of a text and of general words together."""
    mixed = {word: (1 - STORY_SHARE) * share for word, share in general.items()}
    for word, count in Counter(text).items():
        mixed[word] = mixed.get(word, 0.0) + STORY_SHARE * count / len(text)
    return mixed


def _log(chance: float) -> str:
    return f"{math.log10(chance):.4f}"
