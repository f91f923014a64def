import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from orf_books.books.metadata import NO_KEY, NOT_YET, BookQuery, Match, SourceAnswer
from orf_books.failures import FailureCategory, FixConfiguration, OrfBooksError, RetryLater
from orf_books.resources.google_books import GoogleBooks, failure_in
from orf_books.resources.http import RetryPolicy, ServiceClient
from orf_books.resources.ledger import Ledger
from orf_books.resources.rate_limit import DailyQuota, SharedWindow
from orf_books.resources.raw_answers import RawAnswer
from orf_books.sandbox.behaviour import GOOGLE_BOOKS_KEY, Service
from orf_books.sandbox.catalogue import Catalogue, CatalogueBook, GoogleBooksRecord
from orf_books.sandbox.server import Sandbox

AGENT = "orf_books/0 (someone@example.org)"
AT_ONCE = RetryPolicy(first_wait=0.0, jitter=0.0, rate_limited_wait=0.0)

DUNE = CatalogueBook(
    "1",
    "Dune",
    ("Frank Herbert",),
    isbns=("9780441013593",),
    google_books=GoogleBooksRecord(
        "dune", ("Fiction / Science Fiction / Space Opera", "Fiction / Classics"), "A desert."
    ),
)
COSMOS = CatalogueBook(
    "2",
    "Cosmos",
    ("Carl Sagan",),
    isbns=("9780345539434",),
    google_books=GoogleBooksRecord("cosmos", ("Science / General",)),
)
HIDDEN = CatalogueBook(
    "3",
    "Circe",
    ("Madeline Miller",),
    isbns=("9780316556347",),
    google_books=GoogleBooksRecord("circe", ("Cooking",), hidden_from_isbn_field=True),
)
WRONG = CatalogueBook(
    "4",
    "Another Book",
    ("Another Author",),
    isbns=("9780000000002",),
    google_books=GoogleBooksRecord("wrong", ("Travel",), wrongly_found_by=("9780765326355",)),
)
WRONGLY_ANSWERED = CatalogueBook(
    "5", "The Way of Kings", ("Brandon Sanderson",), isbns=("9780765326355",)
)
CATALOGUE = Catalogue([DUNE, COSMOS, HIDDEN, WRONG, WRONGLY_ANSWERED])


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(CATALOGUE) as running:
        yield running


def question(book: CatalogueBook, *, with_isbn: bool = True) -> BookQuery:
    isbn13 = book.isbns[0] if with_isbn else None
    return BookQuery(book.goodreads_id, None, book.title, book.authors[0], None, isbn13)


def outcomes(
    sandbox: Sandbox,
    books: Sequence[BookQuery],
    key: str | None = GOOGLE_BOOKS_KEY,
    quota: DailyQuota | None = None,
) -> list[SourceAnswer | BaseException]:
    """One book after the other."""

    async def find() -> list[SourceAnswer | BaseException]:
        async with GoogleBooks(
            sandbox.google_books_url, key=key, user_agent=AGENT, retry_policy=AT_ONCE, quota=quota
        ) as google:
            asked_before = requests(sandbox)
            found: list[SourceAnswer | BaseException] = []
            for book in books:
                found += await asyncio.gather(google.find(book), return_exceptions=True)
            assert google.requests == requests(sandbox) - asked_before
            return found

    return asyncio.run(find())


def answer(sandbox: Sandbox, book: BookQuery) -> SourceAnswer:
    (found,) = outcomes(sandbox, [book])
    assert isinstance(found, SourceAnswer)
    return found


def requests(sandbox: Sandbox) -> int:
    return sandbox.counts.requests(Service.GOOGLE_BOOKS)


def test_without_a_key_nothing_is_asked_and_the_note_says_why(sandbox: Sandbox) -> None:
    (found,) = outcomes(sandbox, [question(DUNE)], key=None)
    assert found == SourceAnswer(source="google_books", asked=(), record=None, note=NO_KEY)
    assert requests(sandbox) == 0


