"""Google Books as a source of books, for those who have an API key.

Belongs here: its questions, its error bodies, its quota. Does not belong here: retries and pacing
(`http.py`), what counts as the same book (`books/metadata.py`).
"""

import asyncio
import json
from collections.abc import Sequence

import httpx

from orf_books.books.genres import genres_from_headings
from orf_books.books.metadata import (
    BookQuery,
    BookRecord,
    Match,
    SourceAnswer,
    has_isbn_of,
    isbn_forms,
)
from orf_books.books.similarity import (
    ACCEPTED_SIMILARITY,
    last_name,
    main_title,
    title_author_similarity,
)
from orf_books.failures import FailureCategory, FixConfiguration, OrfBooksError, RetryLater
from orf_books.resources.http import (
    NO_RETRY,
    AsksService,
    JsonObject,
    Patience,
    ServiceClient,
    ServiceFailure,
    rate_limited,
)
from orf_books.resources.pace import DailyQuota, OwnPace, Pace

PUBLIC_URL = "https://www.googleapis.com/books/v1"
NO_KEY = "no key: set ORF_BOOKS_GOOGLE_BOOKS_KEY"

_REMEDY = (
    "Check ORF_BOOKS_GOOGLE_BOOKS_KEY: the key must be valid, its project must have the Books API "
    "enabled, and its restrictions must allow this machine."
)
_VOLUME = (
    "id,volumeInfo(title,subtitle,authors,categories,description,industryIdentifiers,"
    "imageLinks(smallThumbnail,thumbnail))"
)
_LIST = f"kind,totalItems,items({_VOLUME})"
_BY_NUMBER = 5
_BY_TITLE = 10
_COUNTRY = "US"
"""For hosts that Google cannot place on a map."""


