"""Recognisers that run on this machine, offline, in a process per core.

Belongs here: processes, and which model takes which role. Does not belong here: the models
(`phoneme_model.py`, `whisper_model.py`, `pocketsphinx_model.py`), and what is concluded from their
answers (`orf_books/activities`).

Where the package of a model is missing, another model takes its roles, pocketsphinx in the end.
What they hear is a draft: none was made for children.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import cache
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

from orf_books.activities.audio import Recording
from orf_books.activities.recognition import (
    HeardPhrase,
    HeardWord,
    HearsPhrases,
    PageToHear,
    PlacedPhrase,
    Placement,
    PlacesPhrases,
    StoryContext,
    TranscribesRecordings,
    Transcript,
)
from orf_books.failures import FixConfiguration
from orf_books.resources import phoneme_model, pocketsphinx_model, whisper_model
from orf_books.resources.workers import ProcessWorkers

SHORTEST_SECONDS = 0.1
"""Less sound than this holds no word."""

if TYPE_CHECKING:
    from orf_books.resources.cluster import ClusterWorkers

_PACKAGES = (
    (phoneme_model.PACKAGE,),
    (whisper_model.PACKAGE, whisper_model.ENGINE, whisper_model.TOKENIZER),
    (pocketsphinx_model.PACKAGE,),
)
"""Of each model, that with its weights first."""

_P = ParamSpec("_P")
_Result = TypeVar("_Result")


@cache
def installed_models() -> tuple[tuple[str, bool], ...]:
    """The models, by the package that holds their weights, and whether all of each is there."""
    return tuple((packages[0], all(map(_is_installed, packages))) for packages in _PACKAGES)


def missing_models() -> tuple[str, ...]:
    """What a reader of a report should know about models that are not installed."""
    notes = [
        f"{package} is not installed, or a package that it needs, so verdicts are less reliable: "
        "install orf_books again."
        for package, is_installed in installed_models()
        if not is_installed
    ]
    installed = {package for package, is_installed in installed_models() if is_installed}
    notes += [
        f"{model.PACKAGE} has other weights than those that verdicts were calibrated with: run "
        "`python -m benchmarks.fit_calibration` on labelled readings."
        for model in (phoneme_model, whisper_model)
        if model.PACKAGE in installed and model.weights_hash() != model.MEASURED_WEIGHTS
    ]
    return tuple(notes)


def _is_installed(package: str) -> bool:
    return find_spec(package) is not None


class EmbeddedSpeech:
    """The roles, in processes that are started when they are needed.

    Use as `async with`, from one event loop.

    Args:
        workers: where models run; by default one process of this machine for each core.
        without: packages not to use although they are installed.

    Raises:
        FixConfiguration: no model is installed.
    """

    transcriber: TranscribesRecordings
    listener: HearsPhrases
    checker: HearsPhrases
    placer: PlacesPhrases | None

    def __init__(
        self,
        workers: "ProcessWorkers | ClusterWorkers | None" = None,
        without: Collection[str] = (),
    ) -> None:
        has_phonemes, has_whisper, has_pocketsphinx = (
            installed and package not in without for package, installed in installed_models()
        )
        self._workers = workers or ProcessWorkers()
        # Placing needs to know how words sound.
        self.placer = _Placer(self) if has_phonemes and has_pocketsphinx else None
        if has_whisper:
            self.transcriber, self.listener = _WhisperTranscriber(self), _WhisperListener(self)
        elif has_pocketsphinx:
            self.transcriber = _StoryTranscriber(self)
            self.listener = _PhraseListener(self, "listener", pocketsphinx_model.listen)
        else:
            raise FixConfiguration(
                "No recogniser is installed: install orf_books again, or set "
                "ORF_BOOKS_SPEECH=services."
            )
        self.checker = (
            _PhraseListener(self, "checker", pocketsphinx_model.check)
            if has_pocketsphinx
            else _MissingChecker()
        )

    async def __aenter__(self) -> Self:
        await self._workers.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._workers.__aexit__(kind, error, traceback)

    async def run(
        self, work: Callable[_P, _Result], *arguments: _P.args, **keywords: _P.kwargs
    ) -> _Result:
        """Carry out a function of a model in one of the processes.

        Raises:
            RetryLater: the process died, or no worker can be reached.
            FixConfiguration: the model cannot be loaded on this machine.
        """
        try:
            return await self._workers.run(work, *arguments, **keywords)
        except (ImportError, OSError, RuntimeError) as error:
            raise FixConfiguration(
                f"An embedded recogniser cannot run on this machine ({type(error).__name__}): "
                "install orf_books again."
            ) from error


class _Embedded:
    is_draft = True

    def __init__(self, speech: EmbeddedSpeech, engine: str) -> None:
        self._speech = speech
        self.engine = engine


class _Placer(_Embedded):
    """hama: places the words of each page, and votes as role W."""

    def __init__(self, speech: EmbeddedSpeech) -> None:
        super().__init__(speech, phoneme_model.engine())

    async def place(self, recording: Recording, story: StoryContext) -> Placement:
        """Where the phrases lie, as `PlacesPhrases` says."""
        pages = await asyncio.gather(
            *(self._page(recording, page, story) for page in story.pages if page.phrases)
        )
        return Placement(tuple(phrase for page in pages for phrase in page))

    async def _page(
        self, recording: Recording, page: PageToHear, story: StoryContext
    ) -> Sequence[PlacedPhrase]:
        sound = recording.between(*page.span)
        if _is_empty(sound):
            return ()
        words = [story.phrases[phrase] for phrase in page.phrases]
        return await self._speech.run(_place, sound.pcm, page, words)


def _place(pcm: bytes, page: PageToHear, words: Sequence[Sequence[str]]) -> Sequence[PlacedPhrase]:
    pronunciations = pocketsphinx_model.pronunciations
    return phoneme_model.place_page(
        pcm, page, [[pronunciations(word) for word in phrase] for phrase in words]
    )


class _WhisperTranscriber(_Embedded):
    """Role A by Whisper: writes down what is said on each page."""

    def __init__(self, speech: EmbeddedSpeech) -> None:
        super().__init__(speech, whisper_model.engine("transcriber"))

    async def transcribe(self, recording: Recording, story: StoryContext) -> Transcript:
        """What is said in the recording, as `TranscribesRecordings` says."""
        whole = (0, round(1000 * recording.seconds))
        spans = [page.span for page in story.pages] or [whole]
        pages = await asyncio.gather(*(self._page(recording, *span) for span in spans))
        return Transcript(tuple(word for page in pages for word in page))

    async def _page(self, recording: Recording, start: int, end: int) -> Sequence[HeardWord]:
        sound = recording.between(start, end)
        if _is_empty(sound):
            return ()
        return await self._speech.run(whisper_model.write_down, sound.pcm, start)


class _WhisperListener(_Embedded):
    """Role K by Whisper: weighs the printed words against what was heard."""

    def __init__(self, speech: EmbeddedSpeech) -> None:
        super().__init__(speech, whisper_model.engine("listener"))

    async def hear(self, recording: Recording, story: StoryContext, phrase: int) -> HeardPhrase:
        """How well each word fits, as `HearsPhrases` says."""
        words = story.phrases[phrase]
        if not words or _is_empty(recording):
            return HeardPhrase("")
        printed = story.printed[phrase] if story.printed else " ".join(words)
        weighed = await self._speech.run(whisper_model.weigh_words, recording.pcm, printed)
        heard = [word for word, evidence in zip(words, weighed, strict=True) if evidence.is_heard]
        return HeardPhrase(" ".join(heard), words=tuple(weighed))


class _StoryTranscriber(_Embedded):
    """Role A by pocketsphinx: hears the words of the story, and others, and their times."""

    def __init__(self, speech: EmbeddedSpeech) -> None:
        super().__init__(speech, pocketsphinx_model.engine("transcriber"))

    async def transcribe(self, recording: Recording, story: StoryContext) -> Transcript:
        """What is said in the recording, as `TranscribesRecordings` says."""
        if _is_empty(recording):
            return Transcript(())
        heard = await self._speech.run(pocketsphinx_model.transcribe, recording.pcm, story.phrases)
        return Transcript(tuple(heard))


class _PhraseListener(_Embedded):
    """Roles K and W by pocketsphinx: hear a phrase among words like its own, or little but it."""

    def __init__(
        self,
        speech: EmbeddedSpeech,
        role: str,
        hear: Callable[[bytes, tuple[str, ...]], str],
    ) -> None:
        super().__init__(speech, pocketsphinx_model.engine(role))
        self._hear = hear

    async def hear(self, recording: Recording, story: StoryContext, phrase: int) -> HeardPhrase:
        """What is said in a phrase's recording, as `HearsPhrases` says."""
        words = story.phrases[phrase]
        if not words or _is_empty(recording):
            return HeardPhrase("")
        return HeardPhrase(await self._speech.run(self._hear, recording.pcm, words))


class _MissingChecker:
    """Stands in for role W where no model is installed for it."""

    engine = "none/checker/0"
    is_draft = True

    async def hear(
        self,
        recording: Recording,  # noqa: ARG002 - there is nobody to hear it
        story: StoryContext,  # noqa: ARG002
        phrase: int,  # noqa: ARG002
    ) -> HeardPhrase:
        """Never an answer, so that the other roles vote.

        Raises:
            FixConfiguration: always.
        """
        raise FixConfiguration("pocketsphinx is not installed: install orf_books again.")


def _is_empty(recording: Recording) -> bool:
    """Whether there is nothing to hear; a recogniser always finds some word."""
    return recording.seconds < SHORTEST_SECONDS or recording.is_silent
