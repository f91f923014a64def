"""What happened while a story was read, by where a recogniser placed its words.

Belongs here: telling kinds of miscues apart by times and sounds. Does not belong here: the same by
a transcript (`fluency.py`), placing words (`forced_alignment.py`).

How often each kind is right is in `docs/speech.md`, by `benchmarks/planted.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from orf_books.activities.fluency import HESITATION_SECONDS, EventKind, ReadingEvent
from orf_books.activities.recognition import SaidBeside, Span

SOUND_OF_A_WORD_MS = 320
"""Where there is less sound between the words around a misread one, nothing was said in its
place: the ends of these words lie there too."""

Sounding = Callable[[Span], int]
"""For how many milliseconds of a part of the recording there is sound."""


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word of the story as it was read."""

    text: str
    is_misread: bool
    span: Span | None
    """None where the word was not placed."""
    is_repeated: bool = False
    before: SaidBeside | None = None
    """What was said between the word before and it."""
    heard: str = ""
    """What role A heard in its place; empty where that is the word itself, or nothing."""


def placed_events(words: Sequence[PlacedWord], sounding: Sounding) -> tuple[ReadingEvent, ...]:
    """What happened while words were read, in the order of the story."""
    events = [
        *_misread_words(words, sounding),
        *_repetitions(words),
        *_additions(words),
        *_hesitations(words),
    ]
    return tuple(sorted(events, key=lambda event: event.word))


def _misread_words(words: Sequence[PlacedWord], sounding: Sounding) -> Iterator[ReadingEvent]:
    for at, word in enumerate(words):
        if word.is_misread:
            room = _room(words, at)
            is_omission = room is None or sounding(room) < SOUND_OF_A_WORD_MS
            kind = EventKind.OMISSION if is_omission else EventKind.SUBSTITUTION
            yield ReadingEvent(kind, at, "" if is_omission else word.heard)


def _room(words: Sequence[PlacedWord], at: int) -> Span | None:
    """From the end of the word before to the start of the one after."""
    word = words[at].span
    if word is None:
        return None
    before = words[at - 1].span if at else None
    after = words[at + 1].span if at + 1 < len(words) else None
    return before[1] if before else word[0], after[0] if after else word[1]


def _repetitions(words: Sequence[PlacedWord]) -> Iterator[ReadingEvent]:
    """Words that were said again; those that follow each other were said again together."""
    for is_repeated, together in groupby(enumerate(words), key=lambda one: one[1].is_repeated):
        if is_repeated:
            again = list(together)
            yield ReadingEvent(
                EventKind.REPETITION, again[0][0], " ".join(word.text for _, word in again)
            )


def _additions(words: Sequence[PlacedWord]) -> Iterator[ReadingEvent]:
    """What was said besides; beside a misread word it belongs to what was said in its place."""
    for at, word in enumerate(words):
        beside_misread = word.is_misread or (at and words[at - 1].is_misread)
        if word.before and not beside_misread:
            is_own = word.before.is_false_start
            yield ReadingEvent(EventKind.SELF_CORRECTION if is_own else EventKind.INSERTION, at)


def _hesitations(words: Sequence[PlacedWord]) -> Iterator[ReadingEvent]:
    placed = [(at, word.span) for at, word in enumerate(words) if word.span]
    for (_, before), (at, after) in pairwise(placed):
        if after[0] - before[1] > 1000 * HESITATION_SECONDS:
            yield ReadingEvent(EventKind.HESITATION, at)