def test_what_google_answers_without_a_key_is_a_spent_quota(sandbox: Sandbox) -> None:
    response = httpx.get(f"{sandbox.google_books_url}/volumes", params={"q": "dune"})
    assert response.status_code == 429
    assert category(failure_in(response)) is FailureCategory.QUOTA_EXHAUSTED


def test_a_book_that_google_does_not_know_is_an_answer(sandbox: Sandbox) -> None:
    unknown = CatalogueBook("6", "Nobody Knows It", ("Some One",), isbns=("9780000000019",))
    assert answer(sandbox, question(unknown)).record is None
    assert requests(sandbox) == 3


def test_a_book_is_found_by_isbn_and_its_categories_in_the_volume(sandbox: Sandbox) -> None:
    found = answer(sandbox, question(DUNE))
    assert found.asked == ("isbn:9780441013593",)
    record = found.record
    assert record is not None
    assert record.subjects == ("Fiction / Science Fiction / Space Opera", "Fiction / Classics")
    assert (record.source_id, record.match, record.confidence) == ("dune", Match.ISBN, 1.0)
    assert requests(sandbox) == 2


def test_categories_of_the_list_are_enough_where_they_name_a_genre(sandbox: Sandbox) -> None:
    record = answer(sandbox, question(COSMOS)).record
    assert record is not None
    assert record.subjects == ("Science",)
    assert requests(sandbox) == 1


def test_covers_come_by_https_and_without_a_curl(sandbox: Sandbox) -> None:
    record = answer(sandbox, question(COSMOS)).record
    assert record is not None
    assert record.thumbnail_url == (
        "https://books.google.com/books/content"
        "?id=cosmos&printsec=frontcover&img=1&zoom=1&source=gbs_api"
    )
    assert record.small_thumbnail_url is not None
    assert "edge" not in record.small_thumbnail_url


def test_bare_digits_find_what_the_isbn_field_misses(sandbox: Sandbox) -> None:
    found = answer(sandbox, question(HIDDEN))
    assert found.asked == ("isbn:9780316556347", "9780316556347")
    assert found.record is not None
    assert found.record.source_id == "circe"


def test_another_book_that_the_isbn_field_finds_is_not_taken(sandbox: Sandbox) -> None:
    found = answer(sandbox, question(WRONGLY_ANSWERED))
    assert found.record is None
    assert found.asked == ("isbn:9780765326355", "9780765326355", "title_author")


def test_a_book_without_isbn_is_found_by_title_and_author(sandbox: Sandbox) -> None:
    found = answer(sandbox, question(COSMOS, with_isbn=False))
    assert found.asked == ("title_author",)
    assert found.record is not None
    assert (found.record.match, found.record.confidence) == (Match.TITLE_AUTHOR, 1.0)


def test_a_very_long_title_is_asked_for_by_its_start(sandbox: Sandbox) -> None:
    asked = replace(question(COSMOS, with_isbn=False), title="字" * 10_000, author="字" * 10_000)
    assert answer(sandbox, asked).record is None


def test_a_similar_title_is_not_taken(sandbox: Sandbox) -> None:
    asked = replace(question(COSMOS, with_isbn=False), author="Carla Sagan", title="Cosmos, Book 2")
    assert answer(sandbox, asked).record is None


def invented(number: int) -> CatalogueBook:
    isbn = f"978000000{number:03}"
    volume = GoogleBooksRecord(f"v{number}", ("Travel",)) if number % 3 else None
    digit = (10 - sum(int(d) * (1, 3)[i % 2] for i, d in enumerate(isbn)) % 10) % 10
    return CatalogueBook(
        str(number),
        f"Voyage {number}",
        (f"Author {number}",),
        isbns=(f"{isbn}{digit}",),
        google_books=volume,
    )


