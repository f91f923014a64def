"""Answers of recognisers that are kept: they cost money, or minutes, and rules change more often.

Belongs here: what makes two questions the same, and recognisers that answer from what was kept.
Does not belong here: where answers are kept, and what is concluded from them.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from orf_books.activities.audio import Recording
from orf_books.activities.recognition import (
    HeardPhrase,
    HearsPhrases,
    Placement,
    PlacesPhrases,
    Recognisers,
    StoryContext,
    TranscribesRecordings,
    Transcript,
)
from orf_books.failures import FailureCategory, RetryLater

_Answer = TypeVar("_Answer")
_Recogniser = TypeVar("_Recogniser", TranscribesRecordings, HearsPhrases, PlacesPhrases)
_TRANSCRIPT = TypeAdapter(Transcript)
_HEARD_PHRASE = TypeAdapter(HeardPhrase)
_PLACEMENT = TypeAdapter(Placement)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What a recogniser answered once."""

    recording: str
    """Fingerprint of the whole recording."""
    engine: str
    question: str
    """Digest of the story and, for a phrase, of its place and its sound."""
    answer: str = field(repr=False)
    """JSON."""


class AnswersAbout:
    """The answers about one recording: those that were kept, and those that come in."""

    def __init__(self, recording: str, kept: Iterable[KeptAnswer]) -> None:
        self.new: list[KeptAnswer] = []
        self._recording = recording
        self._kept = {(one.engine, one.question): one.answer for one in kept}
        self._engines = {question: engine for engine, question in self._kept}

    def alone(self) -> Recognisers:
        """Recognisers that know nothing but what was kept, whoever said it."""
        return Recognisers(*(_KeptOnly(self, role) for role in ("A", "K", "W", "P")))

    def first(self, recognisers: Recognisers) -> Recognisers:
        """The same recognisers, asked only where nothing was kept."""
        return Recognisers(
            _KeptTranscripts(recognisers.transcriber, self, "A"),
            _KeptPhrases(recognisers.listener, self, "K"),
            _KeptPhrases(recognisers.checker, self, "W"),
            recognisers.placer and _KeptPlacements(recognisers.placer, self, "P"),
        )

    def find(self, engine: str, question: str, answers: TypeAdapter[_Answer]) -> _Answer | None:
        """The answer of a recogniser that was kept, if one was."""
        kept = self._kept.get((engine, question))
        return None if kept is None else answers.validate_json(kept)

    def last_engine(self, question: str) -> str | None:
        """Whose answer to a question was kept last; None where none was."""
        return self._engines.get(question)

    def keep(
        self, engine: str, question: str, answer: _Answer, answers: TypeAdapter[_Answer]
    ) -> None:
        """Keep an answer that just came in."""
        text = answers.dump_json(answer).decode()
        self._kept[engine, question] = text
        self._engines[question] = engine
        self.new.append(KeptAnswer(self._recording, engine, question, text))


class _Kept(Generic[_Recogniser]):
    """A recogniser that is asked only where nothing was kept."""

    def __init__(self, asked: _Recogniser, answers: AnswersAbout, role: str) -> None:
        self.asked: _Recogniser = asked
        self.answers, self.role = answers, role
        self.engine, self.is_draft = asked.engine, asked.is_draft

    async def _first_kept(
        self, question: str, answers: TypeAdapter[_Answer], ask: Callable[[], Awaitable[_Answer]]
    ) -> _Answer:
        kept = self.answers.find(self.engine, question, answers)
        if kept is None:
            kept = await ask()
            self.answers.keep(self.engine, question, kept, answers)
        return kept


class _KeptTranscripts(_Kept[TranscribesRecordings]):
    async def transcribe(self, recording: Recording, story: StoryContext) -> Transcript:
        return await self._first_kept(
            _about_recording(story),
            _TRANSCRIPT,
            lambda: self.asked.transcribe(recording, story),
        )


class _KeptPhrases(_Kept[HearsPhrases]):
    async def hear(self, recording: Recording, story: StoryContext, phrase: int) -> HeardPhrase:
        return await self._first_kept(
            _about_phrase(self.role, recording, story, phrase),
            _HEARD_PHRASE,
            lambda: self.asked.hear(recording, story, phrase),
        )


class _KeptPlacements(_Kept[PlacesPhrases]):
    async def place(self, recording: Recording, story: StoryContext) -> Placement:
        return await self._first_kept(
            _about_pages(story), _PLACEMENT, lambda: self.asked.place(recording, story)
        )


@dataclass(slots=True)
class _KeptOnly:
    answers: AnswersAbout
    role: str
    engine: str = "kept"
    """Whose answer was found last."""
    is_draft: bool = False

    async def transcribe(
        self,
        recording: Recording,  # noqa: ARG002 - the answers are about it
        story: StoryContext,
    ) -> Transcript:
        return self._kept(_about_recording(story), _TRANSCRIPT)

    async def hear(self, recording: Recording, story: StoryContext, phrase: int) -> HeardPhrase:
        return self._kept(_about_phrase(self.role, recording, story, phrase), _HEARD_PHRASE)

    async def place(
        self,
        recording: Recording,  # noqa: ARG002 - the answers are about it
        story: StoryContext,
    ) -> Placement:
        try:
            return self._kept(_about_pages(story), _PLACEMENT)
        except NothingKept:
            # Not all recognisers place phrases.
            return Placement(())

    def _kept(self, question: str, answers: TypeAdapter[_Answer]) -> _Answer:
        engine = self.answers.last_engine(question)
        kept = None if engine is None else self.answers.find(engine, question, answers)
        if engine is None or kept is None:
            raise NothingKept
        self.engine = engine
        return kept


class NothingKept(RetryLater):
    """No recogniser was asked this before."""

    def __init__(self) -> None:
        super().__init__(
            "No recogniser was asked about this yet: rescore it first.",
            FailureCategory.UNAVAILABLE,
        )


def _about_recording(story: StoryContext) -> str:
    return _digest(f"A {story.phrases!r}")


def _about_pages(story: StoryContext) -> str:
    return _digest(f"P {story.pages!r} {story.phrases!r}")


def _about_phrase(role: str, recording: Recording, story: StoryContext, phrase: int) -> str:
    return _digest(f"{role} {phrase} {recording.fingerprint} {story.phrases!r}")


def _digest(question: str) -> str:
    return hashlib.sha256(question.encode()).hexdigest()[:32]
