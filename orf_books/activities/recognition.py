"""What speech recognisers are asked and what they answer, in three roles.

Belongs here: the roles, their questions and answers. Does not belong here: any recogniser
(`orf_books/resources`), and what is concluded from the answers (`rescoring.py`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from orf_books.activities.audio import Recording


@dataclass(frozen=True, slots=True)
class StoryContext:
    """What a recogniser may know of the story that is read."""

    story_id: str
    tags: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...]
    """The words of each phrase, as `story.words_of` gives them."""


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


class Alphabet(StrEnum):
    """What a phrase was written down in."""

    WORDS = "words"
    PHONEMES = "phonemes"
    """The vendor's alphabet, see `phonemes.py`."""


@dataclass(frozen=True, slots=True)
class HeardPhrase:
    """What was heard in the recording of one phrase."""

    text: str
    alphabet: Alphabet = Alphabet.WORDS


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
