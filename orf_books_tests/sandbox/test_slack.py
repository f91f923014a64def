import httpx
import pytest

from orf_books.sandbox.behaviour import Service, Troubles
from orf_books.sandbox.server import Sandbox
from orf_books.sandbox.slack import ERRORS


def test_a_message_is_taken_with_a_plain_word(sandbox: Sandbox) -> None:
    sandbox.messages.clear()
    answer = httpx.post(sandbox.slack_webhook, json={"text": "done"})
    assert (answer.text, answer.headers["Content-Type"].split(";")[0]) == ("ok", "text/plain")
    assert sandbox.messages == ["done"]
    assert httpx.get(f"{sandbox.url}/sandbox/messages").json() == ["done"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "invalid_payload"),
        (b"{}", "no_text"),
        (b"[]", "no_text"),
        (b'{"text": ""}', "no_text"),
    ],
)
def test_what_is_no_message_is_refused(sandbox: Sandbox, body: bytes, text: str) -> None:
    answer = httpx.post(sandbox.slack_webhook, content=body)
    assert (answer.status_code, answer.text) == (400, text)


def test_another_webhook_is_unknown(sandbox: Sandbox) -> None:
    answer = httpx.post(sandbox.slack_webhook + "x", json={"text": "done"})
    assert (answer.status_code, answer.text) == (404, "no_service")


def test_the_hasty_are_told_how_long_to_wait(sandbox: Sandbox) -> None:
    sandbox.behaviour.enforce_limits = True
    answers = [httpx.post(sandbox.slack_webhook, json={"text": "done"}) for _ in range(3)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"] == "1"


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_plain_words(sandbox: Sandbox, name: str) -> None:
    sandbox.behaviour.services = {Service.SLACK: Troubles(error=name)}
    answer = httpx.post(sandbox.slack_webhook, json={"text": "done"})
    assert (answer.status_code, answer.text) == (ERRORS[name], name)
