"""Open Library as a local server: search, books API and records.

Belongs here: the endpoints with their quirks, and who is refused. Does not belong here: the shapes
of answers (`open_library_answers.py`), the query language (`search_language.py`), outages and
counting (`front_door.py`).
"""

import asyncio
import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from orf_books.sandbox.behaviour import Behaviour, Counts, Service
from orf_books.sandbox.book_front_door import BookFrontDoor
from orf_books.sandbox.catalogue import Catalogue, CatalogueBook, OpenLibraryRecord, normalised
from orf_books.sandbox.front_door import page
from orf_books.sandbox.limits import LeakyBucket
from orf_books.sandbox.open_library_answers import (
    Json,
    data_entry,
    details_entry,
    edition_record,
    kind,
    redirect_record,
    search_doc,
    view_entry,
    work_record,
)
from orf_books.sandbox.search_language import Books, Search

DEFAULT_SEARCH_FIELDS = (
    "author_key,author_name,cover_edition_key,cover_i,edition_count,first_publish_year,"
    "has_fulltext,key,language,subtitle,title"
)
"""What a search returns unasked: no ISBNs, no subjects."""
NAMING_PARAMETERS = ("q", "title", "author", "isbn", "bibkeys")
SHORTEST_QUERY = 3
LONGEST_ADDRESS = 8000
"""Of path and query together; the proxy reads the request line into 8 KiB."""

_LIBRARY_AGENT = re.compile(r"^(python-|aiohttp|curl/|Wget/|Go-http-client|okhttp|axios/|$)")


def open_library_app(
    catalogue: Catalogue, behaviour: Behaviour, counts: Counts | None = None
) -> Starlette:
    """Open Library over a catalogue."""
    library = OpenLibrary(catalogue)
    front_door = Middleware(
        BookFrontDoor,
        rules=OpenLibraryRules(behaviour),
        catalogue=catalogue,
        behaviour=behaviour,
        counts=counts or Counts(),
    )
    return Starlette(
        routes=[
            Route("/search.json", library.search),
            Route("/api/books", library.books_api),
            Route("/api/books.json", library.books_api),
            Route("/isbn/{isbn}.json", library.by_isbn),
            Route("/works/{work}/editions.json", library.editions),
            Route("/works/{work}.json", library.work),
            Route("/books/{edition}.json", library.edition),
            Route("/authors/{author}.json", library.author),
        ],
        middleware=[front_door],
    )


class OpenLibraryRules:
    """Whom Open Library refuses, and what its requests ask."""

    service = Service.OPEN_LIBRARY

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._requests = LeakyBucket(per_minute=180, burst=25, undelayed=10)

    def endpoint(self, path: str) -> str:
        """The name of an endpoint: `search`, `api/books`, `isbn`, `works`, `books`..."""
        first, *rest = path.strip("/").removesuffix(".json").split("/")
        return "/".join((first, *rest)) if first == "api" else first

    def naming_texts(self, request: Request) -> list[str]:
        """The query parameters that name books."""
        return [v for k, v in request.query_params.multi_items() if k in NAMING_PARAMETERS]

    def batch_size(self, request: Request) -> int:
        """How many bibkeys there are."""
        return len(_bibkeys(request))

    async def refusal(self, _path: str, request: Request) -> Response | None:
        """414 for the long, 403 for the unidentified, 429 for the hasty; otherwise None."""
        if len(request.url.path) + len(request.url.query) > LONGEST_ADDRESS:
            return page(414, "Request-URI Too Large")
        if self._behaviour.require_contact and not _is_identified(request):
            return page(403, "Forbidden")
        if self._behaviour.enforce_limits:
            return await self._rate_refusal()
        return None

    async def _rate_refusal(self) -> Response | None:
        wait = self._requests.seconds_to_wait()
        if wait is None:
            return _too_many_requests()
        await asyncio.sleep(wait)
        return None


def _is_identified(request: Request) -> bool:
    agent = request.headers.get("user-agent", "")
    return ("@" in agent or "http" in agent) and not _LIBRARY_AGENT.match(agent)


def _too_many_requests() -> Response:
    message = "Too Many Requests. Consider using https://openlibrary.org/developers/dumps."
    return JSONResponse({"status": 429, "message": message}, status_code=429)


