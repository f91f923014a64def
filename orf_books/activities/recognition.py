"""What speech recognisers are asked and what they answer, by role.

Belongs here: the roles, their questions and answers. Does not belong here: any recogniser
(`orf_books/resources`), and what is concluded from the answers (`rescoring.py`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from orf_books.activities.audio import Recording

Span = tuple[int, int]
"""Start and end, in milliseconds from the start of the recording."""


@dataclass(frozen=True, slots=True)
class PageToHear:
    """A page of the story, and when it was read."""

    span: Span
    phrases: tuple[int, ...]
    """Indices in the story."""


@dataclass(frozen=True, slots=True)
class StoryContext:
    """What a recogniser may know of the story that is read."""

    story_id: str
    tags: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...]
    """The words of each phrase, as `story.words_of` gives them."""
    printed: tuple[str, ...] = ()
    """The text of each phrase as it is printed; empty where that is not known."""
    pages: tuple[PageToHear, ...] = ()
    """In order of time. Each has phrases and a length; phrases that were not recorded are on
    none."""


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word in a transcript; times in seconds from the start of the recording."""

    text: str
    start: float
    end: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard in a whole recording."""

    words: tuple[HeardWord, ...]

    @property
    def text(self) -> str:
        """The words without their times."""
        return " ".join(word.text for word in self.words)


class Role(StrEnum):
    """Whose vote it is."""

    A = "a"
    K = "k"
    W = "w"


class Alphabet(StrEnum):
    """What a phrase was written down in."""

    WORDS = "words"
    PHONEMES = "phonemes"
    """The vendor's alphabet, see `phonemes.py`."""


@dataclass(frozen=True, slots=True)
class SaidBeside:
    """Something that was said between two words, for neither of them."""

    span: Span
    is_false_start: bool
    """Whether it is the beginning of the word that follows."""


@dataclass(frozen=True, slots=True)
class WordEvidence:
    """How well the sound fits one expected word. Fits are log probabilities, 0 at best."""

    is_heard: bool
    """The recogniser's own verdict, by its own threshold."""
    fit: float
    """Mean over the parts of the word: its sounds, or the pieces that it is written in."""
    worst_fit: float
    """Of the part that fits worst."""
    fit_throughout: float | None = None
    """Summed from the word's start to its end, per part; None for recognisers without times."""
    fit_to_silence: float | None = None
    """How well silence would fit: what the text alone predicts; None where nothing does."""
    fit_over_omission: float | None = None
    """How much better the sound fits the phrase with the word than without it, less the same on
    silence; None for recognisers that do not compare the two."""
    span: Span | None = None
    """When the word was said; None for recognisers without times."""
    is_repeated: bool = False
    """Whether it was said again; unknown, and false, for recognisers without times."""
    before: SaidBeside | None = None
    """What was said between the word before and it; as `is_repeated`."""


@dataclass(frozen=True, slots=True)
class HeardPhrase:
    """What was heard in the recording of one phrase."""

    text: str
    alphabet: Alphabet = Alphabet.WORDS
    words: tuple[WordEvidence, ...] = ()
    """One for each expected word, from recognisers that judge words; empty from those that only
    write down what they hear."""


@dataclass(frozen=True, slots=True)
class PlacedPhrase:
    """Where an expected phrase lies in a recording, and how well each of its words fits there."""

    phrase: int
    """Index in the story."""
    words: tuple[WordEvidence, ...]
    """One for each expected word, all with times."""
    clarity: float | None = None
    """Mean log probability of the likeliest sound in each moment, whatever it is: lower where there
    are several at once. None where that is not known."""

    @property
    def span(self) -> Span | None:
        """From the first start of its words to their last end."""
        spans = [word.span for word in self.words if word.span]
        return (min(spans)[0], max(end for _, end in spans)) if spans else None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the phrases of a story lie in a recording."""

    phrases: tuple[PlacedPhrase, ...]
    """Phrases that were not recorded are left out."""


class _HasEngine(Protocol):
    @property
    def engine(self) -> str:
        """Recogniser and version, such as `deepgram/nova-2/1`: answers are kept by it."""
        ...

    @property
    def is_draft(self) -> bool:
        """Whether what it hears needs a person's review."""
        ...


class TranscribesRecordings(_HasEngine, Protocol):
    """Role A: hears a whole recording, and when each word was said."""

    async def transcribe(self, recording: Recording, story: StoryContext) -> Transcript:
        """What is said in the recording; silence is a transcript without words.

        Raises:
            RetryLater: the recogniser cannot answer now.
            FixConfiguration: the recogniser refuses us, or cannot be used for this story.
            FixInput: the recogniser cannot read the recording.
        """
        ...


class HearsPhrases(_HasEngine, Protocol):
    """Roles K and W: hears the recording of one phrase, K freely, W close to the expected words."""

    async def hear(self, recording: Recording, story: StoryContext, phrase: int) -> HeardPhrase:
        """What is said in a phrase's recording.

        Args:
            recording: the part of the recording in which the phrase is expected.
            story: what is read.
            phrase: index of the phrase in the story.

        Raises:
            As `TranscribesRecordings.transcribe`.
        """
        ...


class PlacesPhrases(_HasEngine, Protocol):
    """Finds the expected words of all pages in a recording: forced alignment.

    It also judges how well each word fits where it was placed. That counts as the vote of role W,
    which is then not asked about the same sound again.
    """

    async def place(self, recording: Recording, story: StoryContext) -> Placement:
        """Where the phrases on the pages of `story` lie.

        Raises:
            As `TranscribesRecordings.transcribe`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Recognisers:
    """Whom to ask, by role."""

    transcriber: TranscribesRecordings
    listener: HearsPhrases
    checker: HearsPhrases
    placer: PlacesPhrases | None = None
    """Where there is one, it votes as W in place of the checker."""

    @property
    def are_drafts(self) -> bool:
        """Whether what one of them hears needs a person's review."""
        return self.transcriber.is_draft or self.listener.is_draft or self.checker.is_draft
