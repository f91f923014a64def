"""Google Books as a source of books, for those who have an API key.

Belongs here: its questions, its error bodies, its quota. Does not belong here: retries and pacing
(`http.py`), what counts as the same book (`books/metadata.py`).
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import TracebackType

import httpx

from orf_books.books.author_names import last_name
from orf_books.books.genres import genres_from_headings
from orf_books.books.metadata import (
    NO_KEY,
    NOT_YET,
    BookQuery,
    BookRecord,
    Match,
    SourceAnswer,
    has_isbn_of,
    isbn_forms,
)
from orf_books.books.similarity import (
    ACCEPTED_SIMILARITY,
    main_title,
    title_author_similarity,
    volume_words,
)
from orf_books.bounded_json import read_json
from orf_books.failures import FailureCategory, FixConfiguration, OrfBooksError, RetryLater
from orf_books.resources.grouped_lookup import GroupedLookup, GroupUndecided
from orf_books.resources.http import (
    NO_RETRY,
    AsksService,
    JsonObject,
    RetryPolicy,
    ServiceClient,
    ServiceFailure,
    ServiceRefusal,
    rate_limited,
)
from orf_books.resources.query_text import start_of
from orf_books.resources.rate_limit import (
    DailyQuota,
    LocalRateLimit,
    RateLimit,
    TurnIsTooFarAway,
)
from orf_books.resources.raw_answers import RawAnswer

PUBLIC_URL = "https://www.googleapis.com/books/v1"

_REMEDY = (
    "Check ORF_BOOKS_GOOGLE_BOOKS_KEY: the key must be valid, its project must have the Books API "
    "enabled, and its restrictions must allow this machine."
)
_VOLUME = (
    "id,volumeInfo(title,subtitle,authors,categories,description,industryIdentifiers,"
    "imageLinks(smallThumbnail,thumbnail))"
)
_LIST = f"kind,totalItems,items({_VOLUME})"
BOOKS_BY_ISBN = 40
"""Others have asked for so many in a request; it is also the most volumes that an answer holds."""
BOOKS_BY_DIGITS = 20
"""Two numbers each."""
GATHER_SECONDS = 0.1
"""What Open Library does not know comes in with its answers, a few books at a time."""
WITNESSES = 3
_MOST_VOLUMES = 40
_BY_NUMBER = 5
_BY_TITLE = 10
_LONGEST = 2000
"""Bytes of a title, or of an author, in a URL."""
_COUNTRY = "US"
"""For hosts that Google cannot place on a map."""


Terms = Callable[[BookQuery], Sequence[str]]
"""How a book's numbers are put into a query, the best first."""
Ask = Callable[[BookQuery], Awaitable[BookRecord | None]]


