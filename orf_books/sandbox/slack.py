"""Slack as a local server: one incoming webhook, and the messages that came through it.

Belongs here: the endpoint and its plain-text errors. Does not belong here: outages and counting
(`front_door.py`).
"""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from orf_books.sandbox.behaviour import Behaviour, Counts, Service
from orf_books.sandbox.front_door import FrontDoor
from orf_books.sandbox.limits import Window

WEBHOOK_PATH = "/services/T00000000/B00000000/sandbox-secret"
SECONDS_BETWEEN_MESSAGES = 1

ERRORS: dict[str, int] = {
    "invalid_payload": 400,
    "no_text": 400,
    "invalid_blocks": 400,
    "user_not_found": 400,
    "action_prohibited": 403,
    "invalid_token": 403,
    "channel_not_found": 404,
    "no_service": 404,
    "no_team": 404,
    "channel_is_archived": 410,
    "rate_limited": 429,
    "rollup_error": 500,
    "not_ok": 200,
}
"""What `Troubles.error` may be: the text, and the status that it comes with."""


def slack_app(messages: list[str], behaviour: Behaviour, counts: Counts) -> Starlette:
    """Slack, adding to `messages`."""
    front_door = Middleware(
        FrontDoor, rules=SlackRules(behaviour), behaviour=behaviour, counts=counts
    )

    async def take(request: Request) -> Response:
        try:
            payload = await request.json()
        except ValueError:
            return _error("invalid_payload")
        text = payload.get("text") if isinstance(payload, dict) else None
        if not isinstance(text, str) or not text:
            return _error("no_text")
        messages.append(text)
        return PlainTextResponse("ok")

    return Starlette(routes=[Route(WEBHOOK_PATH, take, methods=["POST"])], middleware=[front_door])


class SlackRules:
    """Whom Slack refuses."""

    service = Service.SLACK

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._messages = Window(SECONDS_BETWEEN_MESSAGES)

    def endpoint(self, _path: str) -> str:
        """`webhook`; a path is a secret."""
        return "webhook"

    async def refusal(self, path: str, _request: Request) -> Response | None:
        """The error that is set, 404 for another webhook, 429 for the hasty; otherwise None."""
        if name := self._behaviour.of(self.service).error:
            return _error(name)
        if path != WEBHOOK_PATH:
            return _error("no_service")
        if self._behaviour.enforce_limits and not self._messages.admits(1):
            return _error("rate_limited")
        return None


def _error(name: str) -> Response:
    is_hasty = name == "rate_limited"
    headers = {"Retry-After": str(SECONDS_BETWEEN_MESSAGES)} if is_hasty else None
    return PlainTextResponse(name, ERRORS[name], headers)
