import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.activities.audio import Recording
from orf_books.activities.recognition import HeardWord, TranscribesRecordings, Transcript
from orf_books.failures import FailureCategory, FixConfiguration
from orf_books.resources.deepgram import Deepgram, failure_in, transcript_in
from orf_books.resources.http import RetryPolicy, ServiceFailure
from orf_books.sandbox.behaviour import DEEPGRAM_KEY, Fault, Service, Troubles
from orf_books.sandbox.deepgram import ERRORS
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

SAID = Transcript((HeardWord("the", 0.1, 0.3, 0.9), HeardWord("cat", 0.35, 0.8, 0.5)))


def deepgram(sandbox: Sandbox, **others: Any) -> Deepgram:  # noqa: ANN401
    settings: dict[str, Any] = {
        "key": DEEPGRAM_KEY,
        "user_agent": AGENT,
        "retry_policy": AT_ONCE,
    } | others
    return Deepgram(sandbox.deepgram_url, **settings)


async def transcribed(client: Deepgram, recordings: Sequence[Recording]) -> list[Transcript]:
    async with client:
        return await asyncio.gather(*(client.transcribe(each, STORY) for each in recordings))


def transcript(sandbox: Sandbox, recording: Recording) -> Transcript:
    return asyncio.run(transcribed(deepgram(sandbox), [recording]))[0]


def failure_when(sandbox: Sandbox, troubles: Troubles, **others: Any) -> tuple[str, str, int]:  # noqa: ANN401
    trouble(sandbox, Service.DEEPGRAM, troubles)
    failure = failure_of(transcribed(deepgram(sandbox, **others), [sound(1)]))
    return (*kind_of(failure), requests(sandbox))


def requests(sandbox: Sandbox) -> int:
    return sandbox.counts.requests(Service.DEEPGRAM)


def test_what_is_said_comes_with_its_times(calm: Sandbox) -> None:
    heard = {sound(1).fingerprint: SAID}
    calm.hearing.transcript = lambda recording: heard[recording.fingerprint]
    assert transcript(calm, sound(1)) == SAID
    assert calm.counts.requests(Service.DEEPGRAM, "listen") == 1


def test_fillers_are_heard(calm: Sandbox) -> None:
    calm.hearing.transcript = lambda _: Transcript((HeardWord("um", 0.0, 0.2), *SAID.words))
    assert transcript(calm, sound(1)).text == "um the cat"


def test_silence_is_a_transcript_without_words(calm: Sandbox) -> None:
    assert transcript(calm, sound(0)) == Transcript(())


def test_the_engine_names_model_and_version(calm: Sandbox) -> None:
    engine: TranscribesRecordings = deepgram(calm, model="nova-2", version="2024-01-09.0")
    assert engine.engine == "deepgram/nova-2/2024-01-09.0/1"
    assert not engine.is_draft


@pytest.mark.parametrize(
    ("error", "kind", "category", "attempts"),
    [
        ("corrupt_audio", "FixInput", "bad_data", 1),
        ("no_such_model", "FixConfiguration", "unavailable", 1),
        ("invalid_query", "FixConfiguration", "unavailable", 1),
        ("invalid_json", "RetryLater", "bad_response", 1),
        ("invalid_auth", "FixConfiguration", "unavailable", 1),
        ("no_permission", "FixConfiguration", "unavailable", 1),
        ("no_credit", "FixConfiguration", "unavailable", 1),
        ("no_access_to_model", "FixConfiguration", "unavailable", 1),
        ("upload_timeout", "RetryLater", "timeout", ATTEMPTS),
        ("conflict", "RetryLater", "network", ATTEMPTS),
        ("length_required", "RetryLater", "bad_response", 1),
        ("too_large", "FixInput", "bad_data", 1),
        ("uri_too_long", "RetryLater", "bad_response", 1),
        ("upload_interrupted", "RetryLater", "network", ATTEMPTS),
        ("too_many_requests", "RetryLater", "rate_limited", ATTEMPTS),
        ("internal", "RetryLater", "unavailable", ATTEMPTS),
        ("bad_gateway", "RetryLater", "unavailable", ATTEMPTS),
        ("unavailable", "RetryLater", "unavailable", ATTEMPTS),
        ("gateway_timeout", "RetryLater", "unavailable", ATTEMPTS),
    ],
)
def test_every_error_says_what_can_be_done_about_it(
    calm: Sandbox, error: str, kind: str, category: str, attempts: int
) -> None:
    assert failure_when(calm, Troubles(error=error)) == (kind, category, attempts)
    assert calm.counts.answers(Service.DEEPGRAM, ERRORS[error][0]) == attempts


@pytest.mark.parametrize(
    ("fault", "category", "attempts"),
    [
        (Fault.GATEWAY_TIMEOUT, "unavailable", ATTEMPTS),
        (Fault.GARBAGE, "bad_response", 2),
        (Fault.CUT, "network", ATTEMPTS),
    ],
)
def test_a_broken_answer_is_no_silence(
    calm: Sandbox, fault: Fault, category: str, attempts: int
) -> None:
    failure = failure_when(calm, Troubles(fault_rate=1.0, faults=(fault,)))
    assert failure == ("RetryLater", category, attempts)


def test_an_answer_that_takes_too_long_is_no_silence(calm: Sandbox) -> None:
    slow = Troubles(fault_rate=1.0, faults=(Fault.SLOW,), slow_seconds=0.2)
    kind, category, _ = failure_when(calm, slow, deadline_seconds=0.1)
    assert (kind, category) == ("RetryLater", "timeout")


