"""Where the sentences and the words of a text stand.

Belongs here: dividing a text without changing it. Does not belong here: what words mean
(`cues.py`). Places are code points of the verbatim text: `text[start:end]` is what a span stands
for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text."""

    start: int
    end: int
    """Behind the last code point."""

    def of(self, text: str) -> str:
        """What stands there."""
        return text[self.start : self.end]


_END = re.compile(r"""(?:[.!?]+|\u2026)["')\]\u201d\u2019]*(?=\s)|[\r\n\u2028\u2029]+""")
_ABBREVIATION = re.compile(r"\b(?:mr|mrs|ms|dr|prof|st|vs|e\.g|i\.e|fig)\.$", re.IGNORECASE)
_PAUSE = re.compile(r"(?:\.\.+|\u2026)\s+[a-z]")
"""`It is... well, blue.` is one sentence."""
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


def sentence_spans(text: str) -> tuple[Span, ...]:
    """The sentences of a text in order, without the white space around them.

    All that is not white space is in exactly one of them.
    """
    spans: list[Span] = []
    start = 0
    for end in _sentence_ends(text):
        part = text[start:end]
        if sentence := part.strip():
            start += len(part) - len(part.lstrip())
            spans.append(Span(start, start + len(sentence)))
        start = end
    return tuple(spans)


def word_spans(text: str, within: Span) -> tuple[Span, ...]:
    """The words of a part of a text; `don't` is one."""
    return tuple(Span(*word.span()) for word in _WORD.finditer(text, within.start, within.end))


def word_count(text: str, within: Span) -> int:
    """How many words a part of a text has."""
    return len(_WORD.findall(text, within.start, within.end))


def _sentence_ends(text: str) -> Iterator[int]:
    for found in _END.finditer(text):
        start, end = found.span()
        if not (_ABBREVIATION.search(text, max(0, start - 5), end) or _PAUSE.match(text, start)):
            yield end
    yield len(text)
