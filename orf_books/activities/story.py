"""The text of a story: its words, and which page each phrase is on.

Belongs here: one way to take text apart, for stories and for what was heard. Does not belong here:
when a phrase was read (`timing.py`), and how words sound (`phonemes.py`).
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

_BREAKS = re.compile(r"(?:\.{2,}|[-\u2010-\u2015\u2026])+")
"""Hyphens, dashes and ellipses. Within a word all count as a hyphen, since models that score a
phrase count what stands between blanks."""
_REMOVED = dict.fromkeys(
    map(
        ord,
        ".,?!:;()[]\"'`\u2018\u2019\u201a\u201b\u02bc\u201c\u201d\u201e\u00ab\u00bb"
        "\u00ad\u200b\ufeff",  # a soft hyphen, a blank without width, a byte-order mark
    )
)


@dataclass(frozen=True, slots=True)
class StoryPage:
    """The text of a page, numbered from 0."""

    number: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PagePhrases:
    """The phrases on a page, by their index in the story."""

    page: int
    phrases: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PagedStory:
    """Which phrases are on which page."""

    pages: tuple[PagePhrases, ...]
    """Pages with phrases, by number."""
    unmatched: tuple[int, ...]
    """Phrases that have words and are on no page."""


@lru_cache(maxsize=4096)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a text: lower-case, composed (NFC), without punctuation; hyphens make one word.

    What is written differently and read alike is equal: quotes of any form, `don't` and `dont`.
    """
    # What is removed may leave two breaks side by side.
    bare = _BREAKS.sub("-", _BREAKS.sub("-", text.lower()).translate(_REMOVED))
    words = (word.strip("-") for word in unicodedata.normalize("NFC", bare).split())
    return tuple(word for word in words if any(map(str.isalnum, word)))


def phrases_by_page(phrases: Sequence[Sequence[str]], pages: Iterable[StoryPage]) -> PagedStory:
    """Find the phrases of a story on its pages.

    Phrases and pages are gone through in order and every place serves once, so a phrase that
    occurs again is looked for further on. A phrase is on the page with most of its words, the
    first of them in a tie; it is on none where half of its words or fewer are found.
    """
    text = [(word, page.number) for page in sorted(pages, key=_number) for word in page.words]
    story = [(word, phrase) for phrase, words in enumerate(phrases) for word in words]
    found: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for start, at, length in SequenceMatcher(
        None, [word for word, _ in story], [word for word, _ in text], autojunk=False
    ).get_matching_blocks():
        for (_, phrase), (_, page) in zip(
            story[start : start + length], text[at : at + length], strict=True
        ):
            found[phrase][page] += 1
    placed: defaultdict[int, list[int]] = defaultdict(list)
    unmatched = []
    for phrase, words in enumerate(phrases):
        if 2 * found[phrase].total() > len(words):
            placed[found[phrase].most_common(1)[0][0]].append(phrase)
        elif words:
            unmatched.append(phrase)
    return PagedStory(
        tuple(PagePhrases(page, tuple(placed[page])) for page in sorted(placed)), tuple(unmatched)
    )


def _number(page: StoryPage) -> int:
    return page.number
