"""Covers, as covers.openlibrary.org serves them: by cover id, by edition and by ISBN.

Belongs here: the cover endpoints and drawing a plain picture for a book. Does not belong here:
how many covers a caller may ask for (`open_library.py`).
"""

import base64
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from orf_books.sandbox.catalogue import Catalogue, CatalogueBook
from orf_books.sandbox.flat_jpeg import flat_jpeg

_NO_COVER = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_SIZES = {"S": (38, 58), "M": (120, 180)}
_LARGE = (328, 500)
_SHADES = ((0, 0), (40, -30), (-30, 40), (-40, -20), (20, 30), (50, 10), (-20, -50), (10, 55))
"""How far a cover's two colour channels are from grey."""


def cover_routes(catalogue: Catalogue) -> list[Route]:
    """The endpoints that serve pictures."""
    covers = Covers(catalogue)
    return [
        Route("/b/{kind}/{name}.jpg", covers.cover),
        Route("/archive/{cover_id:int}.jpg", covers.archived),
    ]


def is_cover(path: str) -> bool:
    """Whether a path asks for a picture."""
    return path.startswith(("/b/", "/archive/"))


def is_limited_cover(path: str) -> bool:
    """Whether a picture is asked for by a number other than cover id and edition key."""
    return is_cover(path) and not path.startswith(("/b/id/", "/b/olid/", "/archive/"))


class Covers:
    """The endpoints, each a method that takes a request."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._ids: dict[str, int] = {}
        for book in catalogue.books:
            cover_id = _cover_id(book)
            if cover_id and book.open_library:
                self._ids[str(cover_id)] = self._ids[book.open_library.edition] = cover_id

    async def cover(self, request: Request) -> Response:
        """GET /b/{kind}/{value}-{size}.jpg."""
        value, _, size = request.path_params["name"].rpartition("-")
        cover_id = self._find(request.path_params["kind"].casefold(), value)
        if cover_id is None:
            if request.query_params.get("default") == "false":
                return Response("not found", status_code=404)
            return Response(_NO_COVER, media_type="image/gif")
        if size not in _SIZES:
            root = request.scope.get("root_path", "")
            return RedirectResponse(f"{root}/archive/{cover_id}.jpg", status_code=302)
        return _picture(cover_id, _SIZES[size])

    async def archived(self, request: Request) -> Response:
        """The place to which large covers are redirected."""
        return _picture(request.path_params["cover_id"], _LARGE)

    def _find(self, kind: str, value: str) -> int | None:
        if kind in {"id", "olid"}:
            return self._ids.get(value)
        book = self._catalogue.with_isbn(value.replace("-", "")) if kind == "isbn" else None
        return _cover_id(book) if book else None


def _cover_id(book: CatalogueBook) -> int | None:
    return book.open_library.cover_id if book.open_library else None


def _picture(cover_id: int, size: tuple[int, int]) -> Response:
    return Response(_drawn(cover_id % 97, *size), media_type="image/jpeg")


@lru_cache(maxsize=512)
def _drawn(variety: int, width: int, height: int) -> bytes:
    blue, red = _SHADES[variety % len(_SHADES)]
    return flat_jpeg(width, height, brightness=90 + variety, blue=blue, red=red)
