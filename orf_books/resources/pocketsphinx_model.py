"""pocketsphinx, the recogniser of last resort: hears words by language models and grammars.

Belongs here: decoders and searches. Does not belong here: what is expected to be heard
(`orf_books/activities/language_model.py`), processes (`embedded_speech.py`).

Its three roles share one acoustic model, made for adults: they are not independent of each other.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

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
from orf_books.activities.recognition import HeardWord
from orf_books.activities.sound_alikes import Neighbours

if TYPE_CHECKING:
    from pocketsphinx import Decoder

PACKAGE = "pocketsphinx"
RULES_VERSION = 3
"""Changes with what is expected to be heard: kept answers of older rules are asked for again."""
FRAMES_A_SECOND = 100
VOCABULARY = 10_000
"""General words among which sound-alikes are looked for."""

Words = tuple[str, ...]


def engine(role: str) -> str:
    """Recogniser, version and role."""
    return f"pocketsphinx-{version(PACKAGE)}/{role}/{RULES_VERSION}"


def transcribe(pcm: bytes, phrases: tuple[Words, ...]) -> list[HeardWord]:
    """What is said in a recording of a story."""
    _teach({word for phrase in phrases for word in phrase})
    return _heard_by_model(pcm, _story_model(phrases))


def listen(pcm: bytes, words: Words) -> str:
    """What is said in a recording of a phrase, heard freely."""
    sound_alikes = {other for word in words for other in _sound_alikes(word)}
    _teach(sound_alikes.union(words))
    return _text(_heard_by_model(pcm, phrase_model(words, sound_alikes)))


def check(pcm: bytes, words: Words) -> str:
    """What is said in a recording of a phrase, heard close to its text."""
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
def _story_model(phrases: tuple[Words, ...]) -> str:
    return story_model(phrases)


def _heard_by_model(pcm: bytes, model: str) -> list[HeardWord]:
    # pocketsphinx takes models only as files.
    with NamedTemporaryFile("w", suffix=".lm", encoding="utf-8") as file:
        file.write(model)
        file.flush()
        _decoder().add_lm_file("words", file.name)
    return _heard(pcm, "words")


def _heard(pcm: bytes, search: str) -> list[HeardWord]:
    decoder = _decoder()
    try:
        # Features would be scaled by what was heard before, and results depend on the order.
        decoder.reinit_feat()
        decoder.activate_search(search)
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        return [
            HeardWord(
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


def _text(heard: Sequence[HeardWord]) -> str:
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
    for number, sounds in enumerate(pronunciations(word), start=1):
        yield word if number == 1 else f"{word}({number})", " ".join(sounds)


@lru_cache(maxsize=4096)
def _sound_alikes(word: str) -> tuple[str, ...]:
    return _neighbours().of(word, pronunciations(word))


def pronunciations(word: str) -> tuple[Pronunciation, ...]:
    """How a word may be said; a guess where no lexicon knows it."""
    try:
        return bundled_lexicon().pronunciations(word)
    except LexiconGap:
        return (guessed(word),)


@cache
def _neighbours() -> Neighbours:
    lexicon = bundled_lexicon()
    return Neighbours({word: lexicon.pronunciations(word) for word in general_words(VOCABULARY)})


@cache
def bundled_lexicon() -> Lexicon:
    """How English words sound; without pocketsphinx it knows no word."""
    return Lexicon(dictionary_file() if find_spec(PACKAGE) else None)


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
