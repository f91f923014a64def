"""Google Books as a local server: the search for volumes and single volumes.

Belongs here: the endpoints, their answers and their quirks, keys and quotas. Does not belong here:
what is known of books (`catalogue.py`), outages and counting (`front_door.py`), the grammar of
partial answers (`partial_answer.py`).
"""

import re
import zlib
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orf_books.sandbox.behaviour import Behaviour, Counts, Service
from orf_books.sandbox.book_front_door import BookFrontDoor
from orf_books.sandbox.catalogue import Catalogue, CatalogueBook, GoogleBooksRecord
from orf_books.sandbox.front_door import Dice
from orf_books.sandbox.isbn import as_isbn10, as_isbn13
from orf_books.sandbox.limits import Window
from orf_books.sandbox.partial_answer import BadSelectorError, selected

Json = dict[str, Any]

MOST_RESULTS = 40
PUBLISHED_QUERIES_PER_DAY = 1000
PUBLISHED_QUERIES_PER_WINDOW = 100
PUBLISHED_WINDOW_SECONDS = 100
SHARED_PROJECT = 624717413613
"""The project to which calls without a key are billed; its quota is nothing."""
KEYED_PROJECT = 100200300400
_TERM = re.compile(r'(?:(?P<field>[A-Za-z]+):)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))')


def google_books_app(
    catalogue: Catalogue, behaviour: Behaviour, counts: Counts | None = None
) -> Starlette:
    """Google Books over a catalogue."""
    counts = counts or Counts()
    volumes = Volumes(catalogue, behaviour)
    front_door = Middleware(
        BookFrontDoor,
        rules=GoogleBooksRules(behaviour, counts),
        catalogue=catalogue,
        behaviour=behaviour,
        counts=counts,
    )
    return Starlette(
        routes=[
            Route("/volumes", volumes.search),
            Route("/volumes/{volume_id}", volumes.volume),
        ],
        middleware=[front_door],
    )


class GoogleBooksRules:
    """Whom Google Books refuses, and what its requests ask."""

    service = Service.GOOGLE_BOOKS

    def __init__(self, behaviour: Behaviour, counts: Counts) -> None:
        self._behaviour = behaviour
        self._counts = counts
        self._window = Window(PUBLISHED_WINDOW_SECONDS)
        self._this_minute = Window(60)
        self._dice = Dice()

    def endpoint(self, path: str) -> str:
        """`volumes` for searches, `volume` for single ones."""
        return "volumes" if path.rstrip("/") == "/volumes" else "volume"

    def naming_texts(self, request: Request) -> list[str]:
        """The query."""
        return request.query_params.getlist("q")

    def batch_size(self, _request: Request) -> int:
        """One: Google Books has no batches."""
        return 1

    async def refusal(self, _path: str, request: Request) -> Response | None:
        """Errors of key, quota and place, and the backend's failures; otherwise None."""
        asked = request.query_params
        if "key" not in asked:
            return _quota_exceeded(_PER_DAY, limit=0, project=SHARED_PROJECT)
        if asked["key"] != self._behaviour.google_key:
            return _invalid_key()
        if self._behaviour.google_unknown_location and "country" not in asked:
            return _unknown_location()
        return self._quota_refusal() or self._backend_failure(request)

    def _quota_refusal(self) -> Response | None:
        per_day = self._limit(self._behaviour.google_queries_per_day, PUBLISHED_QUERIES_PER_DAY)
        if per_day is not None and self._counts.requests(self.service) > per_day:
            return _quota_exceeded(_PER_DAY, per_day, KEYED_PROJECT)
        per_minute = self._behaviour.google_queries_per_minute
        if per_minute is not None and not self._this_minute.admits(per_minute):
            return _quota_exceeded(_PER_MINUTE, per_minute, KEYED_PROJECT)
        per_window = PUBLISHED_QUERIES_PER_WINDOW
        if self._behaviour.enforce_limits and not self._window.admits(per_window):
            return _quota_exceeded(_PER_MINUTE, per_window, KEYED_PROJECT)
        return None

    def _limit(self, wanted: int | None, published: int) -> int | None:
        if wanted is None and self._behaviour.enforce_limits:
            return published
        return wanted

    def _backend_failure(self, request: Request) -> Response | None:
        rate = self._behaviour.google_backend_failed_rate
        if rate and self._dice.chance(request, self._behaviour.fault_seed).random() < rate:
            return _backend_failed()
        return None


