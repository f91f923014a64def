"""Slack, which receives through a webhook how a batch went.

Belongs here: posting, and what Slack's errors mean. Does not belong here: what messages say
(`orf_books/batches/messages.py`). A message that fails does not fail its batch.
"""

import re
from http import HTTPStatus

import httpx

from orf_books.failures import FailureCategory, OrfBooksError
from orf_books.resources.http import (
    NO_RETRY,
    AsksService,
    Body,
    RetryPolicy,
    ServiceClient,
    ServiceFailure,
    ServiceRefusal,
    seconds_to_wait,
)

_TAKEN = "ok"
_GONE = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_REASON = re.compile(r"[a-z_]{1,40}")


class Slack(AsksService):
    """Posts messages to one channel. Use as `async with`, from one event loop.

    Args:
        webhook: the address from Slack; a secret, because whoever knows it can post.
        user_agent: who we are.
        retry_policy: how failing requests are tried again.
        deadline_seconds: how long one attempt may take.
    """

    def __init__(
        self,
        webhook: str,
        *,
        user_agent: str,
        retry_policy: RetryPolicy | None = None,
        deadline_seconds: float = 10.0,
    ) -> None:
        super().__init__(
            ServiceClient(
                "Slack",
                webhook,
                user_agent=user_agent,
                secret_address=True,
                retry_policy=retry_policy,
                deadline_seconds=deadline_seconds,
                classify=failure_in,
            )
        )

    async def post(self, text: str) -> None:
        """Post a message, in Slack's own markup.

        Raises:
            RetryLater: Slack could not accept it now, or did not say whether it did.
            FixConfiguration: the webhook or its channel is gone.
        """
        # One attempt where the message may have arrived: a second would show it twice.
        answer = await self._client.post_text("", Body.of_json({"text": text}), attempts=1)
        if answer.strip() != _TAKEN:
            raise ServiceFailure("Slack did not confirm the message.", FailureCategory.BAD_RESPONSE)


def failure_in(response: httpx.Response) -> OrfBooksError | None:
    """What an error means; its text is one word that says why."""
    status, text = response.status_code, response.text.strip()
    reason = f"HTTP {status}" + (f", {text}" if _REASON.fullmatch(text) else "")
    if status in _GONE or text == "user_not_found":
        return ServiceRefusal(
            f"Slack's webhook cannot be used any more ({reason}): make a new one and set "
            "ORF_BOOKS_SLACK_WEBHOOK."
        )
    if response.is_server_error:
        return ServiceFailure(
            f"Slack is unavailable ({reason}).",
            FailureCategory.UNAVAILABLE,
            retry_after=seconds_to_wait(response),
            one_question_may_be_the_cause=False,
        )
    if status == HTTPStatus.BAD_REQUEST:
        return ServiceFailure(
            f"Slack does not accept the message ({reason}).",
            FailureCategory.BAD_RESPONSE,
            retries=NO_RETRY,
        )
    return None