def test_an_outage_is_no_silence(calm: Sandbox) -> None:
    trouble(calm, Service.DEEPGRAM, Troubles(down=True))
    long = sound(1, seconds=120)
    failure = failure_of(transcribed(deepgram(calm), [long]))
    assert (*kind_of(failure), requests(calm)) == ("RetryLater", "unavailable", ATTEMPTS)


def test_without_credit_nothing_more_is_sent(calm: Sandbox) -> None:
    trouble(calm, Service.DEEPGRAM, Troubles(error="no_credit"))

    async def ask() -> list[Transcript | BaseException]:
        async with deepgram(calm) as client:
            outcomes: list[Transcript | BaseException] = []
            for number in range(3):
                asking = client.transcribe(sound(number), STORY)
                outcomes += await asyncio.gather(asking, return_exceptions=True)
            return outcomes

    outcomes = asyncio.run(ask())
    assert all(isinstance(outcome, FixConfiguration) for outcome in outcomes)
    assert "credit" in str(outcomes[-1])
    assert requests(calm) == 1


def test_a_wrong_key_is_for_someone_to_fix_and_is_not_shown(calm: Sandbox) -> None:
    failure = failure_of(transcribed(deepgram(calm, key="wrong-secret"), [sound(1)]))
    assert isinstance(failure, FixConfiguration)
    assert "ORF_BOOKS_DEEPGRAM_KEY" in str(failure)
    assert "wrong-secret" not in str(failure)


def test_an_unknown_model_is_for_someone_to_fix(calm: Sandbox) -> None:
    failure = failure_of(transcribed(deepgram(calm, model="nova-99"), [sound(1)]))
    assert isinstance(failure, FixConfiguration)


def test_a_recording_without_sound_is_for_its_owner_to_mend(calm: Sandbox) -> None:
    failure = failure_of(transcribed(deepgram(calm), [Recording(b"")]))
    assert kind_of(failure) == ("FixInput", FailureCategory.BAD_DATA)


def test_failures_by_chance_cost_no_transcript(calm: Sandbox) -> None:
    calm.hearing.transcript = lambda _: SAID
    faults = (Fault.SERVER_ERROR, Fault.GATEWAY_TIMEOUT, Fault.CUT)
    trouble(calm, Service.DEEPGRAM, Troubles(fault_rate=0.3, faults=faults))
    recordings = [sound(number) for number in range(20)]
    client = deepgram(calm, retry_policy=replace(AT_ONCE, attempts=10))
    assert asyncio.run(transcribed(client, recordings)) == [SAID] * 20
    assert requests(calm) > 20


def test_no_more_recordings_are_sent_at_once_than_allowed(calm: Sandbox) -> None:
    calm.behaviour.latency_seconds = 0.1
    calm.behaviour.deepgram_concurrency = 3
    recordings = [sound(number) for number in range(12)]
    # The last ones wait for a place longer than an attempt may take.
    client = deepgram(calm, concurrency=3, deadline_seconds=0.35)
    assert len(asyncio.run(transcribed(client, recordings))) == 12
    assert calm.counts.most_at_once(Service.DEEPGRAM) == 3
    assert requests(calm) == 12


def test_those_that_are_too_many_pass_when_others_are_done(calm: Sandbox) -> None:
    calm.behaviour.latency_seconds = 0.05
    calm.behaviour.deepgram_concurrency = 2
    retry_policy = RetryPolicy(attempts=8, jitter=0.0, rate_limited_wait=0.02)
    recordings = [sound(number) for number in range(4)]
    client = deepgram(calm, retry_policy=retry_policy)
    assert len(asyncio.run(transcribed(client, recordings))) == 4
    assert calm.counts.answers(Service.DEEPGRAM, 429) > 0


@pytest.mark.parametrize(
    "results",
    [
        {},
        {"channels": []},
        {"channels": [{}]},
        {"channels": [{"alternatives": []}]},
        {"channels": [{"alternatives": [{"transcript": "", "confidence": 0.0}]}]},
        {"channels": [{"alternatives": [{"transcript": "", "words": []}]}]},
    ],
)
def test_silence_comes_in_several_shapes(results: dict[str, Any]) -> None:
    assert transcript_in({"metadata": {}, "results": results}) == Transcript(())


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"request_id": "0b5a"},
        {"results": "secretword"},
        {"results": {"channels": [{"alternatives": [{"words": [{"word": "secretword"}]}]}]}},
    ],
)
def test_an_answer_without_a_transcript_is_no_silence_and_is_not_quoted(
    answer: dict[str, Any],
) -> None:
    with pytest.raises(ServiceFailure) as caught:
        transcript_in(answer)
    assert caught.value.category is FailureCategory.BAD_RESPONSE
    assert "secretword" not in str(caught.value)
    assert caught.value.__suppress_context__


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["results", "channels", "alternatives", "words", "word", "start"])
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["results", "metadata"]), _JSON))
def test_whatever_comes_is_a_transcript_or_a_failure_of_the_service(answer: dict[str, Any]) -> None:
    with suppress(ServiceFailure):
        assert isinstance(transcript_in(answer), Transcript)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"err_code": null}', b"\xff"])
def test_what_a_body_does_not_tell_is_left_to_the_status(body: bytes) -> None:
    assert failure_in(httpx.Response(400, content=body)) is None
    assert failure_in(httpx.Response(503, content=body)) is None