class Volumes:
    """The endpoints, each a method that takes a request."""

    def __init__(self, catalogue: Catalogue, behaviour: Behaviour) -> None:
        self._catalogue = catalogue
        self._behaviour = behaviour
        self._by_id: dict[str, tuple[CatalogueBook, GoogleBooksRecord]] = {}
        self._wrongly_found: dict[str, CatalogueBook] = {}
        for book in catalogue.books:
            if book.google_books:
                self._by_id[book.google_books.volume_id] = book, book.google_books
                self._wrongly_found |= dict.fromkeys(book.google_books.wrongly_found_by, book)

    async def search(self, request: Request) -> Response:
        """GET /volumes."""
        asked = request.query_params
        if not asked.get("q", "").strip():
            return _missing_query()
        most = int(asked.get("maxResults", "10"))
        if not 0 <= most <= MOST_RESULTS:
            return _bad_request(f"Invalid value '{most}'. Values must be within the range: [0, 40]")
        found = self._found(asked["q"])
        start = int(asked.get("startIndex", "0"))
        answer: Json = {"kind": "books#volumes", "totalItems": len(found)}
        items = [_list_item(book) for book in found[start : start + most]]
        if items:  # The real service leaves `items` out when there are none.
            answer["items"] = items
        return _partial(answer, asked.get("fields"))

    async def volume(self, request: Request) -> Response:
        """GET /volumes/{volume_id}."""
        known = self._by_id.get(request.path_params["volume_id"])
        if known is None:
            return _backend_failed()  # The real service has no 404 for this.
        return _partial(_volume(*known), request.query_params.get("fields"))

    def _found(self, query: str) -> list[CatalogueBook]:
        # `a OR b c` means (a or b) and c.
        alternatives: list[set[CatalogueBook]] = []
        joins_the_one_before = False
        for term in _TERM.finditer(query):
            if term["word"] == "OR" and self._behaviour.google_understands_or:
                joins_the_one_before = bool(alternatives)
                continue
            text = term["phrase"] if term["phrase"] is not None else term["word"]
            books = self._with(term["field"], text)
            if joins_the_one_before:
                alternatives[-1] = alternatives[-1] | books
            else:
                alternatives.append(books)
            joins_the_one_before = False
        found = set[CatalogueBook].intersection(*alternatives) if alternatives else set()
        known = [book for book in found if book.google_books]
        return sorted(known, key=lambda book: zlib.crc32(book.title.encode()))

    def _with(self, field: str | None, text: str) -> set[CatalogueBook]:
        if field == "isbn":
            return self._with_isbn_field(text)
        if field == "ISBN":
            return self._with_number(text)
        if field == "intitle":
            return self._catalogue.titles.find(text)
        if field == "inauthor":
            return self._catalogue.authors.find(text)
        anywhere = self._catalogue.titles.find(text) | self._catalogue.authors.find(text)
        return anywhere | self._with_number(text)

    def _with_isbn_field(self, number: str) -> set[CatalogueBook]:
        wrong = self._wrongly_found.get(as_isbn13(number) or "")
        if wrong:
            return {wrong}
        return {
            book
            for book in self._with_number(number)
            if book.google_books and not book.google_books.hidden_from_isbn_field
        }

    def _with_number(self, number: str) -> set[CatalogueBook]:
        book = self._catalogue.with_isbn(number)
        return {book} if book else set()


def _list_item(book: CatalogueBook) -> Json:
    """The reduced record of a search: one top-level category, plain text."""
    if book.google_books is None:
        return {}
    item = _volume(book, book.google_books)
    information = item["volumeInfo"]
    if "categories" in information:
        information["categories"] = [information["categories"][0].split(" / ")[0]]
    if book.google_books.description:
        information["description"] = book.google_books.description
        item["searchInfo"] = {"textSnippet": book.google_books.description[:80]}
    return item


def _volume(book: CatalogueBook, record: GoogleBooksRecord) -> Json:
    return {
        "kind": "books#volume",
        "id": record.volume_id,
        "etag": f"e{zlib.crc32(record.volume_id.encode()):010}",
        "selfLink": f"https://www.googleapis.com/books/v1/volumes/{record.volume_id}",
        "volumeInfo": _volume_information(book, record),
        "saleInfo": {"country": "US", "saleability": "NOT_FOR_SALE", "isEbook": False},
        "accessInfo": {"country": "US", "viewability": "NO_PAGES", "embeddable": False},
    }