MANY = [invented(number) for number in range(60)]
"""Google knows two of three."""


def found_at_once(
    sandbox: Sandbox, books: Sequence[BookQuery], *, witnesses: Sequence[BookQuery] = ()
) -> list[str | None]:
    """The volumes of books that are asked for at the same time."""

    async def find() -> list[SourceAnswer]:
        async with GoogleBooks(
            sandbox.google_books_url, key=GOOGLE_BOOKS_KEY, user_agent=AGENT, retry_policy=AT_ONCE
        ) as google:
            for book in witnesses:
                google.likely_knows(book)
            return await asyncio.gather(*map(google.find, books))

    records = [answer.record for answer in asyncio.run(find())]
    return [record.source_id if record else None for record in records]


VOLUMES = [f"v{number}" if number % 3 else None for number in range(60)]


def test_books_asked_for_together_take_one_request_for_forty() -> None:
    with Sandbox(Catalogue(MANY)) as sandbox:
        assert found_at_once(sandbox, list(map(question, MANY))) == VOLUMES
        by_isbn, by_digits_at_most, by_title = 2, 2, 20
        assert requests(sandbox) <= by_isbn + by_digits_at_most + by_title


def test_where_or_is_not_understood_every_book_is_asked_for_singly() -> None:
    with Sandbox(Catalogue(MANY)) as sandbox:
        sandbox.behaviour.google_understands_or = False
        known = question(MANY[1])
        assert found_at_once(sandbox, list(map(question, MANY)), witnesses=[known]) == VOLUMES
        in_vain, by_isbn, by_digits, by_title = 3, 60, 20, 20
        assert requests(sandbox) <= in_vain + by_isbn + by_digits + by_title


def test_silence_about_unknown_books_is_believed_once_a_known_one_was_found_beside_them() -> None:
    unknown = [book for book in MANY if not book.google_books]
    with Sandbox(Catalogue(MANY)) as sandbox:
        found = found_at_once(sandbox, list(map(question, unknown)), witnesses=[question(MANY[1])])
        assert found == [None] * 20
        assert requests(sandbox) == 1 + 1 + 20


def test_without_a_known_one_unknown_books_are_asked_for_singly_before_they_are_believed() -> None:
    unknown = [book for book in MANY if not book.google_books][:4]
    with Sandbox(Catalogue(MANY)) as sandbox:
        assert found_at_once(sandbox, list(map(question, unknown))) == [None] * 4
        halves_by_isbn, halves_by_digits, by_title = 7, 7, 4
        assert requests(sandbox) <= halves_by_isbn + halves_by_digits + by_title


