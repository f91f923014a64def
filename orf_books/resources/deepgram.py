"""Deepgram, which hears a whole recording and when each word was said.

Belongs here: its question, its answer and its errors. Does not belong here: retries and places
(`http.py`), what is concluded from a transcript (`orf_books/activities`).
"""

from http import HTTPStatus

import httpx
from pydantic import FiniteFloat, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from orf_books.activities.audio import Recording
from orf_books.activities.recognition import HeardWord, StoryContext, Transcript
from orf_books.failures import FailureCategory, FixInput, OrfBooksError
from orf_books.resources.http import (
    AsksService,
    Body,
    JsonObject,
    RetryPolicy,
    ServiceClient,
    ServiceFailure,
    ServiceRefusal,
    seconds_to_wait,
)

PUBLIC_URL = "https://api.deepgram.com"
WAY_OF_ASKING = 1
"""Raise it whenever `_OPTIONS` change: answers are kept by the name of the engine."""

# Words must come as they were said. So no numerals and no smart format, which write them in another
# way, and no key terms, which would turn a misread word into the expected one; and children's
# voices are not given away to train models.
_OPTIONS = {"language": "en", "filler_words": "true", "mip_opt_out": "true"}
_PASSING = frozenset({HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY})


class Deepgram(AsksService):
    """Role A: a transcript with times. Use as `async with`, from one event loop.

    Args:
        base_url: what stands before `/v1/listen`.
        key: the API key.
        user_agent: who we are.
        model: which model listens; fillers are known to the English Nova models only.
        version: of the model.
        concurrency: recordings sent at once; Deepgram allows about 100 to a project.
        deadline_seconds: how long one attempt may take, upload included.
        retry_policy: how failing requests are tried again.
    """

    is_draft = False

    def __init__(  # noqa: PLR0913 - settings, all but the address by keyword
        self,
        base_url: str = PUBLIC_URL,
        *,
        key: str,
        user_agent: str,
        model: str = "nova-3",
        version: str = "latest",
        concurrency: int = 50,
        deadline_seconds: float = 120.0,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        super().__init__(
            ServiceClient(
                "Deepgram",
                base_url,
                user_agent=user_agent,
                remedy="Check ORF_BOOKS_DEEPGRAM_KEY: the key must be valid, and its project must "
                f"have access to the model {model}.",
                headers={"Authorization": f"Token {key}"},
                retry_policy=retry_policy,
                deadline_seconds=deadline_seconds,
                connections=concurrency,
                classify=failure_in,
            )
        )
        self.engine = f"deepgram/{model}/{version}/{WAY_OF_ASKING}"
        self._options = {"model": model, "version": version, **_OPTIONS}

    async def transcribe(
        self,
        recording: Recording,
        story: StoryContext,  # noqa: ARG002 - knowing the words, it would hear what is expected
    ) -> Transcript:
        """What is said in a recording; silence is a transcript without words.

        Raises:
            RetryLater: Deepgram cannot answer now.
            FixConfiguration: it refuses the key or the model, or the project has no credit left.
            FixInput: it cannot read the recording.
        """
        body = Body(recording.wav(), "audio/wav")
        return transcript_in(await self._client.post_json("/v1/listen", body, self._options))


@dataclass(frozen=True)
class _Word:
    word: str
    start: FiniteFloat
    end: FiniteFloat
    confidence: FiniteFloat | None = None


@dataclass(frozen=True)
class _Alternative:
    words: tuple[_Word, ...] = ()


@dataclass(frozen=True)
class _Channel:
    alternatives: tuple[_Alternative, ...] = ()


@dataclass(frozen=True)
class _Results:
    channels: tuple[_Channel, ...] = ()


@dataclass(frozen=True)
class _Answer:
    results: _Results


_ANSWER = TypeAdapter(_Answer)


def transcript_in(answer: JsonObject) -> Transcript:
    """The words of the best alternative; none where there is no alternative.

    Raises:
        ServiceFailure: the answer holds no results, or words without times.
    """
    try:
        channels = _ANSWER.validate_python(answer).results.channels
    except ValidationError:
        # Its message would quote what was said.
        raise ServiceFailure(
            "Deepgram answers with something other than a transcript.",
            FailureCategory.BAD_RESPONSE,
        ) from None
    best = [alternative for channel in channels[:1] for alternative in channel.alternatives[:1]]
    return Transcript(
        tuple(
            HeardWord(word.word, word.start, word.end, word.confidence)
            for alternative in best
            for word in alternative.words
        )
    )


def failure_in(response: httpx.Response) -> OrfBooksError | None:
    """What an error means where the status alone does not tell."""
    status = response.status_code
    if status == HTTPStatus.BAD_REQUEST:
        return _bad_request(response.text.casefold())
    if status == HTTPStatus.PAYMENT_REQUIRED:
        return ServiceRefusal(
            "The Deepgram project has no credit left (HTTP 402): buy some in Deepgram's console."
        )
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return FixInput(
            "Deepgram does not take a recording of this size (HTTP 413): upload shorter ones."
        )
    if status in _PASSING:
        return ServiceFailure(
            f"Deepgram could not take in the recording (HTTP {status}).",
            FailureCategory.NETWORK,
            retry_after=seconds_to_wait(response),
        )
    return None


def _bad_request(told: str) -> OrfBooksError | None:
    """The bodies come in several shapes, so it is the words that count."""
    if "corrupt or unsupported data" in told:
        return FixInput("Deepgram cannot read the recording (HTTP 400): upload it again as WAV.")
    if "no such model" in told or "invalid_query_parameter" in told:
        return ServiceRefusal(
            "Deepgram does not know the model or an option that it is asked for (HTTP 400). "
            "Check the model that is set for it."
        )
    return None
