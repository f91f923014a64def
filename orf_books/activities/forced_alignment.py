"""Where expected words lie in what a phoneme recogniser heard, and how well each word fits.

Belongs here: the alignment of a text with frames of sound, whatever model they come from. Does not
belong here: any model (`orf_books/resources`), and what is concluded from a fit (`calibration.py`).

The recogniser was trained with connectionist temporal classification (Graves et al. 2006): in each
frame it says a symbol or nothing ("blank"), and a sound that lasts may be said only once.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from orf_books.activities.phonemes import Pronunciation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_NEVER = -1e9
_ABSENT = -20.0
"""Fit of a sound that the best path gives no frame."""
_LEAST_CHANCE = 1e-10
_LEAST_DIFFERENCE = 1e-3
BESIDE_THE_TEXT = -4.0
"""Log probability of a frame of anything between two words, measured from the best symbol: fillers
and repeated words then do not push the text out of place."""
MOST_WORDS_AGAIN = 2
AGAIN = -3.0
"""Log probability of going back by one word or two, and saying them again."""
REPEATED_FIT = -2.5
"""A word was said twice if both times it fits better."""
LEAST_SOUNDS_BESIDE = 3
"""Fewer between two words are the end of the one or the beginning of the other. Sounds are told
apart by the blanks between them."""
FALSE_START_FIT = -1.0
"""Sounds before a word are its beginning if that fits better."""


@dataclass(frozen=True, slots=True)
class SoundsBeside:
    """What was said between two words, for neither of them."""

    first_frame: int
    last_frame: int
    is_false_start: bool
    """Whether it is the beginning of the word that follows."""


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """Where a word lies, and how well its sounds fit; fits are log probabilities, 0 at best."""

    first_frame: int
    last_frame: int
    fit: float
    """Mean over its sounds, each in its best frame, less that frame's best symbol."""
    worst_fit: float
    """Of the sound that fits worst."""
    fit_throughout: float
    """Sum over the frames from its first to its last, per sound."""
    is_repeated: bool = False
    """Whether it was said twice or more: the frames are of all times, the fits of the best."""
    before: SoundsBeside | None = None
    """What was said between the word before and it."""


_NOWHERE = AlignedWord(0, 0, _ABSENT, _ABSENT, _ABSENT)


@dataclass(frozen=True, slots=True)
class Frames:
    """What a recogniser heard: log probabilities by frame."""

    sounds: "Mapping[str, Floats]"
    """By sound in ARPAbet."""
    blank: "Floats"
    """No sound, or the break between two words."""
    best: "Floats"
    """The likeliest symbol, whatever it is."""

    def __len__(self) -> int:
        return len(self.blank)

    def between(self, first: int, end: int) -> "Frames":
        """The frames from `first` up to, but not with, `end`."""
        part = slice(first, end)
        sounds = {sound: heard[part] for sound, heard in self.sounds.items()}
        return Frames(sounds, self.blank[part], self.best[part])

    @property
    def sounding(self) -> "NDArray[np.bool_]":
        """Whether there is more of a sound than of none."""
        is_sound: NDArray[np.bool_] = self.blank < self.best - _LEAST_DIFFERENCE
        return is_sound


def frames_of(
    log_probabilities: "Floats", sounds: Mapping[str, Sequence[int]], blanks: Sequence[int]
) -> Frames:
    """Bring the symbols of a recogniser together by the sounds that they stand for.

    Args:
        log_probabilities: frames by symbols.
        sounds: by sound in ARPAbet the symbols that pass for it.
        blanks: symbols that stand for no sound.
    """
    import numpy as np

    chances = np.exp(log_probabilities)

    def together(symbols: Sequence[int]) -> "Floats":
        summed: Floats = np.log(chances[:, symbols].sum(axis=1) + _LEAST_CHANCE)
        return summed

    return Frames(
        {sound: together(symbols) for sound, symbols in sounds.items()},
        together(blanks),
        log_probabilities.max(axis=1),
    )


