"""Readings for tests: activities, and recognisers that hear what they are told to."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pocketsphinx

from orf_books.activities.activity import Activity, FeatureRecord, ModelMetadata
from orf_books.activities.audio import BYTES_PER_MS, Recording
from orf_books.activities.evidence import PagedRecording
from orf_books.activities.phonemes import Lexicon
from orf_books.activities.recognition import (
    HeardPhrase,
    HeardWord,
    Recognisers,
    StoryContext,
    Transcript,
)
from orf_books.activities.rescored_activity import RescoredActivity
from orf_books.activities.rescoring import rescore_activity
from orf_books.activities.story import words_of
from orf_books.activities.voting import VoteRule

STORY_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
PHRASES = ("The cat sat on the mat.", "A dog ran home!")
THRESHOLD = 0.55
DICTIONARY = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
LEXICON = Lexicon(DICTIONARY)
SOUND = PagedRecording(Recording(b"\1" * 20_000 * BYTES_PER_MS))
"""20 seconds, a page."""

Heard = str | HeardPhrase | Exception


def flags(text: str) -> tuple[bool, ...]:
    """`..x` is a phrase of which the third word was misread."""
    return tuple(mark == "x" for mark in text)


def activity(*errors: str, phrases: Sequence[str] = PHRASES, stored_w: bool = False) -> Activity:
    """An activity with these flags of the first pass, of which one model saw every word."""
    return Activity(
        activity_id="a-1",
        story_id=STORY_ID,
        phrases=tuple(phrases),
        errors=tuple(map(flags, errors)),
        features=tuple(
            feature(index, len(words_of(phrase)), stored_w=stored_w)
            for index, phrase in enumerate(phrases)
        ),
        models={"first": ModelMetadata(THRESHOLD)},
    )


def feature(phrase: int, words: int, *, stored_w: bool = False) -> FeatureRecord:
    return FeatureRecord(phrase, "first", None, (stored_w,) * words, confidences=(0.9,) * words)


def spoken(text: str) -> Transcript:
    """Words of 300 ms, one every 400 ms; at `_` nothing is said."""
    beats = ((0.4 * beat, word) for beat, word in enumerate(text.split()))
    return Transcript(tuple(HeardWord(word, at, at + 0.3) for at, word in beats if word != "_"))


class Transcriber:
    """Role A: hears what it is told to, or fails."""

    engine = "a/1"

    def __init__(self, heard: Transcript | Exception, *, is_draft: bool = False) -> None:
        self._heard = heard
        self.is_draft = is_draft

    async def transcribe(self, recording: Recording, story: StoryContext) -> Transcript:
        if isinstance(self._heard, Exception):
            raise self._heard
        return self._heard


class PhraseListener:
    """Roles K and W: hears all phrases as they are told, by index or all alike; or fails."""

    is_draft = False

    def __init__(self, engine: str, heard: Mapping[int, Heard] | Heard) -> None:
        self.engine = engine
        self._heard = heard
        self.phrases: list[int] = []
        """Which it was asked about."""
        self.seconds: list[float] = []
        """How much it was given to hear."""

    async def hear(self, recording: Recording, story: StoryContext, phrase: int) -> HeardPhrase:
        self.phrases.append(phrase)
        self.seconds.append(recording.seconds)
        heard = self._heard[phrase] if isinstance(self._heard, Mapping) else self._heard
        if isinstance(heard, Exception):
            raise heard
        return HeardPhrase(heard) if isinstance(heard, str) else heard


def rescored(
    made: Activity,
    heard: str | Exception,
    k: PhraseListener | Heard = "",
    w: PhraseListener | Heard = "",
    *,
    sound: PagedRecording = SOUND,
    rule: VoteRule = VoteRule.REFERENCE,
    lexicon: Lexicon = LEXICON,
) -> RescoredActivity:
    """What comes of an activity by what the recognisers hear."""
    recognisers = Recognisers(
        Transcriber(spoken(heard) if isinstance(heard, str) else heard),
        k if isinstance(k, PhraseListener) else PhraseListener("k/1", k),
        w if isinstance(w, PhraseListener) else PhraseListener("w/1", w),
    )
    return asyncio.run(rescore_activity(made, sound, recognisers, lexicon, rule))
