import asyncio
import logging
import traceback
from typing import Any

import pytest

from orf_books.failures import OrfBooksError
from orf_books.resources.dagster_resources import SlackResource
from orf_books.resources.http import RetryPolicy
from orf_books.resources.slack import Slack
from orf_books.sandbox.behaviour import Fault, Service, Troubles
from orf_books.sandbox.server import Sandbox
from orf_books.sandbox.slack import ERRORS
from orf_books_tests.resources.conftest import (
    AGENT,
    AT_ONCE,
    ATTEMPTS,
    failure_of,
    kind_of,
    trouble,
)

SECRET = "sandbox-secret"


def slack(sandbox: Sandbox, **others: Any) -> Slack:  # noqa: ANN401
    settings: dict[str, Any] = {"user_agent": AGENT, "retry_policy": AT_ONCE} | others
    return Slack(settings.pop("webhook", sandbox.slack_webhook), **settings)


async def post(client: Slack, *texts: str) -> None:
    async with client:
        for text in texts:
            await client.post(text)


def failure_when(sandbox: Sandbox, troubles: Troubles, **others: Any) -> OrfBooksError:  # noqa: ANN401
    trouble(sandbox, Service.SLACK, troubles)
    return failure_of(post(slack(sandbox, **others), "text"))


def requests(sandbox: Sandbox) -> int:
    return sandbox.counts.requests(Service.SLACK)


def test_a_message_is_posted_once(calm: Sandbox) -> None:
    asyncio.run(post(slack(calm), "first", "second <>"))
    assert calm.messages == ["first", "second <>"]


@pytest.mark.parametrize(
    ("error", "kind", "category", "attempts"),
    [
        ("invalid_payload", "RetryLater", "bad_response", 1),
        ("no_text", "RetryLater", "bad_response", 1),
        ("invalid_blocks", "RetryLater", "bad_response", 1),
        ("user_not_found", "FixConfiguration", "unavailable", 1),
        ("action_prohibited", "FixConfiguration", "unavailable", 1),
        ("invalid_token", "FixConfiguration", "unavailable", 1),
        ("channel_not_found", "FixConfiguration", "unavailable", 1),
        ("no_service", "FixConfiguration", "unavailable", 1),
        ("no_team", "FixConfiguration", "unavailable", 1),
        ("channel_is_archived", "FixConfiguration", "unavailable", 1),
        ("rate_limited", "RetryLater", "rate_limited", ATTEMPTS),
        ("rollup_error", "RetryLater", "unavailable", ATTEMPTS),
        ("not_ok", "RetryLater", "bad_response", 1),
    ],
)
def test_every_error_says_what_can_be_done_about_it(
    calm: Sandbox, error: str, kind: str, category: str, attempts: int
) -> None:
    failure = failure_when(calm, Troubles(error=error))
    assert (*kind_of(failure), requests(calm)) == (kind, category, attempts)
    assert calm.counts.answers(Service.SLACK, ERRORS[error]) == attempts
    if kind == "FixConfiguration":
        assert error in str(failure)
        assert "ORF_BOOKS_SLACK_WEBHOOK" in str(failure)


@pytest.mark.parametrize(
    ("troubles", "category", "attempts"),
    [
        (Troubles(down=True), "unavailable", ATTEMPTS),
        (Troubles(fault_rate=1, faults=(Fault.GATEWAY_TIMEOUT,)), "unavailable", ATTEMPTS),
        (Troubles(fault_rate=1, faults=(Fault.GARBAGE,)), "bad_response", 1),
        (Troubles(fault_rate=1, faults=(Fault.CUT,)), "network", 1),
    ],
)
def test_a_message_that_may_have_arrived_is_not_sent_again(
    calm: Sandbox, troubles: Troubles, category: str, attempts: int
) -> None:
    failure = failure_when(calm, troubles)
    assert (*kind_of(failure), requests(calm)) == ("RetryLater", category, attempts)


def test_a_message_whose_answer_is_late_is_not_sent_again(calm: Sandbox) -> None:
    slow = Troubles(fault_rate=1.0, faults=(Fault.SLOW,), slow_seconds=0.3)
    failure = failure_when(calm, slow, deadline_seconds=0.2)
    assert (*kind_of(failure), requests(calm)) == ("RetryLater", "timeout", 1)


def test_a_slack_that_cannot_be_reached_is_tried_again(calm: Sandbox) -> None:
    client = slack(calm, webhook=f"http://127.0.0.1:9/{SECRET}")
    assert kind_of(failure_of(post(client, "text"))) == ("RetryLater", "network")
    assert client.requests == ATTEMPTS


def test_slack_is_asked_as_slowly_as_it_wants(calm: Sandbox) -> None:
    calm.behaviour.enforce_limits = True
    asyncio.run(post(slack(calm, retry_policy=RetryPolicy(jitter=0.1)), "first", "second"))
    assert calm.messages == ["first", "second"]
    assert calm.counts.answers(Service.SLACK, 429) == 1


@pytest.mark.parametrize(
    "troubles",
    [
        Troubles(),
        Troubles(down=True),
        Troubles(error="no_service"),
        Troubles(error="invalid_payload"),
        Troubles(error="not_ok"),
        Troubles(fault_rate=1, faults=(Fault.CUT,)),
        Troubles(fault_rate=1, faults=(Fault.SLOW,), slow_seconds=0.1),
    ],
)
def test_nothing_shows_the_address(
    calm: Sandbox, troubles: Troubles, caplog: pytest.LogCaptureFixture
) -> None:
    trouble(calm, Service.SLACK, troubles)
    shown = ""
    with caplog.at_level(logging.DEBUG):
        try:
            asyncio.run(post(slack(calm, deadline_seconds=0.05), "text"))
        except OrfBooksError as failure:
            shown = "".join(traceback.format_exception(failure)) + repr(failure)
    assert "POST http://127.0.0.1" in caplog.text or "took more than" in shown
    assert SECRET not in caplog.text + shown
    assert "T00000000" not in caplog.text + shown


def test_a_run_is_a_link_where_the_page_is_known() -> None:
    assert SlackResource().name_of_run("run-1") == "`run-1`"
    linked = SlackResource(page_url="https://page.test").name_of_run("run-1")
    assert linked == "<https://page.test/runs/run-1|run-1>"
