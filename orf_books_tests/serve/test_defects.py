"""What a client of the HTTP interface is told of a defect."""

import asyncio
from uuid import uuid4

import httpx

from orf_books.resources.storage import ObjectStorage
from orf_books.serve.api import ServeOptions, build_app
from orf_books.serve.libraries import ServedLibraries, Status
from orf_books.settings import Settings
from orf_books_tests.serve.served import PlatformHere


class BrokenLibraries(ServedLibraries):
    def status(self, library: str) -> Status | None:
        raise KeyError(library, "what a reader wrote")


def test_a_defect_is_an_error_like_any_other_and_quotes_nothing(
    settings: Settings, folder: ObjectStorage
) -> None:
    app = build_app(BrokenLibraries(folder), PlatformHere(settings), ServeOptions(()))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get(f"/status/{uuid4()}")

    answer = asyncio.run(ask())
    assert answer.status_code == 500
    assert answer.json().keys() == {"detail"}
    assert "what a reader wrote" not in answer.text
