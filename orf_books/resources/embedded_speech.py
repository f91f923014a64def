"""Recognisers that run on this machine, offline: pocketsphinx in a process per core.

Belongs here: processes, decoders and searches. Does not belong here: what is expected to be heard
(`orf_books/activities/language_model.py`), what is concluded from it (`orf_books/activities`).

All three roles share one acoustic model, made for adults: their answers are drafts, and not
independent of each other.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

from orf_books.activities.audio import Recording
from orf_books.activities.language_model import (
    WORDS_BESIDE_A_STORY,
    Arc,
    general_words,
    phrase_grammar,
    phrase_model,
    story_model,
)
from orf_books.activities.phonemes import Lexicon, LexiconGap, Pronunciation
from orf_books.activities.pronunciation import guessed
from orf_books.activities.recognition import HeardPhrase, HeardWord, StoryContext, Transcript
from orf_books.activities.sound_alikes import Neighbours
from orf_books.failures import FailureCategory, RetryLater

if TYPE_CHECKING:
    from pocketsphinx import Decoder

RULES_VERSION = 2
"""Changes with what is expected to be heard: kept answers of older rules are asked for again."""
FRAMES_A_SECOND = 100
SHORTEST_SECONDS = 0.1
"""Less sound than this holds no word."""
VOCABULARY = 10_000
"""General words among which sound-alikes are looked for."""

_Phrase = tuple[str, ...]
_P = ParamSpec("_P")
_Result = TypeVar("_Result")


class EmbeddedSpeech:
    """The three roles, in processes that are started when they are needed.

    Use as `async with`, from one event loop.

    Args:
        processes: how many; by default one for each core.
    """

    def __init__(self, processes: int | None = None) -> None:
        self._processes = processes or os.cpu_count() or 1
        self._pool = self._new_pool()
        self.transcriber = _Transcriber(self)
        self.listener = _Listener(self, "listener", _listen)
        self.checker = _Listener(self, "checker", _check)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    async def run(
        self, work: Callable[_P, _Result], *arguments: _P.args, **keywords: _P.kwargs
    ) -> _Result:
        """Carry out a function of this module in one of the processes.

        Raises:
            RetryLater: the process died.
        """
        pool = self._pool
        try:
            return await asyncio.wrap_future(pool.submit(work, *arguments, **keywords))
        except BrokenExecutor:
            # All that was under way in this pool ends so; the first to notice makes another.
            if pool is self._pool:
                self._pool = self._new_pool()
            raise RetryLater(
                "A process of the embedded recogniser died.", FailureCategory.CRASH
            ) from None

    def _new_pool(self) -> ProcessPoolExecutor:
        # Not forked: this process has threads, and a loop.
        return ProcessPoolExecutor(self._processes, mp_context=get_context("spawn"))


class _Role:
    is_draft = True

    def __init__(self, speech: EmbeddedSpeech, role: str) -> None:
        self._speech = speech
        self.engine = f"pocketsphinx-{version('pocketsphinx')}/{role}/{RULES_VERSION}"


class _Transcriber(_Role):
    """Role A: hears the words of the story, and others, and when each was said."""

    def __init__(self, speech: EmbeddedSpeech) -> None:
        super().__init__(speech, "transcriber")

    async def transcribe(self, recording: Recording, story: StoryContext) -> Transcript:
        """What is said in the recording, as `TranscribesRecordings` says."""
        if _is_empty(recording):
            return Transcript(())
        heard = await self._speech.run(_transcribe, recording.pcm, story.phrases)
        return Transcript(tuple(HeardWord(word.text, word.start, word.end) for word in heard))


class _Listener(_Role):
    """Roles K and W: hear a phrase among words like its own, or nothing but it."""

    def __init__(
        self,
        speech: EmbeddedSpeech,
        role: str,
        hear: Callable[[bytes, _Phrase], str],
    ) -> None:
        super().__init__(speech, role)
        self._hear = hear

    async def hear(self, recording: Recording, story: StoryContext, phrase: int) -> HeardPhrase:
        """What is said in a phrase's recording, as `HearsPhrases` says."""
        words = story.phrases[phrase]
        if not words or _is_empty(recording):
            return HeardPhrase("")
        return HeardPhrase(await self._speech.run(self._hear, recording.pcm, words))


def _is_empty(recording: Recording) -> bool:
    """Whether there is nothing to hear; a recogniser always finds some word."""
    return recording.seconds < SHORTEST_SECONDS or recording.is_silent


# In the processes


@dataclass(frozen=True, slots=True)
class _Said:
    """A word, and when it was said, in seconds."""

    text: str
    start: float
    end: float