class GoogleBooks(AsksService):
    """Finds single books in Google Books; without a key it knows none and says why.

    A book is looked up by ISBN, by its bare digits, and by title and author, until one question
    finds it; a volume that the list gives no genre is asked for once more by itself, where its
    categories are whole. Each question costs one of the day's (1000 by default), so this source is
    for the gaps that others leave. Once the day's quota is gone or Google refuses the key, nothing
    is asked any more.

    Use as `async with`, from one event loop.

    Args:
        base_url: what stands before `/volumes`.
        key: the API key; None turns the source off.
        user_agent: `name/version (contact)`.
        pace: when requests may leave; without, at any time.
        quota: what may be asked in a day, every attempt counted; without, as much as Google lets.
        concurrency: how many books are asked for at once.
        patience: how failing requests are tried again.
    """

    name = "google_books"

    def __init__(  # noqa: PLR0913 - settings, all but the address by keyword
        self,
        base_url: str = PUBLIC_URL,
        *,
        key: str | None,
        user_agent: str,
        pace: Pace | None = None,
        quota: DailyQuota | None = None,
        concurrency: int = 64,
        patience: Patience | None = None,
    ) -> None:
        self._key = key
        client = ServiceClient(
            "Google Books",
            base_url,
            # Google compresses only for those who say so here, too.
            user_agent=f"{user_agent} gzip",
            remedy=_REMEDY,
            pace=_WithinQuota(pace or OwnPace(), quota) if quota else pace,
            patience=patience,
            connections=concurrency,
            classify=failure_in,
        )
        super().__init__(client)
        self._quota = quota
        self._places = asyncio.Semaphore(concurrency)
        self._country: str | None = None
        self._closed_by: OrfBooksError | None = None

    async def find(self, book: BookQuery) -> SourceAnswer:
        """What Google Books knows of a book.

        Raises:
            RetryLater: it could not answer; with category `quota_exhausted` not before tomorrow.
            FixConfiguration: it refuses the key.
        """
        if not self._key:
            return SourceAnswer(source=self.name, asked=(), record=None, note=NO_KEY)
        asked: list[str] = []
        async with self._places:
            record = await self._find_by_isbn(book, asked) or await self._find_by_title(book, asked)
        return SourceAnswer(source=self.name, asked=tuple(asked), record=record)

    async def _find_by_isbn(self, book: BookQuery, asked: list[str]) -> BookRecord | None:
        forms = isbn_forms(book)
        # The field misses some ISBNs that the digits alone find.
        for question in (f"isbn:{forms[0]}", forms[0]) if forms else ():
            asked.append(question)
            volumes = await self._search(question, _BY_NUMBER)
            # It also answers with other books, so only the number in the volume itself counts.
            same = [volume for volume in volumes if has_isbn_of(book, _isbns(volume))]
            if same:
                best = next((volume for volume in same if _categories(volume)), same[0])
                return await self._record(best, Match.ISBN, 1.0)
        return None

    async def _find_by_title(self, book: BookQuery, asked: list[str]) -> BookRecord | None:
        title, author = _quotable(main_title(book.title)), _quotable(last_name(book.author))
        if not (title and author):
            return None
        asked.append(Match.TITLE_AUTHOR.value)
        volumes = await self._search(f'intitle:"{title}" inauthor:"{author}"', _BY_TITLE)
        best = max(volumes, key=lambda volume: _similarity(book, volume), default=None)
        if best is None or (similarity := _similarity(book, best)) < ACCEPTED_SIMILARITY:
            return None
        return await self._record(best, Match.TITLE_AUTHOR, similarity)

    async def _record(self, volume: JsonObject, match: Match, confidence: float) -> BookRecord:
        if not genres_from_headings([_categories(volume)]):
            # A list names one broad category, `Fiction`; the volume itself has all of them.
            volume = await self._volume(_text(volume, "id")) or volume
        about = _about(volume)
        images = about.get("imageLinks")
        links = images if isinstance(images, dict) else {}
        return BookRecord(
            source_id=_text(volume, "id"),
            title=_text(about, "title"),
            subjects=_categories(volume),
            thumbnail_url=_cover_url(links.get("thumbnail")),
            small_thumbnail_url=_cover_url(links.get("smallThumbnail")),
            description=_text(about, "description") or None,
            match=match,
            confidence=confidence,
        )

    async def _search(self, question: str, most: int) -> list[JsonObject]:
        parameters = {"q": question, "maxResults": str(most), "fields": _LIST}
        answer = await self._ask("/volumes", parameters) or {}
        volumes = answer.get("items", [])
        # Nothing found is a count of zero and no `items` at all.
        if not isinstance(volumes, list) or not ("items" in answer or "totalItems" in answer):
            raise ServiceFailure(
                "Google Books answers a search without a count.", FailureCategory.BAD_RESPONSE
            )
        return [volume for volume in volumes if isinstance(volume, dict)]

    async def _volume(self, volume_id: str) -> JsonObject | None:
        return await self._ask(f"/volumes/{volume_id}", {"fields": _VOLUME})

    async def _ask(self, path: str, parameters: dict[str, str]) -> JsonObject | None:
        if self._closed_by is not None:
            raise self._closed_by.with_traceback(None)
        try:
            return await self._ask_with_key(path, parameters)
        except _UnknownLocation:
            if self._country is not None:
                raise
            self._country = _COUNTRY
            return await self._ask(path, parameters)
        except (RetryLater, FixConfiguration) as failure:
            if _is_final(failure):
                self._closed_by = failure
            if self._quota and failure.category is FailureCategory.QUOTA_EXHAUSTED:
                self._quota.exhaust()
            raise

    async def _ask_with_key(self, path: str, parameters: dict[str, str]) -> JsonObject | None:
        country = {"country": self._country} if self._country else {}
        return await self._client.find_json(path, {**parameters, **country, "key": self._key or ""})


class _WithinQuota:
    """A pace whose turns, those of repeated attempts too, each cost one of the day's requests."""

    def __init__(self, pace: Pace, quota: DailyQuota) -> None:
        self._pace = pace
        self._quota = quota
        self.seconds_until_free = pace.seconds_until_free
        self.hold = pace.hold

    async def turn(self) -> None:
        """Wait for the next free turn.

        Raises:
            RetryLater: the day's requests are spent.
        """
        if not self._quota.spend():
            raise _quota_is_spent()
        await self._pace.turn()


