"""Where expected words lie in what a phoneme recogniser heard, and how well each word fits.

Belongs here: the alignment of a text with frames of sound, whatever model they come from. Does not
belong here: any model (`orf_books/resources`), and what is concluded from a fit (`calibration.py`).

The recogniser was trained with connectionist temporal classification (Graves et al. 2006): in each
frame it says a symbol or nothing ("blank"), and a sound that lasts may be said only once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
BESIDE_THE_TEXT = -4.0
"""Log probability of a frame of anything between two words, measured from the best symbol: fillers
and repeated words then do not push the text out of place."""


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
    return tuple(graph.word_on(states, frames, word) for word in range(len(words)))


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
        every = np.arange(count)
        reached = np.full(count + 1, _NEVER)
        for start in (0, *(s for s, state in enumerate(self.states) if 0 in state.before)):
            reached[start] = chances[0, symbols[start]]
        choices = np.zeros((len(frames), count), dtype=np.uint8)
        for frame in range(1, len(frames)):
            ways = reached[came_from]
            choices[frame] = ways.argmax(axis=1)
            reached[:count] = ways[every, choices[frame]] + chances[frame, symbols]
        last = max(self.ends, key=lambda state: reached[state])
        if reached[last] < _NEVER / 2:
            return None
        states = np.empty(len(frames), dtype=np.int64)
        states[-1] = last
        for frame in range(len(frames) - 1, 0, -1):
            states[frame - 1] = came_from[states[frame], choices[frame, states[frame]]]
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

    def word_on(self, states: "NDArray[np.int64]", frames: Frames, word: int) -> AlignedWord:
        """Where the best path says a word."""
        import numpy as np

        on_path = self._sounding[states] == word
        if not on_path.any():
            return _NOWHERE
        places = np.flatnonzero(on_path)
        first, last = int(places[0]), int(places[-1])
        fits: dict[int, float] = {}
        throughout = 0.0
        for frame in range(first, last + 1):
            state = int(states[frame])
            sound = self.states[state].sound
            heard = frames.sounds[sound][frame] if sound else frames.blank[frame]
            fit = float(heard - frames.best[frame])
            throughout += fit
            if sound:
                fits[state] = max(fit, fits.get(state, _ABSENT))
        return AlignedWord(
            first,
            last,
            sum(fits.values()) / len(fits),
            min(fits.values()),
            throughout / len(fits),
        )

    @cached_property
    def _sounding(self) -> "NDArray[np.int64]":
        """By state the word whose sound it is; -1 for blanks."""
        import numpy as np

        return np.array([state.word if state.sound else -1 for state in self.states])