def _volume_information(book: CatalogueBook, record: GoogleBooksRecord) -> Json:
    information = {
        "title": book.title,
        "subtitle": book.subtitle,
        "authors": list(book.authors),
        "publisher": book.publisher,
        "publishedDate": book.publish_date,
        "description": f"<p>{record.description}</p>" if record.description else None,
        "industryIdentifiers": _industry_identifiers(book),
        "pageCount": book.pages,
        "printType": "BOOK",
        "categories": list(record.categories),
        "maturityRating": "NOT_MATURE",
        "allowAnonLogging": False,
        "contentVersion": "preview-1.0.0",
        "imageLinks": _image_links(record.volume_id) if record.has_cover else None,
        "language": "en",
        "infoLink": f"http://books.google.com/books?id={record.volume_id}&source=gbs_api",
    }
    return {name: value for name, value in information.items() if value}


def _industry_identifiers(book: CatalogueBook) -> list[Json]:
    identifiers = []
    for isbn13 in book.isbns[:1]:
        identifiers.append({"type": "ISBN_13", "identifier": isbn13})
        isbn10 = as_isbn10(isbn13)
        if isbn10:
            identifiers.append({"type": "ISBN_10", "identifier": isbn10})
    return identifiers


def _image_links(volume_id: str) -> Json:
    start = f"http://books.google.com/books/content?id={volume_id}&printsec=frontcover&img=1"
    end = "edge=curl&source=gbs_api"
    return {"smallThumbnail": f"{start}&zoom=5&{end}", "thumbnail": f"{start}&zoom=1&{end}"}


def _partial(answer: Json, fields: str | None) -> Response:
    try:
        return JSONResponse(selected(answer, fields) if fields else answer)
    except BadSelectorError:
        return _bad_request(f"Invalid field selection {fields}")


def _error(http_status: int, message: str, error: Json, **more: object) -> Response:
    errors = [{"message": message, "domain": "global", **error}]
    body = {"error": {"code": http_status, "message": message, "errors": errors, **more}}
    return JSONResponse(body, status_code=http_status)


def _missing_query() -> Response:
    where = {"reason": "queryRequired", "location": "q", "locationType": "parameter"}
    return _error(400, "Missing query.", where)


def _bad_request(message: str) -> Response:
    return _error(400, message, {"reason": "invalidParameter"}, status="INVALID_ARGUMENT")


def _invalid_key() -> Response:
    message = "API key not valid. Please pass a valid API key."
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "books.googleapis.com"},
    }
    reason = {"reason": "badRequest"}
    return _error(400, message, reason, status="INVALID_ARGUMENT", details=[detail])


def _unknown_location() -> Response:
    message = "Cannot determine user location for geographically restricted operation."
    return _error(403, message, {"reason": "unknownLocation"})


def _backend_failed() -> Response:
    where = {"reason": "backendFailed", "location": "backend_flow", "locationType": "other"}
    return _error(503, "Service temporarily unavailable.", where)


_PER_DAY = {
    "name": "Queries per day",
    "quota_unit": "1/d/{project}",
    "quota_limit": "defaultPerDayPerProject",
}
_PER_MINUTE = {
    "name": "Queries per minute per user",
    "quota_unit": "1/min/{project}/{user}",
    "quota_limit": "defaultPerMinutePerUser",
}


def _quota_exceeded(quota: dict[str, str], limit: int, project: int) -> Response:
    message = (
        f"Quota exceeded for quota metric 'Queries' and limit '{quota['name']}' of service "
        f"'books.googleapis.com' for consumer 'project_number:{project}'."
    )
    metadata = {
        "quota_unit": quota["quota_unit"],
        "quota_metric": "books.googleapis.com/default",
        "quota_location": "global",
        "service": "books.googleapis.com",
        "quota_limit_value": str(limit),
        "consumer": f"projects/{project}",
        "quota_limit": quota["quota_limit"],
    }
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "RATE_LIMIT_EXCEEDED",
            "domain": "googleapis.com",
            "metadata": metadata,
        },
        {
            "@type": "type.googleapis.com/google.rpc.Help",
            "links": [
                {
                    "description": "Request a higher quota limit.",
                    "url": "https://cloud.google.com/docs/quotas/help/request_increase",
                }
            ],
        },
    ]
    reason = {"reason": "rateLimitExceeded"}
    return _error(429, message, reason, status="RESOURCE_EXHAUSTED", details=details)