class GoogleBooks(AsksService):
    """Finds single books in Google Books; without a key it knows none and says why.

    A book is looked up by ISBN, many books a request, then by its bare digits, then by title and
    author, one book a request; a volume that the list gives no genre is asked for once more by
    itself, where its categories are whole. Each request costs one of the day's (1000 by default)
    and of each second's (1), so this source is for the gaps that others leave. Once the day's quota
    is gone or Google refuses the key, nothing is asked any more.

    Use as `async with`, from one event loop.

    Args:
        base_url: what stands before `/volumes`.
        key: the API key; None turns the source off.
        user_agent: `name/version (contact)`.
        rate_limit: when requests may leave; without, at any time.
        quota: what may be asked in a day, every attempt counted; without, as much as Google lets.
        retry_policy: how failing requests are tried again.
        keep: given every answer as it came.
    """

    name = "google_books"

    def __init__(  # noqa: PLR0913 - settings, all but the address by keyword
        self,
        base_url: str = PUBLIC_URL,
        *,
        key: str | None,
        user_agent: str,
        rate_limit: RateLimit | None = None,
        quota: DailyQuota | None = None,
        retry_policy: RetryPolicy | None = None,
        keep: Callable[[RawAnswer], None] = lambda _: None,
    ) -> None:
        self._key = key
        client = ServiceClient(
            "Google Books",
            base_url,
            # Google compresses only for those who say so here, too.
            user_agent=f"{user_agent} gzip",
            remedy=_REMEDY,
            rate_limit=_WithinQuota(rate_limit or LocalRateLimit(), quota) if quota else rate_limit,
            retry_policy=retry_policy,
            classify=failure_in,
            keep=keep,
        )
        super().__init__(client)
        self._quota = quota
        self._country: str | None = None
        self._witnesses: list[str] = []
        self._understands_or: bool | None = None

        def grouped(terms: Terms, size: int) -> GroupedLookup[BookQuery, JsonObject]:
            return GroupedLookup(
                lambda books, attempts: self._ask_by_number(terms, books, attempts),
                group_size=size,
                gather_seconds=GATHER_SECONDS,
            )

        self._by_isbn = grouped(_isbn_term, BOOKS_BY_ISBN)
        self._by_digits = grouped(_other_terms, BOOKS_BY_DIGITS)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for lookup in (self._by_isbn, self._by_digits):
            await lookup.aclose()
        await super().__aexit__(kind, error, traceback)

    def likely_knows(self, book: BookQuery) -> None:
        """Another source knows this book by its ISBN, so Google most likely does, too."""
        if len(self._witnesses) < WITNESSES:
            self._witnesses += isbn_forms(book)[:1]

    async def find(self, book: BookQuery, earlier: SourceAnswer | None = None) -> SourceAnswer:
        """What Google Books knows of a book.

        Where a question would have to wait too long for its turn, the answer says how far it got; a
        later call goes on from there, so each turn helps, however small the window.

        Raises:
            RetryLater: it could not answer; with category `quota_exhausted` not before tomorrow.
            FixConfiguration: it refuses the key.
        """
        if not self._key:
            return SourceAnswer(source=self.name, asked=(), record=None, note=NO_KEY)
        asked = list(earlier.asked) if earlier else []
        record = earlier.record if earlier else None
        try:
            record = record or await self._listed(book, asked)
            # A list names one broad category, `Fiction`; the volume itself has all of them.
            if record and not genres_from_headings([record.subjects]):
                record = await self._whole(record)
        except TurnIsTooFarAway:
            return SourceAnswer(self.name, tuple(asked), record, NOT_YET)
        return SourceAnswer(self.name, tuple(asked), record)

    async def _listed(self, book: BookQuery, asked: list[str]) -> BookRecord | None:
        """The record of a book as a list has it; `asked` grows by each question answered."""
        for question, ask in self._questions(book).items():
            if question in asked:
                continue
            record = await ask(book)
            asked.append(question)
            if record:
                return record
        return None

    def _questions(self, book: BookQuery) -> Mapping[str, Ask]:
        """What is asked about a book until an answer is there, in this order."""
        forms = isbn_forms(book)
        questions: dict[str, Ask] = {}
        if forms:
            # The field misses some ISBNs that the digits alone find.
            questions[_isbn_field(forms[0])] = partial(_found_by, self._by_isbn)
            questions[forms[0]] = partial(_found_by, self._by_digits)
        if _quotable(main_title(book.title)) and _quotable(last_name(book.author)):
            questions[Match.TITLE_AUTHOR.value] = self._find_by_title
        return questions

    async def _ask_by_number(
        self, terms: Terms, books: Sequence[BookQuery], attempts: int | None
    ) -> Mapping[BookQuery, JsonObject]:
        """The volume of each book that Google finds by its numbers.

        Several in a request are asked for with `OR`, which is not in Google's documentation, though
        widely done. So silence about them is believed only of a service that has shown, with any
        number but the first, that it reads on.
        """
        if len(books) == 1 and not self._understands_or:
            volumes = await self._search(terms(books[0])[0], _BY_NUMBER, attempts)
            return _volumes_by_book(books, volumes)
        if self._understands_or is False:
            raise GroupUndecided
        witnesses = [] if self._understands_or else self._witnesses
        question = " OR ".join(
            [*(term for book in books for term in terms(book)), *map(_isbn_field, witnesses)]
        )
        volumes = await self._search(question, _MOST_VOLUMES, attempts)
        found = _volumes_by_book(books, volumes)
        if not self._understands_or:
            read = {isbn for volume in volumes for isbn in _isbns(volume)}
            if read.isdisjoint(witnesses) and not found.keys() - {books[0]}:
                self._understands_or = False if witnesses else None
                raise GroupUndecided
            self._understands_or = True
        if len(volumes) >= _MOST_VOLUMES and 1 < len(books) != len(found):
            raise GroupUndecided
        return found

    async def _find_by_title(self, book: BookQuery) -> BookRecord | None:
        title, author = _quotable(main_title(book.title)), _quotable(last_name(book.author))
        volume = "".join(f" intitle:{number}" for number in volume_words(book.title)[:1])
        question = f'intitle:"{title}"{volume} inauthor:"{author}"'
        volumes = await self._search(question, _BY_TITLE)
        best = max(volumes, key=lambda volume: _similarity(book, volume), default=None)
        if best is None or (similarity := _similarity(book, best)) < ACCEPTED_SIMILARITY:
            return None
        return _record(best, Match.TITLE_AUTHOR, similarity)

    async def _whole(self, record: BookRecord) -> BookRecord:
        """The record of the volume itself instead of that of a list."""
        volume = await self._ask(f"/volumes/{record.source_id}", {"fields": _VOLUME})
        return _record(volume, record.match, record.confidence) if volume else record

    async def _search(
        self, question: str, most: int, attempts: int | None = None
    ) -> list[JsonObject]:
        parameters = {"q": question, "maxResults": str(most), "fields": _LIST}
        answer = await self._ask("/volumes", parameters, attempts) or {}
        volumes = answer.get("items", [])
        # Nothing found is a count of zero and no `items` at all.
        if not isinstance(volumes, list) or not ("items" in answer or "totalItems" in answer):
            raise ServiceFailure(
                "Google Books answers a search without a count.", FailureCategory.BAD_RESPONSE
            )
        return [volume for volume in volumes if isinstance(volume, dict)]

    async def _ask(
        self, path: str, parameters: dict[str, str], attempts: int | None = None
    ) -> JsonObject | None:
        country = {"country": self._country} if self._country else {}
        try:
            return await self._client.find_json(
                path, {**parameters, **country, "key": self._key or ""}, attempts=attempts
            )
        except _UnknownLocation:
            if self._country is not None:
                raise
            self._country = _COUNTRY
            return await self._ask(path, parameters, attempts)
        except RetryLater as failure:
            if failure.category is FailureCategory.QUOTA_EXHAUSTED:
                self._client.circuit_breaker.stop(failure)
                if self._quota:
                    await self._quota.exhaust()
            raise


