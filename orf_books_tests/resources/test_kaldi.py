import asyncio
from dataclasses import replace
from typing import Any

import pytest

from orf_books.activities.audio import Recording
from orf_books.activities.recognition import Alphabet, HeardPhrase, HearsPhrases, StoryContext
from orf_books.failures import FixConfiguration
from orf_books.resources.kaldi import GENERAL_TAG, PARTNER_TAG, Kaldi, NoShard
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


def kaldi(sandbox: Sandbox, **others: Any) -> Kaldi:  # noqa: ANN401
    settings: dict[str, Any] = {
        "general_url": sandbox.kaldi_general_url,
        "partner_url": sandbox.kaldi_partner_url,
        "user_agent": AGENT,
        "retry_policy": AT_ONCE,
    }
    return Kaldi(**settings | others)


async def heard(
    client: Kaldi, recording: Recording, story: StoryContext = STORY, phrase: int = 0
) -> HeardPhrase:
    async with client:
        return await client.hear(recording, story, phrase)


def failure_when(sandbox: Sandbox, troubles: Troubles, **others: Any) -> tuple[str, str, int]:  # noqa: ANN401
    trouble(sandbox, Service.KALDI, troubles)
    failure = failure_of(heard(kaldi(sandbox, **others), sound(1)))
    return (*kind_of(failure), requests(sandbox))


def requests(sandbox: Sandbox, shard: str | None = None) -> int:
    return sandbox.counts.requests(Service.KALDI, shard)


def test_a_phrase_is_heard_with_the_language_model_made_for_it(calm: Sandbox) -> None:
    said = {(sound(1), f"{STORY.story_id}_3"): "the bat"}
    calm.hearing.words = lambda recording, model: said[recording, model]
    answer = asyncio.run(heard(kaldi(calm), sound(1), phrase=2))
    assert answer == HeardPhrase("the bat", Alphabet.WORDS)


def test_silence_is_an_empty_phrase(calm: Sandbox) -> None:
    assert asyncio.run(heard(kaldi(calm), sound(0))).text == ""


@pytest.mark.parametrize(
    ("tags", "shard"),
    [
        ((GENERAL_TAG,), "general"),
        (("GRADE_2", PARTNER_TAG), "partner"),
        ((PARTNER_TAG, GENERAL_TAG), "general"),
    ],
)
def test_the_tags_of_a_story_tell_its_shard(
    calm: Sandbox, tags: tuple[str, ...], shard: str
) -> None:
    asyncio.run(heard(kaldi(calm), sound(1), replace(STORY, tags=tags)))
    assert requests(calm, shard) == requests(calm) == 1


@pytest.mark.parametrize(
    ("tags", "others", "wanted"),
    [
        (("KALDI_SHARD_PARTNER_2",), {}, PARTNER_TAG),
        ((), {}, GENERAL_TAG),
        ((PARTNER_TAG,), {"partner_url": None}, "ORF_BOOKS_KALDI_PARTNER_URL"),
        ((GENERAL_TAG,), {"general_url": None}, "ORF_BOOKS_KALDI_GENERAL_URL"),
    ],
)
def test_a_story_without_a_shard_names_what_is_missing_and_nothing_is_asked(
    calm: Sandbox, tags: tuple[str, ...], others: dict[str, None], wanted: str
) -> None:
    failure = failure_of(heard(kaldi(calm, **others), sound(1), replace(STORY, tags=tags)))
    assert isinstance(failure, NoShard)
    assert isinstance(failure, FixConfiguration)
    assert STORY.story_id in str(failure)
    assert wanted in str(failure)
    assert requests(calm) == 0


@pytest.mark.parametrize("end", ["", "/"])
def test_an_address_may_end_with_a_slash(calm: Sandbox, end: str) -> None:
    asyncio.run(heard(kaldi(calm, general_url=calm.kaldi_general_url + end), sound(1)))
    assert calm.counts.answers(Service.KALDI, 200) == 1


def test_requests_of_all_shards_are_counted(calm: Sandbox) -> None:
    async def ask() -> int:
        async with kaldi(calm) as client:
            for tag in (GENERAL_TAG, PARTNER_TAG):
                await client.hear(sound(1), replace(STORY, tags=(tag,)), 0)
            return client.requests

    assert asyncio.run(ask()) == 2


def test_the_engine_names_its_version(calm: Sandbox) -> None:
    engine: HearsPhrases = kaldi(calm, version="7")
    assert engine.engine == "kaldi/7"
    assert not engine.is_draft


@pytest.mark.parametrize(
    ("troubles", "kind", "category", "attempts"),
    [
        (Troubles(down=True), "RetryLater", "unavailable", ATTEMPTS),
        (Troubles(error="too_many_requests"), "RetryLater", "rate_limited", ATTEMPTS),
        (Troubles(error="refused"), "FixConfiguration", "unavailable", 1),
        (Troubles(error="bad_request"), "RetryLater", "bad_response", 1),
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


def test_a_service_that_is_not_there_is_no_silence(calm: Sandbox) -> None:
    client = kaldi(calm, general_url="http://127.0.0.1:9")
    assert kind_of(failure_of(heard(client, sound(1)))) == ("RetryLater", "network")


def test_trouble_with_one_service_leaves_the_others_alone(calm: Sandbox) -> None:
    trouble(calm, Service.WAV2VEC, Troubles(down=True))
    assert asyncio.run(heard(kaldi(calm), sound(1))).text == ""


def test_a_refusal_names_the_setting_of_the_shard(calm: Sandbox) -> None:
    trouble(calm, Service.KALDI, Troubles(error="refused"))
    story = replace(STORY, tags=(PARTNER_TAG,))
    failure = failure_of(heard(kaldi(calm), sound(1), story))
    assert "ORF_BOOKS_KALDI_PARTNER_URL" in str(failure)
