"""How fluently a story was read: rates, pauses, and what happened besides reading.

Belongs here: words correct per minute and its relatives, and telling kinds of miscues apart. Does
not belong here: which words were misread (`rescoring.py`), how far the child got (`trimming.py`),
and what is usual for a grade (`norms.py`).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, groupby, pairwise

from orf_books.activities.recognition import Span
from orf_books.activities.trimming import trimmed_flags

CORRECTED_WITHIN_SECONDS = 3.0
"""A later correction does not count as the child's own."""
HESITATION_SECONDS = 3.0
"""A teacher supplies the word after a longer pause."""
CERTAIN_FROM = 0.5
"""Confidence in a word heard in place of another. Of planted words 9 of 16 are right from here, and
of all that were heard 14 of 45."""
_FILLERS = frozenset({"ah", "eh", "er", "erm", "hm", "hmm", "mm", "uh", "uhm", "um"})


@dataclass(frozen=True, slots=True)
class Fluency:
    """How much was read how well in what time; None where there is nothing to divide by."""

    attempted_words: int
    """Words up to the last that was read correctly."""
    correct_words: int
    seconds: float | None
    """From the onset of the first to the end of the last attempted word for which anything was
    heard; None where nothing was."""

    @property
    def accuracy(self) -> float | None:
        """Share of the attempted words that were read correctly."""
        return self.correct_words / self.attempted_words if self.attempted_words else None

    @property
    def wcpm(self) -> float | None:
        """Words correct per minute."""
        return self._per_minute(self.correct_words)

    @property
    def wpm(self) -> float | None:
        """Words attempted per minute."""
        return self._per_minute(self.attempted_words)

    @property
    def errors_per_minute(self) -> float | None:
        """Words misread per minute."""
        return self._per_minute(self.attempted_words - self.correct_words)

    def _per_minute(self, words: int) -> float | None:
        return 60 * words / self.seconds if self.seconds else None


def fluency_of(
    flags: Sequence[Sequence[bool | None]], spans: Sequence[Sequence[Span | None]]
) -> Fluency:
    """How fluently a story was read.

    Args:
        flags: by phrase, true where a word was misread; None where it could not be scored, and
            neither the word nor its time counts.
        spans: by phrase, when each word was said; None where nothing was heard for it.
    """
    trimmed = trimmed_flags(flags, spares_one_word_ending=False)
    if trimmed.last_attempted is None:
        return Fluency(0, 0, None)
    phrase, word = trimmed.last_attempted
    attempted_flags = [*chain.from_iterable(flags[:phrase]), *flags[phrase][: word + 1]]
    attempted_spans = [*chain.from_iterable(spans[:phrase]), *spans[phrase][: word + 1]]
    said = [span for span in attempted_spans if span]
    return Fluency(
        attempted_words=trimmed.attempted_words,
        correct_words=sum(error is not None and not error for error in attempted_flags),
        seconds=(
            (said[-1][1] - said[0][0] - _unscored_time(attempted_flags, attempted_spans)) / 1000
            if said
            else None
        ),
    )


def _unscored_time(flags: Sequence[bool | None], spans: Sequence[Span | None]) -> int:
    """Milliseconds of the stretches that could not be scored."""
    time = 0
    by_word = zip(flags, spans, strict=False)
    for is_unscored, stretch in groupby(by_word, key=lambda word: word[0] is None):
        said = [span for _, span in stretch if span]
        if is_unscored and said:
            time += said[-1][1] - said[0][0]
    return time


@dataclass(frozen=True, slots=True)
class SaidWord:
    """A word that was heard, and the word of the story that it was said for."""

    text: str
    start: float
    end: float
    """Seconds from the start of the recording."""
    word: int | None
    """Index among all words of the story; None where it was said for none."""
    is_match: bool
    confidence: float | None = None
    """Of the recogniser; None where it gives none."""

    @property
    def is_certain(self) -> bool:
        """Whether people may be told that this was said; without a confidence it is believed."""
        return self.confidence is None or self.confidence >= CERTAIN_FROM


