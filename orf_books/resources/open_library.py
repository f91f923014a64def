"""Open Library as a source of books.

Belongs here: its search, its books API, and which of them is asked about which book. Does not
belong here: retries and rate limits (`http.py`), grouping lookups (`grouped_lookup.py`), what
counts as the same book (`books/metadata.py`).
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from urllib.parse import quote_plus

from orf_books.books.author_names import last_name
from orf_books.books.metadata import BookQuery, BookRecord, Match, SourceAnswer, isbn_forms
from orf_books.books.similarity import (
    ACCEPTED_SIMILARITY,
    main_title,
    title_author_similarity,
    volume_words,
)
from orf_books.failures import FailureCategory
from orf_books.resources.grouped_lookup import AskGroup, GroupedLookup, GroupUndecided
from orf_books.resources.http import (
    AsksService,
    JsonObject,
    RetryPolicy,
    ServiceClient,
    ServiceFailure,
)
from orf_books.resources.query_text import start_of
from orf_books.resources.rate_limit import RateLimit
from orf_books.resources.raw_answers import RawAnswer

PUBLIC_URL = "https://openlibrary.org"
COVERS_URL = "https://covers.openlibrary.org"

BOOKS_BY_NUMBER = 100
"""By ISBN or Goodreads id; the maintainers speak of hundreds of books in one search."""
BOOKS_BY_BIBKEY = 25
"""What the maintainers advise for `/api/books`."""
BOOKS_BY_TITLE = 20
"""Fewer, because every title also finds works of other books."""
WORKS_IN_AN_ANSWER = 200
TITLE_BYTES, AUTHOR_BYTES = 300, 100
"""Of a book in a URL, at most."""
LONGEST_QUERY = 7000
"""Bytes in a URL, since servers refuse request lines of 8 kB; longer ones are split."""

_REMEDY = (
    "Set ORF_BOOKS_CONTACT to an e-mail address or URL that names whoever runs this: "
    "Open Library refuses clients whose operator it cannot contact."
)
_WORK = "key,title,subtitle,author_name,subject,cover_i"
_OTHER_NAMES = "author_alternative_name,editions,editions.title,editions.subtitle"
"""What identifies a translation: the edition that fits the question best, and the author's other
names."""


Questions = dict[str, GroupedLookup[BookQuery, BookRecord]]
"""The questions about a book, such as `isbn:9780441013593`, each with the lookup that asks it."""


class OpenLibrary(AsksService):
    """Finds books in Open Library, many concurrent questions in few requests.

    A book is looked up by ISBN in the search; if that does not know it, at once by ISBN in the
    books API (which sees editions that the search does not), by Goodreads id, and by title and
    author. Without an ISBN it is looked up by Goodreads id, and then by title and author. So it
    takes one round trip for most books and never more than two.

    Use as `async with`, from one event loop.

    Args:
        base_url: what stands before `/search.json`.
        user_agent: `name/version (contact)`; without a contact Open Library refuses.
        rate_limit: when requests may leave; without, at any time.
        retry_policy: how failing requests are tried again.
        keep: given every answer as it came.
    """

    name = "open_library"

    def __init__(
        self,
        base_url: str = PUBLIC_URL,
        *,
        user_agent: str,
        rate_limit: RateLimit | None = None,
        retry_policy: RetryPolicy | None = None,
        keep: Callable[[RawAnswer], None] = lambda _: None,
    ) -> None:
        client = ServiceClient(
            "Open Library",
            base_url,
            user_agent=user_agent,
            remedy=_REMEDY,
            rate_limit=rate_limit,
            retry_policy=retry_policy,
            keep=keep,
        )
        super().__init__(client)
        self._witness: str | None = None

        def grouped(
            ask: AskGroup[BookQuery, BookRecord], size: int
        ) -> GroupedLookup[BookQuery, BookRecord]:
            return GroupedLookup(ask, group_size=size, turn=client.take_turn)

        self._by_isbn = grouped(self._ask_by_isbn, BOOKS_BY_NUMBER)
        self._by_bibkey = grouped(self._ask_by_bibkey, BOOKS_BY_BIBKEY)
        self._by_goodreads_id = grouped(self._ask_by_goodreads_id, BOOKS_BY_NUMBER)
        self._by_title = grouped(self._ask_by_title, BOOKS_BY_TITLE)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        lookups = (self._by_isbn, self._by_bibkey, self._by_goodreads_id, self._by_title)
        for lookup in lookups:
            await lookup.aclose()
        await super().__aexit__(kind, error, traceback)

    async def find(self, book: BookQuery) -> SourceAnswer:
        """What Open Library knows of a book.

        Raises:
            RetryLater: it could not be asked, or not about this book.
            FixConfiguration: it refuses us.
        """
        asked: list[str] = []
        record: BookRecord | None = None
        for questions in self._rounds(book):
            asked += questions
            lookups = [lookup.find(book) for lookup in questions.values()]
            record = _best(await asyncio.gather(*lookups, return_exceptions=True))
            if record is not None:
                break
        return SourceAnswer(source=self.name, asked=tuple(asked), record=record)

    def _rounds(self, book: BookQuery) -> list[Questions]:
        """What to ask about a book; a round only where the one before found nothing.

        Whatever is left to ask about an ISBN that the search does not know is asked at once: it
        rarely helps, and should not cost two round trips.
        """
        isbns = isbn_forms(book)
        by_isbn = {f"isbn:{isbns[0]}": self._by_isbn} if isbns else {}
        by_bibkey = {f"bibkey:{isbns[0]}": self._by_bibkey} if isbns else {}
        by_goodreads_id = (
            {f"goodreads_id:{book.goodreads_id}": self._by_goodreads_id}
            if book.goodreads_id
            else {}
        )
        has_words = _searchable(book.title) and _searchable(book.author)
        by_title = {Match.TITLE_AUTHOR.value: self._by_title} if has_words else {}
        if isbns:
            return [by_isbn, by_bibkey | by_goodreads_id | by_title]
        return [by_goodreads_id, by_title]

    async def _ask_by_isbn(
        self, books: Sequence[BookQuery], attempts: int | None
    ) -> Mapping[BookQuery, BookRecord]:
        # Both forms, since a work may list an edition under one of them only.
        isbns = dict.fromkeys(isbn for book in books for isbn in isbn_forms(book))
        works = await self._search(f"isbn:({' OR '.join(isbns)})", f"{_WORK},isbn", attempts)
        by_isbn = works.by("isbn")
        found = works.matched(
            books,
            lambda book: [work for isbn in isbn_forms(book) for work in by_isbn.get(isbn, ())],
            Match.ISBN,
        )
        if found:
            self._witness = isbn_forms(next(iter(found)))[0]
        return found

    async def _ask_by_goodreads_id(
        self, books: Sequence[BookQuery], attempts: int | None
    ) -> Mapping[BookQuery, BookRecord]:
        ids = dict.fromkeys(book.goodreads_id for book in books if book.goodreads_id)
        works = await self._search(
            f"id_goodreads:({' OR '.join(ids)})", f"{_WORK},id_goodreads", attempts
        )
        by_goodreads_id = works.by("id_goodreads")
        return works.matched(
            books, lambda book: by_goodreads_id.get(book.goodreads_id or "", ()), Match.GOODREADS_ID
        )

    async def _ask_by_title(
        self, books: Sequence[BookQuery], attempts: int | None
    ) -> Mapping[BookQuery, BookRecord]:
        clauses = dict.fromkeys(_title_and_author(book) for book in books)
        query = " OR ".join(clauses)
        if len(books) > 1 and len(quote_plus(query)) > LONGEST_QUERY:
            raise GroupUndecided
        works = await self._search(query, f"{_WORK},{_OTHER_NAMES}", attempts)
        return works.matched(
            books,
            lambda book: [w for w in works if _similarity(book, w) >= ACCEPTED_SIMILARITY],
            Match.TITLE_AUTHOR,
        )

    async def _search(self, query: str, fields: str, attempts: int | None) -> "_Works":
        answer = await self._client.get_json(
            "/search.json",
            {"q": query, "fields": fields, "limit": WORKS_IN_AN_ANSWER},
            attempts=attempts,
        )
        works = answer.get("docs")
        if not isinstance(works, list):
            raise ServiceFailure(
                "Open Library answers a search without a list of works.",
                FailureCategory.BAD_RESPONSE,
            )
        found = answer.get("numFound")
        is_cut_off = isinstance(found, int) and found > len(works)
        return _Works([work for work in works if isinstance(work, dict)], is_cut_off=is_cut_off)

    async def _ask_by_bibkey(
        self, books: Sequence[BookQuery], attempts: int | None
    ) -> Mapping[BookQuery, BookRecord]:
        bibkeys = {book: f"ISBN:{isbn_forms(book)[0]}" for book in books}
        # One damaged record makes the answer to all bibkeys `{}`, which is also what unknown ones
        # get. An edition that Open Library is known to have tells the two apart.
        witness = [f"ISBN:{self._witness}"] if self._witness else []
        answer = await self._client.get_json(
            "/api/books",
            {
                "bibkeys": ",".join(dict.fromkeys([*bibkeys.values(), *witness])),
                "jscmd": "data",
                "format": "json",
            },
            attempts=attempts,
        )
        if not answer and len(books) > 1:
            raise GroupUndecided
        if not answer and witness:
            return await self._ask_for_edition(books[0], attempts)
        return {
            book: _record_of_edition(answer[bibkey])
            for book, bibkey in bibkeys.items()
            if isinstance(answer.get(bibkey), dict)
        }

    async def _ask_for_edition(
        self, book: BookQuery, attempts: int | None
    ) -> Mapping[BookQuery, BookRecord]:
        """Ask for the edition alone, which answers even if its work or authors are damaged."""
        edition = await self._client.find_json(
            f"/isbn/{isbn_forms(book)[0]}.json", {}, attempts=attempts
        )
        return {book: _record_of_bare_edition(edition)} if edition else {}


class _Works:
    """The works that a search found."""

    def __init__(self, works: Sequence[JsonObject], *, is_cut_off: bool) -> None:
        self._works = works
        self._is_cut_off = is_cut_off

    def __iter__(self) -> Iterator[JsonObject]:
        return iter(self._works)

    def by(self, field: str) -> Mapping[str, Sequence[JsonObject]]:
        """The works by the numbers that they list in a field, without hyphens."""
        index = defaultdict[str, list[JsonObject]](list)
        for work in self._works:
            for number in _texts(work.get(field)):
                index[number.replace("-", "").upper()].append(work)
        return index

    def matched(
        self,
        books: Sequence[BookQuery],
        about: Callable[[BookQuery], Sequence[JsonObject]],
        match: Match,
    ) -> dict[BookQuery, BookRecord]:
        """A record for each book that one of the works is about; the most similar one.

        Raises:
            GroupUndecided: some of several books are missing, and so is the rest of the answer.
        """
        found = {}
        for book in books:
            if candidates := about(book):
                best = max(candidates, key=lambda work: _preference(book, work))
                found[book] = _record_of_work(best, match, _similarity(book, best))
        if self._is_cut_off and 1 < len(books) != len(found):
            raise GroupUndecided
        return found


def _preference(book: BookQuery, work: JsonObject) -> tuple[bool, bool, float]:
    similarity = _similarity(book, work)
    return similarity >= ACCEPTED_SIMILARITY, bool(work.get("subject")), similarity


def _best(outcomes: Sequence[BookRecord | BaseException | None]) -> BookRecord | None:
    """The first record with subjects; else, where no question failed, the first of all."""
    records = [outcome for outcome in outcomes if isinstance(outcome, BookRecord)]
    for record in records:
        if record.subjects:
            return record
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            # What it would have found may be better than a bare record, or than nothing.
            raise outcome
    return records[0] if records else None


def _record_of_work(work: JsonObject, match: Match, similarity: float) -> BookRecord:
    return BookRecord(
        source_id=_text(work.get("key")),
        title=_text(work.get("title")),
        subjects=_texts(work.get("subject")),
        thumbnail_url=_cover_by_id(work.get("cover_i"), "M"),
        small_thumbnail_url=_cover_by_id(work.get("cover_i"), "S"),
        description=None,
        match=match,
        confidence=similarity if match is Match.TITLE_AUTHOR else 1.0,
    )


def _record_of_bare_edition(edition: JsonObject) -> BookRecord:
    covers = edition.get("covers")
    cover = covers[0] if isinstance(covers, list) and covers else None
    return BookRecord(
        source_id=_text(edition.get("key")),
        title=_text(edition.get("title")),
        subjects=_texts(edition.get("subjects")),
        thumbnail_url=_cover_by_id(cover, "M"),
        small_thumbnail_url=_cover_by_id(cover, "S"),
        description=None,
        match=Match.ISBN,
        confidence=1.0,
    )


def _record_of_edition(edition: JsonObject) -> BookRecord:
    cover = edition.get("cover")
    covers = cover if isinstance(cover, dict) else {}
    return BookRecord(
        source_id=_text(edition.get("key")),
        title=_text(edition.get("title")),
        subjects=_texts(edition.get("subjects")),
        thumbnail_url=_cover_url(covers.get("medium")),
        small_thumbnail_url=_cover_url(covers.get("small")),
        description=None,
        match=Match.ISBN,
        confidence=1.0,
    )


def _cover_by_id(cover: object, size: str) -> str | None:
    # -1 stands for a cover that was removed.
    is_known = isinstance(cover, int) and cover > 0
    return f"{COVERS_URL}/b/id/{cover}-{size}.jpg" if is_known else None


def _cover_url(url: object) -> str | None:
    return url if isinstance(url, str) and "/-1-" not in url else None


def _similarity(book: BookQuery, work: JsonObject) -> float:
    return title_author_similarity(
        book,
        _text(work.get("title")),
        (*_texts(work.get("author_name")), *_texts(work.get("author_alternative_name"))),
        _text(work.get("subtitle")),
        _edition_titles(work),
    )


def _edition_titles(work: JsonObject) -> list[str]:
    editions = work.get("editions")
    docs = editions.get("docs") if isinstance(editions, dict) else None
    titles = [
        ": ".join(filter(None, (_text(edition.get("title")), _text(edition.get("subtitle")))))
        for edition in (docs if isinstance(docs, list) else ())
        if isinstance(edition, dict)
    ]
    return [title for title in titles if title]


def _title_and_author(book: BookQuery) -> str:
    title = start_of(_searchable(main_title(book.title)) or _searchable(book.title), TITLE_BYTES)
    author = start_of(_searchable(last_name(book.author)) or _searchable(book.author), AUTHOR_BYTES)
    # The search knows works by the titles of all their editions.
    clause = f'title:"{title}"'
    if volume := volume_words(book.title):
        clause += f" AND title:({' OR '.join(volume)})"
    return f'({clause} AND (author:"{author}" OR author_alternative_name:"{author}"))'


def _searchable(text: str) -> str:
    """Without the characters that mean something in a query: quotes, backslashes, colons."""
    plain = text.replace("\u2019", "'").translate(dict.fromkeys(map(ord, '"\\:'), " "))
    return " ".join(plain.split())


def _texts(values: object) -> tuple[str, ...]:
    """Names in a list; older records have objects where newer ones have texts."""
    items: Iterable[object] = values if isinstance(values, list) else ()
    return tuple(text for item in items if (text := _text(item)))


def _text(item: object) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, int):
        return str(item)
    if isinstance(item, dict):
        name = item.get("name") or item.get("value")
        return name if isinstance(name, str) else str(item.get("key", "")).rpartition("/")[2]
    return ""