class _WithinQuota:
    """A rate limit of which each turn, for retries too, costs one of the day's requests."""

    def __init__(self, rate_limit: RateLimit, quota: DailyQuota) -> None:
        self._rate_limit = rate_limit
        self._quota = quota
        self.hold = rate_limit.hold

    async def turn(self) -> None:
        """Wait for the next free turn.

        Raises:
            RetryLater: the day's requests are spent, or the turn is too far away.
        """
        await self._rate_limit.turn()
        if not await self._quota.spend():
            raise _quota_is_spent()


class _UnknownLocation(FixConfiguration):
    """Google wants to be told the country."""


def failure_in(response: httpx.Response) -> OrfBooksError | None:
    """What an error body means: one status stands for several things, and so do the reasons."""
    error = _error_in(response)
    reasons = _reasons(error)
    if "unknownLocation" in reasons:
        return _UnknownLocation(f"Google Books cannot tell the country of this machine. {_REMEDY}")
    if reasons & {"API_KEY_INVALID", "keyInvalid"}:
        return ServiceRefusal(f"Google Books does not know the key. {_REMEDY}")
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
        content = read_json(response.content)
    except ValueError:
        return {}
    error = content.get("error") if isinstance(content, dict) else None
    return error if isinstance(error, dict) else {}


def _reasons(error: JsonObject) -> frozenset[str]:
    entries = [*_objects(error.get("errors")), *_objects(error.get("details"))]
    return frozenset([_text(error, "status"), *(_text(entry, "reason") for entry in entries)])


async def _found_by(
    lookup: GroupedLookup[BookQuery, JsonObject], book: BookQuery
) -> BookRecord | None:
    volume = await lookup.find(book)
    return _record(volume, Match.ISBN, 1.0) if volume else None


def _record(volume: JsonObject, match: Match, confidence: float) -> BookRecord:
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


def _isbn_field(isbn: str) -> str:
    return f"isbn:{isbn}"


def _isbn_term(book: BookQuery) -> Sequence[str]:
    return [_isbn_field(isbn_forms(book)[0])]


def _other_terms(book: BookQuery) -> Sequence[str]:
    best, *others = isbn_forms(book)
    return [best, *map(_isbn_field, others)]


def _volumes_by_book(
    books: Sequence[BookQuery], volumes: Sequence[JsonObject]
) -> dict[BookQuery, JsonObject]:
    """The best volume of each book that has one.

    Google also answers with other books, so only the number in the volume itself counts.
    """
    of_books = {
        book: [volume for volume in volumes if has_isbn_of(book, _isbns(volume))] for book in books
    }
    return {
        book: next((volume for volume in same if _categories(volume)), same[0])
        for book, same in of_books.items()
        if same
    }


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
    return start_of(" ".join(text.replace('"', " ").split()), _LONGEST)


def _text(entry: JsonObject, name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _texts(values: object) -> tuple[str, ...]:
    items: Sequence[object] = values if isinstance(values, list) else ()
    return tuple(item for item in items if isinstance(item, str))


def _objects(values: object) -> list[JsonObject]:
    items: Sequence[object] = values if isinstance(values, list) else ()
    return [item for item in items if isinstance(item, dict)]