class EventKind(StrEnum):
    """What can happen when a child reads aloud. Only the first two make a word misread."""

    OMISSION = "omission"
    SUBSTITUTION = "substitution"
    INSERTION = "insertion"
    REPETITION = "repetition"
    """The same word or words again."""
    SELF_CORRECTION = "self_correction"
    """Something else, and then the expected word within 3 seconds."""
    HESITATION = "hesitation"
    """A pause of more than 3 seconds."""


ADDITIONS = frozenset({EventKind.INSERTION, EventKind.REPETITION, EventKind.SELF_CORRECTION})
"""What is said besides the text."""


@dataclass(frozen=True, slots=True)
class ReadingEvent:
    """What happened at a word, or just before it."""

    kind: EventKind
    word: int
    """Index among all words of the story."""
    heard: str = ""
    """What was said instead or besides."""


def reading_events(
    story: Sequence[str], misread: Sequence[bool | None], said: Sequence[SaidWord], attempted: int
) -> tuple[ReadingEvent, ...]:
    """What happened while the attempted words were read, in the order of the story.

    Args:
        story: all words of the story.
        misread: for each of them whether it was misread; one that was is an omission where nothing
            was heard for it, and a substitution where something else was.
        said: all words that were heard, in order of time.
        attempted: how many words of the story the child got to.
    """
    reading = _reading(said, attempted)
    events = [
        *_misread_words(misread[:attempted], reading),
        *_additions(story, reading),
        *_hesitations(reading),
    ]
    return tuple(sorted(events, key=lambda event: event.word))


def longest_pause(said: Sequence[SaidWord], attempted: int) -> float | None:
    """Seconds of the longest silence between the attempted words; None where there are not two."""
    return max((pause for pause, _ in _pauses(_reading(said, attempted))), default=None)


def _reading(said: Sequence[SaidWord], attempted: int) -> Sequence[SaidWord]:
    """From the first word of the story to the last attempted one: what is around is only talk."""
    places = [at for at, one in enumerate(said) if one.word is not None and one.word < attempted]
    return said[places[0] : places[-1] + 1] if places else ()


def _pauses(reading: Sequence[SaidWord]) -> Iterator[tuple[float, int]]:
    """The silence before each word but the first, in seconds, and the word's place."""
    for place, (before, after) in enumerate(pairwise(reading), start=1):
        yield max(0.0, after.start - before.end), place


def _misread_words(
    misread: Sequence[bool | None], reading: Sequence[SaidWord]
) -> Iterator[ReadingEvent]:
    said_for = {one.word: one for one in reading}
    for word in (word for word, is_misread in enumerate(misread) if is_misread):
        if (one := said_for.get(word)) is None:
            yield ReadingEvent(EventKind.OMISSION, word)
        elif not one.is_match:
            yield ReadingEvent(EventKind.SUBSTITUTION, word, one.text)


def _additions(story: Sequence[str], reading: Sequence[SaidWord]) -> Iterator[ReadingEvent]:
    """What was said for no word of the story, taken together where it is of one kind."""
    before = 0
    added: list[SaidWord] = []
    for one in reading:
        if one.word is None:
            added.append(one)
            continue
        reach = len(added)
        nearby = {*story[max(0, before - reach) : before], *story[one.word : one.word + reach]}
        for kind, same in groupby(added, key=lambda other: _kind(other, nearby, one)):
            yield ReadingEvent(kind, one.word, " ".join(other.text for other in same))
        added.clear()
        before = one.word + 1


def _kind(added: SaidWord, nearby: Collection[str], following: SaidWord) -> EventKind:
    if added.text in nearby:
        return EventKind.REPETITION
    is_late = following.start - added.end > CORRECTED_WITHIN_SECONDS
    if added.text in _FILLERS or is_late or not following.is_match:
        return EventKind.INSERTION
    return EventKind.SELF_CORRECTION


def _hesitations(reading: Sequence[SaidWord]) -> Iterator[ReadingEvent]:
    for pause, place in _pauses(reading):
        if pause > HESITATION_SECONDS:
            word = next(one.word for one in reading[place:] if one.word is not None)
            yield ReadingEvent(EventKind.HESITATION, word)
