"""wav2vec, which writes down the phonemes of a phrase.

It is asked

    POST <base>/transcribe

with 16,000 samples a second as little-endian 32-bit floats from -1 to 1, one channel, at most 70 s,
as `application/octet-stream`, and answers `{"status": "success", "transcription": "hɛlo wɝld"}` in
the vendor's alphabet, empty for silence. Does not belong here: retries (`http.py`), what the
phonemes mean (`orf_books/activities/phonemes.py`).
"""

from orf_books.activities.audio import BYTES_PER_SAMPLE, SAMPLES_PER_SECOND, Recording
from orf_books.activities.recognition import Alphabet, HeardPhrase, StoryContext
from orf_books.failures import FailureCategory
from orf_books.resources.http import AsksService, Body, RetryPolicy, ServiceClient, ServiceFailure

LONGEST_SECONDS = 70
_LONGEST_BYTES = LONGEST_SECONDS * SAMPLES_PER_SECOND * BYTES_PER_SAMPLE
_FULL_SCALE = 2**15


class Wav2vec(AsksService):
    """Role W: the phonemes of a phrase. Use as `async with`, from one event loop.

    Args:
        base_url: what stands before `/transcribe`.
        user_agent: who we are.
        version: of the model; answers are kept by it.
        concurrency: phrases sent at once.
        deadline_seconds: how long one attempt may take.
        retry_policy: how failing requests are tried again.
    """

    is_draft = False

    def __init__(  # noqa: PLR0913 - settings, all but the address by keyword
        self,
        base_url: str,
        *,
        user_agent: str,
        version: str = "1",
        concurrency: int = 50,
        deadline_seconds: float = 30.0,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        super().__init__(
            ServiceClient(
                "wav2vec",
                base_url,
                user_agent=user_agent,
                is_ours=True,
                remedy="Check ORF_BOOKS_WAV2VEC_URL.",
                retry_policy=retry_policy,
                deadline_seconds=deadline_seconds,
                connections=concurrency,
            )
        )
        self.engine = f"wav2vec/{version}"

    async def hear(
        self,
        recording: Recording,
        story: StoryContext,  # noqa: ARG002 - it writes down what it hears, whatever is expected
        phrase: int,  # noqa: ARG002
    ) -> HeardPhrase:
        """What is said in the first 70 s of a phrase's recording, in phonemes.

        Raises:
            RetryLater: wav2vec cannot answer now.
            FixConfiguration: it refuses us.
        """
        body = Body(_floats(recording), "application/octet-stream")
        answer = await self._client.post_json("/transcribe", body)
        transcription = answer.get("transcription")
        if answer.get("status") != "success" or not isinstance(transcription, str):
            raise ServiceFailure(
                "wav2vec answers without a transcription.", FailureCategory.BAD_RESPONSE
            )
        return HeardPhrase(transcription, Alphabet.PHONEMES)


def _floats(recording: Recording) -> bytes:
    import numpy as np

    samples = np.frombuffer(recording.pcm[:_LONGEST_BYTES], dtype="<i2")
    return (samples.astype("<f4") / _FULL_SCALE).tobytes()