def align_words(
    frames: Frames, words: Sequence[Sequence[Pronunciation]]
) -> tuple[AlignedWord, ...]:
    """Find words in frames, in order and all of them; the pronunciation that fits best counts.

    The reader may go back by a word or two, and say anything in between.

    Args:
        frames: what was heard.
        words: the pronunciations of each word, none of them empty.
    """
    if not words or not len(frames):
        return (_NOWHERE,) * len(words)
    graph = _Graph(words)
    states = graph.best_states(frames)
    if states is None:
        return (_NOWHERE,) * len(words)
    aligned = graph.words_on(states, frames)
    ends = [0, *(word.last_frame + 1 for word in aligned[:-1])]
    return tuple(
        replace(word, before=_beside(frames, end, word.first_frame, pronunciations))
        for word, end, pronunciations in zip(aligned, ends, words, strict=True)
    )


def _beside(
    frames: Frames, first: int, end: int, following: Sequence[Pronunciation]
) -> SoundsBeside | None:
    """What was said in frames between two words."""
    import numpy as np

    if end <= first:
        return None
    changes = np.diff(frames.between(first, end).sounding.astype(int), prepend=0, append=0)
    starts, ends = np.flatnonzero(changes > 0), np.flatnonzero(changes < 0)
    if len(starts) < LEAST_SOUNDS_BESIDE:
        return None
    said = frames.between(first + int(starts[0]), first + int(ends[-1]))
    beginnings = [sounds[: (len(sounds) + 1) // 2] for sounds in following]
    graph = _Graph([beginnings])
    states = graph.best_states(said)
    fit = _ABSENT if states is None else graph.words_on(states, said)[0].fit
    return SoundsBeside(first + int(starts[0]), first + int(ends[-1]) - 1, fit > FALSE_START_FIT)


@dataclass(frozen=True, slots=True)
class _State:
    word: int
    """Whose sound it is; for a blank between words the word that follows."""
    sound: str | None
    """None for a blank."""
    is_between_words: bool
    before: tuple[int, ...]
    """States that it may follow, itself aside."""


class _Graph:
    """All ways to say the words: states with one sound or a blank each."""

    def __init__(self, words: Sequence[Sequence[Pronunciation]]) -> None:
        self.states: list[_State] = []
        ends: list[int] = []
        for number, pronunciations in enumerate(words):
            gap = self._add(number, None, tuple(ends), is_between_words=True)
            ends = [
                self._say(number, pronunciation, (gap, *ends)) for pronunciation in pronunciations
            ]
        self.ends = (*ends, self._add(len(words), None, tuple(ends), is_between_words=True))
        gaps = [number for number, state in enumerate(self.states) if state.is_between_words]
        self.gaps = gaps[:-1]
        last_sounds = [self.states[gap].before for gap in gaps[1:]]
        self.again = [
            tuple(chain.from_iterable(last_sounds[word : word + MOST_WORDS_AGAIN]))
            for word in range(len(words))
        ]
        """By word, from which states the reader may go back to it."""

    def _say(self, word: int, pronunciation: Pronunciation, before: tuple[int, ...]) -> int:
        last = self._first_sound(word, pronunciation[0], before)
        for sound in pronunciation[1:]:
            blank = self._add(word, None, (last,))
            # The same sound twice needs a blank between, or it would be said only once.
            is_same = self.states[last].sound == sound
            last = self._add(word, sound, (blank,) if is_same else (blank, last))
        return last

    def _first_sound(self, word: int, sound: str, before: tuple[int, ...]) -> int:
        return self._add(word, sound, tuple(s for s in before if self.states[s].sound != sound))

    def _add(
        self,
        word: int,
        sound: str | None,
        before: tuple[int, ...],
        *,
        is_between_words: bool = False,
    ) -> int:
        self.states.append(_State(word, sound, is_between_words, before))
        return len(self.states) - 1

    def best_states(self, frames: Frames) -> "NDArray[np.int64] | None":
        """The likeliest state of each frame (Viterbi); None where the frames are too few."""
        import numpy as np

        chances, symbols = self._chances(frames)
        count = len(self.states)
        width = 1 + max(len(state.before) for state in self.states)
        came_from = np.full((count, width), count)  # `count` stands for a state that never is
        for number, state in enumerate(self.states):
            came_from[number, : 1 + len(state.before)] = number, *state.before
        back_from = np.full((len(self.gaps), max(map(len, self.again))), count)
        for word, before in enumerate(self.again):
            back_from[word, : len(before)] = before
        # A choice beyond the usual ways is one of going back.
        came_from_any = np.full((count, width + back_from.shape[1]), count)
        came_from_any[:, :width] = came_from
        came_from_any[self.gaps, width:] = back_from
        every, every_gap = np.arange(count), np.arange(len(self.gaps))
        reached = np.full(count + 1, _NEVER)
        for start in (0, *(s for s, state in enumerate(self.states) if 0 in state.before)):
            reached[start] = chances[0, symbols[start]]
        choices = np.zeros((len(frames), count), dtype=np.uint8)
        for frame in range(1, len(frames)):
            ways = reached[came_from]
            chosen = ways.argmax(axis=1)
            best = ways[every, chosen]
            ways_back = reached[back_from]
            chosen_back = ways_back.argmax(axis=1)
            best_back = ways_back[every_gap, chosen_back] + AGAIN
            is_back = best_back > best[self.gaps]
            best[self.gaps] = np.where(is_back, best_back, best[self.gaps])
            chosen[self.gaps] = np.where(is_back, width + chosen_back, chosen[self.gaps])
            choices[frame] = chosen
            reached[:count] = best + chances[frame, symbols]
        last = max(self.ends, key=lambda state: reached[state])
        if reached[last] < _NEVER / 2:
            return None
        states = np.empty(len(frames), dtype=np.int64)
        states[-1] = last
        for frame in range(len(frames) - 1, 0, -1):
            states[frame - 1] = came_from_any[states[frame], choices[frame, states[frame]]]
        return states

    def _chances(self, frames: Frames) -> "tuple[Floats, NDArray[np.int64]]":
        """Log probabilities by frame and symbol, and the symbol of each state."""
        import numpy as np

        between = np.maximum(frames.blank, frames.best + BESIDE_THE_TEXT)
        columns = {sound: place for place, sound in enumerate(frames.sounds, start=2)}
        symbols = [
            columns[state.sound] if state.sound else int(state.is_between_words)
            for state in self.states
        ]
        chances = np.stack([frames.blank, between, *frames.sounds.values()], axis=1)
        return chances, np.array(symbols)

    def words_on(self, states: "NDArray[np.int64]", frames: Frames) -> list[AlignedWord]:
        """Where a path says each word."""
        import numpy as np

        words = self._words[states]
        said: defaultdict[int, list[AlignedWord]] = defaultdict(list)
        # A word ends where another begins, or where it begins again.
        is_start = np.diff(words, prepend=-1) != 0
        for first, end in pairwise([*np.flatnonzero(is_start), len(frames)]):
            word = int(words[first])
            if word >= 0:
                said[word].append(self._word_in(states, frames, int(first), int(end)))
        return [_best_of(said[word]) for word in range(len(self.gaps))]

    def _word_in(
        self, states: "NDArray[np.int64]", frames: Frames, first: int, end: int
    ) -> AlignedWord:
        fits: dict[int, float] = {}
        throughout = 0.0
        for frame in range(first, end):
            state = int(states[frame])
            sound = self.states[state].sound
            heard = frames.sounds[sound][frame] if sound else frames.blank[frame]
            fit = float(heard - frames.best[frame])
            throughout += fit
            if sound:
                fits[state] = max(fit, fits.get(state, _ABSENT))
        mean = sum(fits.values()) / len(fits)
        return AlignedWord(first, end - 1, mean, min(fits.values()), throughout / len(fits))

    @cached_property
    def _words(self) -> "NDArray[np.int64]":
        """By state the word that it is within; -1 between words."""
        import numpy as np

        return np.array([-1 if state.is_between_words else state.word for state in self.states])


def _best_of(said: Sequence[AlignedWord]) -> AlignedWord:
    """What all times that a word was said come to."""
    if not said:
        return _NOWHERE
    best = max(said, key=lambda word: word.fit)
    fitting = [word for word in said if word.fit > REPEATED_FIT]
    if len(fitting) < 2:  # noqa: PLR2004 - once is not again
        return best
    first, last = fitting[0].first_frame, fitting[-1].last_frame
    return replace(best, first_frame=first, last_frame=last, is_repeated=True)