class _UnknownLocation(FixConfiguration):
    """Google wants to be told the country."""


def _is_final(failure: RetryLater | FixConfiguration) -> bool:
    is_refusal = isinstance(failure, FixConfiguration)
    return is_refusal or failure.category is FailureCategory.QUOTA_EXHAUSTED


def failure_in(response: httpx.Response) -> OrfBooksError | None:
    """What an error body means: one status stands for several things, and so do the reasons."""
    error = _error_in(response)
    reasons = _reasons(error)
    if "unknownLocation" in reasons:
        return _UnknownLocation(f"Google Books cannot tell the country of this machine. {_REMEDY}")
    if reasons & {"API_KEY_INVALID", "keyInvalid"}:
        return FixConfiguration(f"Google Books does not know the key. {_REMEDY}")
    if _is_about_quota(response, reasons):
        return _quota_failure(response, error, reasons)
    return None


def _is_about_quota(response: httpx.Response, reasons: frozenset[str]) -> bool:
    return response.status_code == httpx.codes.TOO_MANY_REQUESTS or bool(
        reasons
        & {
            "rateLimitExceeded",
            "userRateLimitExceeded",
            "dailyLimitExceeded",
            "quotaExceeded",
            "RATE_LIMIT_EXCEEDED",
            "RESOURCE_EXHAUSTED",
        }
    )


def _quota_failure(
    response: httpx.Response, error: JsonObject, reasons: frozenset[str]
) -> ServiceFailure:
    # Day and minute share status and reason; only the limit's name and the message differ.
    told = json.dumps(error).casefold()
    is_daily = any(sign in told for sign in ("perday", "per day", "1/d/"))
    if is_daily or "dailyLimitExceeded" in reasons:
        return _quota_is_spent()
    return rate_limited("Google Books", response)


def _quota_is_spent() -> ServiceFailure:
    return ServiceFailure(
        "The day's quota of Google Books is used up; it starts anew at midnight Pacific time. "
        "A larger one can be asked for in the Google Cloud console.",
        FailureCategory.QUOTA_EXHAUSTED,
        retries=NO_RETRY,
        one_question_may_be_the_cause=False,
    )


def _error_in(response: httpx.Response) -> JsonObject:
    try:
        content = response.json()
    except ValueError:
        return {}
    error = content.get("error") if isinstance(content, dict) else None
    return error if isinstance(error, dict) else {}


def _reasons(error: JsonObject) -> frozenset[str]:
    entries = [*_objects(error.get("errors")), *_objects(error.get("details"))]
    return frozenset([_text(error, "status"), *(_text(entry, "reason") for entry in entries)])


def _similarity(book: BookQuery, volume: JsonObject) -> float:
    about = _about(volume)
    return title_author_similarity(
        book, _text(about, "title"), _texts(about.get("authors")), _text(about, "subtitle")
    )


def _isbns(volume: JsonObject) -> list[str]:
    identifiers = _objects(_about(volume).get("industryIdentifiers"))
    return [
        _text(entry, "identifier")
        for entry in identifiers
        if _text(entry, "type").startswith("ISBN")
    ]


def _categories(volume: JsonObject) -> tuple[str, ...]:
    return _texts(_about(volume).get("categories"))


def _about(volume: JsonObject) -> JsonObject:
    about = volume.get("volumeInfo")
    return about if isinstance(about, dict) else {}


def _cover_url(url: object) -> str | None:
    """By https, and without the curled corner that Google draws."""
    if not isinstance(url, str):
        return None
    cover = httpx.URL(url)
    return str(cover.copy_with(scheme="https").copy_remove_param("edge"))


def _quotable(text: str) -> str:
    return " ".join(text.replace('"', " ").split())


def _text(entry: JsonObject, name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _texts(values: object) -> tuple[str, ...]:
    items: Sequence[object] = values if isinstance(values, list) else ()
    return tuple(item for item in items if isinstance(item, str))


def _objects(values: object) -> list[JsonObject]:
    items: Sequence[object] = values if isinstance(values, list) else ()
    return [item for item in items if isinstance(item, dict)]