class OpenLibrary:
    """The endpoints, each a method that takes a request."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._by_key: dict[str, CatalogueBook] = {}
        self._former_works: dict[str, str] = {}
        for book in catalogue.books:
            if book.open_library:
                self._list(book, book.open_library)

    def _list(self, book: CatalogueBook, record: OpenLibraryRecord) -> None:
        self._by_key[record.edition] = book
        if not record.orphaned:
            self._by_key[record.work] = book
        if record.former_work:
            self._former_works[record.former_work] = record.work

    async def search(self, request: Request) -> Response:
        """GET /search.json."""
        asked = request.query_params
        query = asked.get("q", "").strip()
        if query and (len(query) < SHORTEST_QUERY or query.casefold() == "the"):
            return _unprocessable("q", "The query is too short or too common.")
        limit, offset = _limit_and_offset(asked)
        found = _by_relevance(self._found(query, asked), query)
        fields = asked.get("fields") or DEFAULT_SEARCH_FIELDS
        docs = [search_doc(book, fields, query) for book in found[offset : offset + limit]]
        return JSONResponse(
            {
                "numFound": len(found),
                "start": offset,
                "numFoundExact": True,
                "num_found": len(found),
                "documentation_url": "https://openlibrary.org/dev/docs/api/search",
                "q": query,
                "offset": offset or None,
                "docs": docs,
            }
        )

    def _found(self, query: str, asked: Mapping[str, str]) -> Books:
        parts = [f"({query})"] if query else []
        parts += [
            f"{name}:({asked[name]})" for name in ("title", "author", "isbn") if name in asked
        ]
        return Search(self._catalogue, " AND ".join(parts)).books()

    async def books_api(self, request: Request) -> Response:
        """GET /api/books and /api/books.json."""
        asked = request.query_params
        if "bibkeys" not in asked:
            return _unprocessable("bibkeys", "Field required")
        command = "details" if asked.get("details") == "true" else asked.get("jscmd", "viewapi")
        if command not in _BOOKS_API_ENTRIES:
            return _unprocessable("jscmd", "Input should be 'viewapi', 'data' or 'details'")
        answer = self._books_api_answer(_bibkeys(request), _BOOKS_API_ENTRIES[command])
        return _books_api_response(request, answer)

    def _books_api_answer(
        self, bibkeys: Iterable[str], entry: Callable[[str, CatalogueBook, OpenLibraryRecord], Json]
    ) -> Json:
        answer = {}
        for bibkey in bibkeys:
            book = self._with_bibkey(bibkey)
            if book is None or book.open_library is None:
                continue
            if book.open_library.poisoned:
                return {}  # The real service swallows the exception together with the batch.
            answer[bibkey] = entry(bibkey, book, book.open_library)
        return answer

    def _with_bibkey(self, bibkey: str) -> CatalogueBook | None:
        """The book of a key such as `ISBN:978...`, `olid:OL1M` or a bare number."""
        match = re.fullmatch(r"(?:(isbn|olid):?)?([\w-]+)", bibkey, re.IGNORECASE)
        if match is None:
            return None
        value = match[2].upper()
        if value.startswith("OL"):
            return self._by_key.get(value) if value.endswith("M") else None
        return self._catalogue.with_isbn(value.replace("-", ""))

    async def by_isbn(self, request: Request) -> Response:
        """GET /isbn/{isbn}.json."""
        book = self._catalogue.with_isbn(request.path_params["isbn"].replace("-", "").upper())
        if book is None or book.open_library is None:
            return HTMLResponse("<html><body><h1>404 Not Found</h1></body></html>", status_code=404)
        path = f"{request.scope.get('root_path', '')}/books/{book.open_library.edition}.json"
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(path + query, status_code=302)

    async def work(self, request: Request) -> Response:
        """GET /works/{work}.json."""
        key = request.path_params["work"]
        if key in self._former_works:
            return JSONResponse(redirect_record(key, self._former_works[key]))
        book = self._by_key.get(key)
        if book is None or book.open_library is None or not key.endswith("W"):
            return _not_found(f"/works/{key}")
        return JSONResponse(work_record(book, book.open_library))

    async def editions(self, request: Request) -> Response:
        """GET /works/{work}/editions.json."""
        key = request.path_params["work"]
        book = self._by_key.get(key)
        if book is None or book.open_library is None or not key.endswith("W"):
            return _not_found(f"/works/{key}")
        links = {"self": f"/works/{key}/editions.json", "work": f"/works/{key}"}
        entries = [edition_record(book, book.open_library)]
        return JSONResponse({"links": links, "size": 1, "entries": entries})

    async def edition(self, request: Request) -> Response:
        """GET /books/{edition}.json."""
        key = request.path_params["edition"]
        book = self._by_key.get(key)
        if book is None or book.open_library is None or not key.endswith("M"):
            return _not_found(f"/books/{key}")
        return JSONResponse(edition_record(book, book.open_library))

    async def author(self, request: Request) -> Response:
        """GET /authors/{author}.json."""
        key = request.path_params["author"]
        for book in self._by_key.values():
            if book.open_library and key in book.open_library.authors:
                name = book.authors[book.open_library.authors.index(key)]
                return JSONResponse({"key": f"/authors/{key}", "name": name, **kind("author")})
        return _not_found(f"/authors/{key}")


def _bibkeys(request: Request) -> list[str]:
    lists = request.query_params.getlist("bibkeys")
    return [key.strip() for keys in lists for key in keys.split(",") if key.strip()]


def _limit_and_offset(asked: Mapping[str, str]) -> tuple[int, int]:
    limit = int(asked.get("limit", "100"))
    page_number = int(asked.get("page", "1"))
    return limit, int(asked.get("offset", limit * (page_number - 1)))


def _by_relevance(books: Books, query: str) -> list[CatalogueBook]:
    """Whole titles first, then in an order that is independent of the order of the query."""

    def rank(book: CatalogueBook) -> tuple[bool, int]:
        whole_title = normalised(book.title) == normalised(query)
        return not whole_title, zlib.crc32(book.title.encode())

    return sorted(books, key=rank)


_BOOKS_API_ENTRIES = {"viewapi": view_entry, "data": data_entry, "details": details_entry}


def _books_api_response(request: Request, answer: Json) -> Response:
    text = json.dumps(answer)
    callback = request.query_params.get("callback")
    if callback:
        return Response(f"{callback}({text});", media_type="application/javascript")
    is_json = request.query_params.get("format") == "json" or request.url.path.endswith(".json")
    # Without format=json the body is JavaScript, whatever the content type says.
    return Response(
        text if is_json else f"var _OLBookInfo = {text};", media_type="application/json"
    )


def _unprocessable(parameter: str, message: str) -> Response:
    detail = [{"type": "value_error", "loc": ["query", parameter], "msg": message}]
    return JSONResponse({"detail": detail}, status_code=422)


def _not_found(key: str) -> Response:
    return JSONResponse({"error": "notfound", "key": key}, status_code=404)
