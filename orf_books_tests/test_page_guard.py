import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message, Scope

from orf_books.page_guard import PageGuard

PAGE = "http://127.0.0.1:3000"
MUTATION = 'mutation { launchRun(executionParams: "…") { __typename } }'
OF_THE_PAGE = {"Origin": PAGE, "Sec-Fetch-Site": "same-origin"}
ELSEWHERE = "https://elsewhere.test"


async def _passed(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("passed")


GUARDED = PageGuard(Starlette(routes=[Route("/{path:path}", _passed, methods=["GET", "POST"])]))


def answer(method: str, path: str, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(GUARDED)
        async with httpx.AsyncClient(transport=transport, base_url=PAGE) as client:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, headers=sent)

    return asyncio.run(ask())


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost:3000", "LOCALHOST", "[::1]:8080"])
def test_the_page_answers_under_its_own_names(host: str) -> None:
    assert answer("GET", "/runs", Host=host).text == "passed"
    assert answer("POST", "/graphql", Host=host, Origin=f"http://{host}").text == "passed"


@pytest.mark.parametrize(
    "host", ["elsewhere.test", "127.0.0.1.elsewhere.test:3000", "0.0.0.0:3000", "", "[", "a@b@"]
)
@pytest.mark.parametrize("path", ["/", "/graphql", "/server_info"])
def test_a_foreign_name_that_resolves_to_this_machine_reads_nothing(host: str, path: str) -> None:
    refused = answer("GET", path, Host=host, Accept="text/html")
    assert refused.status_code == 421
    assert "Open this page as 127.0.0.1" in refused.text


@pytest.mark.parametrize(
    "origin",
    [ELSEWHERE, "null", "https://127.0.0.1:3000", "http://127.0.0.1:3001", "http://localhost:3000"],
)
@pytest.mark.parametrize("path", ["/graphql", "/report_asset_materialization/dashboard"])
def test_other_pages_cannot_post(origin: str, path: str) -> None:
    assert answer("POST", path, Origin=origin).status_code == 403


@pytest.mark.parametrize("destination", ["image", "script", "iframe", "empty"])
def test_other_pages_cannot_embed_the_page_or_load_anything_of_it(destination: str) -> None:
    of_browser = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": destination}
    assert answer("GET", "/runs", Sec_Fetch_Mode="no-cors", **of_browser).status_code == 403
    assert answer("GET", "/runs", Sec_Fetch_Mode="navigate", **of_browser).status_code == 403


def test_a_link_elsewhere_opens_the_page() -> None:
    of_browser = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "document"}
    assert answer("GET", "/runs/1", Sec_Fetch_Mode="navigate", **of_browser).text == "passed"


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/prefix/graphql", "/graph%71l"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_mutation_is_executed_by_get(path: str, method: str) -> None:
    assert answer(method, f"{path}?query={MUTATION}", Accept="*/*").status_code == 405


def test_the_editor_of_queries_opens() -> None:
    assert answer("GET", "/graphql", Accept="text/html,*/*").text == "passed"


def test_local_programs_may_post() -> None:
    assert answer("POST", "/graphql").text == "passed"
    assert answer("POST", "/graphql", **OF_THE_PAGE).text == "passed"


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"host": "127.0.0.1:3000", "origin": PAGE}, True),
        ({"host": "127.0.0.1:3000", "origin": ELSEWHERE}, False),
        ({"host": "elsewhere.test", "origin": "http://elsewhere.test"}, False),
        ({"host": "127.0.0.1:3000", "sec-fetch-site": "cross-site"}, False),
        ({}, False),
    ],
)
def test_websockets_open_for_the_page_only(headers: dict[str, str], *, passes: bool) -> None:
    sent: list[Message] = []
    reached: list[Scope] = []

    async def page(scope: Scope, *_: object) -> None:
        reached.append(scope)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "websocket", "path": "/graphql", "headers": encoded}
    asyncio.run(PageGuard(page)(scope, receive, send))
    assert bool(reached) is passes
    assert [message["type"] for message in sent] == ([] if passes else ["websocket.close"])