def _transcribe(pcm: bytes, phrases: tuple[_Phrase, ...]) -> list[_Said]:
    _teach({word for phrase in phrases for word in phrase})
    return _heard_by_model(pcm, _story_model(phrases))


def _listen(pcm: bytes, words: _Phrase) -> str:
    sound_alikes = {other for word in words for other in _sound_alikes(word)}
    _teach(sound_alikes.union(words))
    return _text(_heard_by_model(pcm, phrase_model(words, sound_alikes)))


def _check(pcm: bytes, words: _Phrase) -> str:
    sound_alikes = {word: _sound_alikes(word) for word in words}
    _teach({*words, *chain.from_iterable(sound_alikes.values())})
    decoder = _decoder()
    arcs = list(map(_as_tuple, phrase_grammar(words, sound_alikes)))
    # A search keeps what it was made with. A second pass over the lattice is slower and no better.
    decoder.config["bestpath"] = False
    try:
        decoder.add_fsg("phrase", decoder.create_fsg("phrase", 0, len(words), arcs))
    finally:
        decoder.config["bestpath"] = True
    return _text(_heard(pcm, "phrase"))


@lru_cache(maxsize=32)
def _story_model(phrases: tuple[_Phrase, ...]) -> str:
    return story_model(phrases)


def _heard_by_model(pcm: bytes, model: str) -> list[_Said]:
    # pocketsphinx takes models only as files.
    with NamedTemporaryFile("w", suffix=".lm", encoding="utf-8") as file:
        file.write(model)
        file.flush()
        _decoder().add_lm_file("words", file.name)
    return _heard(pcm, "words")


def _heard(pcm: bytes, search: str) -> list[_Said]:
    decoder = _decoder()
    try:
        decoder.activate_search(search)
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        return [
            _Said(
                segment.word.partition("(")[0],
                segment.start_frame / FRAMES_A_SECOND,
                (segment.end_frame + 1) / FRAMES_A_SECOND,
            )
            for segment in decoder.seg() or ()
            if not segment.word.startswith(("<", "[", "("))
        ]
    finally:
        # A search that is no longer needed would stay in memory.
        decoder.remove_search(search)


def _text(heard: Sequence[_Said]) -> str:
    return " ".join(word.text for word in heard)


def _as_tuple(arc: Arc) -> tuple[int, int, float] | tuple[int, int, float, str]:
    if arc.word is None:
        return arc.start, arc.end, arc.chance
    return arc.start, arc.end, arc.chance, arc.word


def _teach(words: Iterable[str]) -> None:
    """Give the decoder the words that its dictionary lacks."""
    decoder = _decoder()
    for word in sorted(set(words)):
        if decoder.lookup_word(word) is None:
            for spelling, sounds in _entries(word):
                decoder.add_word(spelling, sounds, True)  # noqa: FBT003 - positional only


def _entries(word: str) -> Iterator[tuple[str, str]]:
    """How a word stands in a dictionary: all the ways in which it is said."""
    for number, sounds in enumerate(_pronunciations(word), start=1):
        yield word if number == 1 else f"{word}({number})", " ".join(sounds)


@lru_cache(maxsize=4096)
def _sound_alikes(word: str) -> tuple[str, ...]:
    return _neighbours().of(word, _pronunciations(word))


def _pronunciations(word: str) -> tuple[Pronunciation, ...]:
    try:
        return _lexicon().pronunciations(word)
    except LexiconGap:
        return (guessed(word),)


@cache
def _neighbours() -> Neighbours:
    lexicon = _lexicon()
    return Neighbours({word: lexicon.pronunciations(word) for word in general_words(VOCABULARY)})


@cache
def _lexicon() -> Lexicon:
    return Lexicon(dictionary_file())


def dictionary_file() -> Path:
    """The pronunciations that come with pocketsphinx."""
    from pocketsphinx import get_model_path

    return Path(get_model_path("en-us/cmudict-en-us.dict"))


@cache
def _decoder() -> "Decoder":
    from pocketsphinx import Config, Decoder, get_model_path

    # Every search is built over the whole dictionary, so it holds only what any story may need;
    # with all 135,000 words a phrase takes 1.4 s more.
    with NamedTemporaryFile("w", suffix=".dict", encoding="utf-8") as file:
        for word in general_words(WORDS_BESIDE_A_STORY):
            file.writelines(f"{spelling} {sounds}\n" for spelling, sounds in _entries(word))
        file.flush()
        return Decoder(
            Config(
                hmm=get_model_path("en-us/en-us"),
                dict=file.name,
                lm=None,
                samprate=16_000,
                cmn="batch",
                # Filters of twice the width hear voices better that are unlike the model's (F1 of
                # the checker .49 to .54 over 24 readings made for tuning).
                doublebw=True,
                loglevel="FATAL",
            )
        )
