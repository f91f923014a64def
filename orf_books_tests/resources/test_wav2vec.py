import asyncio
from typing import Any

import pytest

from orf_books.activities.audio import Recording
from orf_books.activities.recognition import Alphabet, HeardPhrase, HearsPhrases
from orf_books.resources.wav2vec import LONGEST_SECONDS, Wav2vec
from orf_books.sandbox.behaviour import Fault, Service, Troubles
from orf_books.sandbox.server import Sandbox
from orf_books_tests.resources.conftest import (
    AGENT,
    AT_ONCE,
    ATTEMPTS,
    STORY,
    failure_of,
    kind_of,
    sound,
    trouble,
)


def wav2vec(sandbox: Sandbox, **others: Any) -> Wav2vec:  # noqa: ANN401
    settings: dict[str, Any] = {"user_agent": AGENT, "retry_policy": AT_ONCE} | others
    return Wav2vec(sandbox.wav2vec_url, **settings)


async def heard(client: Wav2vec, recording: Recording) -> HeardPhrase:
    async with client:
        return await client.hear(recording, STORY, 0)


def failure_when(sandbox: Sandbox, troubles: Troubles, **others: Any) -> tuple[str, str, int]:  # noqa: ANN401
    trouble(sandbox, Service.WAV2VEC, troubles)
    failure = failure_of(heard(wav2vec(sandbox, **others), sound(1)))
    return (*kind_of(failure), sandbox.counts.requests(Service.WAV2VEC))


def test_every_sample_arrives_and_the_phonemes_come_back(calm: Sandbox) -> None:
    loudest = (32_767).to_bytes(2, "little", signed=True) + sound(-32_768).pcm + sound(1).pcm
    said = {Recording(loudest): "hɛlo wɝld"}
    calm.hearing.phonemes = lambda recording: said[recording]
    answer = asyncio.run(heard(wav2vec(calm), Recording(loudest)))
    assert answer == HeardPhrase("hɛlo wɝld", Alphabet.PHONEMES)


def test_silence_is_an_empty_phrase(calm: Sandbox) -> None:
    answer = asyncio.run(heard(wav2vec(calm), sound(0)))
    assert answer == HeardPhrase("", Alphabet.PHONEMES)


def test_a_long_phrase_is_cut(calm: Sandbox) -> None:
    seconds: list[float] = []

    def listen(recording: Recording) -> str:
        seconds.append(recording.seconds)
        return ""

    calm.hearing.phonemes = listen
    asyncio.run(heard(wav2vec(calm), sound(1, seconds=LONGEST_SECONDS + 1)))
    assert seconds == [LONGEST_SECONDS]


def test_the_engine_names_its_version(calm: Sandbox) -> None:
    engine: HearsPhrases = wav2vec(calm, version="base-960h")
    assert engine.engine == "wav2vec/base-960h"
    assert not engine.is_draft


@pytest.mark.parametrize(
    ("troubles", "kind", "category", "attempts"),
    [
        (Troubles(down=True), "RetryLater", "unavailable", ATTEMPTS),
        (Troubles(error="too_many_requests"), "RetryLater", "rate_limited", ATTEMPTS),
        (Troubles(error="refused"), "FixConfiguration", "unavailable", 1),
        (Troubles(error="bad_request"), "RetryLater", "bad_response", 1),
        (Troubles(error="failed"), "RetryLater", "bad_response", 1),
        (Troubles(error="no_status"), "RetryLater", "bad_response", 1),
        (Troubles(error="nothing_said"), "RetryLater", "bad_response", 1),
        (Troubles(error="no_text"), "RetryLater", "bad_response", 1),
        (Troubles(fault_rate=1, faults=(Fault.SERVER_ERROR,)), "RetryLater", "unavailable", 4),
        (Troubles(fault_rate=1, faults=(Fault.GATEWAY_TIMEOUT,)), "RetryLater", "unavailable", 4),
        (Troubles(fault_rate=1, faults=(Fault.GARBAGE,)), "RetryLater", "bad_response", 2),
        (Troubles(fault_rate=1, faults=(Fault.CUT,)), "RetryLater", "network", ATTEMPTS),
    ],
)
def test_only_what_may_pass_is_asked_for_again(
    calm: Sandbox, troubles: Troubles, kind: str, category: str, attempts: int
) -> None:
    assert failure_when(calm, troubles) == (kind, category, attempts)


def test_a_phrase_that_takes_too_long_is_no_silence(calm: Sandbox) -> None:
    slow = Troubles(fault_rate=1.0, faults=(Fault.SLOW,), slow_seconds=0.2)
    kind, category, _ = failure_when(calm, slow, deadline_seconds=0.1)
    assert (kind, category) == ("RetryLater", "timeout")