def test_what_would_wait_long_for_its_turn_is_left_to_a_later_run(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    ledger = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    titles = [question(COSMOS, with_isbn=False)] * 3

    async def find() -> list[SourceAnswer]:
        async with GoogleBooks(
            sandbox.google_books_url,
            key=GOOGLE_BOOKS_KEY,
            user_agent=AGENT,
            rate_limit=SharedWindow(Ledger(ledger), "google", 1, 100, longest_wait=0.0),
        ) as google:
            return await asyncio.gather(*map(google.find, titles))

    found = asyncio.run(find())
    asked = [answer for answer in found if answer.record]
    assert len(asked) == 1
    assert {answer.note for answer in found if answer not in asked} == {NOT_YET}
    assert requests(sandbox) == len(asked)


@pytest.mark.parametrize(
    ("book", "requests_needed"), [(DUNE, 2), (HIDDEN, 2), (WRONGLY_ANSWERED, 3)]
)
def test_however_small_the_window_a_book_is_asked_about_to_the_end(
    sandbox: Sandbox, tmp_path: Path, book: CatalogueBook, requests_needed: int
) -> None:
    async def one_turn(window: int, earlier: SourceAnswer | None) -> SourceAnswer:
        async with GoogleBooks(
            sandbox.google_books_url,
            key=GOOGLE_BOOKS_KEY,
            user_agent=AGENT,
            rate_limit=SharedWindow(
                Ledger(f"sqlite:///{tmp_path / str(window)}"), "google", 1, 100, longest_wait=0.0
            ),
        ) as google:
            return await google.find(question(book), earlier)

    found: list[SourceAnswer] = []
    for window in range(requests_needed):
        found.append(asyncio.run(one_turn(window, found[-1] if found else None)))

    assert [each.note for each in found] == [NOT_YET] * (requests_needed - 1) + [None]
    assert requests(sandbox) == requests_needed
    assert found[-1] == answer(sandbox, question(book))


def test_every_answer_is_kept_whole_and_without_the_key(sandbox: Sandbox) -> None:
    kept: list[RawAnswer] = []

    async def find() -> None:
        async with GoogleBooks(
            sandbox.google_books_url, key=GOOGLE_BOOKS_KEY, user_agent=AGENT, keep=kept.append
        ) as google:
            await google.find(question(DUNE))

    asyncio.run(find())
    bodies = [json.loads(answer.body) for answer in kept]
    assert [body.get("id") or body["totalItems"] for body in bodies] == [1, "dune"]
    assert "isbn%3A9780441013593" in kept[0].request
    assert GOOGLE_BOOKS_KEY not in "".join(answer.request + answer.body for answer in kept)


def test_results_come_in_pages(sandbox: Sandbox) -> None:
    asked = {"q": "author", "maxResults": "2", "key": GOOGLE_BOOKS_KEY, "fields": "items(id)"}

    async def pages() -> list[list[str]]:
        with Sandbox(Catalogue(MANY)) as many:
            async with ServiceClient(
                "Google Books", many.google_books_url, user_agent=AGENT, retry_policy=AT_ONCE
            ) as client:
                answers = [
                    await client.get_json("/volumes", {**asked, "startIndex": start})
                    for start in (0, 2, 1000)
                ]
        return [[volume["id"] for volume in answer.get("items", [])] for answer in answers]

    first, second, beyond = asyncio.run(pages())
    assert len({*first, *second}) == 4
    assert beyond == []


def test_a_country_is_named_where_google_cannot_tell_it(sandbox: Sandbox) -> None:
    sandbox.behaviour.google_unknown_location = True
    found = outcomes(sandbox, [question(COSMOS), question(COSMOS)])
    assert all(isinstance(each, SourceAnswer) and each.record for each in found)
    assert requests(sandbox) == 3


def test_failures_of_the_backend_are_tried_again(sandbox: Sandbox) -> None:
    sandbox.behaviour.google_backend_failed_rate = 0.3
    found = outcomes(sandbox, [question(COSMOS)] * 10)
    assert all(isinstance(each, SourceAnswer) and each.record for each in found)
    assert requests(sandbox) > 10


def test_an_outage_is_no_book_not_found(sandbox: Sandbox) -> None:
    sandbox.behaviour.down = True
    (failure,) = outcomes(sandbox, [question(COSMOS)])
    assert isinstance(failure, RetryLater)
    assert failure.category is FailureCategory.UNAVAILABLE
    assert requests(sandbox) == 4


def test_once_the_days_quota_is_gone_nothing_is_asked_any_more(sandbox: Sandbox) -> None:
    sandbox.behaviour.google_queries_per_day = 2
    found = outcomes(sandbox, [question(COSMOS)] * 5)
    assert [isinstance(each, SourceAnswer) for each in found] == [True, True, False, False, False]
    assert all(category(each) is FailureCategory.QUOTA_EXHAUSTED for each in found[2:])
    assert requests(sandbox) == 3


def test_too_many_requests_a_minute_pass(sandbox: Sandbox) -> None:
    sandbox.behaviour.google_queries_per_minute = 1
    found = outcomes(sandbox, [question(COSMOS)] * 2)
    assert category(found[1]) is FailureCategory.RATE_LIMITED
    assert requests(sandbox) == 1 + 4


def test_a_wrong_key_is_for_someone_to_fix_and_is_tried_once(sandbox: Sandbox) -> None:
    found = outcomes(sandbox, [question(COSMOS)] * 3, key="wrong-key")
    assert all(isinstance(each, FixConfiguration) for each in found)
    assert "ORF_BOOKS_GOOGLE_BOOKS_KEY" in str(found[0])
    assert "wrong-key" not in str(found[0])
    assert requests(sandbox) == 1


def error(http_status: int, reason: str, message: str = "", **more: object) -> httpx.Response:
    body = {"code": http_status, "message": message, "errors": [{"reason": reason}], **more}
    return httpx.Response(http_status, json={"error": body})


@pytest.mark.parametrize(
    ("response", "category"),
    [
        (error(429, "rateLimitExceeded", "limit 'Queries per day'"), "quota_exhausted"),
        (error(429, "rateLimitExceeded", "limit 'Queries per minute'"), "rate_limited"),
        (
            error(
                429,
                "rateLimitExceeded",
                details=[{"metadata": {"quota_limit": "defaultPerDayPerProject"}}],
            ),
            "quota_exhausted",
        ),
        (error(403, "dailyLimitExceeded"), "quota_exhausted"),
        (error(403, "userRateLimitExceeded"), "rate_limited"),
        (error(400, "quotaExceeded", "limit 'Queries per day'"), "quota_exhausted"),
        (httpx.Response(429, content=b"<html>"), "rate_limited"),
    ],
)
def test_a_quota_is_told_by_the_body(response: httpx.Response, category: str) -> None:
    failure = failure_in(response)
    assert isinstance(failure, RetryLater)
    assert failure.category == category


@pytest.mark.parametrize(
    "response",
    [
        error(400, "badRequest", details=[{"reason": "API_KEY_INVALID"}]),
        error(403, "unknownLocation"),
    ],
)
def test_a_refusal_is_told_by_the_body(response: httpx.Response) -> None:
    assert isinstance(failure_in(response), FixConfiguration)


@pytest.mark.parametrize(
    "response",
    [
        error(403, "accessNotConfigured"),
        error(503, "backendFailed"),
        httpx.Response(502),
        httpx.Response(502, content=b"[" * 100_000),
    ],
)
def test_what_the_status_tells_is_left_to_it(response: httpx.Response) -> None:
    assert failure_in(response) is None


def category(outcome: object) -> FailureCategory | None:
    return outcome.category if isinstance(outcome, OrfBooksError) else None


def test_clients_spend_one_daily_quota_together_and_after_a_restart(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"

    def ask() -> SourceAnswer | BaseException:
        quota = DailyQuota(Ledger(url), "google_books", requests_per_day=2)
        (found,) = outcomes(sandbox, [question(DUNE)], quota=quota)
        return found

    outcomes_of_runs = [ask(), ask(), ask()]

    assert isinstance(outcomes_of_runs[0], SourceAnswer)
    assert isinstance(outcomes_of_runs[2], RetryLater)
    assert outcomes_of_runs[2].category is FailureCategory.QUOTA_EXHAUSTED
    assert requests(sandbox) == 2


def test_a_quota_that_google_calls_spent_is_spent_for_other_clients_too(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.behaviour.google_queries_per_day = 1
    sandbox.behaviour.enforce_limits = True
    quota = DailyQuota(
        Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}"), "google_books", requests_per_day=1000
    )
    outcomes(sandbox, [question(DUNE), question(COSMOS)], quota=quota)
    asked_before = requests(sandbox)

    (found,) = outcomes(sandbox, [question(COSMOS)], quota=quota)

    assert isinstance(found, RetryLater)
    assert found.category is FailureCategory.QUOTA_EXHAUSTED
    assert requests(sandbox) == asked_before
