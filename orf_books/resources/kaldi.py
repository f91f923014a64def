"""Kaldi, which hears a phrase with a language model made for that phrase.

The shard that serves a story is told by the story's tags. A shard is asked

    POST <shard>/transcribe?lm=<story id>_<number of the phrase, from 1>

with the phrase as `audio/wav`, and answers `{"transcript": "the cat sat"}`, which is empty for
silence. Does not belong here: retries (`http.py`), what is concluded from a transcript.
"""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from orf_books.activities.audio import Recording
from orf_books.activities.recognition import HeardPhrase, StoryContext
from orf_books.failures import FailureCategory, FixConfiguration
from orf_books.resources.http import Body, RetryPolicy, ServiceClient, ServiceFailure

GENERAL_TAG = "KALDI_SHARD_AMIRA_GENERAL_2"
PARTNER_TAG = "KALDI_SHARD_PARTNER_1"

_SETTINGS = {
    GENERAL_TAG: "ORF_BOOKS_KALDI_GENERAL_URL",
    PARTNER_TAG: "ORF_BOOKS_KALDI_PARTNER_URL",
}


class NoShard(FixConfiguration):
    """A story that no shard of Kaldi serves."""


class Kaldi:
    """Role K: the words of a phrase. Use as `async with`, from one event loop.

    Args:
        general_url: the shard of most stories; None where there is none.
        partner_url: the shard of a partner's stories; None where there is none.
        user_agent: who we are.
        version: of the models that the shards use; answers are kept by it.
        concurrency: phrases sent to a shard at once.
        deadline_seconds: how long one attempt may take.
        retry_policy: how failing requests are tried again.
    """

    is_draft = False

    def __init__(  # noqa: PLR0913 - settings, all but the addresses by keyword
        self,
        general_url: str | None,
        partner_url: str | None,
        *,
        user_agent: str,
        version: str = "1",
        concurrency: int = 50,
        deadline_seconds: float = 30.0,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self.engine = f"kaldi/{version}"
        self._shards = {
            tag: ServiceClient(
                "Kaldi",
                url,
                user_agent=user_agent,
                is_ours=True,
                remedy=f"Check {_SETTINGS[tag]}.",
                retry_policy=retry_policy,
                deadline_seconds=deadline_seconds,
                connections=concurrency,
            )
            for tag, url in ((GENERAL_TAG, general_url), (PARTNER_TAG, partner_url))
            if url
        }
        self._opened = AsyncExitStack()

    @property
    def requests(self) -> int:
        """Requests sent so far, every attempt counted."""
        return sum(shard.requests for shard in self._shards.values())

    async def __aenter__(self) -> Self:
        for shard in self._shards.values():
            await self._opened.enter_async_context(shard)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._opened.aclose()

    async def hear(self, recording: Recording, story: StoryContext, phrase: int) -> HeardPhrase:
        """What is said in a phrase's recording.

        Args:
            recording: the phrase.
            story: tells the shard and the language model.
            phrase: index of the phrase in the story.

        Raises:
            RetryLater: Kaldi cannot answer now.
            FixConfiguration: Kaldi refuses us, or no shard serves the story (`NoShard`).
        """
        answer = await self._shard_of(story).post_json(
            "/transcribe",
            Body(recording.wav(), "audio/wav"),
            {"lm": f"{story.story_id}_{phrase + 1}"},
        )
        transcript = answer.get("transcript")
        if not isinstance(transcript, str):
            raise ServiceFailure(
                "Kaldi answers without a transcript.", FailureCategory.BAD_RESPONSE
            )
        return HeardPhrase(transcript)

    def _shard_of(self, story: StoryContext) -> ServiceClient:
        tag = next((tag for tag in _SETTINGS if tag in story.tags), None)
        if tag is None:
            raise NoShard(
                f"Story {story.story_id} has no tag that names a shard of Kaldi: give it "
                f"{' or '.join(_SETTINGS)}."
            )
        if tag not in self._shards:
            raise NoShard(
                f"Story {story.story_id} needs the shard {tag} of Kaldi: set {_SETTINGS[tag]}."
            )
        return self._shards[tag]
