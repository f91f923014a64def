"""Keeps other web pages away from the Dagster page, which knows no users and trusts its callers.

Belongs here: which requests may pass. Does not belong here: the page itself
(`dagster_internals/webserver.py`) and what a run may do (`resources/process_resource.py`).

Browsers let any web page send requests to this machine. The stock page answers for every host name
(so that a hostile name that resolves to 127.0.0.1 can read it), ignores where a request comes from,
and executes mutations sent by GET (so that an image tag can start a run).
"""

from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_NAMES = ("127.0.0.1", "::1", "localhost")
GRAPHQL = "/graphql"
_CROSS_SITE = ("cross-site", "same-site")
_POLICY_VIOLATION = 1008


class PageGuard:
    """ASGI middleware that refuses what no tab of the page itself and no local program would send.

    Args:
        app: the page.
        host_names: names under which the page is opened, without ports.
    """

    def __init__(self, app: ASGIApp, host_names: Collection[str] = LOOPBACK_NAMES) -> None:
        self._app = app
        self._host_names = frozenset(host_names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        refusal = self._refusal(scope) if scope["type"] in {"http", "websocket"} else None
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            status, message = refusal
            await PlainTextResponse(f"{message}\n", status)(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or _name(hosts[0]) not in self._host_names:
            names = " or ".join(sorted(self._host_names))
            return HTTPStatus.MISDIRECTED_REQUEST, f"Open this page as {names}."
        if any(origin != f"http://{hosts[0]}" for origin in origins):
            return HTTPStatus.FORBIDDEN, "Requests of other web pages are refused."
        is_websocket = scope["type"] == "websocket"
        if _is_of_another_site(headers) and (is_websocket or not _opens_a_tab(scope, headers)):
            return HTTPStatus.FORBIDDEN, "Requests of other web pages are refused."
        if not is_websocket and _is_query_by_get(scope, headers):
            return HTTPStatus.METHOD_NOT_ALLOWED, "Send GraphQL by POST."
        return None


def _name(host: str) -> str | None:
    """The name in a `Host` header, in lower case and without the port; None if it is malformed."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_of_another_site(headers: Headers) -> bool:
    """What current browsers say even where they send no `Origin`."""
    return headers.get("sec-fetch-site") in _CROSS_SITE


def _opens_a_tab(scope: Scope, headers: Headers) -> bool:
    """A link to the page, from an e-mail or a chat, which reads nothing for others."""
    return (
        scope["method"] == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _is_query_by_get(scope: Scope, headers: Headers) -> bool:
    """Anything but the editor at `/graphql`, which is a page and executes nothing by itself."""
    path = scope["path"].rstrip("/")
    return (
        path.endswith(GRAPHQL)
        and scope["method"] != "POST"
        and "text/html" not in headers.get("accept", "")
    )
