"""Labelled readings with more planted in them: what a reader does besides reading, and bad sound.

Belongs here: cutting recordings at words, and putting them together in another way. Does not belong
here: measuring what is found of it (`planted.py`).

What is put in is the reader's own voice, so nothing but its place tells it from the reading; only
the second voice is another reader's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from orf_books.activities.activity import Activity
from orf_books.activities.audio import BYTES_PER_MS, SAMPLES_PER_SECOND, Recording
from orf_books.activities.evidence import PagedRecording
from orf_books.activities.fluency import EventKind
from orf_books.activities.recognition import Placement, Span
from orf_books.activities.story import StoryPage, phrases_by_page, words_of

SAMPLES_PER_MS = SAMPLES_PER_SECOND // 1000
BREATH_MS = 150
"""Silence after what is put in."""
HESITATION_MS = 4000
EVENTS = {
    EventKind.REPETITION: 4,
    EventKind.INSERTION: 3,
    EventKind.SELF_CORRECTION: 4,
    EventKind.HESITATION: 3,
    EventKind.OMISSION: 3,
    EventKind.SUBSTITUTION: 3,
}
"""How many of each are put in one reading, where there is room."""
WORDS_BETWEEN = 3
SHORTEST_WORD_MS = 120
_FULL_SCALE = 32_767

CLIPPED_AT = 20_000

Samples = NDArray[np.int16]
Floats = NDArray[np.float64]


class Disturbance(StrEnum):
    """What can keep a phrase from being scored."""

    SOFT = "too soft"
    CLIPPED = "clipped"
    OTHER_VOICE = "another voice"
    NOISE = "noise"
    OTHER_TEXT = "another text"
    CUT_SHORT = "cut short"


@dataclass(frozen=True, slots=True)
class SourceReading:
    """A labelled reading, and where its words lie."""

    activity: Activity
    sound: PagedRecording
    misread: tuple[tuple[bool, ...], ...]
    """By phrase and word."""
    spans: tuple[tuple[Span, ...], ...]
    """When each word was said, by phrase and word."""

    @property
    def words(self) -> list[str]:
        """All words of the story."""
        return [word for phrase in self.activity.phrases for word in words_of(phrase)]

    @property
    def places(self) -> list[tuple[int, int]]:
        """Phrase and number of each word."""
        return [(phrase, at) for phrase, of in enumerate(self.spans) for at in range(len(of))]

    @property
    def bounds(self) -> list[Span]:
        """Where to cut around each word: half way to the next, and at most 60 ms from it."""
        flat = [span for phrase in self.spans for span in phrase]
        starts = [flat[0][0] - 60]
        ends = []
        for before, after in pairwise(flat):
            middle = max(before[1], (before[1] + after[0]) // 2)
            ends.append(min(middle, before[1] + 60))
            starts.append(max(middle, after[0] - 60))
        return list(zip(starts, [*ends, flat[-1][1] + 60], strict=True))


@dataclass(frozen=True, slots=True)
class PlantedReading:
    """A reading in which something was planted."""

    activity: Activity
    sound: PagedRecording
    misread: tuple[tuple[bool, ...], ...]
    events: Mapping[int, EventKind]
    """By index of the word at which, or before which, it happens."""
    disturbed: Mapping[int, Disturbance]
    """By phrase."""


def source_reading(
    activity: Activity,
    sound: PagedRecording,
    misread: tuple[tuple[bool, ...], ...],
    placement: Placement,
) -> SourceReading:
    """A reading whose words were all placed.

    Raises:
        ValueError: some were not.
    """
    placed = {phrase.phrase: phrase.words for phrase in placement.phrases}
    spans = tuple(
        tuple(word.span for word in placed.get(phrase, ()) if word.span)
        for phrase in range(len(activity.phrases))
    )
    if list(map(len, spans)) != list(map(len, misread)):
        raise ValueError(f"Not all words of {activity.activity_id} were placed.")
    return SourceReading(activity, sound, misread, spans)


def with_events(reading: SourceReading, random: np.random.Generator) -> PlantedReading:
    """Plant what a reader does besides reading."""
    wanted = [kind for kind, times in EVENTS.items() for _ in range(times)]
    random.shuffle(wanted)
    events: dict[int, EventKind] = {}
    for place in random.permutation(_usable(reading)):
        if len(events) == len(wanted):
            break
        if all(abs(place - other) > WORDS_BETWEEN for other in events):
            events[int(place)] = wanted[len(events)]
    splices = [_splice(reading, place, events[place], random) for place in sorted(events)]
    misread = [list(phrase) for phrase in reading.misread]
    for place, kind in events.items():
        if kind in {EventKind.OMISSION, EventKind.SUBSTITUTION}:
            phrase, at = reading.places[place]
            misread[phrase][at] = True
    return PlantedReading(
        reading.activity,
        _spliced(reading.sound, splices),
        tuple(map(tuple, misread)),
        events,
        {},
    )


def _usable(reading: SourceReading) -> list[int]:
    """Words that were read correctly after one that was, within a phrase."""
    flat = [flag for phrase in reading.misread for flag in phrase]
    lengths = [end - start for start, end in (span for phrase in reading.spans for span in phrase)]
    return [
        place
        for place, (_, at) in enumerate(reading.places)
        if at and not flat[place] and not flat[place - 1] and lengths[place] >= SHORTEST_WORD_MS
    ]


@dataclass(frozen=True, slots=True)
class _Splice:
    """Sound that takes the place of a part of a recording."""

    start: int
    end: int
    """In milliseconds."""
    sound: Samples

    @property
    def longer_by(self) -> int:
        """Milliseconds that the recording gains."""
        return len(self.sound) // SAMPLES_PER_MS - (self.end - self.start)


def _splice(
    reading: SourceReading, place: int, kind: EventKind, random: np.random.Generator
) -> _Splice:
    bounds = reading.bounds
    start, end = bounds[place]
    breath = np.zeros(BREATH_MS * SAMPLES_PER_MS, np.int16)
    match kind:
        case EventKind.REPETITION:
            # One word again, or two.
            again = _cut(reading, bounds[place - random.integers(2)][0], end)
            return _Splice(end, end, np.concatenate([breath, again]))
        case EventKind.HESITATION:
            return _Splice(start, start, np.zeros(HESITATION_MS * SAMPLES_PER_MS, np.int16))
        case EventKind.OMISSION:
            return _Splice(start, end, np.zeros(0, np.int16))
        case EventKind.SELF_CORRECTION if random.integers(2):
            # The beginning of the word, and then the word.
            half = _cut(reading, start, (start + end) // 2)
            return _Splice(start, start, np.concatenate([half, breath]))
        case EventKind.SUBSTITUTION:
            return _Splice(start, end, _other_word(reading, place, random))
        case _:
            other = _other_word(reading, place, random)
            return _Splice(start, start, np.concatenate([other, breath]))


def _other_word(reading: SourceReading, place: int, random: np.random.Generator) -> Samples:
    words = reading.words
    others = [
        other
        for other in _usable(reading)
        if abs(other - place) > WORDS_BETWEEN and words[other] != words[place]
    ]
    return _cut(reading, *reading.bounds[int(random.choice(others))])


def _cut(reading: SourceReading, start: int, end: int) -> Samples:
    return np.frombuffer(reading.sound.recording.between(start, end).pcm, np.int16)


def _spliced(sound: PagedRecording, splices: Sequence[_Splice]) -> PagedRecording:
    pieces, at = [], 0
    for one in splices:
        pieces += [sound.recording.between(at, one.start).pcm, one.sound.tobytes()]
        at = one.end
    pieces.append(sound.recording.pcm[at * BYTES_PER_MS :])

    def moved(time: int) -> int:
        return time + sum(one.longer_by for one in splices if one.end <= time)

    windows = tuple(
        replace(window, start=moved(window.start), end=moved(window.end))
        for window in sound.windows
    )
    return PagedRecording(Recording(b"".join(pieces)), windows, sound.pages)


def disturbed(
    reading: SourceReading, kind: Disturbance, strength: float, other: SourceReading
) -> PlantedReading:
    """Spoil every third phrase, so that the rest of the reading stays as it was.

    Args:
        reading: to spoil.
        kind: how.
        strength: decibels: by which sound is softer, or louder than full scale, or the other voice
            or noise louder than the reader; for `CUT_SHORT` the share that is left.
        other: whose voice is mixed in, and whose text is printed.
    """
    samples = np.frombuffer(reading.sound.recording.pcm, np.int16).astype(np.float64)
    phrases = list(_every_third(reading))
    texts = list(reading.activity.phrases)
    voice = np.frombuffer(other.sound.recording.pcm, np.int16).astype(np.float64)
    random = np.random.default_rng(0)
    for phrase in phrases:
        start, end = reading.spans[phrase][0][0], reading.spans[phrase][-1][1]
        part = slice(max(0, start - 100) * SAMPLES_PER_MS, (end + 100) * SAMPLES_PER_MS)
        if kind is Disturbance.OTHER_TEXT:
            texts[phrase] = _as_long(texts[phrase], other.words, phrase)
        else:
            samples[part] = _spoilt(samples[part], kind, strength, voice, random)
    pcm = np.clip(np.rint(samples), -_FULL_SCALE, _FULL_SCALE).astype("<i2").tobytes()
    return PlantedReading(
        replace(reading.activity, phrases=tuple(texts)),
        PagedRecording(Recording(pcm), reading.sound.windows, _pages(reading, texts)),
        reading.misread,
        {},
        dict.fromkeys(phrases, kind),
    )


def _every_third(reading: SourceReading) -> Iterator[int]:
    for phrase in range(1, len(reading.spans), 3):
        if reading.spans[phrase]:
            yield phrase


def _as_long(text: str, words: Sequence[str], start: int) -> str:
    """As many words of another story."""
    count = len(words_of(text))
    first = start * count % (len(words) - count)
    return " ".join(words[first : first + count])


def _pages(reading: SourceReading, texts: Sequence[str]) -> tuple[StoryPage, ...]:
    story = [words_of(text) for text in reading.activity.phrases]
    return tuple(
        StoryPage(page.page, tuple(word for one in page.phrases for word in words_of(texts[one])))
        for page in phrases_by_page(story, reading.sound.pages).pages
    )


def _spoilt(
    samples: Floats, kind: Disturbance, strength: float, voice: Floats, random: np.random.Generator
) -> Floats:
    match kind:
        case Disturbance.SOFT:
            return samples / _times(strength)
        case Disturbance.CLIPPED:
            return np.clip(samples * _times(strength), -CLIPPED_AT, CLIPPED_AT)
        case Disturbance.OTHER_VOICE:
            start = random.integers(len(voice) - len(samples))
            return samples + _as_loud(voice[start : start + len(samples)], samples, strength)
        case Disturbance.NOISE:
            return samples + _as_loud(random.normal(size=len(samples)), samples, strength)
        case _:
            left = int(len(samples) * strength)
            return np.where(np.arange(len(samples)) < left, samples, 0)


def _as_loud(sound: Floats, other: Floats, decibels: float) -> Floats:
    """A sound made louder than another by so many decibels."""
    loudness = np.sqrt(np.mean(other**2) / np.maximum(1e-6, np.mean(sound**2)))
    scaled: Floats = sound * loudness * _times(decibels)
    return scaled


def _times(decibels: float) -> float:
    return float(10 ** (decibels / 20))
