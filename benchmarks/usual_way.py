"""How many book tools look a library up: one book at a time, and a 429 is a book without genres.

Belongs here: a baseline for other benchmarks, asyncio and aiohttp with connections kept open and
gzip, but without batches, pacing and retries. Does not belong here: anything of the platform but
its map of genres, so that both ways are measured by the same rule.
"""

import asyncio
import csv
import io
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp

from orf_books.books.genres import genres_from_headings

BOOKS_AT_ONCE = 15
USER_AGENT = "usual_way/1.0 (benchmark@localhost)"

JsonObject = dict[str, Any]


@dataclass(slots=True)
class FoundBook:
    """What was found of one book."""

    goodreads_id: str
    genres: tuple[str, ...] = ()
    was_refused: bool = False
    """Whether a service answered 429 to one of its requests."""


@dataclass(slots=True)
class _OneByOne:
    client: aiohttp.ClientSession
    open_library: str
    google_books: str
    google_key: str
    places: asyncio.Semaphore
    done: list[FoundBook] = field(default_factory=list)

    async def look_up(self, row: dict[str, str]) -> None:
        """Everything about one book."""
        async with self.places:
            book = FoundBook(row["Book Id"])
            subjects = await self._subjects(row, book)
            categories = await self._categories(row, book)
            book.genres = genres_from_headings([subjects, categories])
            self.done.append(book)

    async def _subjects(self, row: dict[str, str], book: FoundBook) -> list[str]:
        work = await self._work_by_isbn(row, book) if _isbn(row) else None
        work = work or await self._work_by_title(row, book)
        if work is None:
            return []
        record = await self._get(book, f"{self.open_library}{work}.json", {})
        return list(record.get("subjects", []))

    async def _work_by_isbn(self, row: dict[str, str], book: FoundBook) -> str | None:
        edition = await self._get(book, f"{self.open_library}/isbn/{_isbn(row)}.json", {})
        works = edition.get("works", [])
        return str(works[0]["key"]) if works else None

    async def _work_by_title(self, row: dict[str, str], book: FoundBook) -> str | None:
        asked = {"title": row["Title"], "author": row["Author"], "fields": "key", "limit": "1"}
        answer = await self._get(book, f"{self.open_library}/search.json", asked)
        works = answer.get("docs", [])
        return str(works[0]["key"]) if works else None

    async def _categories(self, row: dict[str, str], book: FoundBook) -> list[str]:
        by_title = f'intitle:"{row["Title"]}" inauthor:"{row["Author"]}"'
        query = f"isbn:{_isbn(row)}" if _isbn(row) else by_title
        asked = {"q": query, "maxResults": "1", "key": self.google_key}
        answer = await self._get(book, f"{self.google_books}/volumes", asked)
        volumes = answer.get("items", [])
        return list(volumes[0]["volumeInfo"].get("categories", [])) if volumes else []

    async def _get(self, book: FoundBook, url: str, asked: dict[str, str]) -> JsonObject:
        """An answer; an empty one stands for every failure."""
        try:
            async with self.client.get(url, params=asked) as response:
                book.was_refused |= response.status == HTTPStatus.TOO_MANY_REQUESTS
                return dict(await response.json()) if response.ok else {}
        except (aiohttp.ClientError, TimeoutError):
            return {}


async def look_up_one_by_one(
    export: bytes, *, open_library: str, google_books: str, google_key: str, seconds: float
) -> list[FoundBook]:
    """The books of an export that were looked up before the time was over."""
    rows = csv.DictReader(io.StringIO(export.decode()))
    async with aiohttp.ClientSession(
        headers={"User-Agent": USER_AGENT}, timeout=aiohttp.ClientTimeout(total=20)
    ) as client:
        library = _OneByOne(
            client, open_library, google_books, google_key, asyncio.Semaphore(BOOKS_AT_ONCE)
        )
        asking = [asyncio.create_task(library.look_up(row)) for row in rows]
        finished, unfinished = await asyncio.wait(asking, timeout=seconds)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        for task in finished:
            task.result()
    return library.done


def _isbn(row: dict[str, str]) -> str:
    return row["ISBN13"].strip('="')
